import { defineConfig } from "@playwright/test";

/** Figures of the console in the browser. They are printed and not asserted: they are the machine's as well. */
export default defineConfig({
  testDir: "tests",
  testMatch: "measure.ts",
  workers: 1,
  timeout: 3_600_000,
  reporter: [["list"]],
  outputDir: "test-results",
});
