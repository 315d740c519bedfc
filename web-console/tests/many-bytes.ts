/**
 * A file of 10 GiB and a folder of 10,000 files go through the console in the browser: the bytes arrive, the memory stays
 * bounded, and a tab that dies in the middle sends little again. Both are asserted; times and memory are printed.
 *
 *   GIB=10 FILES=10000 npm run many-bytes      with TMPDIR where there is room for three times as much
 */

import { createHash } from "node:crypto";
import { closeSync, createReadStream, ftruncateSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { temporaryFolder } from "./support/folder";
import { MemoryWatch } from "./support/processes";
import type { Server } from "./support/server";
import type { Api } from "./support/session";
import { expect, test } from "./support/test";

const MEBIBYTE = 1024 * 1024;
const SIZE = Math.round(Number(process.env.GIB ?? 10) * 1024) * MEBIBYTE;
const FILES = Number(process.env.FILES ?? 10_000);
const PART_BYTES = 8 * MEBIBYTE;
const PARTS = SIZE / PART_BYTES;
/** As many requests as the console sends at once. */
const IN_FLIGHT_MAX = 4;
/** Far above what a page takes, far below what it would if it held the file. */
const RENDERER_MEBIBYTES_MAX = 600;

const say = (what: string, figure: string) => console.log(`${what.padEnd(50)} ${figure}`);
/** Kinds of processes and what they are called here. */
const PROCESSES = { server: "server", renderer: "page", "network.mojom.NetworkService": "network", browser: "browser" };

function sayMemory(what: string, peaks: Record<string, number>): void {
  const figures = Object.entries(PROCESSES).map(([kind, name]) => `${name} ${peaks[kind] ?? 0}`);
  say(`most memory ${what}, MiB`, figures.join(", "));
}

const folder = temporaryFolder();

/** A file of holes, in which each mebibyte begins with bytes of its own: parts that were swapped or cut would show. */
function sparseFile(path: string): void {
  const file = openSync(path, "w");
  ftruncateSync(file, SIZE);
  for (let at = 0; at < SIZE; at += MEBIBYTE) {
    const mark = createHash("sha512")
      .update(`mebibyte ${at / MEBIBYTE}`)
      .digest();
    writeSync(file, mark, 0, mark.length, at);
  }
  closeSync(file);
}

async function sha256(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

/** The digest of what the server answers to a link that the console shares. */
async function digestOfLink(api: Api, bucket: string, key: string): Promise<string> {
  const answer = await api.post("/api/v1/presign", { method: "GET", bucket, key, expires_seconds: 3600 });
  const { url } = (await answer.json()) as { url: string };
  const { body } = await fetch(url);
  if (!body) throw new Error("the object has no body");
  return sha256(body);
}

/** Counts the parts that a page sends, and those whose answer has come. */
function countParts(page: Page): { sent: number; arrived: number } {
  const counted = { sent: 0, arrived: 0 };
  const isPart = (url: string, method: string) => method === "PUT" && url.includes("partNumber=");
  page.on("request", (request) => {
    if (isPart(request.url(), request.method())) counted.sent += 1;
  });
  page.on("requestfinished", (request) => {
    if (isPart(request.url(), request.method())) counted.arrived += 1;
  });
  return counted;
}

/** Ends the page's process, as the system does when memory is short. */
async function crash(page: Page): Promise<void> {
  const crashed = page.waitForEvent("crash");
  const session = await page.context().newCDPSession(page);
  session.send("Page.crash").catch(() => {});
  await crashed;
}

const uploaded = (page: Page, files: number) =>
  expect(
    page
      .getByRole("region", { name: "Uploads" })
      .getByText(new RegExp(`^${files.toLocaleString("en")} of .* uploaded`)),
  ).toBeVisible({ timeout: 3_000_000 });

function sayRate(what: string, bytes: number, startedAt: number): void {
  const seconds = (Date.now() - startedAt) / 1000;
  say(what, `${seconds.toFixed(0)} s, ${(bytes / MEBIBYTE / seconds).toFixed(0)} MiB/s`);
}

test(`a file of ${SIZE / MEBIBYTE} MiB arrives whole, though its tab dies in the middle`, async ({
  console_: page,
  api,
  server,
  browser,
}) => {
  const [bucket, name] = ["many-bytes", "large.bin"];
  const file = join(folder, name);
  sparseFile(file);
  await api.bucket(bucket);
  const memory = new MemoryWatch(browser, server.pid);
  const first = await page.context().newPage();
  const before = countParts(first);
  await first.goto(`${server.console}/buckets/${bucket}`);
  const startedAt = Date.now();
  await first.getByLabel("Files to upload").setInputFiles(file);
  await expect.poll(() => before.arrived, { timeout: 3_000_000 }).toBeGreaterThanOrEqual(PARTS / 2);
  sayRate("first half", before.arrived * PART_BYTES, startedAt);
  await crash(first);
  await first.close();

  const second = await page.context().newPage();
  const after = countParts(second);
  await second.goto(`${server.console}/buckets/${bucket}`);
  await expect(second.getByText("Was under way when the page was closed")).toBeVisible();
  const resumedAt = Date.now();
  await second.getByLabel(`The file of ${name}`).setInputFiles(file);
  await uploaded(second, 1);
  sayRate("second half", after.sent * PART_BYTES, resumedAt);
  const again = before.sent + after.sent - PARTS;
  say("parts in all, sent before and after, sent again", `${PARTS}, ${before.sent} and ${after.sent}, ${again}`);
  const peaks = await memory.stop();
  sayMemory("while it was sent", peaks);
  expect(again).toBeLessThanOrEqual(IN_FLIGHT_MAX);
  expect(peaks.renderer).toBeLessThan(RENDERER_MEBIBYTES_MAX);
  expect(await digestOfLink(api, bucket, name)).toBe(await sha256(createReadStream(file)));
  await api.remove(bucket, name);
  rmSync(file);
});

async function manyFiles(root: string): Promise<void> {
  const perFolder = 500;
  for (let from = 0; from < FILES; from += perFolder) {
    const inside = join(root, `day ${from / perFolder}`);
    mkdirSync(inside, { recursive: true });
    const numbers = Array.from({ length: Math.min(perFolder, FILES - from) }, (_, at) => from + at);
    await Promise.all(numbers.map((number) => writeFile(join(inside, `${number}.txt`), `file ${number}`)));
  }
}

/**
 * The longest time, in milliseconds, that scripts of the page kept it from answering since it was given files. What comes before
 * that is the browser's own: it takes in the names.
 */
async function watchTasks(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    let [given, longest] = [Number.POSITIVE_INFINITY, 0];
    addEventListener("change", () => {
      given = performance.now();
    });
    const observer = new PerformanceObserver((tasks) => {
      for (const { startTime, duration } of tasks.getEntries()) {
        const late = startTime + duration - Math.max(startTime, given);
        longest = Math.max(longest, late);
      }
      document.body.dataset.longest = String(longest);
    });
    observer.observe({ entryTypes: ["longtask"] });
  });
  return async () => Number((await page.evaluate(() => document.body.dataset.longest)) ?? 0);
}

test(`a folder of ${FILES} files arrives`, async ({ console_: page, api, server, browser }) => {
  const bucket = "many-files";
  const root = join(folder, "holiday");
  await manyFiles(root);
  await api.bucket(bucket);
  await page.goto(`/buckets/${bucket}`);
  await expect(page.getByText("This bucket is empty")).toBeVisible();
  const memory = new MemoryWatch(browser, server.pid);
  const longest = await watchTasks(page);
  const startedAt = Date.now();
  await page.getByLabel("Folder to upload").setInputFiles(root);
  await uploaded(page, FILES);
  const seconds = (Date.now() - startedAt) / 1000;
  say(`${FILES} files`, `${seconds.toFixed(1)} s, ${(FILES / seconds).toFixed(0)} files/s`);
  say("longest time that scripts took at once", `${Math.round(await longest())} ms`);
  const peaks = await memory.stop();
  sayMemory("meanwhile", peaks);
  expect(peaks.renderer).toBeLessThan(RENDERER_MEBIBYTES_MAX);
  expect(await storedFiles(page, server, bucket)).toBe(FILES);
});

async function storedFiles(page: Page, server: Server, bucket: string): Promise<number> {
  const answer = await page.request.get(`${server.console}/api/v1/usage`);
  const { buckets } = (await answer.json()) as { buckets: { name: string; objects: number }[] };
  return buckets.find(({ name }) => name === bucket)?.objects ?? 0;
}
