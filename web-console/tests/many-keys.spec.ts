import { expect, test } from "./support/test";

const KEYS = 100_000;
/** What has more rows than this in the document is not drawn by what is in sight. */
const ROWS_DRAWN_MAX = 200;

test("a folder of 100,000 keys is walked through to its end, with few rows drawn at any time", async ({
  console_: page,
  api,
}) => {
  test.setTimeout(1_200_000);
  const bucket = "many-keys";
  await api.bucket(bucket);
  await api.putMany(
    bucket,
    Array.from({ length: KEYS }, (_, at) => `img-${String(at).padStart(6, "0")}.jpg`),
  );
  await page.goto(`/buckets/${bucket}`);
  const grid = page.getByRole("grid", { name: "Objects" });
  await expect(page.getByRole("button", { name: "img-000000.jpg" })).toBeVisible();
  await grid.focus();
  const whole = page.getByText("100,000 in this folder");
  while (!(await whole.isVisible())) {
    await page.keyboard.press("End");
    expect(await page.getByRole("row").count()).toBeLessThan(ROWS_DRAWN_MAX);
  }
  await page.keyboard.press("End");
  await expect(page.getByRole("button", { name: "img-099999.jpg" })).toBeVisible();
  await page.keyboard.press("Home");
  await expect(page.getByRole("button", { name: "img-000000.jpg" })).toBeVisible();

  await page.getByLabel("Only names that begin with").fill("img-0876");
  await page.keyboard.press("Enter");
  await expect(page.getByText("100 in this folder")).toBeVisible();
  await expect(page.getByRole("button", { name: "img-087600.jpg" })).toBeVisible();
});
