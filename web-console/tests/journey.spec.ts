import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { temporaryFolder } from "./support/folder";
import { ACCESS_KEY, SECRET_KEY } from "./support/server";
import { expect, signInByForm, test, unique } from "./support/test";

/** Presses Tab until what has the focus has this name. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let stops = 0; stops < 60; stops += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement;
      const labels = (element as HTMLInputElement).labels;
      return element.getAttribute("aria-label") ?? labels?.[0]?.textContent ?? element.textContent ?? "";
    });
    if (name.test(focused)) return;
  }
  throw new Error(`the Tab key does not lead to ${name}`);
}

test("by keyboard alone: sign in, make a bucket, upload, share, find", async ({ page }) => {
  const bucket = unique("keyboard");
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  await tabTo(page, /^Access key$/);
  await page.keyboard.type(ACCESS_KEY);
  await tabTo(page, /^Secret key$/);
  await page.keyboard.type(SECRET_KEY);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Buckets" })).toBeVisible();

  await tabTo(page, /^Create bucket$/);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Create a bucket" })).toBeVisible();
  await page.keyboard.type(bucket);
  await page.keyboard.press("Enter");
  await expect(page.getByText("This bucket is empty")).toBeVisible();

  await tabTo(page, /^Upload$/);
  await page.keyboard.press("Enter");
  const choosing = page.waitForEvent("filechooser");
  await page.getByRole("menuitem", { name: "Files" }).waitFor();
  await page.keyboard.press("Enter");
  await (await choosing).setFiles({ name: "by-hand.txt", mimeType: "text/plain", buffer: Buffer.from("by hand") });
  await expect(page.getByRole("button", { name: "by-hand.txt" })).toBeVisible();

  await tabTo(page, /^Objects$/);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("complementary", { name: /Details of by-hand.txt/ })).toBeVisible();
  await tabTo(page, /^Share$/);
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Link", { exact: true })).toHaveValue(/X-Amz-Signature/);
  await page.keyboard.press("Escape");
  // The dialog gives the focus back a moment after it is gone, which would be in the middle of what is typed next.
  await expect(page.getByRole("button", { name: "Share" })).toBeFocused();

  await page.keyboard.press("/");
  await page.keyboard.type("by-hand");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("link", { name: "by-hand.txt" })).toBeVisible();
});

test("on a phone: sign in, make a bucket, upload a folder, share, find", async ({ page }) => {
  const bucket = unique("phone");
  const folder = join(temporaryFolder(), "holiday");
  mkdirSync(folder);
  for (const name of ["sea.txt", "tide.txt"]) writeFileSync(join(folder, name), name);
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto("/");
  await signInByForm(page);
  await page.getByRole("button", { name: "Create bucket" }).click();
  await page.getByLabel("Name", { exact: true }).fill(bucket);
  await page.getByRole("dialog").getByRole("button", { name: "Create bucket" }).click();
  await expect(page.getByText("This bucket is empty")).toBeVisible();

  const choosing = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Upload", exact: true }).click();
  await page.getByRole("menuitem", { name: "A folder" }).click();
  await (await choosing).setFiles(folder);
  await page.getByRole("button", { name: "holiday/" }).click();
  await page.getByRole("button", { name: "sea.txt" }).click();
  const details = page.getByRole("complementary", { name: "Details of sea.txt" });
  await details.getByRole("button", { name: "Share" }).click();
  await expect(page.getByLabel("Link", { exact: true })).toHaveValue(/X-Amz-Signature/);
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  await details.getByRole("button", { name: "Close the details" }).click();

  await page.getByRole("textbox", { name: `Search in ${bucket}` }).fill("tide");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "holiday/tide.txt" }).click();
  await expect(page.getByRole("complementary", { name: "Details of tide.txt" })).toBeVisible();
});

test("a folder of thousands of files arrives whole, and the page answers meanwhile", async ({
  console_: page,
  api,
}) => {
  test.setTimeout(900_000);
  const files = 10_000;
  const bucket = unique("folder");
  await api.bucket(bucket);
  const root = join(temporaryFolder(), "many");
  for (let at = 0; at < files; at += 1) {
    const folder = join(root, String(at % 10));
    if (at < 10) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file-${at}.txt`), `${at}`);
  }
  await page.goto(`/buckets/${bucket}`);
  await page.getByLabel("Folder to upload").setInputFiles(root);
  const panel = page.getByRole("region", { name: "Uploads" });
  await expect(panel).toBeVisible({ timeout: 120_000 });
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Server" }).click();
  await expect(page.getByRole("heading", { name: "Server" })).toBeVisible();
  await expect(panel.getByText(/10,000 of 10,000 files uploaded/)).toBeVisible({ timeout: 600_000 });
  // Only lines in sight are drawn.
  expect(await panel.getByText(/uploaded to/).count()).toBeLessThan(100);
  await page.goto(`/buckets/${bucket}?prefix=many/7/`);
  await expect(page.getByText(/loaded, more as you scroll|in this folder/)).toBeVisible();
});
