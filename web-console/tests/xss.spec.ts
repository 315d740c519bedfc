import type { Page } from "@playwright/test";
import { expect, test, unique } from "./support/test";

const SCRIPT = "<script>window.top.__ran = 1; fetch('/api/v1/session', {method: 'DELETE'})</script>";
const IMAGE = '<img src=x onerror="window.top.__ran=1">';

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" onload="window.top.__ran=1"><script>window.top.__ran=1</script></svg>`;
const HTML = `<!doctype html><body onload="window.top.__ran=1">${SCRIPT}${IMAGE}<h1>harmless?</h1></body>`;

const ran = (page: Page) => page.evaluate(() => "__ran" in window);

/** What somebody may have stored in the hope that another one opens it in the console. */
const STORED: [key: string, type: string, content: string][] = [
  ["evil.html", "text/html", HTML],
  ["evil.svg", "image/svg+xml", SVG],
  [
    "evil.xhtml",
    "application/xhtml+xml",
    `<html xmlns="http://www.w3.org/1999/xhtml"><script>window.top.__ran=1</script></html>`,
  ],
  [
    "evil.xml",
    "text/xml",
    `<?xml-stylesheet href="data:text/xsl,x"?><x:script xmlns:x="http://www.w3.org/1999/xhtml">window.top.__ran=1</x:script>`,
  ],
  [
    "evil.md",
    "text/markdown",
    `# Hi\n\n${IMAGE}\n\n${SCRIPT}\n\n[click](javascript:window.__ran=1)\n\n[data](data:text/html,x)\n`,
  ],
  ["evil.csv", "text/csv", `a,b\n${IMAGE.replaceAll('"', "'")},=cmd()\n`],
  ["evil.json", "application/json", JSON.stringify([{ [IMAGE]: SCRIPT }])],
  ["evil.js", "text/javascript", "window.top.__ran = 1"],
  ["evil.pdf", "application/pdf", HTML],
  ["evil.png", "image/png", SVG],
];

test("objects whose content is a script stay inert in every preview", async ({ console_: page, api }) => {
  const bucket = unique("xss");
  await api.bucket(bucket);
  for (const [key, type, content] of STORED) await api.put(bucket, key, content, { "content-type": type });
  for (const [key] of STORED) {
    await page.goto(`/buckets/${bucket}?object=${key}`);
    await expect(page.getByRole("tab", { name: "Preview" })).toBeVisible();
    await expect(page.getByText("Loading …")).toHaveCount(0);
    expect(await ran(page), key).toBe(false);
  }
  await page.goto(`/buckets/${bucket}?object=evil.md`);
  await expect(page.getByText("click", { exact: true })).toBeVisible();
  expect(
    await page.locator("aside a[href^='javascript'], aside a[href^='data'], aside img, aside script").count(),
  ).toBe(0);
});

test("opened by their address, such objects run nothing and know nothing of the session", async ({
  console_: page,
  api,
}) => {
  const bucket = unique("direct");
  await api.bucket(bucket);
  for (const [key, type, content] of STORED) await api.put(bucket, key, content, { "content-type": type });
  for (const [key] of STORED) {
    const path = `/api/v1/s3/${bucket}/${key}?x-holdfast-inline=1`;
    const headers = (await page.request.get(path)).headers();
    expect(headers["x-content-type-options"], key).toBe("nosniff");
    expect(headers["content-security-policy"], key).toContain("default-src 'none'");
    expect(headers["content-type"], key).not.toMatch(/html|svg|xml|javascript/);
    await page.goto(path).catch(() => {});
    expect(await ran(page), key).toBe(false);
    const plain = (await page.request.get(`/api/v1/s3/${bucket}/${key}`)).headers();
    expect(plain["content-disposition"], key).toMatch(/^attachment/);
  }
  expect((await page.request.get("/api/v1/session")).status()).toBe(200);
});

test("names, metadata and tags that are markup stay text", async ({ console_: page, api }) => {
  const bucket = unique("names");
  await api.bucket(bucket);
  await api.search(bucket);
  const key = `${IMAGE}/${SCRIPT.replaceAll("/", "_")}.txt`;
  await api.put(bucket, key, "text", {
    "content-type": "text/plain",
    "x-amz-meta-note": IMAGE,
    "x-amz-tagging": `${encodeURIComponent("<b>")}=x`.replaceAll("%3Cb%3E", "bold"),
  });
  await page.goto(`/buckets/${bucket}`);
  await page.getByRole("grid").getByRole("button", { name: "<img" }).click();
  await page.getByRole("grid").getByRole("button", { name: "<script>" }).click();
  for (const tab of ["Facts", "Versions", "Labels"]) await page.getByRole("tab", { name: tab }).click();
  await expect(page.getByLabel("Value 1").last()).toHaveValue(IMAGE);
  await page.goto("/search?q=onerror");
  await expect(page.getByText(/object found|objects found/)).toBeVisible();
  expect(await ran(page)).toBe(false);
});

test("the page itself allows no inline script and no frame around it", async ({ page }) => {
  const headers = (await page.request.get("/buckets")).headers();
  test.skip(process.env.CONSOLE_DIST !== undefined, "the headers are the binary's");
  expect(headers["content-security-policy"]).toContain("script-src 'self'");
  expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
  expect(headers["content-security-policy"]).not.toContain("unsafe");
  expect(headers["x-content-type-options"]).toBe("nosniff");
  expect(headers["cache-control"]).toBe("no-store");
  const html = await (await page.request.get("/buckets")).text();
  const [, script] = /src="(\/assets\/[^"]+\.js)"/.exec(html) ?? [];
  expect((await page.request.get(script ?? "")).headers()["cache-control"]).toContain("immutable");
});
