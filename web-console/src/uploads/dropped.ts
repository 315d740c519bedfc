/** What was dropped on the page or picked in a dialog, as files with the path that they had. */
import type { FileHandle } from "./item";

export interface FoundFile {
  /** With the folders above it: `holiday/day 1/sea.jpg`. */
  path: string;
  file: File;
  handle?: FileHandle;
}

/** Files are handed on in bundles, so that a folder of many thousands neither waits for the last one nor floods the page. */
const BUNDLE_FILES = 200;

export function picked(files: FileList): FoundFile[] {
  return Array.from(files, (file) => ({ path: file.webkitRelativePath || file.name, file }));
}

type Droppable = DataTransferItem & { getAsFileSystemHandle?: () => Promise<FileSystemHandle | null> };

/** Walks through dropped files and folders. Entries must be taken at once: the browser forgets them after the event. */
export function dropped(transfer: DataTransfer): AsyncGenerator<FoundFile[]> {
  const items = [...transfer.items].filter((item) => item.kind === "file") as Droppable[];
  const taken = items.map((item) => ({
    entry: item.webkitGetAsEntry(),
    file: item.getAsFile(),
    handle: item.getAsFileSystemHandle?.().catch(() => null),
  }));
  return bundled(walkAll(taken));
}

interface Taken {
  entry: FileSystemEntry | null;
  file: File | null;
  handle: Promise<FileSystemHandle | null> | undefined;
}

async function* walkAll(taken: Taken[]): AsyncGenerator<FoundFile> {
  for (const { entry, file, handle } of taken) {
    if (entry?.isDirectory) {
      yield* walk(entry as FileSystemDirectoryEntry);
    } else if (file) {
      const known = await handle;
      yield { path: file.name, file, handle: known?.kind === "file" ? (known as FileHandle) : undefined };
    }
  }
}

async function* walk(folder: FileSystemDirectoryEntry): AsyncGenerator<FoundFile> {
  const reader = folder.createReader();
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return;
    for (const entry of entries) {
      if (entry.isDirectory) yield* walk(entry as FileSystemDirectoryEntry);
      else yield { path: entry.fullPath.replace(/^\//, ""), file: await fileOf(entry as FileSystemFileEntry) };
    }
  }
}

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject));

async function* bundled(files: AsyncIterable<FoundFile>): AsyncGenerator<FoundFile[]> {
  let bundle: FoundFile[] = [];
  for await (const file of files) {
    bundle.push(file);
    if (bundle.length < BUNDLE_FILES) continue;
    yield bundle;
    bundle = [];
  }
  if (bundle.length > 0) yield bundle;
}
