/**
 * The queue of uploads.
 *
 * Files are sent in the order in which they came, a few at a time. Large ones go in parts, whose upload the journal
 * remembers: after a reload the server is asked which parts it has, and only the others are sent. A file that is
 * sent in one request is whole on the server or not there at all.
 */
import { ApiError } from "@/api/error";
import type { PartEntry } from "@/api/s3";
import { numbered } from "@/lib/keys";
import { Observable } from "@/lib/observable";
import { isOver, type OnConflict, type UploadItem } from "./item";
import type { Journal } from "./journal";
import { partBytesFor, partsOf, SINGLE_BYTES_MAX } from "./plan";
import { Rate } from "./rate";
import { Slots } from "./slots";
import type { Transport } from "./transport";

/** Requests with bytes at once; browsers allow six to a server, and browsing goes on meanwhile. */
const REQUESTS_MAX = 4;
const RETRIES_MAX = 6;
/** Names that are tried when a file is to be kept beside another. */
const NUMBERS_MAX = 100;
/** How often a server that did not answer is looked for, while something has failed for want of it. */
const SERVER_SOUGHT_EVERY_MS = 10_000;
/** How long changes are gathered before they are shown. */
const VIEW_MS = 100;

export interface NewUpload {
  bucket: string;
  key: string;
  file: File;
  handle?: UploadItem["handle"];
}

/** What is shown of all uploads together. */
export interface QueueView {
  /** Grows with each change, so that who shows the items draws them again. */
  version: number;
  items: number;
  done: number;
  failed: number;
  conflicts: number;
  /** Waiting or under way. */
  active: number;
  paused: number;
  bytes: number;
  sentBytes: number;
  bytesPerSecond: number;
}

export interface Environment {
  transport: Transport;
  journal: Journal;
  now: () => number;
  /** Whether the server answers at all. */
  answers: () => Promise<boolean>;
  /** Resolves after so many milliseconds. */
  wait: (ms: number) => Promise<void>;
  newId: () => string;
}

export class UploadQueue {
  readonly items: UploadItem[] = [];
  readonly view: Observable<QueueView>;
  /** Called with the bucket and key of each file that has arrived. */
  onArrival: (bucket: string, key: string) => void = () => {};

  private readonly running = new Map<UploadItem, AbortController>();
  private readonly slots = new Slots(REQUESTS_MAX);
  private readonly rate = new Rate();
  private sessionEnded = false;
  private serverIsSought = false;
  private version = 0;
  /** The first item that may be waiting; those before it have had their turn. */
  private nextIndex = 0;
  private viewIsDue = false;

  constructor(private readonly with_: Environment) {
    this.view = new Observable(this.summary());
  }

  /** Takes files in. One that was under way before a reload goes on where it was. */
  add(files: readonly NewUpload[], onConflict: OnConflict): void {
    const lost = this.items.filter((item) => item.state === "needs-file");
    for (const { bucket, key, file, handle } of files) {
      const known = lost.find((item) => item.bucket === bucket && item.key === key && fits(item, file));
      if (known) this.provide(known, file);
      else this.items.push(this.newItem({ bucket, key, file, handle }, onConflict));
    }
    this.pump();
  }

  private newItem({ bucket, key, file, handle }: NewUpload, onConflict: OnConflict): UploadItem {
    return {
      id: this.with_.newId(),
      bucket,
      key,
      size: file.size,
      lastModified: file.lastModified,
      mediaType: file.type,
      handle,
      file,
      state: "waiting",
      onConflict,
      sent: 0,
      error: undefined,
      uploadId: undefined,
      partBytes: partBytesFor(file.size),
    };
  }

  /** Shows what was under way when the page was left. */
  async restore(): Promise<void> {
    for (const entry of await this.with_.journal.entries()) {
      this.items.push({ ...entry, file: undefined, state: "needs-file", sent: 0, error: undefined });
    }
    this.changed();
  }

  /** Gives an item its file back. */
  provide(item: UploadItem, file: File): void {
    item.file = file;
    this.requeue(item);
  }

  pause(item: UploadItem): void {
    if (item.state !== "waiting" && item.state !== "uploading") return;
    item.state = "paused";
    this.running.get(item)?.abort();
    this.pump();
  }

  /** Goes on with what is paused or has failed. */
  resume(item: UploadItem): void {
    if (item.state === "paused" || item.state === "failed") this.requeue(item);
  }

  pauseAll(): void {
    for (const item of this.items) this.pause(item);
  }

  resumeAll(): void {
    for (const item of this.items) this.resume(item);
  }

  /** Decides for one whose name is taken. */
  resolve(item: UploadItem, choice: Exclude<OnConflict, "ask">): void {
    if (item.state !== "conflict") return;
    item.onConflict = choice;
    if (choice === "skip") this.finish(item, "skipped");
    else this.requeue(item);
  }

  /** Decides for all whose name is taken, also for those that are still to come. */
  resolveAll(choice: Exclude<OnConflict, "ask">): void {
    for (const item of this.items) {
      if (item.state === "conflict") this.resolve(item, choice);
      else if (item.onConflict === "ask") item.onConflict = choice;
    }
  }

  /** Stops an upload and removes from the server what has arrived of it. */
  async cancel(item: UploadItem): Promise<void> {
    this.running.get(item)?.abort();
    const index = this.items.indexOf(item);
    if (index >= 0) this.items.splice(index, 1);
    this.nextIndex = 0;
    item.state = "skipped";
    this.pump();
    await this.discard(item);
  }

  /** Removes what is kept of an upload, here and on the server. */
  private async discard(item: UploadItem): Promise<void> {
    if (!item.uploadId) return;
    await this.forget(item);
    await this.with_.transport.abort(item, item.uploadId);
  }

  /** Has the journal forget an item, if it can: a browser that keeps nothing, as in private windows, forgets by itself. */
  private forget(item: UploadItem): Promise<void> {
    return this.with_.journal.forget(item.id).catch(() => {});
  }

  async cancelAll(): Promise<void> {
    const open = this.items.filter((item) => !isOver(item));
    this.items.length = 0;
    this.nextIndex = 0;
    await Promise.allSettled(open.map((item) => this.cancel(item)));
  }

  /** Forgets what is over. */
  clear(): void {
    const open = this.items.filter((item) => !isOver(item));
    this.items.splice(0, this.items.length, ...open);
    this.nextIndex = 0;
    this.changed();
  }

  /** Somebody is signed in again. */
  sessionBack(): void {
    this.sessionEnded = false;
    this.pump();
  }

  /** The network is there again: what failed for want of it goes on. */
  networkBack(): void {
    for (const item of this.items) {
      if (item.state === "failed" && isTransient(item.error)) this.requeue(item);
    }
  }

  private requeue(item: UploadItem): void {
    item.state = "waiting";
    item.error = undefined;
    this.nextIndex = 0;
    this.pump();
  }

  /** Begins what there is room for. */
  private pump(): void {
    while (!this.sessionEnded && this.running.size < REQUESTS_MAX) {
      const item = this.nextWaiting();
      if (!item) break;
      void this.run(item);
    }
    this.changed();
  }

  private nextWaiting(): UploadItem | undefined {
    for (; this.nextIndex < this.items.length; this.nextIndex += 1) {
      const item = this.items[this.nextIndex];
      if (item?.state === "waiting" && !this.running.has(item)) return item;
    }
    return undefined;
  }

  private async run(item: UploadItem): Promise<void> {
    const controller = new AbortController();
    this.running.set(item, controller);
    item.state = "uploading";
    item.sent = 0;
    try {
      await this.send(item, controller.signal);
      this.running.delete(item);
      this.finish(item, "done");
      this.onArrival(item.bucket, item.key);
    } catch (error) {
      controller.abort();
      this.running.delete(item);
      this.stopped(item, error);
    }
    this.pump();
  }

  private finish(item: UploadItem, state: "done" | "skipped"): void {
    item.state = state;
    item.file = undefined;
    if (state === "skipped") void this.discard(item).catch(() => {});
    else if (item.uploadId) void this.forget(item);
    this.changed();
  }

  /** Puts an item whose sending has ended early where it belongs. */
  private stopped(item: UploadItem, error: unknown): void {
    // Somebody paused or cancelled it, which is why it ended; or resumed it meanwhile.
    if (item.state !== "uploading") {
      if (item.state === "skipped") void this.discard(item).catch(() => {});
      this.nextIndex = 0;
      return;
    }
    if (error instanceof ApiError && error.status === 401) {
      this.sessionEnded = true;
      item.state = "waiting";
      this.nextIndex = 0;
    } else if (isTaken(error)) {
      this.conflicted(item);
    } else {
      item.state = "failed";
      item.error = error;
      if (isUnanswered(item)) void this.seekServer();
    }
  }

  /** Looks for the server as long as something has failed for want of an answer, and goes on with all of that. */
  private async seekServer(): Promise<void> {
    if (this.serverIsSought) return;
    this.serverIsSought = true;
    do await this.with_.wait(SERVER_SOUGHT_EVERY_MS);
    while (this.items.some(isUnanswered) && !(await this.with_.answers()));
    this.serverIsSought = false;
    this.networkBack();
  }

  private conflicted(item: UploadItem): void {
    if (item.onConflict === "skip") this.finish(item, "skipped");
    else item.state = "conflict";
  }

  private async send(item: UploadItem, signal: AbortSignal): Promise<void> {
    if (item.onConflict !== "keep-both") return this.sendAs(item, signal);
    const wanted = item.key;
    for (let number = 0; number < NUMBERS_MAX; number += 1) {
      item.key = number === 0 ? wanted : numbered(wanted, number);
      try {
        return await this.sendAs(item, signal);
      } catch (error) {
        if (!isTaken(error)) throw error;
      }
    }
    item.key = wanted;
    throw new ApiError("", 412, "PreconditionFailed");
  }

  private async sendAs(item: UploadItem, signal: AbortSignal): Promise<void> {
    const file = item.file;
    if (!file) throw new Error("the file is gone");
    const onlyIfNew = item.onConflict !== "replace";
    if (item.size > SINGLE_BYTES_MAX) return this.sendInParts(item, file, signal, onlyIfNew);
    const tracked = new Tracker(item, this.sentMore);
    const { transport } = this.with_;
    const options = { mediaType: item.mediaType, onlyIfNew, signal, progress: (sent: number) => tracked.set(0, sent) };
    let answerWasLost = false;
    const send = async () => {
      try {
        await transport.put(item, file, options);
      } catch (error) {
        // The object that has the name may be the one that was sent before.
        if (answerWasLost && isTaken(error) && (await transport.holds(item, file))) return;
        answerWasLost ||= isTransient(error);
        throw error;
      }
    };
    await this.retrying(() => this.slots.use(send, signal), signal);
    tracked.set(0, item.size);
  }

  private async sendInParts(item: UploadItem, file: File, signal: AbortSignal, onlyIfNew: boolean): Promise<void> {
    const { transport } = this.with_;
    const there = item.uploadId
      ? await this.retrying(() => this.partsThere(item), signal)
      : new Map<number, PartEntry>();
    if (!item.uploadId) {
      // Asked before gigabytes are sent in vain; that nothing comes between is ensured at the end.
      if (onlyIfNew && (await this.retrying(() => transport.exists(item), signal)))
        throw new ApiError("", 412, "PreconditionFailed");
      await this.retrying(() => this.begin(item), signal);
    }
    await this.sendParts(item, file, there, signal);
    const parts = [...there.values()].sort((a, b) => a.number - b.number);
    await this.retrying(() => transport.complete(item, item.uploadId ?? "", parts, onlyIfNew), signal);
  }

  /** The parts that the server has already; none, and no upload, when it no longer knows of it. */
  private async partsThere(item: UploadItem): Promise<Map<number, PartEntry>> {
    try {
      const parts = await this.with_.transport.parts(item, item.uploadId ?? "");
      return new Map(parts.map((part) => [part.number, part]));
    } catch (error) {
      if (!(error instanceof ApiError && error.code === "NoSuchUpload")) throw error;
      item.uploadId = undefined;
      return new Map();
    }
  }

  private async begin(item: UploadItem): Promise<void> {
    item.uploadId = await this.with_.transport.begin(item, item.mediaType);
    const { id, bucket, key, size, lastModified, mediaType, handle, onConflict, partBytes, uploadId } = item;
    const entry = { id, bucket, key, size, lastModified, mediaType, handle, onConflict, partBytes, uploadId };
    // Without the journal the upload goes on; a closed tab could not.
    await this.with_.journal.keep(entry).catch(() => {});
  }

  /** Sends the parts that are not `there`, several at once, and adds them to it. */
  private async sendParts(
    item: UploadItem,
    file: File,
    there: Map<number, PartEntry>,
    signal: AbortSignal,
  ): Promise<void> {
    const tracked = new Tracker(item, this.sentMore);
    const missing = partsOf(item.size, item.partBytes).filter(({ number, from, to }) => {
      const isThere = there.get(number)?.size === to - from;
      if (isThere) tracked.known(number, to - from);
      return !isThere;
    });
    const sendNext = async (): Promise<void> => {
      for (let part = missing.shift(); part; part = missing.shift()) {
        const { number, from, to } = part;
        const send = () =>
          this.with_.transport.putPart(item, item.uploadId ?? "", number, file.slice(from, to), {
            signal,
            progress: (sent) => tracked.set(number, Math.min(sent, to - from)),
          });
        const etag = await this.retrying(() => this.slots.use(send, signal), signal);
        tracked.set(number, to - from);
        there.set(number, { number, etag, size: to - from });
      }
    };
    await Promise.all(Array.from({ length: REQUESTS_MAX }, sendNext));
  }

  /** Does it again, each time after a longer wait, as long as it fails for a passing reason. */
  private async retrying<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let failures = 0; ; failures += 1) {
      signal.throwIfAborted();
      try {
        return await work();
      } catch (error) {
        if (!isTransient(error) || failures >= RETRIES_MAX) throw error;
        const asked = error instanceof ApiError ? error.retryAfterSeconds * 1000 : 0;
        await this.with_.wait(Math.max(asked, 500 * 2 ** failures));
      }
    }
  }

  private readonly sentMore = (bytes: number): void => {
    if (bytes > 0) this.rate.add(bytes, this.with_.now());
    this.changed();
  };

  /** Has the view follow, at most some times a second. */
  private changed(): void {
    this.version += 1;
    if (this.viewIsDue) return;
    this.viewIsDue = true;
    void this.with_.wait(VIEW_MS).then(() => {
      this.viewIsDue = false;
      this.view.set(this.summary());
    });
  }

  summary(): QueueView {
    const view: QueueView = {
      version: this.version,
      items: this.items.length,
      done: 0,
      failed: 0,
      conflicts: 0,
      active: 0,
      paused: 0,
      bytes: 0,
      sentBytes: 0,
      bytesPerSecond: this.rate.perSecond(this.with_.now()),
    };
    for (const item of this.items) {
      view.bytes += item.size;
      view.sentBytes += isOver(item) ? item.size : item.sent;
      if (isOver(item)) view.done += 1;
      else if (item.state === "failed") view.failed += 1;
      else if (item.state === "conflict") view.conflicts += 1;
      else if (item.state === "waiting" || item.state === "uploading") view.active += 1;
      else view.paused += 1;
    }
    return view;
  }
}

/** Adds up how much of each request of an item has been sent. */
class Tracker {
  private readonly sent = new Map<number, number>();

  constructor(
    private readonly item: UploadItem,
    private readonly onMore: (bytes: number) => void,
  ) {
    item.sent = 0;
  }

  set(request: number, bytes: number): void {
    const more = bytes - (this.sent.get(request) ?? 0);
    this.sent.set(request, bytes);
    this.item.sent += more;
    this.onMore(more);
  }

  /** Bytes that were there before, which say nothing of the rate. */
  known(request: number, bytes: number): void {
    this.sent.set(request, bytes);
    this.item.sent += bytes;
  }
}

const isTransient = (error: unknown): boolean => error instanceof ApiError && error.isTransient;

/** It failed because nobody answered. */
const isUnanswered = ({ state, error }: UploadItem): boolean =>
  state === "failed" && error instanceof ApiError && error.status === 0;

const isTaken = (error: unknown): boolean => error instanceof ApiError && error.status === 412;

/** Whether `file` is the one that an item lost. */
export const fits = (item: UploadItem, file: File): boolean =>
  item.size === file.size && item.lastModified === file.lastModified && item.key.endsWith(file.name);
