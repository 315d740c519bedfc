import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { count, t } from "@/i18n";
import { nameOf } from "@/lib/keys";
import { FormDialog } from "@/ui/Dialog";
import { say } from "@/ui/toasts";
import { deleteAll, undelete } from "./bulk";

interface DeleteDialogProps {
  bucket: string;
  keys: readonly string[];
  onClose: () => void;
  onRemoved: (keys: ReadonlySet<string>) => void;
  /** Something is gone, or back. */
  onChanged: () => void;
}

export default function DeleteDialog({ bucket, keys, onClose, onRemoved, onChanged }: DeleteDialogProps) {
  const [done, setDone] = useState(0);
  const folders = keys.filter((key) => key.endsWith("/")).length;
  const queries = useQueryClient();
  const forget = () => {
    queries.removeQueries({ queryKey: ["head", bucket] });
    queries.removeQueries({ queryKey: ["versions", bucket] });
  };
  const submit = async () => {
    const again = () => {
      forget();
      onChanged();
    };
    const markers = await deleteAll(bucket, keys, setDone).catch((failure) => {
      // Some of it is gone.
      again();
      throw failure;
    });
    forget();
    onRemoved(new Set(keys));
    const undo = () => undelete(bucket, markers).finally(again);
    say(t("Deleted"), markers.length > 0 ? { label: t("Undo"), run: undo } : undefined);
  };
  const [only] = keys;
  const title =
    keys.length === 1 && only
      ? t("Delete {name}?", { name: nameOf(only) })
      : count(keys.length, "Delete {n}?", "Delete {n} at once?");
  return (
    <FormDialog title={title} action={t("Delete")} actionKind="danger" onSubmit={submit} onClose={onClose}>
      {folders > 0 && <p>{t("Folders are deleted with everything that is in them.")}</p>}
      <p className="text-sm text-muted">
        {t("Where the bucket keeps versions this can be undone; elsewhere what is deleted is gone.")}
      </p>
      {done > 0 && <p role="status">{count(done, "{n} object deleted", "{n} objects deleted")}</p>}
    </FormDialog>
  );
}
