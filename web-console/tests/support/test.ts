/** The fixtures of all tests. */

import { existsSync } from "node:fs";
import { test as base, chromium, expect, type Page } from "@playwright/test";
import { ACCESS_KEY, SECRET_KEY, type Server, startServer } from "./server";
import { Api } from "./session";

export { expect } from "@playwright/test";

/** The system's Chromium; Playwright's own browsers are not used. */
const CHROMIUM = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);

interface Fixtures {
  /** A page at the console's address, signed in as root. Fails the test when a script fails or a request leaves the origin. */
  console_: Page;
  api: Api;
}

interface WorkerFixtures {
  server: Server;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  server: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the pattern
    async ({}, use) => {
      const server = await startServer();
      await use(server);
      await server.stop();
    },
    { scope: "worker", timeout: 90_000 },
  ],
  browser: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the pattern
    async ({}, use) => {
      const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
      await use(browser);
      await browser.close();
    },
    { scope: "worker", timeout: 60_000 },
  ],
  baseURL: async ({ server }, use) => use(server.console),
  page: async ({ page, server }, use) => {
    const faults = watch(page, server.console);
    await use(page);
    // What polls goes on until the page is closed; an answer on its way then is nobody's fault.
    await page.unrouteAll({ behavior: "ignoreErrors" });
    expect(faults).toEqual([]);
  },
  api: async ({ page, server }, use) => use(await Api.signIn(page.request, server.console)),
  console_: async ({ page, api }, use) => {
    void api;
    await use(page);
  },
});

/** Collects what must not happen on any page: errors of scripts, breaches of the security policy, requests to elsewhere. */
function watch(page: Page, origin: string): string[] {
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy|React|Uncaught/.test(message.text()))
      faults.push(message.text());
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !/^(data|blob|about|chrome|chrome-extension):/.test(url))
      faults.push(`a request left the origin: ${url}`);
  });
  return faults;
}

/** Signs in by the form, as a person does. */
export async function signInByForm(page: Page, accessKey = ACCESS_KEY, secretKey = SECRET_KEY): Promise<void> {
  await page.getByLabel("Access key").fill(accessKey);
  await page.getByLabel("Secret key").fill(secretKey);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** A name that no other test has. */
export const unique = (word: string): string => `${word}-${Math.random().toString(36).slice(2, 10)}`;
