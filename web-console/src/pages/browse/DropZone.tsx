import { Upload } from "lucide-react";
import { type DragEvent, type ReactNode, useRef, useState } from "react";
import { t } from "@/i18n";
import { sayError } from "@/ui/toasts";
import { uploads } from "@/uploads";
import { dropped, type FoundFile } from "@/uploads/dropped";

/** Sends files to a folder of a bucket, as they are found. */
export async function upload(bucket: string, prefix: string, bundles: AsyncIterable<FoundFile[]>): Promise<void> {
  try {
    for await (const files of bundles) {
      uploads.add(
        files.map(({ path, file, handle }) => ({ bucket, key: prefix + path, file, handle })),
        "ask",
      );
    }
  } catch (error) {
    sayError(error);
  }
}

const hasFiles = (event: DragEvent): boolean => event.dataTransfer.types.includes("Files");

/** Takes files and folders that are dropped on it. */
export function DropZone({ bucket, prefix, children }: { bucket: string; prefix: string; children: ReactNode }) {
  const [over, setOver] = useState(false);
  /** Entered minus left: both are told of each element on the way. */
  const depth = useRef(0);
  const enter = (event: DragEvent, step: 1 | -1) => {
    if (!hasFiles(event)) return;
    depth.current += step;
    setOver(depth.current > 0);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    depth.current = 0;
    setOver(false);
    void upload(bucket, prefix, dropped(event.dataTransfer));
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping has the button Upload beside it
    <div
      className="relative h-full"
      onDragEnter={(event) => enter(event, 1)}
      onDragLeave={(event) => enter(event, -1)}
      onDragOver={(event) => hasFiles(event) && event.preventDefault()}
      onDrop={drop}
    >
      {children}
      {over && (
        <div className="pointer-events-none absolute inset-3 z-20 flex flex-col items-center justify-center gap-3 rounded-xl border-2 border-dashed border-accent bg-accent-soft/90 text-lg font-medium">
          <Upload size={36} aria-hidden />
          {t("Drop files and folders to upload them to {place}", { place: `${bucket}/${prefix}` })}
        </div>
      )}
    </div>
  );
}
