import { useState } from "react";
import { renameObject } from "@/api/s3";
import { count, t } from "@/i18n";
import { folderOf, nameOf } from "@/lib/keys";
import { FormDialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { say } from "@/ui/toasts";
import { type OnDone, type Step, transfer } from "./bulk";

interface RenameDialogProps {
  bucket: string;
  /** An object, or a folder with its slash at the end. */
  objectKey: string;
  onClose: () => void;
  onRenamed: (key: string) => void;
}

/** Gives an object, or all that is in a folder, another name in the same place. */
export default function RenameDialog({ bucket, objectKey, onClose, onRenamed }: RenameDialogProps) {
  const slash = objectKey.endsWith("/") ? "/" : "";
  const before = nameOf(objectKey).slice(0, slash ? -1 : undefined);
  const [name, setName] = useState(before);
  const [done, setDone] = useState(0);
  const target = folderOf(objectKey) + name + slash;
  const isWithin = slash !== "" && target !== objectKey && target.startsWith(objectKey);
  const submit = async () => {
    const takeBack = slash
      ? await renameFolder(bucket, [objectKey, target], setDone)
      : await renameTo(bucket, objectKey, target);
    onRenamed(target);
    const undo = async () => {
      await takeBack?.();
      onRenamed(objectKey);
    };
    say(t("Renamed to {name}", { name }), takeBack && { label: t("Undo"), run: undo });
  };
  return (
    <FormDialog
      title={t("Rename {name}", { name: nameOf(objectKey) })}
      action={t("Rename")}
      disabled={!name || target === objectKey || isWithin}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField
        label={t("New name")}
        error={isWithin ? t("A folder cannot go into itself.") : undefined}
        value={name}
        onChange={(event) => setName(event.target.value)}
        required
      />
      {slash && <p className="text-sm text-muted">{t("Every object in the folder gets another key.")}</p>}
      {done > 0 && <p role="status">{count(done, "{n} object done", "{n} objects done")}</p>}
    </FormDialog>
  );
}

async function renameTo(bucket: string, from: string, to: string): Promise<Step> {
  await renameObject(bucket, from, to);
  return () => renameObject(bucket, to, from);
}

const renameFolder = (bucket: string, [from, to]: [string, string], onDone: OnDone): Promise<Step | undefined> =>
  transfer([from], { from: { bucket, prefix: from }, to: { bucket, prefix: to }, move: true, taken: "refuse" }, onDone);
