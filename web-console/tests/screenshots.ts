import { mkdirSync } from "node:fs";
import { BUCKET, furnish, PAGES } from "./support/pages";
import { expect, test } from "./support/test";

const FOLDER = new URL("../screenshots/", import.meta.url).pathname;

test("pictures of every page", async ({ console_: page, api }) => {
  mkdirSync(FOLDER, { recursive: true });
  await furnish(api);
  await page.setViewportSize({ width: 1200, height: 780 });
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  const take = (name: string) => page.screenshot({ path: `${FOLDER}${name}.png`, animations: "disabled" });
  for (const { name, path, shows } of PAGES) {
    await page.goto(path);
    await expect(page.getByText(shows).first(), name).toBeVisible();
    if (name === "activity")
      await expect(page.getByRole("img", { name: "Chart: Requests" })).toBeVisible({ timeout: 60_000 });
    await page.waitForLoadState("networkidle");
    await take(name);
  }

  await page.goto("/buckets");
  await page.getByRole("button", { name: "Create bucket" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await take("create-bucket");
  await page.goto(`/buckets/${BUCKET}?object=README.md`);
  await page.getByRole("button", { name: "Share" }).click();
  await expect(page.getByRole("img", { name: "The link as a QR code" })).toBeVisible();
  await expect(page.getByText("Loading …")).toHaveCount(0);
  await take("share");
  await page.goto(`/buckets/${BUCKET}?object=panorama.bin`);
  await page.getByRole("tab", { name: "Shards" }).click();
  await expect(page.getByText(/more shards may be lost/)).toBeVisible();
  await take("shards");

  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto(`/buckets/${BUCKET}?object=README.md`);
  await page.getByRole("tab", { name: "Versions" }).click();
  await expect(page.getByRole("listitem").filter({ hasText: "current" })).toBeVisible();
  await take("versions-dark");
  await page.route(/partNumber=[45]/, () => {});
  await page.getByLabel("Files to upload").setInputFiles([
    { name: "film.mp4", mimeType: "video/mp4", buffer: Buffer.alloc(40 * 1024 * 1024) },
    { name: "letter.txt", mimeType: "text/plain", buffer: Buffer.from("dear reader") },
  ]);
  await expect(page.getByText(/1 of 2 files uploaded/)).toBeVisible();
  await expect(page.getByText(/60% of 40 MiB/)).toBeVisible();
  await take("upload-dark");

  await page.setViewportSize({ width: 360, height: 740 });
  await page.emulateMedia({ colorScheme: "light" });
  page.on("dialog", (dialog) => dialog.accept());
  await page.goto(`/buckets/${BUCKET}`);
  await expect(page.getByText("README.md").first()).toBeVisible();
  await take("phone");
  await page.context().clearCookies();
  await page.setViewportSize({ width: 1200, height: 780 });
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  await take("sign-in");
});
