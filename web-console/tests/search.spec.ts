import { expect, test, unique } from "./support/test";

test("objects are found by a part of the key, a tag and metadata, and opened from there", async ({
  console_: page,
  api,
}) => {
  const bucket = unique("search");
  await api.bucket(bucket);
  await api.search(bucket);
  await api.put(bucket, "deep/down/Needle-in-hay.txt", "found", {
    "content-type": "text/plain",
    "x-amz-tagging": "colour=silver",
  });
  await api.put(bucket, "other.txt", "other", { "x-amz-meta-author": "anna" });
  await page.goto(`/buckets/${bucket}`);
  await expect(page.getByRole("button", { name: "other.txt" })).toBeVisible();
  await page.keyboard.press("/");
  await page.keyboard.type("needle");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "deep/down/Needle-in-hay.txt" }).click();
  await expect(page.getByRole("complementary").getByText("found", { exact: true })).toBeVisible();

  await page.goto(`/search?bucket=${bucket}`);
  await page.getByLabel("Tag", { exact: true }).fill("colour=silver");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect(page.getByText("1 object found")).toBeVisible();
  await page.goto(`/search?bucket=${bucket}&metadata=author%3Danna`);
  await expect(page.getByRole("link", { name: "other.txt" })).toBeVisible();
  await page.goto(`/search?bucket=${bucket}&q=nothing-like-it`);
  await expect(page.getByText("Nothing found")).toBeVisible();
});

test("a bucket without an index says so and leads to where it gets one", async ({ console_: page, api }) => {
  const bucket = unique("plain");
  await api.bucket(bucket);
  await page.goto(`/search?bucket=${bucket}&q=x`);
  await page.getByRole("link", { name: bucket }).click();
  await page.getByLabel("Search index").click();
  await expect(page.getByLabel("Search index")).toBeChecked();
});
