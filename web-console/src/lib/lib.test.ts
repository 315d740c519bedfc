import { describe, expect, it } from "vitest";
import { formatBytes, formatDuration, formatPercent, isOver } from "./format";
import { ancestorsOf, extensionOf, folderOf, nameOf, numbered } from "./keys";
import { parseSize, writeSize } from "./size";

describe("figures", () => {
  it("of bytes have the unit that people read best", () => {
    expect([0, 1023, 1024, 1536, 10 * 1024 ** 2, 5 * 1024 ** 4].map(formatBytes)).toEqual([
      "0 B",
      "1,023 B",
      "1 KiB",
      "1.5 KiB",
      "10 MiB",
      "5 TiB",
    ]);
  });

  it("a moment is over when it has come, and none never is", () => {
    const noon = Date.parse("2026-01-01T12:00:00Z");
    const over = ["2026-01-01T12:00:00Z", "2025-01-01T00:00:00Z", "2026-01-01T12:00:01Z", "", undefined].map((end) =>
      isOver(end, noon),
    );
    expect(over).toEqual([true, true, false, false, false]);
  });

  it("of time have two units", () => {
    expect([0, 59, 61, 3600, 3661, 90_000].map(formatDuration)).toEqual([
      "0 s",
      "59 s",
      "1 min 1 s",
      "1 h",
      "1 h 1 min",
      "1 d 1 h",
    ]);
  });

  it("of a part of nothing are a dash", () => {
    expect(formatPercent(1, 4)).toBe("25%");
    expect(formatPercent(0, 0)).toBe("–");
  });
});

describe("sizes", () => {
  it("are read in thousands and in powers of 1024", () => {
    expect(["1", "500GB", "10 GiB", "1.5tib", " 5 k ", "0.5KiB"].map(parseSize)).toEqual([
      1,
      500e9,
      10 * 1024 ** 3,
      1.5 * 1024 ** 4,
      5000,
      512,
    ]);
  });

  it("that are none are told apart", () => {
    expect(["", "0", "GiB", "-1", "1 iB", "10 XiB", "1e3", "99999999 PiB"].map(parseSize)).toEqual(
      Array(8).fill(undefined),
    );
  });

  it("are written so that they are read back as they were", () => {
    expect([1, 1500, 10 * 1024 ** 3, 500e9, 1025].map(writeSize)).toEqual([
      "1 B",
      "1500 B",
      "10 GiB",
      "500 GB",
      "1025 B",
    ]);
    for (const bytes of [1, 999, 1000, 1024, 3 * 1024 ** 4, 7e15, 123_456_789]) {
      expect(parseSize(writeSize(bytes))).toBe(bytes);
    }
  });
});

describe("keys", () => {
  it("have a name and a folder", () => {
    expect(["a/b/c.txt", "a/b/", "c.txt", "/", "/a", "a//"].map(nameOf)).toEqual([
      "c.txt",
      "b/",
      "c.txt",
      "/",
      "a",
      "/",
    ]);
    expect(["a/b/c.txt", "a/b/", "c.txt", "/", "/a", "a//"].map(folderOf)).toEqual(["a/b/", "a/", "", "", "/", "a/"]);
  });

  it("have ancestors, also where parts are empty", () => {
    expect(ancestorsOf("a/b/")).toEqual([
      { name: "a", prefix: "a/" },
      { name: "b", prefix: "a/b/" },
    ]);
    expect(ancestorsOf("a//").map(({ prefix }) => prefix)).toEqual(["a/", "a//"]);
  });

  it("are numbered before their extension", () => {
    expect(numbered("a/b.tar.gz", 1)).toBe("a/b.tar (1).gz");
    expect(numbered("a.b/c", 2)).toBe("a.b/c (2)");
    expect(numbered(".profile", 1)).toBe(".profile (1)");
    expect([extensionOf("a/B.TXT"), extensionOf(".profile"), extensionOf("a.b/c")]).toEqual(["txt", "", ""]);
  });
});
