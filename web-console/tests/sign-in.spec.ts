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
