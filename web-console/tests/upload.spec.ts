import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { temporaryFolder } from "./support/folder";
import { expect, test, unique } from "./support/test";

const MEBIBYTE = 1024 * 1024;

function folder(files: Record<string, string | Buffer>): string {
  const root = join(temporaryFolder(), "holiday");
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, content);
  }
  return root;
}

const pickFiles = (page: Page, files: string | string[]) => page.getByLabel("Files to upload").setInputFiles(files);

const uploaded = (page: Page, done: number, all = done) =>
  expect(
    page.getByRole("region", { name: "Uploads" }).getByText(new RegExp(`^${done} of ${all} files? uploaded`)),
  ).toBeVisible({
    timeout: 45_000,
  });

async function digestOf(page: Page, bucket: string, key: string): Promise<string> {
  const answer = await page.request.get(`/api/v1/s3/${bucket}/${key}`);
  return createHash("sha256")
    .update(await answer.body())
    .digest("hex");
}

test("a file and a folder with folders in it are uploaded and seen in the list", async ({ console_: page, api }) => {
  const bucket = unique("upload");
  await api.bucket(bucket);
  await page.goto(`/buckets/${bucket}`);
  const root = folder({ "sea.txt": "sea", "day 1/tide.txt": "tide", "empty.txt": "" });
  await pickFiles(page, join(root, "sea.txt"));
  await uploaded(page, 1);
  await expect(page.getByRole("button", { name: "sea.txt" })).toBeVisible();
  await page.getByLabel("Folder to upload").setInputFiles(root);
  await uploaded(page, 4);
  await page.getByRole("button", { name: "holiday/" }).click();
  await expect(page.getByRole("button", { name: "empty.txt" })).toBeVisible();
  await page.getByRole("button", { name: "day 1/" }).click();
  await expect(page.getByRole("button", { name: "tide.txt" })).toBeVisible();
});

test("a list into which files arrive keeps what is selected in it", async ({ console_: page, api }) => {
  const bucket = unique("arrivals");
  await api.bucket(bucket);
  await api.put(bucket, "kept.txt", "kept");
  await page.goto(`/buckets/${bucket}`);
  await page.getByLabel("Select kept.txt").check();
  const transfer = await page.evaluateHandle(() => {
    const made = new DataTransfer();
    made.items.add(new File(["new"], "new.txt", { type: "text/plain" }));
    return made;
  });
  await page.getByRole("grid", { name: "Objects" }).dispatchEvent("drop", { dataTransfer: transfer });
  await expect(page.getByRole("button", { name: "new.txt" })).toBeVisible();
  await expect(page.getByLabel("Select kept.txt")).toBeChecked();
});

test("dropped files arrive", async ({ console_: page, api }) => {
  const bucket = unique("drop");
  await api.bucket(bucket);
  await page.goto(`/buckets/${bucket}`);
  await expect(page.getByText("This bucket is empty")).toBeVisible();
  const transfer = await page.evaluateHandle(() => {
    const made = new DataTransfer();
    made.items.add(new File(["dropped"], "dropped.txt", { type: "text/plain" }));
    return made;
  });
  await page.getByText("This bucket is empty").dispatchEvent("drop", { dataTransfer: transfer });
  await uploaded(page, 1);
  await expect(page.getByRole("button", { name: "dropped.txt" })).toBeVisible();
});

test("a name that is taken asks: keep both, replace, or skip", async ({ console_: page, api }) => {
  const bucket = unique("taken");
  await api.bucket(bucket);
  await api.put(bucket, "note.txt", "old");
  await page.goto(`/buckets/${bucket}`);
  const file = join(folder({ "note.txt": "new" }), "note.txt");
  await pickFiles(page, file);
  await expect(page.getByText("1 file has the name of an object that is there.")).toBeVisible();
  await page.getByRole("button", { name: "Keep both" }).click();
  await expect(page.getByRole("button", { name: "note (1).txt" })).toBeVisible();
  expect(await (await page.request.get(`/api/v1/s3/${bucket}/note.txt`)).text()).toBe("old");
  await pickFiles(page, file);
  await page.getByRole("button", { name: "Replace" }).click();
  await uploaded(page, 2);
  expect(await (await page.request.get(`/api/v1/s3/${bucket}/note.txt`)).text()).toBe("new");
});

test("a large file goes in parts, bears a cut of the network, and arrives whole", async ({ console_: page, api }) => {
  const bucket = unique("parts");
  await api.bucket(bucket);
  await page.goto(`/buckets/${bucket}`);
  const content = randomBytes(40 * MEBIBYTE);
  const file = join(folder({ "large.bin": content }), "large.bin");
  let parts = 0;
  page.on("requestfinished", (request) => {
    if (request.url().includes("partNumber=")) parts += 1;
  });
  // The network is cut in the middle: some parts are through, the others fail until it is back.
  let failed = 0;
  await page.route(/partNumber=[345]/, (route) => {
    failed += 1;
    return failed <= 4 ? route.abort("connectionreset") : route.continue();
  });
  await pickFiles(page, file);
  await uploaded(page, 1);
  expect(failed).toBeGreaterThan(4);
  expect(parts).toBe(5);
  expect(await digestOf(page, bucket, "large.bin")).toBe(createHash("sha256").update(content).digest("hex"));
});

test("a closed tab goes on where it was, and sends only what had not arrived", async ({ console_: page, api }) => {
  const bucket = unique("resume");
  await api.bucket(bucket);
  const content = randomBytes(48 * MEBIBYTE);
  const file = join(folder({ "again.bin": content }), "again.bin");
  await page.goto(`/buckets/${bucket}`);
  // Parts 4 and later hang, as in a slow network; the first three arrive.
  await page.route(/partNumber=[456]/, () => {});
  const arrived = new Set<string>();
  page.on("requestfinished", (request) => {
    const number = /partNumber=(\d+)/.exec(request.url())?.[1];
    if (number) arrived.add(number);
  });
  await pickFiles(page, file);
  await expect.poll(() => arrived.size, { timeout: 30_000 }).toBe(3);
  page.on("dialog", (dialog) => dialog.accept());
  await page.goto("about:blank");
  await page.unroute(/partNumber=[456]/);

  await page.goto(`/buckets/${bucket}`);
  await expect(page.getByText("Was under way when the page was closed")).toBeVisible();
  const sentAgain = new Set<string>();
  page.on("request", (request) => {
    const number = /partNumber=(\d+)/.exec(request.url())?.[1];
    if (number && request.method() === "PUT") sentAgain.add(number);
  });
  await page.getByLabel("The file of again.bin").setInputFiles(file);
  await uploaded(page, 1);
  expect([...sentAgain].sort()).toEqual(["4", "5", "6"]);
  expect(await digestOf(page, bucket, "again.bin")).toBe(createHash("sha256").update(content).digest("hex"));
});

test("an upload is paused, resumed and cancelled, and a cancelled one leaves nothing behind", async ({
  console_: page,
  api,
}) => {
  const bucket = unique("pause");
  await api.bucket(bucket);
  const file = join(folder({ "slow.bin": randomBytes(40 * MEBIBYTE) }), "slow.bin");
  await page.goto(`/buckets/${bucket}`);
  await page.route(/partNumber=/, () => {});
  await pickFiles(page, file);
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await expect(page.getByText("40 MiB, paused")).toBeVisible();
  await page.getByRole("button", { name: "Go on", exact: true }).click();
  await expect(page.getByText(/% of 40 MiB/)).toBeVisible();
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await expect(page.getByRole("region", { name: "Uploads" })).toBeHidden();
  await expect
    .poll(async () => (await page.request.get(`/api/v1/s3/${bucket}?uploads`)).text())
    .not.toContain("<UploadId>");
});

test("an upload outlives the end of the session", async ({ console_: page, api }) => {
  const bucket = unique("session");
  await api.bucket(bucket);
  const names = ["one.txt", "two.txt", "three.txt"];
  const root = folder(Object.fromEntries(names.map((name) => [name, name])));
  await page.goto(`/buckets/${bucket}`);
  await expect(page.getByText("This bucket is empty")).toBeVisible();
  await page.context().clearCookies();
  await pickFiles(
    page,
    names.map((name) => join(root, name)),
  );
  await page.getByLabel("Access key").fill("testaccesskey");
  await page.getByLabel("Secret key").fill("test-secret-key-0123456789");
  await page.getByRole("button", { name: "Sign in" }).click();
  await uploaded(page, 3);
});
