import { defineConfig } from "@playwright/test";

/** The tests: each file against a server of its own, in the system's Chromium. */
export default defineConfig({
  testDir: "tests",
  testMatch: "**/*.spec.ts",
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  outputDir: "test-results",
});
