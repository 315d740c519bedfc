import { defineConfig } from "@playwright/test";

/** Pictures of every page, for the folder `screenshots/`. */
export default defineConfig({
  testDir: "tests",
  testMatch: "screenshots.ts",
  workers: 1,
  timeout: 300_000,
  reporter: [["list"]],
  outputDir: "test-results",
});
