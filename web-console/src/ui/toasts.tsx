import { X } from "lucide-react";
import { useEffect, useState } from "react";
import { t } from "@/i18n";
import { Observable, useObservable } from "@/lib/observable";
import { Button, IconButton } from "./Button";
import { messageOf } from "./Notice";

interface Toast {
  id: number;
  text: string;
  kind: "plain" | "danger";
  /** One thing to do about it, such as to undo it. */
  action?: { label: string; run: () => Promise<void> | void };
}

const TOASTS_MAX = 4;
/** Long enough to read, decide and reach the button by keyboard. */
const SHOWN_MS = 12_000;

const toasts = new Observable<readonly Toast[]>([]);
let lastId = 0;

const dismiss = (id: number) => toasts.set(toasts.get().filter((toast) => toast.id !== id));

function show(toast: Omit<Toast, "id">): void {
  lastId += 1;
  const id = lastId;
  toasts.set([...toasts.get().slice(1 - TOASTS_MAX), { ...toast, id }]);
}

/** Says that something was done, and how to undo it where that is possible. */
export const say = (text: string, action?: Toast["action"]): void => show({ text, kind: "plain", action });

export const sayError = (error: unknown): void => show({ text: messageOf(error), kind: "danger" });

export function Toasts() {
  const shown = useObservable(toasts);
  return (
    <div
      role="status"
      aria-label={t("Messages")}
      className="pointer-events-none fixed inset-x-0 bottom-4 z-50 flex flex-col items-center gap-2 px-4"
    >
      {shown.map((toast) => (
        <ToastLine key={toast.id} toast={toast} />
      ))}
    </div>
  );
}

function ToastLine({ toast }: { toast: Toast }) {
  const { id, action } = toast;
  /** Pointed at or focused: it stays as long as that lasts. */
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => dismiss(id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [held, id]);
  const run = () => {
    dismiss(id);
    Promise.resolve(action?.run()).catch(sayError);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only waits for who is reading
    <div
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
      className={`pointer-events-auto flex max-w-full items-center gap-3 rounded-lg border px-4 py-1.5 text-sm shadow-xl ${toast.kind === "danger" ? "border-danger bg-danger-soft text-danger" : "border-line bg-panel"}`}
    >
      <span className="min-w-0 py-1 wrap-anywhere">{toast.text}</span>
      {action && <Button onClick={run}>{action.label}</Button>}
      <IconButton icon={X} label={t("Dismiss")} onClick={() => dismiss(id)} />
    </div>
  );
}
