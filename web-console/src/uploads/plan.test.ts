import { expect, it } from "vitest";
import { partBytesFor, partsOf } from "./plan";

const MEBIBYTE = 1024 ** 2;

it("cuts a file into parts that join without gap or overlap", () => {
  const parts = partsOf(20 * MEBIBYTE + 1, 8 * MEBIBYTE);
  expect(parts.map(({ number }) => number)).toEqual([1, 2, 3]);
  expect(parts[0]?.from).toBe(0);
  for (let at = 1; at < parts.length; at += 1) expect(parts[at]?.from).toBe(parts[at - 1]?.to);
  expect(parts.at(-1)?.to).toBe(20 * MEBIBYTE + 1);
});

it("never needs more parts than S3 takes, up to the largest object", () => {
  for (const size of [17 * MEBIBYTE, 10 * 1024 * MEBIBYTE, 5 * 1024 ** 4]) {
    const partBytes = partBytesFor(size);
    expect(Math.ceil(size / partBytes)).toBeLessThanOrEqual(10_000);
    expect(partBytes).toBeLessThanOrEqual(5 * 1024 * MEBIBYTE);
    expect(partBytes % MEBIBYTE).toBe(0);
  }
});
