import { useState } from "react";
import { createFolder } from "@/api/s3";
import { t } from "@/i18n";
import { FormDialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";

interface NewFolderProps {
  place: { bucket: string; prefix: string };
  onClose: () => void;
  onMade: () => void;
}

export default function NewFolder({ place, onClose, onMade }: NewFolderProps) {
  const [name, setName] = useState("");
  const trimmed = name.trim().replace(/^\/+|\/+$/g, "");
  const submit = async () => {
    await createFolder(place.bucket, `${place.prefix}${trimmed}/`);
    onMade();
  };
  return (
    <FormDialog title={t("New folder")} action={t("Create")} disabled={!trimmed} onSubmit={submit} onClose={onClose}>
      <TextField
        label={t("Name")}
        hint={t("Folders are parts of keys: uploading a folder makes it as well.")}
        value={name}
        onChange={(event) => setName(event.target.value)}
        required
      />
    </FormDialog>
  );
}
