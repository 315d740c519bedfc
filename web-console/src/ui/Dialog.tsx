import { X } from "lucide-react";
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { t } from "@/i18n";
import { Button, type ButtonKind, IconButton } from "./Button";
import { ErrorNotice } from "./Notice";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  size?: "small" | "large";
}

/** The browser's own modal dialog: it keeps the focus, closes by Escape and hides the page from screen readers. */
export function Dialog({ title, onClose, children, size = "small" }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    // Whoever opens a form wants its first field, not the button that closes it.
    dialog.current?.querySelector<HTMLElement>("form :is(input, select, textarea):enabled")?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={heading}
      onClose={(event) => event.target === dialog.current && onClose()}
      className={size === "small" ? "max-w-lg" : "max-w-4xl"}
    >
      <div className="flex items-center justify-between gap-4 border-b border-line py-2 pr-2 pl-5">
        <h2 id={heading} className="min-w-0 text-base font-semibold wrap-anywhere">
          {title}
        </h2>
        <IconButton icon={X} label={t("Close")} onClick={() => dialog.current?.close()} />
      </div>
      <div className="p-5">{children}</div>
    </dialog>
  );
}

interface FormDialogProps {
  title: string;
  /** The word on the button that does it. */
  action: string;
  actionKind?: ButtonKind;
  disabled?: boolean;
  onSubmit: () => Promise<unknown>;
  onClose: () => void;
  children: ReactNode;
  size?: "small" | "large";
}

/** A dialog that asks for something and does it; it stays open, and says why, when that fails. */
export function FormDialog(props: FormDialogProps) {
  const { title, action, actionKind = "primary", disabled, onSubmit, onClose, children, size } = props;
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    setBusy(true);
    setError(undefined);
    try {
      await onSubmit();
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose} size={size}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        {children}
        {error !== undefined && <ErrorNotice error={error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{t("Cancel")}</Button>
          <Button type="submit" kind={actionKind} disabled={disabled || busy}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
