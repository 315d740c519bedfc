import { defineConfig } from "@playwright/test";

/**
 * What uses the tests' server and browser for something else: figures, which are printed and not asserted since they are the
 * machine's as well, uploads too large for every day, and the pictures of every page. `package.json` names each.
 */
export default defineConfig({
  testDir: "tests",
  testMatch: ["measure.ts", "many-bytes.ts", "screenshots.ts"],
  workers: 1,
  timeout: 3_600_000,
  expect: { timeout: 60_000 },
  reporter: [["list"]],
  outputDir: "test-results",
});
