/** Memory of the browser and of the server, as Linux tells it. */
import { readFileSync } from "node:fs";
import type { Browser } from "@playwright/test";

const SAMPLED_EVERY_MS = 500;

interface Process {
  id: number;
  /** `renderer` draws pages, `network.mojom.NetworkService` sends and receives. */
  type: string;
}

async function processesOf(browser: Browser): Promise<Process[]> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = (await session.send("SystemInfo.getProcessInfo")) as { processInfo: Process[] };
  await session.detach();
  return processInfo;
}

/** Bytes of a process in memory; 0 when it has ended. */
function residentBytes(pid: number): number {
  try {
    const [, kibibytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kibibytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Watches how much memory the largest process of each kind takes, from now until it is stopped. */
export class MemoryWatch {
  private readonly peaks = new Map<string, number>();
  private stopped = false;
  private readonly done: Promise<void>;

  constructor(
    private readonly browser: Browser,
    private readonly serverPid: number | undefined,
  ) {
    this.done = this.watch();
  }

  /** The most that was seen of each kind, in mebibytes. */
  async stop(): Promise<Record<string, number>> {
    this.stopped = true;
    await this.done;
    return Object.fromEntries([...this.peaks].map(([kind, bytes]) => [kind, Math.round(bytes / 1024 / 1024)]));
  }

  private async watch(): Promise<void> {
    while (!this.stopped) {
      for (const { id, type } of await processesOf(this.browser)) this.note(type, id);
      if (this.serverPid) this.note("server", this.serverPid);
      await new Promise((done) => setTimeout(done, SAMPLED_EVERY_MS));
    }
  }

  private note(kind: string, pid: number): void {
    this.peaks.set(kind, Math.max(this.peaks.get(kind) ?? 0, residentBytes(pid)));
  }
}
