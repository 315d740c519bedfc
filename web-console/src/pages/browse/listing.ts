import { listObjects, listVersions } from "@/api/s3";
import { Observable } from "@/lib/observable";
import type { Sort } from "@/router";

/** A line of a listing: an object, or a folder, whose key ends in a slash. */
export interface Row {
  key: string;
  isFolder: boolean;
  size: number;
  modified: string;
}

export interface ListingState {
  rows: readonly Row[];
  /** The server has no more. */
  complete: boolean;
  loading: boolean;
  error: unknown;
}

/** The first page is short, because it is what somebody waits for. */
const FIRST_PAGE_ROWS = 200;
/** Sorting by anything but the name needs all rows; beyond this many only the first ones are sorted. */
export const SORTED_ROWS_MAX = 100_000;

export interface Place {
  bucket: string;
  prefix: string;
  begins: string;
  deleted: boolean;
}

type Fetched = { rows: Row[]; next: Cursor | undefined };
type Cursor = string | { key: string; version: string };

/** The rows of one folder, fetched as far as somebody has looked. */
export class Listing {
  readonly state = new Observable<ListingState>({ rows: [], complete: false, loading: false, error: undefined });
  private next: Cursor | undefined;
  private underWay: Promise<void> | undefined;
  private stopper = new AbortController();

  constructor(private readonly place: Place) {}

  /** Fetches the next page, or waits for the one that is on its way. */
  more(): Promise<void> {
    if (this.underWay) return this.underWay;
    const begun = this.fetchNext().finally(() => {
      if (this.underWay === begun) this.underWay = undefined;
    });
    this.underWay = begun;
    return begun;
  }

  private async fetchNext(): Promise<void> {
    const before = this.state.get();
    const { signal } = this.stopper;
    if (before.complete) return;
    this.state.set({ ...before, loading: true, error: undefined });
    // What was stopped says nothing more: it may have been begun again meanwhile.
    try {
      const { rows, next } = await this.fetch(before.rows.length, signal);
      if (signal.aborted) return;
      this.next = next;
      this.state.set({ rows: [...before.rows, ...rows], complete: !next, loading: false, error: undefined });
    } catch (error) {
      if (!signal.aborted) this.state.set({ ...before, loading: false, error });
    }
  }

  /** Fetches until so many rows are there, or all. */
  async upTo(rows: number): Promise<void> {
    const { signal } = this.stopper;
    for (;;) {
      const state = this.state.get();
      if (state.complete || state.error || state.rows.length >= rows || signal.aborted) return;
      await this.more();
    }
  }

  /** Takes out rows that are known to be gone. */
  remove(keys: ReadonlySet<string>): void {
    const state = this.state.get();
    this.state.set({ ...state, rows: state.rows.filter((row) => !keys.has(row.key)) });
  }

  /** Ends what is on its way; it can be begun again. */
  stop(): void {
    this.stopper.abort();
    this.stopper = new AbortController();
    if (!this.underWay) return;
    this.underWay = undefined;
    this.state.set({ ...this.state.get(), loading: false });
  }

  private async fetch(rowsBefore: number, signal: AbortSignal): Promise<Fetched> {
    return this.place.deleted
      ? this.fetchDeleted()
      : this.fetchCurrent(rowsBefore === 0 ? FIRST_PAGE_ROWS : 1000, signal);
  }

  private async fetchCurrent(max: number, signal: AbortSignal): Promise<Fetched> {
    const { bucket, prefix, begins } = this.place;
    const page = await listObjects({
      bucket,
      prefix: prefix + begins,
      delimiter: "/",
      token: this.next as string | undefined,
      max,
      signal,
    });
    const objects = page.objects
      // The folder itself, where somebody made it as an empty object.
      .filter(({ key }) => key !== prefix)
      .map(({ key, size, modified }) => ({ key, isFolder: false, size, modified }));
    return { rows: [...folders(page.folders), ...objects], next: page.next };
  }

  /** Keys whose newest version is a delete marker. */
  private async fetchDeleted(): Promise<Fetched> {
    const { bucket, prefix, begins } = this.place;
    const after = this.next as Exclude<Cursor, string> | undefined;
    const page = await listVersions(bucket, prefix + begins, { delimiter: "/", after });
    const rows = page.versions
      .filter((version) => version.isLatest && version.isDeleteMarker)
      .map(({ key, modified }) => ({ key, isFolder: false, size: 0, modified }));
    return { rows: [...folders(page.folders), ...rows], next: page.next };
  }
}

const folders = (prefixes: string[]): Row[] => prefixes.map((key) => ({ key, isFolder: true, size: 0, modified: "" }));

/** The rows in the order asked for, folders before objects. */
export function sorted(rows: readonly Row[], sort: Sort, down: boolean): readonly Row[] {
  if (sort === "name" && !down) return rows;
  const sign = down ? -1 : 1;
  const order = {
    name: (a: Row, b: Row) => (a.key < b.key ? -1 : 1),
    size: (a: Row, b: Row) => a.size - b.size,
    modified: (a: Row, b: Row) => (a.modified < b.modified ? -1 : a.modified > b.modified ? 1 : 0),
  }[sort];
  return [...rows].sort((a, b) => Number(b.isFolder) - Number(a.isFolder) || sign * order(a, b));
}
