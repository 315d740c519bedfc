import { createHash, randomBytes } from "node:crypto";
import type { BrowserContext, Page } from "@playwright/test";
import { CLIENT, type Provider, startProvider } from "./support/provider";
import { type Server, startServer } from "./support/server";
import { Api } from "./support/session";
import { test as base, expect, unique } from "./support/test";

const MEBIBYTE = 1024 * 1024;
const ROLE = "staff";

/** A server that trusts an identity provider, and a browser in which nobody is signed in. */
const test = base.extend<{ someone: Page; root: Api }, { provider: Provider; server: Server }>({
  provider: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the pattern
    async ({}, use) => {
      const provider = await startProvider({ anna: [ROLE], boris: ["nobodys"] });
      await use(provider);
      await provider.stop();
    },
    { scope: "worker", timeout: 90_000 },
  ],
  server: [
    async ({ provider }, use) => {
      const server = await startServer(provider.flags);
      await use(server);
      await server.stop();
    },
    { scope: "worker", timeout: 90_000 },
  ],
  root: async ({ playwright, server, provider }, use) => {
    const request = await playwright.request.newContext();
    const root = await Api.signIn(request, server.console);
    await makeRole(root, await root.account(), provider.url.replace("http://", ""));
    await use(root);
    await request.dispose();
  },
  // Not the page of the other tests, which may ask nothing of another site.
  someone: async ({ browser, server, root }, use) => {
    void root;
    const context = await browser.newContext({ baseURL: server.console });
    await staysOnLoopback(context);
    await use(await context.newPage());
    await context.close();
  },
});

/** The role that anna's provider names for her: it may do everything in S3. Made once for all tests of a server. */
async function makeRole(root: Api, account: string, provider: string): Promise<void> {
  const trust = {
    Version: "2012-10-17",
    Statement: {
      Effect: "Allow",
      Principal: { Federated: `arn:aws:iam::${account}:oidc-provider/${provider}` },
      Action: "sts:AssumeRoleWithWebIdentity",
      Condition: { StringEquals: { [`${provider}:aud`]: CLIENT } },
    },
  };
  const role = { RoleName: ROLE, AssumeRolePolicyDocument: JSON.stringify(trust) };
  if ((await root.iam("ListRoles")).includes(`<RoleName>${ROLE}</RoleName>`)) return;
  await root.iam("CreateRole", role);
  await root.iam("AttachRolePolicy", { RoleName: ROLE, PolicyArn: "arn:aws:iam::aws:policy/AmazonS3FullAccess" });
}

/** The provider's own pages would fetch their looks from elsewhere. */
const staysOnLoopback = (context: BrowserContext) =>
  context.route(
    ({ hostname }) => !["127.0.0.1", "localhost"].includes(hostname),
    (route) => route.abort(),
  );

async function signInAs(page: Page, name: string): Promise<void> {
  await page.getByRole("link", { name: "Sign in with office" }).click();
  await page.getByRole("button", { name, exact: true }).click();
}

test("somebody of the provider signs in, works with the role that is theirs, and signs out", async ({
  someone: page,
}) => {
  await page.goto("/");
  await signInAs(page, "anna");
  await expect(page.getByRole("heading", { name: "Buckets" })).toBeVisible();
  const bucket = unique("sso");
  await page.getByRole("button", { name: "Create bucket" }).click();
  await page.getByLabel("Name", { exact: true }).fill(bucket);
  await page.getByRole("dialog").getByRole("button", { name: "Create bucket" }).click();
  await expect(page.getByText("This bucket is empty")).toBeVisible();
  await expect(page.getByRole("link", { name: "Drives and nodes" })).toBeHidden();
  await page.goto("/server");
  await expect(page.getByText(`:assumed-role/${ROLE}/anna@example.com`)).toBeVisible();

  await page.getByRole("button", { name: /Account of/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in with office" })).toBeVisible();
  expect((await page.request.get("/api/v1/session")).status()).toBe(401);
});

test("whom no role trusts, and who turns back at the provider, reads so on the sign-in page", async ({
  someone: page,
}) => {
  await page.goto("/");
  await signInAs(page, "boris");
  await expect(page.getByRole("alert")).toContainText("boris may take no role");
  await page.getByRole("link", { name: "Sign in with office" }).click();
  await page.getByRole("button", { name: "Deny" }).click();
  await expect(page.getByRole("alert")).toContainText("access_denied");
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
});

test("an upload outlives the end of a session: its page stays while somebody signs in again beside it", async ({
  someone: page,
  root,
}) => {
  const bucket = unique("outlives");
  await root.bucket(bucket);
  await page.goto("/");
  await signInAs(page, "anna");
  await expect(page.getByRole("heading", { name: "Buckets" })).toBeVisible();
  await page.goto(`/buckets/${bucket}`);
  const content = randomBytes(24 * MEBIBYTE);
  // The last part is on its way until the session has ended.
  let release = () => {};
  const ended = new Promise<void>((done) => {
    release = done;
  });
  await page.route(/partNumber=3/, async (route) => {
    await ended;
    await route.continue();
  });
  const small = { name: "small.txt", mimeType: "text/plain", buffer: Buffer.from("small") };
  await page
    .getByLabel("Files to upload")
    .setInputFiles([{ name: "large.bin", mimeType: "application/octet-stream", buffer: content }]);
  await expect(page.getByText(/66.7% of 24 MiB/)).toBeVisible();
  await endSession(page);
  release();
  const dialog = page.getByRole("dialog", { name: "Sign in again" });
  await expect(dialog).toBeVisible();
  await page.getByLabel("Files to upload").setInputFiles([small]);

  const beside = page.waitForEvent("popup");
  await dialog.getByRole("link", { name: "Sign in with office" }).click();
  const popup = await beside;
  const closed = popup.waitForEvent("close");
  await popup.getByRole("button", { name: "anna", exact: true }).first().click();
  await closed;
  await expect(dialog).toBeHidden();
  await expect(page.getByText("2 of 2 files uploaded")).toBeVisible();
  const stored = await (await page.request.get(`/api/v1/s3/${bucket}/large.bin`)).body();
  expect(createHash("sha256").update(stored).digest("hex")).toBe(createHash("sha256").update(content).digest("hex"));
});

/** Ends the session on the server, as its age does. */
async function endSession(page: Page): Promise<void> {
  const { csrf } = await (await page.request.get("/api/v1/session")).json();
  const cookies = await page.context().cookies();
  const answer = await page.request.delete("/api/v1/session", { headers: { "x-holdfast-csrf": csrf } });
  expect(answer.ok()).toBe(true);
  await page.context().addCookies(cookies);
}

test("a page learns that somebody has signed in in another tab", async ({ someone: page }) => {
  await page.goto("/");
  await expect(page.getByRole("link", { name: "Sign in with office" })).toBeVisible();
  const other = await page.context().newPage();
  await other.goto("/");
  await signInAs(other, "anna");
  await expect(other.getByRole("heading", { name: "Buckets" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Buckets" })).toBeVisible();
});
