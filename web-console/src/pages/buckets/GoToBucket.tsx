import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { t } from "@/i18n";
import { FormDialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";

/** Leads to a bucket, and a folder in it, by name: whoever may list a folder alone sees no bucket in the list. */
export default function GoToBucket({ onClose }: { onClose: () => void }) {
  const [bucket, setBucket] = useState("");
  const [prefix, setPrefix] = useState("");
  const navigate = useNavigate();
  const submit = () =>
    navigate({ to: "/buckets/$bucket", params: { bucket }, search: { prefix: prefix || undefined } });
  return (
    <FormDialog
      title={t("Go to a bucket")}
      action={t("Go there")}
      disabled={bucket === ""}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField
        label={t("Bucket")}
        value={bucket}
        onChange={(event) => setBucket(event.target.value.trim())}
        autoCapitalize="off"
        spellCheck={false}
        required
      />
      <TextField
        label={t("Folder")}
        hint={t("With its slash at the end, as reports/2026/; empty for the whole bucket")}
        value={prefix}
        onChange={(event) => setPrefix(event.target.value)}
      />
    </FormDialog>
  );
}
