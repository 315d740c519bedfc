import { expect, it } from "vitest";
import { tableOf } from "./JsonView";
import { previewKind } from "./kinds";

it("goes by the media type, and by the name where that says little", () => {
  expect(previewKind("a.png", "image/png")).toBe("image");
  expect(previewKind("a.bin", "video/mp4")).toBe("video");
  expect(previewKind("a.pdf", "application/pdf")).toBe("pdf");
  expect(previewKind("a.md", "binary/octet-stream")).toBe("markdown");
  expect(previewKind("a.rs", "application/octet-stream")).toBe("text");
  expect(previewKind("a.csv", "text/plain")).toBe("csv");
  expect(previewKind("a.zip", "application/zip")).toBe("none");
  expect(previewKind("a.exe", "application/octet-stream")).toBe("none");
});

it("shows what could run as text alone", () => {
  expect(previewKind("a.html", "text/html")).toBe("text");
  expect(previewKind("a.svg", "image/svg+xml")).toBe("text");
  expect(previewKind("a.js", "text/javascript")).toBe("text");
});

it("makes a table of a list of records, and of nothing else", () => {
  expect(tableOf([{ a: 1 }, { b: "x", a: null }])).toEqual({
    head: ["a", "b"],
    rows: [
      ["1", ""],
      ["null", "x"],
    ],
    cut: false,
  });
  expect(tableOf([1, 2])).toBeUndefined();
  expect(tableOf({ a: 1 })).toBeUndefined();
});
