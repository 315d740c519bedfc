import { startDirectory } from "./support/directory";
import { startServer } from "./support/server";
import { Api } from "./support/session";
import { expect, signInByForm, test, unique } from "./support/test";

test("a wrong secret is refused with a sentence, the right one leads to where one wanted to go", async ({ page }) => {
  await page.goto("/buckets");
  await signInByForm(page, "testaccesskey", "wrong");
  await expect(page.getByRole("alert")).toBeVisible();
  await signInByForm(page);
  await expect(page.getByRole("heading", { name: "Buckets" })).toBeVisible();
});

test("who comes back from an identity provider in vain reads why", async ({ page }) => {
  await page.goto("/?sso_error=carl%20may%20take%20no%20role");
  await expect(page.getByRole("alert")).toHaveText("Single sign-on did not succeed: carl may take no role");
});

test("the session's cookie is no script's business, and nothing of the keys is kept", async ({ page }) => {
  await page.goto("/");
  await signInByForm(page);
  await expect(page.getByRole("heading", { name: "Buckets" })).toBeVisible();
  const cookies = await page.context().cookies();
  expect(cookies).toHaveLength(1);
  expect(cookies[0]).toMatchObject({ name: "holdfast_session", httpOnly: true, sameSite: "Strict" });
  const kept = await page.evaluate(() =>
    JSON.stringify({ ...localStorage, ...sessionStorage, cookie: document.cookie }),
  );
  expect(kept).not.toContain("test-secret-key");
  expect(kept).not.toContain("holdfast_session");
});

test("signing out ends the session on the server too", async ({ console_: page }) => {
  await page.goto("/buckets");
  const [cookie] = await page.context().cookies();
  await page.getByRole("button", { name: /Account of/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  const again = await page.request.get("/api/v1/session", { headers: { cookie: `holdfast_session=${cookie?.value}` } });
  expect(again.status()).toBe(401);
});

test("a session that ends asks to sign in over the page, which stays", async ({ console_: page, api }) => {
  const bucket = unique("ended");
  await api.bucket(bucket);
  await page.goto(`/buckets/${bucket}`);
  await expect(page.getByText("This bucket is empty")).toBeVisible();
  await page.context().clearCookies();
  await page.getByRole("button", { name: "Load again" }).click();
  const dialog = page.getByRole("dialog", { name: "Sign in again" });
  await expect(dialog).toBeVisible();
  await signInByForm(page);
  await expect(dialog).toBeHidden();
  await expect(page.getByText("This bucket is empty")).toBeVisible();
});

test("people of a directory sign in by name and password where there is one", async ({ browser, page }) => {
  await page.goto("/");
  await expect(page.getByLabel("Access key")).toBeVisible();
  await expect(page.getByRole("button", { name: /instead/ })).toHaveCount(0);

  const directory = await startDirectory();
  test.skip(!directory, "slapd is not installed");
  if (!directory) return;
  const server = await startServer(directory.flags);
  try {
    const context = await browser.newContext({ baseURL: server.console });
    const api = await Api.signIn(context.request, server.console);
    const [, account] = /<Account>(\d+)</.exec(await api.sts("GetCallerIdentity")) ?? [];
    const trust = {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { Federated: `arn:aws:iam::${account}:ldap-provider/ldap` },
          Action: "sts:AssumeRoleWithLDAPIdentity",
        },
      ],
    };
    await api.iam("CreateRole", { RoleName: "reader", AssumeRolePolicyDocument: JSON.stringify(trust) });
    await context.clearCookies();
    const there = await context.newPage();
    await there.goto("/server");
    await there.getByRole("button", { name: "Use a user name and a password instead" }).click();
    const signIn = async (password: string) => {
      await there.getByLabel("User name").fill("anna");
      await there.getByLabel("Password").fill(password);
      await there.getByRole("button", { name: "Sign in", exact: true }).click();
    };
    await signIn("another");
    await expect(there.getByRole("alert")).toContainText("look for typing errors");
    await there.getByRole("button", { name: "Use an access key instead" }).click();
    await expect(there.getByLabel("Secret key")).toBeVisible();
    await there.getByRole("button", { name: "Use a user name and a password instead" }).click();
    await signIn(directory.password);
    await expect(there.getByText(/:assumed-role\/reader\/anna/).first()).toBeVisible();
    await context.close();
  } finally {
    await server.stop();
    await directory.stop();
  }
});
