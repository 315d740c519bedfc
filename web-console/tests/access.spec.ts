import type { Page } from "@playwright/test";
import { Api } from "./support/session";
import { expect, signInByForm, test, unique } from "./support/test";

/** Makes a user with a key by the pages; answers its pair. */
async function makeUser(page: Page, name: string, policy?: string): Promise<{ id: string; secret: string }> {
  await page.goto("/access/users");
  await page.getByRole("button", { name: "Create a user" }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByRole("heading", { name: `Users · ${name}` })).toBeVisible();
  if (policy) {
    await page.getByLabel("Attach the policy").selectOption({ label: policy });
    await page.getByRole("button", { name: "Attach the policy" }).click();
    await expect(page.getByRole("button", { name: `Take ${policy} away` })).toBeVisible();
  }
  await page.getByRole("button", { name: "Create an access key" }).click();
  const dialog = page.getByRole("dialog", { name: "New access key" });
  const pair = {
    id: await dialog.getByLabel("Access key", { exact: true }).inputValue(),
    secret: await dialog.getByLabel("Secret key", { exact: true }).inputValue(),
  };
  await dialog.getByRole("button", { name: "I have kept it" }).click();
  return pair;
}

test("a user is made, signs in, may read and not write, and is locked out by a policy", async ({
  console_: page,
  api,
  browser,
  server,
}) => {
  const [bucket, user] = [unique("reading"), unique("anna")];
  await api.bucket(bucket);
  await api.put(bucket, "readable.txt", "read me");
  const pair = await makeUser(page, user, "AmazonS3ReadOnlyAccess");

  const context = await browser.newContext({ baseURL: server.console });
  const theirs = await context.newPage();
  await theirs.goto(`/buckets/${bucket}`);
  await signInByForm(theirs, pair.id, pair.secret);
  await expect(theirs.getByRole("button", { name: "readable.txt" })).toBeVisible();
  await expect(theirs.getByRole("link", { name: "Drives and nodes" })).toBeHidden();
  await theirs
    .getByLabel("Files to upload")
    .setInputFiles({ name: "no.txt", mimeType: "text/plain", buffer: Buffer.from("no") });
  await expect(
    theirs.getByRole("region", { name: "Uploads" }).getByText(/is not authorized to perform: s3:PutObject/),
  ).toBeVisible();

  await page.goto(`/buckets/${bucket}/settings/policy`);
  const policy = {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Deny",
        Principal: { AWS: `arn:aws:iam::${await api.account()}:user/${user}` },
        Action: "s3:*",
        Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
      },
    ],
  };
  await page.getByLabel(`Policy of ${bucket}`).fill(JSON.stringify(policy));
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved")).toBeVisible();
  await theirs.goto(`/buckets/${bucket}`);
  await expect(theirs.getByRole("alert")).toContainText("AccessDenied");
  await expect(theirs.getByRole("alert")).toContainText("request id");
  await context.close();
});

test("groups, policies of their own and the simulator decide alike", async ({ console_: page }) => {
  const [group, user, policy] = [unique("readers"), unique("berta"), unique("photos")];
  await makeUser(page, user);
  await page.goto("/access/policies");
  await page.getByRole("button", { name: "Create a policy" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill(policy);
  await dialog.getByRole("button", { name: "Read one bucket" }).click();
  const document = dialog.getByLabel("Policy document");
  await document.fill((await document.inputValue()).replaceAll("BUCKET", "photos"));
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("link", { name: policy, exact: true })).toBeVisible();

  await page.goto("/access/groups");
  await page.getByRole("button", { name: "Create a group" }).click();
  await page.getByLabel("Name", { exact: true }).fill(group);
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByLabel("Add the user").selectOption(user);
  await page.getByRole("button", { name: "Add the user" }).click();
  await expect(page.getByRole("button", { name: `Take ${user} away` })).toBeVisible();
  await page.getByLabel("Attach the policy").selectOption({ label: policy });
  await page.getByRole("button", { name: "Attach the policy" }).click();
  await expect(page.getByRole("button", { name: `Take ${policy} away` })).toBeVisible();

  await page.goto("/access/simulator");
  await page.getByLabel("Who").selectOption({ label: `user ${user}` });
  await page.getByLabel("Actions").fill("s3:GetObject, s3:PutObject");
  await page.getByLabel("Resource").fill("arn:aws:s3:::photos/a.jpg");
  await page.getByRole("button", { name: "Ask" }).click();
  const decisions = page.getByRole("table", { name: "Decisions" });
  await expect(decisions.getByRole("row", { name: /s3:GetObject/ })).toContainText("allowed");
  await expect(decisions.getByRole("row", { name: /s3:PutObject/ })).toContainText("not allowed by any");

  await page.goto(`/access/users/${user}`);
  await page.getByRole("button", { name: "Delete", exact: true }).first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("heading", { name: "Users and access" })).toBeVisible();
  await expect(page.getByRole("link", { name: user })).toBeHidden();
});

test("a key for a program may do what its policy leaves of its user's rights, and ends", async ({
  console_: page,
  api,
  browser,
  server,
}) => {
  const [bucket, user] = [unique("service"), unique("carl")];
  await api.bucket(bucket);
  await api.put(bucket, "in.txt", "in");
  await makeUser(page, user, "AmazonS3FullAccess");
  await page.getByRole("button", { name: "Create a key for a program" }).click();
  const dialog = page.getByRole("dialog", { name: "Create a key for a program" });
  await dialog.getByLabel("Name", { exact: true }).fill("backup");
  await dialog.getByLabel("Ends on").fill("2099-01-31");
  await dialog.getByRole("button", { name: "Read one bucket" }).click();
  const document = dialog.getByLabel(/Policy that bounds it/);
  await document.fill((await document.inputValue()).replaceAll("BUCKET", bucket));
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  const pair = page.getByRole("dialog", { name: "New access key" });
  const [id, secret] = [
    await pair.getByLabel("Access key", { exact: true }).inputValue(),
    await pair.getByLabel("Secret key", { exact: true }).inputValue(),
  ];
  await pair.getByRole("button", { name: "I have kept it" }).click();
  await expect(page.getByText(/^until Jan 3/)).toBeVisible();
  const context = await browser.newContext({ baseURL: server.console });
  const program = await Api.signIn(context.request, server.console, id, secret);
  expect(await (await context.request.get(`/api/v1/s3/${bucket}/in.txt`)).text()).toBe("in");
  await expect(program.put(bucket, "out.txt", "out")).rejects.toThrow(/AccessDenied/);
  await context.close();
});

test("a key is deleted after a question alone", async ({ console_: page }) => {
  const user = unique("dora");
  const pair = await makeUser(page, user);
  const line = page.getByRole("listitem").filter({ hasText: pair.id });
  await line.getByRole("button", { name: "Delete" }).click();
  const question = page.getByRole("dialog", { name: `Delete the key ${pair.id}?` });
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(line).toBeVisible();
  await line.getByRole("button", { name: "Delete" }).click();
  await question.getByRole("button", { name: "Delete" }).click();
  await expect(line).toBeHidden();
});

test("who may make a bucket and not set it up has the bucket, and is told what it lacks", async ({
  console_: page,
  api,
  browser,
  server,
}) => {
  const [bucket, user] = [unique("made"), unique("emil")];
  const pair = await makeUser(page, user);
  const allow = { Effect: "Allow", Action: ["s3:CreateBucket", "s3:ListBucket", "s3:ListAllMyBuckets"], Resource: "*" };
  const document = JSON.stringify({ Version: "2012-10-17", Statement: [allow] });
  await api.iam("PutUserPolicy", { UserName: user, PolicyName: "makes", PolicyDocument: document });
  const context = await browser.newContext({ baseURL: server.console });
  const theirs = await context.newPage();
  await theirs.goto("/buckets");
  await signInByForm(theirs, pair.id, pair.secret);
  await theirs.getByRole("button", { name: "Create bucket" }).click();
  await theirs.getByLabel("Name", { exact: true }).fill(bucket);
  await theirs.getByRole("dialog").getByRole("button", { name: "Create bucket" }).click();
  await expect(theirs.getByText("This bucket is empty")).toBeVisible();
  await expect(theirs.getByRole("status", { name: "Messages" })).toContainText("s3:PutBucketVersioning");
  await context.close();
});

test("a role is made with whom it trusts", async ({ console_: page }) => {
  const role = unique("backup");
  await page.goto("/access/roles");
  await page.getByRole("button", { name: "Create a role" }).click();
  await page.getByLabel("Name", { exact: true }).fill(role);
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByText(/The account \d+ may take this role\./)).toBeVisible();
});

test("who may list a folder alone goes there by name", async ({ console_: page, api, browser, server }) => {
  const [bucket, user] = [unique("closed"), unique("fritz")];
  await api.bucket(bucket);
  await api.put(bucket, "reports/a.txt", "a");
  await api.put(bucket, "secret.txt", "no");
  const pair = await makeUser(page, user);
  const allow = {
    Effect: "Allow",
    Action: "s3:ListBucket",
    Resource: `arn:aws:s3:::${bucket}`,
    Condition: { StringLike: { "s3:prefix": "reports/*" } },
  };
  const document = JSON.stringify({ Version: "2012-10-17", Statement: [allow] });
  await api.iam("PutUserPolicy", { UserName: user, PolicyName: "lists", PolicyDocument: document });
  const context = await browser.newContext({ baseURL: server.console });
  const theirs = await context.newPage();
  await theirs.goto("/buckets");
  await signInByForm(theirs, pair.id, pair.secret);
  await expect(theirs.getByText("No bucket that you may list")).toBeVisible();
  await expect(theirs.getByText("Create your first bucket")).toBeHidden();
  await theirs.getByRole("button", { name: "Go to a bucket" }).click();
  await theirs.getByLabel("Bucket", { exact: true }).fill(bucket);
  await theirs.getByLabel("Folder", { exact: true }).fill("reports/");
  await theirs.getByRole("button", { name: "Go there" }).click();
  await expect(theirs.getByRole("button", { name: "a.txt" })).toBeVisible();
  await expect(theirs.getByText("secret.txt")).toBeHidden();
  await context.close();
});

test("going to a bucket by name is offered to those alone from whom one may be hidden", async ({
  console_: page,
  api,
  browser,
  server,
}) => {
  await api.bucket(unique("seen"));
  const pair = await makeUser(page, unique("otto"), "AmazonS3ReadOnlyAccess");
  const context = await browser.newContext({ baseURL: server.console });
  const theirs = await context.newPage();
  await theirs.goto("/buckets");
  await signInByForm(theirs, pair.id, pair.secret);
  await expect(theirs.getByRole("table")).toBeVisible();
  await expect(theirs.getByText("Go to a bucket")).toBeHidden();
  await context.close();
});

test("what IAM refuses is said in its words", async ({ console_: page, api }) => {
  const group = unique("twice");
  await api.iam("CreateGroup", { GroupName: group });
  await page.goto("/access/groups");
  await page.getByRole("button", { name: "Create a group" }).click();
  await page.getByLabel("Name", { exact: true }).fill(group);
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByText(`Group with name ${group} already exists.`).first()).toBeVisible();
});

test("a key for a program whose time is over is not called active", async ({ console_: page, api }) => {
  const user = unique("gina");
  await api.iam("CreateUser", { UserName: user });
  await api.iam("CreateServiceAccount", { UserName: user, ServiceAccountName: "job", Expires: "2098-01-01T00:00:00Z" });
  await page.goto(`/access/users/${user}`);
  await expect(page.getByText("active", { exact: true })).toBeVisible();
  await page.clock.setFixedTime(new Date("2099-01-01T00:00:00Z"));
  await page.reload();
  await expect(page.getByText("expired", { exact: true })).toBeVisible();
  await expect(page.getByText("active", { exact: true })).toBeHidden();
});
