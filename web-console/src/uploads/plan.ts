/** How a file is cut into parts. */

const MEBIBYTE = 1024 * 1024;

/** Files up to this length are sent in one request. */
export const SINGLE_BYTES_MAX = 16 * MEBIBYTE;

/** What is lost, and sent again, when the browser dies: a part for each request in flight. */
const PART_BYTES_MIN = 8 * MEBIBYTE;

/** S3 takes 10,000 parts; some are kept in reserve. */
const PARTS_MAX = 9_000;

export interface PartRange {
  number: number;
  from: number;
  to: number;
}

/** The length of a file's parts: a whole number of mebibytes, so that no file has too many. */
export function partBytesFor(size: number): number {
  return Math.max(PART_BYTES_MIN, Math.ceil(size / PARTS_MAX / MEBIBYTE) * MEBIBYTE);
}

export function partsOf(size: number, partBytes: number): PartRange[] {
  const parts: PartRange[] = [];
  for (let from = 0; from < size; from += partBytes) {
    parts.push({ number: parts.length + 1, from, to: Math.min(size, from + partBytes) });
  }
  return parts;
}
