/** A directory (OpenLDAP) with one user, anna, who is in one group, reader. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

export interface Directory {
  /** What a server needs to be told of it. */
  flags: string[];
  /** Anna's. */
  password: string;
  stop: () => Promise<void>;
}

/** Starts one; nothing where none is installed. */
export async function startDirectory(): Promise<Directory | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-directory-"));
  const program = resolve("..", "tests", "clients", "slapd.py");
  const process_ = spawn("python3", [program, folder], { stdio: ["pipe", "pipe", "inherit"] });
  const gone = new Promise<void>((done) => process_.once("exit", () => done()));
  const stop = async () => {
    process_.stdin.end();
    await gone;
    rmSync(folder, { recursive: true, force: true });
  };
  for await (const line of createInterface(process_.stdout)) return { ...JSON.parse(line), stop };
  await stop();
  return undefined;
}
