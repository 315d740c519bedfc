import { describe, expect, it } from "vitest";
import { ApiError } from "@/api/error";
import type { PartEntry } from "@/api/s3";
import type { Journal, JournalEntry } from "./journal";
import { SINGLE_BYTES_MAX } from "./plan";
import { UploadQueue } from "./queue";
import type { Transport } from "./transport";

const MEBIBYTE = 1024 * 1024;

/** A server in memory, in whose way a test can put things. */
class Server implements Transport {
  readonly objects = new Map<string, number>();
  readonly uploads = new Map<string, Map<number, PartEntry>>();
  /** Sent bytes by request: `key` or `key#part`. */
  readonly requests: string[] = [];
  inFlight = 0;
  inFlightMax = 0;
  /** Decides what becomes of a request: throws for a failure, waits for a delay. */
  fate: (request: string, signal: AbortSignal) => Promise<void> = async () => {};

  /** Decides what becomes of an answer, once the object is there. */
  answer: (request: string) => Promise<void> = async () => {};

  private async serve(request: string, signal: AbortSignal): Promise<void> {
    this.requests.push(request);
    this.inFlight += 1;
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight);
    try {
      await this.fate(request, signal);
      signal.throwIfAborted();
    } finally {
      this.inFlight -= 1;
    }
  }

  exists: Transport["exists"] = async ({ key }) => this.objects.has(key);

  holds: Transport["holds"] = async ({ key }, body) => this.objects.get(key) === body.size;

  put: Transport["put"] = async ({ key }, body, { onlyIfNew, signal, progress }) => {
    await this.serve(key, signal);
    if (onlyIfNew && this.objects.has(key)) throw taken();
    progress(body.size);
    this.objects.set(key, body.size);
    await this.answer(key);
  };

  begin: Transport["begin"] = async ({ key }) => {
    const id = `upload-${this.uploads.size + 1}-${key}`;
    this.uploads.set(id, new Map());
    return id;
  };

  parts: Transport["parts"] = async (_, uploadId) => {
    const parts = this.uploads.get(uploadId);
    if (!parts) throw new ApiError("gone", 404, "NoSuchUpload");
    return [...parts.values()];
  };

  putPart: Transport["putPart"] = async ({ key }, uploadId, number, body, { signal, progress }) => {
    await this.serve(`${key}#${number}`, signal);
    progress(body.size);
    this.uploads.get(uploadId)?.set(number, { number, size: body.size, etag: `etag-${number}` });
    return `etag-${number}`;
  };

  complete: Transport["complete"] = async ({ key }, uploadId, parts, onlyIfNew) => {
    if (onlyIfNew && this.objects.has(key)) throw taken();
    this.objects.set(
      key,
      parts.reduce((sum, part) => sum + part.size, 0),
    );
    this.uploads.delete(uploadId);
  };

  abort: Transport["abort"] = async (_, uploadId) => void this.uploads.delete(uploadId);
}

const taken = () => new ApiError("taken", 412, "PreconditionFailed");
const offline = () => new ApiError("", 0);

class MemoryJournal implements Journal {
  readonly kept = new Map<string, JournalEntry>();
  entries = async () => [...this.kept.values()];
  keep = async (entry: JournalEntry) => void this.kept.set(entry.id, entry);
  forget = async (id: string) => void this.kept.delete(id);
}

function queueOn<J extends Journal>(server: Server, journal: J, answers = async () => false) {
  let ids = 0;
  const waits: number[] = [];
  const queue = new UploadQueue({
    transport: server,
    journal,
    answers,
    now: () => 0,
    // A task of its own, as timers are: who waits again and again must not keep all others from their turn.
    wait: async (ms) => {
      waits.push(ms);
      await new Promise((resolve) => setTimeout(resolve));
    },
    newId: () => `id-${++ids}`,
  });
  return { queue, journal, waits };
}

/** A file of that size; of a large one only its length counts here. */
function file(name: string, size: number): File {
  const made = new File([new Uint8Array(size)], name, { lastModified: 1 });
  return made;
}

const put = (name: string, size = 10) => ({ bucket: "b", key: name, file: file(name, size) });

async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; turns < 10_000; turns += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  throw new Error("it never came to this");
}

const isIdle = (queue: UploadQueue) => () => queue.summary().active === 0;

describe("the queue of uploads", () => {
  it("sends parts, and removes them when it is cancelled, where the browser keeps no journal", async () => {
    const server = new Server();
    const refuses = async () => Promise.reject(new DOMException("no room", "QuotaExceededError"));
    const { queue } = queueOn(server, { entries: async () => [], keep: refuses, forget: refuses });
    queue.add([put("kept.bin", SINGLE_BYTES_MAX + 1)], "ask");
    await until(() => queue.items[0]?.state === "done");
    expect(server.objects.get("kept.bin")).toBe(SINGLE_BYTES_MAX + 1);

    server.fate = () => new Promise(() => {});
    queue.add([put("cancelled.bin", SINGLE_BYTES_MAX + 1)], "ask");
    await until(() => server.uploads.size === 1);
    const [, cancelled] = queue.items;
    if (cancelled) await queue.cancel(cancelled);
    expect(server.uploads.size).toBe(0);
  });

  it("knows its own object by its bytes when the answer was lost, and no other's", async () => {
    const server = new Server();
    const lost = new Set<string>();
    server.answer = async (key) => {
      if (lost.has(key)) return;
      lost.add(key);
      if (key === "overwritten.txt") server.objects.set(key, 99);
      throw offline();
    };
    const { queue } = queueOn(server, new MemoryJournal());
    queue.add([put("own.txt"), put("overwritten.txt")], "ask");
    await until(isIdle(queue));
    expect(queue.items.map((item) => item.state)).toEqual(["done", "conflict"]);
    expect(server.requests.filter((key) => key === "own.txt")).toHaveLength(2);
  });

  it("sends many small files, a few at a time", async () => {
    const server = new Server();
    const { queue } = queueOn(server, new MemoryJournal());
    queue.add(
      Array.from({ length: 1000 }, (_, index) => put(`file-${index}`)),
      "ask",
    );
    await until(() => queue.summary().done === 1000);
    expect(server.objects.size).toBe(1000);
    expect(server.inFlightMax).toBeLessThanOrEqual(4);
    expect(queue.summary().sentBytes).toBe(10_000);
  });

  it("sends a large file in parts and completes it", async () => {
    const server = new Server();
    const { queue, journal } = queueOn(server, new MemoryJournal());
    queue.add([put("large", 20 * MEBIBYTE)], "ask");
    await until(() => queue.summary().done === 1);
    expect(server.objects.get("large")).toBe(20 * MEBIBYTE);
    expect(server.requests.toSorted()).toEqual(["large#1", "large#2", "large#3"]);
    expect(journal.kept.size).toBe(0);
  });

  it("sends a file of exactly the limit in one request", async () => {
    const server = new Server();
    const { queue } = queueOn(server, new MemoryJournal());
    queue.add([put("edge", SINGLE_BYTES_MAX)], "ask");
    await until(() => queue.summary().done === 1);
    expect(server.requests).toEqual(["edge"]);
  });

  it("tries again what fails for a passing reason, after ever longer waits", async () => {
    const server = new Server();
    let failures = 3;
    server.fate = async () => {
      if (failures-- > 0) throw offline();
    };
    const { queue, waits } = queueOn(server, new MemoryJournal());
    queue.add([put("shaky")], "ask");
    await until(() => queue.summary().done === 1);
    expect(waits.filter((ms) => ms >= 500)).toEqual([500, 1000, 2000]);
  });

  it("gives up after a while, and goes on when the network is back", async () => {
    const server = new Server();
    let isOffline = true;
    server.fate = async () => {
      if (isOffline) throw offline();
    };
    const { queue } = queueOn(server, new MemoryJournal());
    queue.add([put("patient")], "ask");
    await until(() => queue.summary().failed === 1);
    isOffline = false;
    queue.networkBack();
    await until(() => queue.summary().done === 1);
  });

  it("looks for a server that no longer answers, and goes on when it does", async () => {
    const server = new Server();
    let isDown = true;
    let sought = 0;
    server.fate = async () => {
      if (isDown) throw offline();
    };
    const { queue } = queueOn(server, new MemoryJournal(), async () => {
      sought += 1;
      isDown = sought < 3;
      return !isDown;
    });
    queue.add([put("a"), put("b")], "ask");
    await until(() => queue.summary().done === 2);
    expect(sought).toBe(3);
  });

  it("does not look for a server once nobody wants it", async () => {
    const server = new Server();
    server.fate = async () => {
      throw offline();
    };
    let sought = 0;
    const { queue, waits } = queueOn(server, new MemoryJournal(), async () => {
      sought += 1;
      return false;
    });
    queue.add([put("a")], "ask");
    await until(() => sought > 2);
    await queue.cancelAll();
    await until(isIdle(queue));
    const [before, soughtBefore] = [waits.length, sought];
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(waits.length - before).toBeLessThan(3);
    expect(sought - soughtBefore).toBeLessThan(3);
  });

  it("does not try again what is refused", async () => {
    const server = new Server();
    server.fate = async () => {
      throw new ApiError("denied", 403, "AccessDenied");
    };
    const { queue } = queueOn(server, new MemoryJournal());
    queue.add([put("denied")], "ask");
    await until(() => queue.summary().failed === 1);
    expect(server.requests).toEqual(["denied"]);
  });

  it("asks where a name is taken, and does what is chosen", async () => {
    const server = new Server();
    server.objects.set("a.txt", 1).set("b.txt", 1).set("c.txt", 1);
    const { queue } = queueOn(server, new MemoryJournal());
    queue.add([put("a.txt"), put("b.txt"), put("c.txt")], "ask");
    await until(() => queue.summary().conflicts === 3);
    const [a, b, c] = queue.items;
    if (!a || !b || !c) throw new Error("three items were added");
    queue.resolve(a, "replace");
    queue.resolve(b, "skip");
    queue.resolve(c, "keep-both");
    await until(() => queue.summary().done === 3);
    expect(server.objects.get("a.txt")).toBe(10);
    expect(server.objects.get("b.txt")).toBe(1);
    expect(server.objects.get("c.txt")).toBe(1);
    expect(server.objects.get("c (1).txt")).toBe(10);
  });

  it("sends no part of a large file whose name is taken before somebody has chosen", async () => {
    const server = new Server();
    server.objects.set("large", 1);
    const { queue } = queueOn(server, new MemoryJournal());
    queue.add([put("large", 20 * MEBIBYTE)], "ask");
    await until(() => queue.summary().conflicts === 1);
    expect(server.requests).toEqual([]);
    queue.resolveAll("replace");
    await until(() => queue.summary().done === 1);
    expect(server.objects.get("large")).toBe(20 * MEBIBYTE);
  });

  it("sends after a pause only the parts that had not arrived", async () => {
    const server = new Server();
    server.fate = (request, signal) =>
      request === "large#3"
        ? new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
        : Promise.resolve();
    const { queue } = queueOn(server, new MemoryJournal());
    queue.add([put("large", 24 * MEBIBYTE)], "ask");
    const [item] = queue.items;
    if (!item) throw new Error("an item was added");
    await until(() => server.requests.length === 3 && item.sent === 16 * MEBIBYTE);
    queue.pause(item);
    expect(item.state).toBe("paused");
    server.fate = async () => {};
    queue.resume(item);
    await until(() => queue.summary().done === 1);
    expect(server.requests.filter((request) => request === "large#1")).toHaveLength(1);
    expect(server.requests.filter((request) => request === "large#3")).toHaveLength(2);
  });

  it("goes on after a reload with what the server has, once the file is there again", async () => {
    const server = new Server();
    const journal = new MemoryJournal();
    server.fate = (request) => (request.endsWith("#3") ? new Promise(() => {}) : Promise.resolve());
    const before = queueOn(server, journal).queue;
    before.add([put("large", 24 * MEBIBYTE)], "ask");
    await until(() => [...server.uploads.values()][0]?.size === 2);

    server.fate = async () => {};
    server.requests.length = 0;
    const { queue } = queueOn(server, journal);
    await queue.restore();
    expect(queue.items.map(({ state }) => state)).toEqual(["needs-file"]);
    // Dropping the same file again is enough: it is known.
    queue.add([put("large", 24 * MEBIBYTE)], "ask");
    await until(() => queue.summary().done === 1);
    expect(queue.items).toHaveLength(1);
    expect(server.requests).toEqual(["large#3"]);
    expect(server.objects.get("large")).toBe(24 * MEBIBYTE);
  });

  it("begins anew where the server no longer knows an upload", async () => {
    const server = new Server();
    const journal = new MemoryJournal();
    server.fate = () => new Promise(() => {});
    const before = queueOn(server, journal).queue;
    before.add([put("large", 20 * MEBIBYTE)], "ask");
    await until(() => journal.kept.size === 1);
    server.uploads.clear();
    server.fate = async () => {};
    const { queue } = queueOn(server, journal);
    await queue.restore();
    queue.add([put("large", 20 * MEBIBYTE)], "ask");
    await until(() => queue.summary().done === 1);
    expect(server.objects.get("large")).toBe(20 * MEBIBYTE);
  });

  it("waits while nobody is signed in, and goes on afterwards", async () => {
    const server = new Server();
    let isSignedIn = false;
    server.fate = async () => {
      if (!isSignedIn) throw new ApiError("who?", 401, "NotSignedIn");
    };
    const { queue } = queueOn(server, new MemoryJournal());
    queue.add([put("one"), put("two")], "ask");
    await until(() => server.inFlight === 0 && queue.items.every(({ state }) => state === "waiting"));
    isSignedIn = true;
    queue.sessionBack();
    await until(() => queue.summary().done === 2);
  });

  it("removes from the server what a cancelled upload had sent", async () => {
    const server = new Server();
    server.fate = (_, signal) =>
      new Promise((__, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const { queue, journal } = queueOn(server, new MemoryJournal());
    queue.add([put("large", 20 * MEBIBYTE)], "ask");
    await until(() => server.requests.length > 0);
    const [item] = queue.items;
    if (!item) throw new Error("an item was added");
    await queue.cancel(item);
    expect(server.uploads.size).toBe(0);
    expect(journal.kept.size).toBe(0);
    expect(queue.items).toHaveLength(0);
    await until(isIdle(queue));
  });
});
