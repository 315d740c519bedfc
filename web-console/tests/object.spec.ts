import { deflateSync } from "node:zlib";
import type { Page } from "@playwright/test";
import { expect, test, unique } from "./support/test";
import { pictures, webm } from "./support/webm";

const MEBIBYTE = 1024 * 1024;

const details = (page: Page) => page.getByRole("complementary", { name: /Details of/ });

/** A picture of one pixel. */
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

/** A second of silence. */
function wav(): Buffer {
  const samples = 8000;
  const header = Buffer.alloc(44);
  header.write("RIFF", 0);
  header.writeUInt32LE(36 + samples, 4);
  header.write("WAVEfmt ", 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(8000, 24);
  header.writeUInt32LE(8000, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write("data", 36);
  header.writeUInt32LE(samples, 40);
  return Buffer.concat([header, Buffer.alloc(samples, 128)]);
}

/** A page with a line of text. */
function pdf(): Buffer {
  const stream = deflateSync(Buffer.from("BT /F1 24 Tf 40 100 Td (A page) Tj ET"));
  const objects = [
    "<</Type/Catalog/Pages 2 0 R>>",
    "<</Type/Pages/Kids[3 0 R]/Count 1>>",
    "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
  ].map((body, index) => Buffer.from(`${index + 1} 0 obj${body}endobj\n`));
  const content = Buffer.concat([
    Buffer.from(`4 0 obj<</Length ${stream.length}/Filter/FlateDecode>>stream\n`),
    stream,
    Buffer.from("\nendstream endobj\n"),
  ]);
  return Buffer.concat([Buffer.from("%PDF-1.4\n"), ...objects, content, Buffer.from("trailer<</Root 1 0 R>>\n%%EOF")]);
}

test("each kind of object has its preview", async ({ console_: page, api }) => {
  const bucket = unique("preview");
  await api.bucket(bucket);
  const put = (key: string, data: string | Buffer, type: string) =>
    api.put(bucket, key, data, { "content-type": type });
  await put("dot.png", PNG, "image/png");
  await put("silence.wav", wav(), "audio/wav");
  await put("paper.pdf", pdf(), "application/pdf");
  await put(
    "notes.md",
    "# Title\n\nSome **bold** text and a [link](https://example.com).\n\n- one\n- two\n",
    "text/markdown",
  );
  await put("data.csv", 'name,size\n"a, b",1\nc,2\n', "text/csv");
  await put("list.json", '[{"name":"x","n":1},{"name":"y","n":2}]', "application/json");
  await put("code.rs", "fn main() {}\n", "application/octet-stream");
  await put("blob.bin", Buffer.from([0, 1, 2, 3]), "application/octet-stream");
  const open = (key: string) => page.goto(`/buckets/${bucket}?object=${key}`);

  await open("dot.png");
  const image = details(page).getByRole("img", { name: "dot.png" });
  await expect(image).toBeVisible();
  await expect.poll(() => image.evaluate((element) => (element as HTMLImageElement).naturalWidth)).toBe(1);

  await open("silence.wav");
  const audio = details(page).locator("audio");
  await expect.poll(() => audio.evaluate((element) => (element as HTMLAudioElement).duration)).toBe(1);
  await audio.evaluate((element) => {
    (element as HTMLAudioElement).currentTime = 0.5;
  });
  await expect.poll(() => audio.evaluate((element) => (element as HTMLAudioElement).currentTime)).toBe(0.5);

  await open("paper.pdf");
  await expect(details(page).locator("iframe[title='paper.pdf']")).toBeVisible();

  await open("notes.md");
  await expect(details(page).getByRole("heading", { name: "Title" })).toBeVisible();
  await expect(details(page).getByText("bold")).toBeVisible();

  await open("data.csv");
  await expect(details(page).getByRole("cell", { name: "a, b" })).toBeVisible();

  await open("list.json");
  await expect(details(page).getByRole("columnheader", { name: "name" })).toBeVisible();
  await expect(details(page).getByRole("cell", { name: "y" })).toBeVisible();

  await open("code.rs");
  await expect(details(page).getByText("fn main() {}")).toBeVisible();

  await open("blob.bin");
  await expect(details(page).getByText("No preview of this kind of file")).toBeVisible();
});

test("a film is shown, and one seeks in it without loading all of it", async ({ console_: page, api }) => {
  const bucket = unique("film");
  await api.bucket(bucket);
  await page.goto("/buckets");
  const colours = ["#f00", "#0f0", "#00f", "#ff0", "#0ff", "#f0f", "#fff", "#00f"];
  const size = [64, 64] as const;
  const film = webm(await pictures(page, colours, size), size, 4 * MEBIBYTE);
  await api.put(bucket, "film.webm", film, { "content-type": "video/webm" });
  const ranges: string[] = [];
  page.on("response", (response) => {
    if (response.url().includes("film.webm") && response.status() === 206)
      ranges.push(response.headers()["content-range"] ?? "");
  });
  await page.goto(`/buckets/${bucket}?object=film.webm`);
  const video = details(page).locator("video");
  await expect.poll(() => video.evaluate((element) => (element as HTMLVideoElement).duration)).toBe(8);
  await video.evaluate((element) => {
    (element as HTMLVideoElement).currentTime = 7.5;
  });
  const shown = () =>
    video.evaluate((element) => {
      const canvas = new OffscreenCanvas(1, 1).getContext("2d");
      canvas?.drawImage(element as HTMLVideoElement, 0, 0, 1, 1);
      const [red, green, blue] = canvas?.getImageData(0, 0, 1, 1).data ?? [];
      return [red, green, blue].map((part) => Math.round((part ?? 0) / 255)).join("");
    });
  await expect.poll(() => video.evaluate((element) => (element as HTMLVideoElement).seeking)).toBe(false);
  await expect.poll(shown).toBe("001");
  const starts = ranges.map((range) => Number(/^bytes (\d+)-/.exec(range)?.[1]));
  expect(Math.max(...starts)).toBeGreaterThan(7 * 4 * MEBIBYTE);
});

test("a version is restored, a deleted object is brought back", async ({ console_: page, api }) => {
  const bucket = unique("versions");
  await api.bucket(bucket);
  await api.versioning(bucket);
  await api.put(bucket, "text.txt", "first");
  await api.put(bucket, "text.txt", "second");
  await page.goto(`/buckets/${bucket}?object=text.txt`);
  await details(page).getByRole("tab", { name: "Versions" }).click();
  await expect(details(page).getByRole("listitem")).toHaveCount(2);
  await details(page).getByRole("button", { name: "Restore this version" }).click();
  await expect(details(page).getByRole("listitem")).toHaveCount(3);
  expect(await (await page.request.get(`/api/v1/s3/${bucket}/text.txt`)).text()).toBe("first");

  await details(page).getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText("This bucket is empty")).toBeVisible();
  await page.getByRole("button", { name: "Deleted", exact: true }).click();
  await page.getByRole("button", { name: "text.txt" }).click();
  await details(page).getByRole("button", { name: "Bring the object back" }).click();
  await expect(page.getByText("The object is back")).toBeVisible();
  expect(await (await page.request.get(`/api/v1/s3/${bucket}/text.txt`)).text()).toBe("first");
});

test("tags and metadata are changed", async ({ console_: page, api }) => {
  const bucket = unique("labels");
  await api.bucket(bucket);
  const stored = {
    "content-language": "de",
    "cache-control": "max-age=60",
    "content-disposition": "attachment; filename=a.txt",
  };
  const headers = { "x-amz-meta-author": "anna", "content-type": "text/plain", ...stored };
  await api.put(bucket, "labelled.txt", "text", headers);
  await page.goto(`/buckets/${bucket}?object=labelled.txt`);
  await details(page).getByRole("tab", { name: "Labels" }).click();
  const form = (name: string) => details(page).locator("section").filter({ hasText: name }).locator("form");
  await form("Tags").getByRole("button", { name: "Add" }).click();
  await form("Tags").getByLabel("Name 1").fill("project");
  await form("Tags").getByLabel("Value 1").fill("holdfast");
  await form("Tags").getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved")).toBeVisible();
  await form("Metadata").getByLabel("Value 1").fill("berta");
  await form("Metadata").getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved")).toHaveCount(2);
  const head = await page.request.head(`/api/v1/s3/${bucket}/labelled.txt`);
  expect(head.headers()["x-amz-meta-author"]).toBe("berta");
  expect(head.headers()).toMatchObject({
    "content-language": "de",
    "x-holdfast-stored-cache-control": "max-age=60",
    "x-holdfast-stored-content-disposition": "attachment; filename=a.txt",
  });
  expect(await (await page.request.get(`/api/v1/s3/${bucket}/labelled.txt?tagging`)).text()).toContain(
    "<Key>project</Key>",
  );
  await details(page).getByRole("tab", { name: "Facts" }).click();
  await details(page).getByRole("tab", { name: "Labels" }).click();
  await expect(form("Tags").getByLabel("Value 1")).toHaveValue("holdfast");
});

test("a legal hold and a retention keep a version", async ({ console_: page, api }) => {
  const bucket = unique("locked");
  await api.bucket(bucket, { "x-amz-bucket-object-lock-enabled": "true" });
  await api.put(bucket, "kept.txt", "kept");
  await page.goto(`/buckets/${bucket}?object=kept.txt`);
  await details(page).getByRole("tab", { name: "Lock" }).click();
  await details(page).getByLabel("Legal hold").click();
  await expect(details(page).getByLabel("Legal hold")).toBeChecked();
  await details(page).getByLabel("Keep until").fill("2099-01-31");
  await details(page).getByRole("button", { name: "Save" }).click();
  await expect(details(page).getByText(/GOVERNANCE until/)).toBeVisible();
  await details(page).getByRole("tab", { name: "Versions" }).click();
  await details(page).getByRole("button", { name: "Remove this version for good" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(page.getByRole("dialog").getByRole("alert")).toBeVisible();
});

test("a shared link is opened by somebody without keys", async ({ console_: page, api, playwright }) => {
  const bucket = unique("share");
  await api.bucket(bucket);
  await api.put(bucket, "for you.txt", "shared with you", { "content-type": "text/plain" });
  await page.goto(`/buckets/${bucket}?object=for%20you.txt`);
  await details(page).getByRole("button", { name: "Share" }).click();
  const link = page.getByLabel("Link", { exact: true });
  await expect(link).toHaveValue(/X-Amz-Signature/);
  await expect(page.getByRole("img", { name: "The link as a QR code" })).toBeVisible();
  const anonymous = await playwright.request.newContext();
  const answer = await anonymous.get(await link.inputValue());
  expect(await answer.text()).toBe("shared with you");
  await anonymous.dispose();
});

test("the shards of an object are shown with their drives", async ({ console_: page, api }) => {
  const bucket = unique("shards");
  await api.bucket(bucket);
  await api.put(bucket, "spread.bin", Buffer.alloc(3_000_000, 7));
  await page.goto(`/buckets/${bucket}?object=spread.bin`);
  await details(page).getByRole("tab", { name: "Shards" }).click();
  await expect(details(page).getByText("2 more shards may be lost.")).toBeVisible();
  await expect(details(page).getByText(/^Drive \d$/)).toHaveCount(4);
});

test("several objects come as one archive", async ({ console_: page, api }) => {
  const bucket = unique("zip");
  await api.bucket(bucket);
  await api.put(bucket, "a.txt", "a");
  await api.put(bucket, "folder/b.txt", "b");
  await page.goto(`/buckets/${bucket}`);
  await page.getByLabel("Select all that are loaded").check();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/\.zip$/);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  const archive = Buffer.concat(chunks).toString("latin1");
  expect(archive).toContain("a.txt");
  expect(archive).toContain("folder/b.txt");
});
