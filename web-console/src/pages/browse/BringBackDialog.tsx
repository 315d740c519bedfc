import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { count, t } from "@/i18n";
import { nameOf } from "@/lib/keys";
import { FormDialog } from "@/ui/Dialog";
import { say } from "@/ui/toasts";
import { bringBack } from "./bulk";

interface BringBackDialogProps {
  bucket: string;
  keys: readonly string[];
  onClose: () => void;
  /** Something is back. */
  onChanged: () => void;
  /** All of it is. */
  onBack: () => void;
}

/** Brings back deleted objects, and all that was deleted in folders. */
export default function BringBackDialog({ bucket, keys, onClose, onChanged, onBack }: BringBackDialogProps) {
  const [done, setDone] = useState(0);
  const queries = useQueryClient();
  const submit = async () => {
    // Also where it ends half way.
    const back = await bringBack(bucket, keys, setDone).finally(() => {
      queries.removeQueries({ queryKey: ["head", bucket] });
      queries.removeQueries({ queryKey: ["versions", bucket] });
      onChanged();
    });
    onBack();
    say(count(back, "{n} object is back", "{n} objects are back"));
  };
  const [only] = keys;
  const title =
    keys.length === 1 && only
      ? t("Bring {name} back?", { name: nameOf(only) })
      : count(keys.length, "Bring {n} back?", "Bring {n} back?");
  return (
    <FormDialog title={title} action={t("Bring back")} onSubmit={submit} onClose={onClose}>
      <p>{t("The newest version of each that is still kept becomes the current one.")}</p>
      {keys.some((key) => key.endsWith("/")) && (
        <p>{t("Folders come back with everything that was deleted in them, whenever that was.")}</p>
      )}
      {done > 0 && <p role="status">{count(done, "{n} object is back", "{n} objects are back")}</p>}
    </FormDialog>
  );
}
