import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "@playwright/test";
import { furnish, PAGES } from "./support/pages";
import { expect, test, unique } from "./support/test";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
  id: string;
  impact: string;
  nodes: { html: string; failureSummary: string }[];
}

/** What axe-core finds that is serious or worse; it comes in by the debugger, so the page's security policy stays. */
async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const violations = await page.evaluate<Violation[]>("axe.run().then((result) => result.violations)");
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
    );
}

for (const theme of ["light", "dark"] as const) {
  test(`axe finds nothing serious on any page in ${theme}`, async ({ console_: page, api }) => {
    test.setTimeout(180_000);
    if (theme === "light") await furnish(api);
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    for (const { name, path, shows } of PAGES) {
      await page.goto(path);
      await expect(page.getByText(shows).first(), name).toBeVisible();
      expect(await seriousFaults(page), name).toEqual([]);
    }
  });

  test(`axe finds nothing serious on the sign-in page in ${theme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: theme });
    await page.goto("/");
    await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
    expect(await seriousFaults(page)).toEqual([]);
  });
}

test("axe finds nothing serious in dialogs, menus and suggestions", async ({ console_: page }) => {
  await page.goto("/buckets");
  await page.getByRole("button", { name: "Create bucket" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  expect(await seriousFaults(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.goto("/buckets/holiday-photos?object=README.md");
  await page.getByRole("button", { name: "Share" }).click();
  await expect(page.getByLabel("Link", { exact: true })).toBeVisible();
  expect(await seriousFaults(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Colours" }).click();
  await expect(page.getByRole("menuitem", { name: "Dark" })).toBeVisible();
  expect(await seriousFaults(page)).toEqual([]);
  await page.goto("/buckets/holiday-photos/settings/policy");
  await page.getByLabel("Policy of holiday-photos").focus();
  await page.keyboard.type('{"');
  await expect(page.getByRole("listbox", { name: "Suggestions" })).toBeVisible();
  expect(await seriousFaults(page)).toEqual([]);
});

/** What reaches beyond the right edge, but for what is inside of something that can be scrolled. */
function tooWide(width: number): string[] {
  const isWide = (element: Element) => element.getBoundingClientRect().right > width + 1;
  return [...document.querySelectorAll("body *")]
    .filter((element) => isWide(element) && !element.closest("[role=group], .overflow-x-auto, .sr-only"))
    .map((element) => element.outerHTML.slice(0, 200));
}

test("on a phone every page fits: nothing is wider than 360 px", async ({ console_: page }) => {
  test.setTimeout(120_000);
  await page.setViewportSize({ width: 360, height: 740 });
  for (const { name, path, shows } of PAGES) {
    await page.goto(path);
    await expect(page.getByText(shows).first(), name).toBeVisible();
    expect(await page.evaluate(tooWide, 360), name).toEqual([]);
    expect(await page.evaluate(() => document.querySelector("main")?.scrollWidth), name).toBeLessThanOrEqual(360);
  }
});

test("on a phone the buttons of a key stand beside each other", async ({ console_: page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto("/access/users/anna");
  const keys = page.getByRole("listitem").filter({ has: page.getByRole("button", { name: "Deactivate" }) });
  await expect(keys).toHaveCount(2);
  for (const key of await keys.all()) {
    const deactivate = await key.getByRole("button", { name: "Deactivate" }).boundingBox();
    const remove = await key.getByRole("button", { name: "Delete" }).boundingBox();
    expect(remove?.y).toBe(deactivate?.y);
  }
});

test("on a phone the menu opens, leads somewhere and closes", async ({ console_: page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto("/buckets");
  const menu = page.getByRole("navigation", { name: "Main" });
  await expect(menu).toBeHidden();
  await page.getByRole("button", { name: "Menu" }).click();
  await menu.getByRole("link", { name: "Server" }).click();
  await expect(page.getByRole("heading", { name: "Server" })).toBeVisible();
  await expect(menu).toBeHidden();
});

test("the theme and the language are chosen and remembered", async ({ console_: page }) => {
  await page.goto("/buckets");
  await page.getByRole("button", { name: "Colours" }).click();
  await page.getByRole("menuitem", { name: "Dark" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.getByRole("button", { name: "Language" }).click();
  await page.getByRole("menuitem", { name: "中文" }).click();
  await expect(page.getByRole("heading", { name: "存储桶" })).toBeVisible();
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("lang", "zh");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await expect(page.getByRole("heading", { name: "存储桶" })).toBeVisible();
});

test("what the server refuses is said in the reader's language, with its own words beside", async ({
  console_: page,
  api,
}) => {
  const bucket = unique("taken");
  await api.bucket(bucket);
  await page.addInitScript(() => localStorage.setItem("holdfast.language", "zh"));
  await page.goto("/buckets");
  await page.getByRole("button", { name: "创建存储桶" }).click();
  await page.getByRole("dialog").getByLabel("名称", { exact: true }).fill(bucket);
  await page.getByRole("dialog").getByRole("button", { name: "创建存储桶" }).click();
  const alert = page.getByRole("alert");
  await expect(alert).toContainText("您已经有一个同名的存储桶。");
  await expect(alert.locator("[lang=en]")).toContainText("you already own it");
});

test.describe.configure({ mode: "serial" });
