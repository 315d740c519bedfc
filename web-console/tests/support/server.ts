/** The real binary on drives of its own, and a browser that is signed in. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const ACCESS_KEY = "testaccesskey";
export const SECRET_KEY = "test-secret-key-0123456789";

/** A process that is not ready by then has failed; no test depends on it being quicker. */
const READY_MS_MAX = 60_000;

export interface Server {
  /** URL of the console's address. */
  console: string;
  /** URL of the S3 address. */
  s3: string;
  /** The process; undefined where it is not the tests' own. */
  pid: number | undefined;
  stop: () => Promise<void>;
}

function program(): string {
  const path = process.env.HOLDFAST ?? resolve("..", "target", "debug", "holdfast");
  if (!existsSync(path)) throw new Error(`${path} is not there: run \`cargo build\`, or name the binary in HOLDFAST`);
  return path;
}

export function freePort(): Promise<number> {
  return new Promise((done) => {
    const listener = createServer();
    listener.listen(0, "127.0.0.1", () => {
      const address = listener.address();
      const port = typeof address === "object" && address ? address.port : 0;
      listener.close(() => done(port));
    });
  });
}

/** Nothing of the caller's own settings. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(HOLDFAST|AWS|MINIO)_/.test(name));
  return { ...Object.fromEntries(kept), HOLDFAST_ROOT_ACCESS_KEY: ACCESS_KEY, HOLDFAST_ROOT_SECRET_KEY: SECRET_KEY };
}

/** Waits until something holds. */
export async function until(what: string, holds: () => Promise<boolean | undefined>): Promise<void> {
  const deadline = Date.now() + READY_MS_MAX;
  while (Date.now() < deadline) {
    if (await holds()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`in vain was waited until ${what}`);
}

/** A server with drives of its own, and with these flags; or the one that SERVER names, for measuring on what it holds. */
export async function startServer(flags: readonly string[] = []): Promise<Server> {
  const running = process.env.SERVER;
  if (running) return inFrontOf({ console: running, s3: "", pid: undefined, stop: async () => {} });
  const folder = mkdtempSync(join(tmpdir(), "holdfast-console-"));
  const [s3, consolePort] = [await freePort(), await freePort()];
  const drives = [1, 2, 3, 4].map((number) => join(folder, `drive${number}`));
  const addresses = ["--address", `127.0.0.1:${s3}`, "--console-address", `127.0.0.1:${consolePort}`];
  const process_ = spawn(program(), ["serve", ...drives, ...addresses, ...flags], { env: environment(), cwd: folder });
  let log = "";
  process_.stderr.on("data", (text) => {
    log = (log + text).slice(-20_000);
  });
  process_.stdout.resume();
  const url = `http://127.0.0.1:${consolePort}`;
  await ready(url, process_, () => log);
  const stopIt = () => stop(process_, folder);
  return inFrontOf({ console: url, s3: `http://127.0.0.1:${s3}`, pid: process_.pid, stop: stopIt });
}

/** For work on the console: what `npm run build` has just made, before a binary that need not be built anew for it. */
async function inFrontOf(server: Server): Promise<Server> {
  if (!process.env.CONSOLE_DIST) return server;
  const { preview } = await import("vite");
  const port = await freePort();
  // With the address that the browser asked for: from it the server knows where single sign-on leads back to.
  const way = { target: server.console, changeOrigin: false };
  const proxy = { "/api": way, "/-": way, "/metrics": way };
  const running = await preview({ preview: { port, host: "127.0.0.1", strictPort: true, proxy }, logLevel: "error" });
  const close = async () => {
    await running.close();
    await server.stop();
  };
  return { ...server, console: `http://127.0.0.1:${port}`, stop: close };
}

async function ready(url: string, process_: ChildProcess, log: () => string): Promise<void> {
  const isReady = async () => {
    if (process_.exitCode !== null) throw new Error("it has ended");
    return (await fetch(`${url}/-/health/ready`).catch(() => undefined))?.ok;
  };
  try {
    await until("the server is ready", isReady);
  } catch (error) {
    process_.kill();
    throw new Error(`${error}:\n${log()}`);
  }
}

async function stop(process_: ChildProcess, folder: string): Promise<void> {
  const gone = new Promise((done) => process_.once("exit", done));
  if (process_.exitCode === null) {
    process_.kill();
    await gone;
  }
  rmSync(folder, { recursive: true, force: true });
}
