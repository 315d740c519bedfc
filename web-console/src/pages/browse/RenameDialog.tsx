import { useState } from "react";
import { renameObject } from "@/api/s3";
import { t } from "@/i18n";
import { folderOf, nameOf } from "@/lib/keys";
import { FormDialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { say } from "@/ui/toasts";

interface RenameDialogProps {
  bucket: string;
  objectKey: string;
  onClose: () => void;
  onRenamed: (key: string) => void;
}

export default function RenameDialog({ bucket, objectKey, onClose, onRenamed }: RenameDialogProps) {
  const [name, setName] = useState(nameOf(objectKey));
  const target = folderOf(objectKey) + name;
  const submit = async () => {
    await renameObject(bucket, objectKey, target);
    onRenamed(target);
    const undo = async () => {
      await renameObject(bucket, target, objectKey);
      onRenamed(objectKey);
    };
    say(t("Renamed to {name}", { name }), { label: t("Undo"), run: undo });
  };
  return (
    <FormDialog
      title={t("Rename {name}", { name: nameOf(objectKey) })}
      action={t("Rename")}
      disabled={!name || target === objectKey}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField label={t("New name")} value={name} onChange={(event) => setName(event.target.value)} required />
    </FormDialog>
  );
}
