/** What was dropped on the page or picked in a dialog, as files with the path that they had. */
import type { FileHandle } from "./item";

export interface FoundFile {
  /** With the folders above it: `holiday/day 1/sea.jpg`. */
  path: string;
  file: File;
  handle?: FileHandle;
}

/**
 * Files are handed on in bundles, so that a folder of many thousands neither waits for the last one nor stops the page: the
 * browser looks a file up on the disk when its size is asked for, and meanwhile draws nothing.
 */
const BUNDLE_FILES = 100;

/** The files that were picked in a dialog. The list must be whole when this is called; it may be emptied afterwards. */
export function picked(files: FileList): AsyncGenerator<FoundFile[]> {
  return bundled(found([...files]));
}

async function* found(files: readonly File[]): AsyncGenerator<FoundFile> {
  for (const file of files) yield { path: file.webkitRelativePath || file.name, file };
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
    // A task of its own for each bundle: between tasks the page is drawn.
    await new Promise((resolve) => setTimeout(resolve));
  }
  if (bundle.length > 0) yield bundle;
}
