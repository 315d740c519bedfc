import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { t } from "@/i18n";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { Card } from "@/ui/layout";

/** Leads to a bucket, and a folder in it, by name: whoever may list a folder alone sees no bucket in the list. */
export function GoToBucket() {
  const [bucket, setBucket] = useState("");
  const [prefix, setPrefix] = useState("");
  const navigate = useNavigate();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void navigate({ to: "/buckets/$bucket", params: { bucket }, search: { prefix: prefix || undefined } });
  };
  return (
    <Card title={t("Go to a bucket")}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <p className="text-sm text-muted">
          {t("There may be buckets that you cannot list as a whole. If you know the name of one, go there.")}
        </p>
        <TextField label={t("Bucket")} value={bucket} onChange={(event) => setBucket(event.target.value)} required />
        <TextField
          label={t("Folder")}
          hint={t("With its slash at the end, as reports/2026/; empty for the whole bucket")}
          value={prefix}
          onChange={(event) => setPrefix(event.target.value)}
        />
        <div>
          <Button type="submit" kind="primary">
            {t("Go there")}
          </Button>
        </div>
      </form>
    </Card>
  );
}
