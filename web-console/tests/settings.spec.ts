import type { Page } from "@playwright/test";
import { expect, test, unique } from "./support/test";

const section = (page: Page, bucket: string, name: string) => page.goto(`/buckets/${bucket}/settings/${name}`);

const saved = (page: Page) => expect(page.getByText("Saved").last()).toBeVisible();

const document = async (page: Page, bucket: string, subresource: string) =>
  (await page.request.get(`/api/v1/s3/${bucket}?${subresource}`)).text();

test("a bucket is created with what was chosen, and deleted with all that is in it", async ({ console_: page }) => {
  const bucket = unique("made");
  await page.goto("/buckets");
  await page
    .getByRole("button", { name: /Create (your first )?bucket/ })
    .first()
    .click();
  await page.getByLabel("Name", { exact: true }).fill("Not A Name");
  await expect(page.getByText("Small letters only.")).toBeVisible();
  await page.getByLabel("Name", { exact: true }).fill(bucket);
  await page.getByLabel("Encrypt what is stored").check();
  await page.getByRole("dialog").getByRole("button", { name: "Create bucket" }).click();
  await expect(page.getByText("This bucket is empty")).toBeVisible();
  expect(await document(page, bucket, "versioning")).toContain("Enabled");
  expect(await document(page, bucket, "encryption")).toContain("AES256");

  await page
    .getByLabel("Files to upload")
    .setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("a") });
  await expect(page.getByRole("button", { name: "a.txt" })).toBeVisible();
  await section(page, bucket, "overview");
  await page.getByRole("button", { name: "Delete the bucket" }).click();
  await page.getByLabel(`Type ${bucket} to confirm`).fill(bucket);
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText(`The bucket ${bucket} is deleted`)).toBeVisible();
  expect((await page.request.head(`/api/v1/s3/${bucket}`)).status()).toBe(404);
});

test("a bucket made with a quota says what is used of it, refuses what goes beyond, and gets another", async ({
  console_: page,
}) => {
  const bucket = unique("bounded");
  await page.goto("/buckets");
  await page
    .getByRole("button", { name: /Create (your first )?bucket/ })
    .first()
    .click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill(bucket);
  await dialog.getByLabel("Size limit").fill("ten");
  await expect(dialog.getByText("Not a size")).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Create bucket" })).toBeDisabled();
  await dialog.getByLabel("Size limit").fill("100 KiB");
  await dialog.getByRole("button", { name: "Create bucket" }).click();
  await expect(page.getByText("This bucket is empty")).toBeVisible();

  const upload = (name: string) =>
    page
      .getByLabel("Files to upload")
      .setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.alloc(60_000, "x") });
  await upload("first.txt");
  await expect(page.getByRole("button", { name: "first.txt" })).toBeVisible();
  await upload("second.txt");
  await expect(page.getByText("No room: the bucket's quota would be exceeded.")).toBeVisible();

  await page.goto("/buckets");
  await expect(page.getByRole("row", { name: bucket }).getByText("58.6% of 100 KiB")).toBeVisible();
  await section(page, bucket, "overview");
  await expect(page.getByText("58.6 KiB of 100 KiB are used (58.6%)")).toBeVisible();
  await page.getByLabel("Size limit").fill("1 MiB");
  await page.getByRole("button", { name: "Save" }).click();
  await saved(page);
  await expect(page.getByText("58.6 KiB of 1 MiB are used (5.7%)")).toBeVisible();
  await page.getByLabel("Size limit").fill("");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("58.6 KiB are stored, all versions together.")).toBeVisible();
});

test("lifecycle rules are a form that says in words what it does", async ({ console_: page, api }) => {
  const bucket = unique("lifecycle");
  await api.bucket(bucket);
  await section(page, bucket, "lifecycle");
  await page.getByRole("button", { name: "Add a rule" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("tidy");
  await dialog.getByLabel("Only keys that begin with").fill("tmp/");
  await dialog.getByLabel("Delete after days").fill("7");
  await dialog.getByLabel("Remove old versions after days").fill("30");
  await expect(dialog.getByText("For objects with keys that begin with “tmp/”:")).toBeVisible();
  await expect(dialog.getByText("7 days after they were stored they are deleted.")).toBeVisible();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByText("Old versions are removed 30 days after they were replaced.")).toBeVisible();
  const stored = await document(page, bucket, "lifecycle");
  expect(stored).toContain("<Prefix>tmp/</Prefix>");
  expect(stored).toContain("<Days>7</Days>");
  await page.getByRole("button", { name: "Remove rule 1" }).click();
  await expect(page.getByText("No rule yet")).toBeVisible();
});

test("CORS, tags, versioning, encryption, lock and website are saved and read back", async ({
  console_: page,
  api,
}) => {
  const bucket = unique("forms");
  await api.bucket(bucket);
  await section(page, bucket, "cors");
  await page.getByRole("button", { name: "Add a rule" }).click();
  await page.getByLabel("Origins").fill("https://example.com");
  await page.getByLabel("PUT").check();
  await page.getByRole("button", { name: "Save" }).click();
  await saved(page);
  expect(await document(page, bucket, "cors")).toContain("<AllowedOrigin>https://example.com</AllowedOrigin>");

  await section(page, bucket, "tags");
  await page.getByRole("button", { name: "Add" }).click();
  await page.getByLabel("Name 1").fill("team");
  await page.getByLabel("Value 1").fill("storage");
  await page.getByRole("button", { name: "Save" }).click();
  await saved(page);
  expect(await document(page, bucket, "tagging")).toContain("<Value>storage</Value>");

  await section(page, bucket, "versioning");
  await page.getByLabel("Versions").selectOption("Enabled");
  await page.getByRole("button", { name: "Save" }).click();
  await saved(page);
  expect(await document(page, bucket, "versioning")).toContain("Enabled");

  await section(page, bucket, "encryption");
  await page.getByLabel("Keys").selectOption("AES256");
  await page.getByRole("button", { name: "Save" }).click();
  await saved(page);
  expect(await document(page, bucket, "encryption")).toContain("AES256");

  await section(page, bucket, "lock");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByLabel("Days", { exact: true })).toBeVisible();
  await page.getByLabel("Days", { exact: true }).fill("10");
  await page.getByRole("button", { name: "Save" }).click();
  await expect.poll(() => document(page, bucket, "object-lock")).toContain("<Days>10</Days>");

  await section(page, bucket, "website");
  await page.getByLabel("Page of a folder").fill("index.html");
  await page.getByRole("button", { name: "Save" }).click();
  await saved(page);
  expect(await document(page, bucket, "website")).toContain("<Suffix>index.html</Suffix>");
});

test("access logs go to another bucket", async ({ console_: page, api }) => {
  const [bucket, logs] = [unique("logged"), unique("logs")];
  await api.bucket(bucket);
  await api.bucket(logs);
  await section(page, bucket, "logging");
  await page.getByLabel("Logs go to the bucket").selectOption(logs);
  await page.getByRole("button", { name: "Save" }).click();
  await saved(page);
  expect(await document(page, bucket, "logging")).toContain(`<TargetBucket>${logs}</TargetBucket>`);
});

test("a folder is opened to everybody after a warning, and closed again", async ({
  console_: page,
  api,
  server,
  playwright,
}) => {
  const bucket = unique("public");
  await api.bucket(bucket);
  await api.put(bucket, "public/open.txt", "for all");
  const anonymous = await playwright.request.newContext();
  const read = async () => (await anonymous.get(`${server.s3}/${bucket}/public/open.txt`)).status();
  expect(await read()).toBe(403);
  await section(page, bucket, "access");
  await page.getByRole("button", { name: "Open a folder to everybody" }).click();
  await expect(page.getByText(/Everybody who reaches the server can read everything under/)).toBeVisible();
  await page.getByLabel("I want this to be public").check();
  await page.getByRole("button", { name: "Open it" }).click();
  await expect(page.getByText(`${bucket}/public/*`)).toBeVisible();
  expect(await read()).toBe(200);
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await expect(page.getByText("No folder is public.")).toBeVisible();
  expect(await read()).toBe(403);
  await anonymous.dispose();
});

test("an upload that nobody goes on with is found and stopped", async ({ console_: page, api }) => {
  const bucket = unique("open");
  await api.bucket(bucket);
  await api.post(`/api/v1/s3/${bucket}/half.bin?uploads`, "");
  await section(page, bucket, "uploads");
  const line = page.getByRole("row").filter({ hasText: "half.bin" });
  await line.getByRole("button", { name: "Stop" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
  await expect(page.getByText("No upload is open")).toBeVisible();
  expect(await document(page, bucket, "uploads")).not.toContain("half.bin");
});

test("a policy is written by keyboard with what is offered for each place", async ({ console_: page, api }) => {
  const bucket = unique("offered");
  await api.bucket(bucket);
  await section(page, bucket, "policy");
  const editor = page.getByLabel(`Policy of ${bucket}`);
  const offered = page.getByRole("listbox", { name: "Suggestions" });
  const take = async (typed: string, option: string) => {
    await page.keyboard.type(typed);
    await expect(offered.getByRole("option", { name: option, exact: true })).toHaveAttribute("aria-selected", "true");
    await page.keyboard.press("Enter");
    await expect(offered).toBeHidden();
  };
  await editor.focus();
  await take('{"ver', "Version");
  await take(': "', "2012-10-17");
  await take(', "stat', "Statement");
  await take(': [{"eff', "Effect");
  await take(': "a', "Allow");
  await take(', "princ', "Principal");
  await take(': "', "*");
  await take(', "act', "Action");
  await page.keyboard.type(': "getobjectt');
  await expect(offered.getByRole("option")).toHaveText(["s3:GetObjectTagging", "s3:GetObjectTorrent"]);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await take("", "s3:GetObjectTagging");
  await take(', "reso', "Resource");
  await page.keyboard.type(': "');
  await page.keyboard.press("ArrowDown");
  await take("", `arn:aws:s3:::${bucket}/*`);
  await take(', "cond', "Condition");
  await take(': {"ipa', "IpAddress");
  await take(': {"sourceip', "aws:SourceIp");
  await page.keyboard.type(': "192.0.2.0/24"}}}]}');
  const sentence = `Everybody may use s3:GetObjectTagging, on every object in ${bucket}, if the caller's address is in 192.0.2.0/24.`;
  await expect(page.getByText(sentence)).toBeVisible();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await saved(page);
  expect(await document(page, bucket, "policy")).toContain("s3:GetObjectTagging");
});

test("a policy is checked while it is typed, explained, and refused by the server in its words", async ({
  console_: page,
  api,
}) => {
  const bucket = unique("policy");
  await api.bucket(bucket);
  await section(page, bucket, "policy");
  const editor = page.getByLabel(`Policy of ${bucket}`);
  await editor.fill('{ "Version": "2012-10-17", ');
  await expect(page.getByText("Line 1: This is not JSON: a name in double quotes should stand here.")).toBeVisible();
  await page.getByRole("button", { name: "Everybody may read a folder" }).click();
  await expect(page.getByText(`Everybody may read objects, on what begins with ${bucket}/public/.`)).toBeVisible();
  const wrong = (await editor.inputValue()).replaceAll(bucket, "some-other-bucket");
  await editor.fill(wrong);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toContainText("MalformedPolicy");
  await page.getByRole("button", { name: "Everybody may read a folder" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await saved(page);
  expect(await document(page, bucket, "policy")).toContain("PublicRead");
});
