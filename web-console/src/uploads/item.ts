/** One file on its way to the server. */

export type ItemState =
  /** Its turn comes. */
  | "waiting"
  | "uploading"
  | "paused"
  /** Something of its name is there; somebody must choose. */
  | "conflict"
  /** It was under way when the page was left; the browser no longer has the file. */
  | "needs-file"
  | "failed"
  | "done"
  | "skipped";

/** What becomes of a file whose name is taken. */
export type OnConflict = "ask" | "replace" | "skip" | "keep-both";

/** A file that the browser may open again after the page was closed. */
export type FileHandle = FileSystemFileHandle & {
  requestPermission?: (options: { mode: "read" }) => Promise<PermissionState>;
};

export interface UploadItem {
  readonly id: string;
  readonly bucket: string;
  key: string;
  readonly size: number;
  readonly lastModified: number;
  readonly mediaType: string;
  readonly handle?: FileHandle;
  file: File | undefined;
  state: ItemState;
  onConflict: OnConflict;
  /** Bytes that have left; those of parts in flight included. */
  sent: number;
  error: unknown;
  uploadId: string | undefined;
  partBytes: number;
}

export const isOver = (item: UploadItem): boolean => item.state === "done" || item.state === "skipped";
