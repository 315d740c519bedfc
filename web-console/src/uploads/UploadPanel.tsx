import { ChevronDown, ChevronUp, Pause, Play, RotateCcw, X } from "lucide-react";
import { memo, useCallback, useRef, useState } from "react";
import { count, formatNumber, t } from "@/i18n";
import { formatBytes, formatDuration, formatPercent, formatRate } from "@/lib/format";
import { nameOf } from "@/lib/keys";
import { useObservable } from "@/lib/observable";
import { Button, IconButton } from "@/ui/Button";
import { Meter } from "@/ui/layout";
import { messageOf, Notice } from "@/ui/Notice";
import { sayError } from "@/ui/toasts";
import { VirtualRows } from "@/ui/VirtualRows";
import { uploads } from ".";
import { type ItemState, isOver, type UploadItem } from "./item";
import { fits, type QueueView } from "./queue";

const ROW_PX = 60;
const ROWS_SHOWN_MAX = 5;

/** Everything that is on its way to the server, at the foot of the page. */
export default function UploadPanel() {
  const view = useObservable(uploads.view);
  const [open, setOpen] = useState(true);
  const row = useCallback((index: number) => {
    const item = uploads.items[index];
    return item && <Line key={item.id} item={item} state={item.state} sent={item.sent} />;
  }, []);
  return (
    <section aria-label={t("Uploads")} className="border-t border-line bg-panel">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-1.5">
        <Summary view={view} />
        <div className="ml-auto flex items-center">
          {view.active > 0 && <IconButton icon={Pause} label={t("Pause all")} onClick={() => uploads.pauseAll()} />}
          {view.paused + view.failed > 0 && (
            <IconButton icon={Play} label={t("Go on with all")} onClick={() => uploads.resumeAll()} />
          )}
          <IconButton
            icon={open ? ChevronDown : ChevronUp}
            label={open ? t("Fold the list of uploads") : t("Unfold the list of uploads")}
            aria-expanded={open}
            onClick={() => setOpen(!open)}
          />
          <CloseButton view={view} />
        </div>
      </div>
      {view.conflicts > 0 && <ConflictChoice conflicts={view.conflicts} />}
      {open && (
        <VirtualRows
          count={view.items}
          rowHeight={ROW_PX}
          row={row}
          className={view.items > ROWS_SHOWN_MAX ? "h-75" : "max-h-75"}
        />
      )}
    </section>
  );
}

function Summary({ view }: { view: QueueView }) {
  const { items, done, bytes, sentBytes, bytesPerSecond, active } = view;
  const left = bytesPerSecond > 0 ? (bytes - sentBytes) / bytesPerSecond : 0;
  return (
    <>
      <p role="status" className="text-sm font-medium">
        {t("{done} of {all} uploaded", { done: formatNumber(done), all: count(items, "{n} file", "{n} files") })}
        {view.failed > 0 && `, ${count(view.failed, "{n} failed", "{n} failed")}`}
      </p>
      <div className="w-40">
        <Meter label={t("All uploads")} part={sentBytes} whole={bytes} />
      </div>
      <p className="text-sm text-muted">
        {t("{part} of {whole}", { part: formatBytes(sentBytes), whole: formatBytes(bytes) })}
        {active > 0 &&
          bytesPerSecond > 0 &&
          ` · ${formatRate(bytesPerSecond)} · ${t("{time} left", { time: formatDuration(left) })}`}
      </p>
    </>
  );
}

/** Takes finished uploads off the list, or stops those that are not. */
function CloseButton({ view }: { view: QueueView }) {
  const stops = view.done < view.items;
  const [asked, setAsked] = useState(false);
  if (!stops) return <IconButton icon={X} label={t("Clear the list")} onClick={() => uploads.clear()} />;
  if (!asked) return <IconButton icon={X} label={t("Cancel all uploads")} onClick={() => setAsked(true)} />;
  return (
    <span className="flex items-center gap-2 text-sm">
      {t("Stop what is not done?")}
      <Button kind="danger" onClick={() => void uploads.cancelAll()}>
        {t("Stop")}
      </Button>
      <Button onClick={() => setAsked(false)}>{t("Go on")}</Button>
    </span>
  );
}

function ConflictChoice({ conflicts }: { conflicts: number }) {
  return (
    <div className="px-4 pb-2">
      <Notice kind="warn">
        <div className="flex flex-wrap items-center gap-2">
          <span className="grow">
            {count(
              conflicts,
              "{n} file has the name of an object that is there.",
              "{n} files have names of objects that are there.",
            )}
          </span>
          <Button onClick={() => uploads.resolveAll("replace")}>{t("Replace")}</Button>
          <Button onClick={() => uploads.resolveAll("keep-both")}>{t("Keep both")}</Button>
          <Button onClick={() => uploads.resolveAll("skip")}>{t("Skip")}</Button>
        </div>
      </Notice>
    </div>
  );
}

interface LineProps {
  item: UploadItem;
  // The item changes in place: what is drawn of it tells when to draw anew.
  state: ItemState;
  sent: number;
}

const Line = memo(function Line({ item, state, sent }: LineProps) {
  const words = stateInWords(item, sent);
  return (
    <div className="flex items-center gap-3 border-t border-line px-4" style={{ height: ROW_PX }}>
      <div className="min-w-0 grow">
        <p className="truncate text-sm" title={`${item.bucket}/${item.key}`}>
          {nameOf(item.key)}
        </p>
        <p className={`truncate text-xs ${state === "failed" ? "text-danger" : "text-muted"}`} title={words}>
          {words}
        </p>
      </div>
      {state === "uploading" && (
        <div className="hidden w-32 sm:block">
          <Meter label={item.key} part={sent} whole={item.size} />
        </div>
      )}
      <LineActions item={item} state={state} />
    </div>
  );
});

function stateInWords(item: UploadItem, sent: number): string {
  const size = formatBytes(item.size);
  switch (item.state) {
    case "waiting":
      return t("{size}, waiting", { size });
    case "uploading":
      return t("{percent} of {size}", { percent: formatPercent(sent, item.size), size });
    case "paused":
      return t("{size}, paused", { size });
    case "conflict":
      return t("An object of this name is there already");
    case "needs-file":
      return t("Was under way when the page was closed: choose the file again to go on");
    case "failed":
      return messageOf(item.error);
    case "done":
      return t("{size}, uploaded to {bucket}", { size, bucket: item.bucket });
    case "skipped":
      return t("Skipped");
  }
}

function LineActions({ item, state }: { item: UploadItem; state: ItemState }) {
  return (
    <div className="flex items-center">
      {(state === "waiting" || state === "uploading") && (
        <IconButton icon={Pause} label={t("Pause")} onClick={() => uploads.pause(item)} />
      )}
      {state === "paused" && <IconButton icon={Play} label={t("Go on")} onClick={() => uploads.resume(item)} />}
      {state === "failed" && (
        <IconButton icon={RotateCcw} label={t("Try again")} onClick={() => uploads.resume(item)} />
      )}
      {state === "needs-file" && <FileAgain item={item} />}
      {!isOver(item) && (
        <IconButton icon={X} label={t("Cancel")} onClick={() => void uploads.cancel(item).catch(sayError)} />
      )}
    </div>
  );
}

/** Gets the file of an upload that a closed page left behind: from the browser where it may, else by picking it again. */
function FileAgain({ item }: { item: UploadItem }) {
  const input = useRef<HTMLInputElement>(null);
  const take = (file: File | undefined) => {
    if (!file) return;
    if (fits(item, file)) uploads.provide(item, file);
    else sayError(new Error(t("This is another file, or it was changed since: name, size and date must be the same.")));
  };
  const open = async () => {
    const granted = await item.handle?.requestPermission?.({ mode: "read" });
    if (granted === "granted") take(await item.handle?.getFile());
    else input.current?.click();
  };
  return (
    <>
      <Button onClick={() => void open().catch(() => input.current?.click())}>{t("Choose the file")}</Button>
      <input
        ref={input}
        type="file"
        aria-label={t("The file of {name}", { name: nameOf(item.key) })}
        className="hidden"
        onChange={(event) => take(event.target.files?.[0])}
      />
    </>
  );
}
