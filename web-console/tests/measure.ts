/**
 * What the console costs a browser: how soon a list is there, how smoothly it scrolls, what memory it takes.
 *
 *   KEYS=1000000 npm run measure        with a bucket of so many keys; 100,000 if nothing is said
 *   SERVER=http://127.0.0.1:9001 ...    on a server that runs and has them, in the bucket `many` under `photos/`
 */

import type { CDPSession, Page } from "@playwright/test";
import type { Api } from "./support/session";
import { test } from "./support/test";

const KEYS = Number(process.env.KEYS ?? 100_000);
const LOADED_ROWS = Math.min(KEYS, 100_000);
const SCROLL_SECONDS = 10;

const say = (what: string, figure: string) => console.log(`${what.padEnd(60)} ${figure}`);

async function fill(api: Api, bucket: string): Promise<void> {
  await api.bucket(bucket);
  const bundle = 10_000;
  for (let from = 0; from < KEYS; from += bundle) {
    const names = Array.from(
      { length: Math.min(bundle, KEYS - from) },
      (_, at) => `photos/img-${String(from + at).padStart(8, "0")}.jpg`,
    );
    await api.putMany(bucket, names);
  }
}

const ended = (page: Page) => page.evaluate(() => performance.now());

async function heapMegabytes(cdp: CDPSession): Promise<number> {
  await cdp.send("HeapProfiler.enable");
  await cdp.send("HeapProfiler.collectGarbage");
  const { usedSize } = await cdp.send("Runtime.getHeapUsage");
  return usedSize / 1024 / 1024;
}

/** Frames drawn a second while a list is scrolled at 3,000 pixels a second, and the longest wait for one. */
async function scroll(page: Page): Promise<{ fps: number; longestMs: number }> {
  return page.evaluate(async (seconds) => {
    const box = [...document.querySelectorAll("[role=grid] *")].find(
      (element) => element.scrollHeight > element.clientHeight + 100,
    );
    if (!box) throw new Error("there is nothing to scroll");
    box.scrollTop = 0;
    const times: number[] = [];
    const start = performance.now();
    await new Promise<void>((done) => {
      const step = (now: number) => {
        times.push(now);
        box.scrollTop = ((now - start) / 1000) * 3000;
        if (now - start < seconds * 1000) requestAnimationFrame(step);
        else done();
      };
      requestAnimationFrame(step);
    });
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    return { fps: ((times.length - 1) * 1000) / ((times.at(-1) ?? 0) - (times[0] ?? 0)), longestMs: Math.max(...gaps) };
  }, SCROLL_SECONDS);
}

test("figures", async ({ console_: page, api, server }) => {
  const started = Date.now();
  if (!process.env.SERVER) await fill(api, "many");
  say("objects stored", `${KEYS} in ${Math.round((Date.now() - started) / 1000)} s`);
  const cdp = await page.context().newCDPSession(page);
  const address = `${server.console}/buckets/many?prefix=photos/`;
  const firstRow = page.getByRole("row").filter({ hasText: "img-" }).first();

  for (const run of ["cold cache", "warm cache"]) {
    await page.goto("about:blank");
    await page.goto(address);
    await firstRow.waitFor();
    say(`object list is there after (${run})`, `${Math.round(await ended(page))} ms`);
  }
  const transferred = await page.evaluate(
    () => performance.getEntriesByType("resource").filter(({ name }) => name.includes("/assets/")).length,
  );
  say("files loaded for it", String(transferred));

  // Inside the running console: from the click on a folder to its first rows.
  await page.goto(`${server.console}/buckets/many`);
  await page.getByRole("button", { name: "photos/" }).waitFor();
  const rowsAfter = await page.evaluate(async () => {
    const button = [...document.querySelectorAll<HTMLButtonElement>("[role=grid] button")].find(
      ({ textContent }) => textContent === "photos/",
    );
    const start = performance.now();
    button?.click();
    await new Promise<void>((done) => {
      const look = () => (document.body.textContent?.includes("img-00000000") ? done() : requestAnimationFrame(look));
      look();
    });
    return performance.now() - start;
  });
  say(`first rows of a folder of ${KEYS} keys after the click`, `${Math.round(rowsAfter)} ms`);

  const load = async (rows: number) => {
    for (;;) {
      const loaded = await page.evaluate(async () => {
        const box = [...document.querySelectorAll("[role=grid] *")].find(
          (element) => element.scrollHeight > element.clientHeight + 100,
        );
        if (!box) return 0;
        box.scrollTop = box.scrollHeight;
        await new Promise((done) => setTimeout(done, 20));
        return Math.round(box.scrollHeight / 40);
      });
      if (loaded >= rows) return;
    }
  };
  await load(Math.min(KEYS, 10_000));
  say("heap after 10,000 rows", `${(await heapMegabytes(cdp)).toFixed(1)} MB`);
  await load(LOADED_ROWS);
  say(`heap after ${LOADED_ROWS} rows`, `${(await heapMegabytes(cdp)).toFixed(1)} MB`);
  for (const run of [1, 2, 3]) {
    const { fps, longestMs } = await scroll(page);
    say(
      `frames a second while ${LOADED_ROWS} rows scroll (${run})`,
      `${fps.toFixed(1)}, longest gap ${longestMs.toFixed(0)} ms`,
    );
  }
  say("heap afterwards", `${(await heapMegabytes(cdp)).toFixed(1)} MB`);
});
