/** Uploads under way, kept by the browser so that a closed tab can go on with them. */
import type { UploadItem } from "./item";

/** What is needed to go on: which file, and which upload of the server. */
export type JournalEntry = Pick<
  UploadItem,
  "id" | "bucket" | "key" | "size" | "lastModified" | "mediaType" | "handle" | "onConflict" | "partBytes"
> & { uploadId: string };

export interface Journal {
  entries(): Promise<JournalEntry[]>;
  keep(entry: JournalEntry): Promise<void>;
  forget(id: string): Promise<void>;
}

const STORE = "uploads";

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open("holdfast", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
  return settled(request);
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function within<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  try {
    return await settled(work(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

export const browserJournal: Journal = {
  entries: () => within("readonly", (store) => store.getAll() as IDBRequest<JournalEntry[]>),
  keep: async (entry) => void (await within("readwrite", (store) => store.put(entry))),
  forget: async (id) => void (await within("readwrite", (store) => store.delete(id))),
};
