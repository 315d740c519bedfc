import { readFileSync } from "node:fs";
import { expect, test } from "./support/test";

test("the client's types are those of the server's description", async ({ page }) => {
  const { typesOf } = await import("../scripts/client.mjs");
  const description = await (await page.request.get("/api/v1/openapi.json")).json();
  const kept = readFileSync(new URL("../src/api/schema.ts", import.meta.url), "utf8");
  // Run `npm run client -- URL` and format when this differs.
  expect(withoutSpace(kept)).toBe(withoutSpace(typesOf(description)));
});

const withoutSpace = (text: string) => text.replace(/\s+/g, " ").replace(/([=|]) \|/g, "$1");

test("everything is within the server's own address, and a page of no place leads back", async ({ console_: page }) => {
  await page.goto("/no/such/page");
  await expect(page.getByRole("heading", { name: "There is no such page" })).toBeVisible();
  await page.getByRole("link", { name: "Buckets" }).click();
  await expect(page.getByRole("heading", { name: "Buckets" })).toBeVisible();
});
