/** Folders that tests put files in. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new folder, which goes when the process of the tests does. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-console-files-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
