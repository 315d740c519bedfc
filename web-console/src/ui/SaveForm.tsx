import { type FormEvent, type ReactNode, useState } from "react";
import { t } from "@/i18n";
import { Button } from "./Button";
import { ErrorNotice } from "./Notice";
import { say } from "./toasts";

interface SaveFormProps {
  children: ReactNode;
  onSave: () => Promise<unknown>;
  disabled?: boolean;
  /** Further buttons beside the one that saves. */
  extra?: ReactNode;
}

/** A form on a page: it saves, and says that it has or why it has not. */
export function SaveForm({ children, onSave, disabled, extra }: SaveFormProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await onSave();
      say(t("Saved"));
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      {children}
      {error !== undefined && <ErrorNotice error={error} />}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" kind="primary" disabled={disabled || busy}>
          {t("Save")}
        </Button>
        {extra}
      </div>
    </form>
  );
}
