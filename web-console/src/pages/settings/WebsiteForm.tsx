import { useState } from "react";
import { getWebsite, putWebsite, type Website } from "@/api/bucket-config";
import { t } from "@/i18n";
import { TextField } from "@/ui/Field";
import { SaveForm } from "@/ui/SaveForm";
import { Section } from "./Section";

export default function WebsiteForm({ bucket }: { bucket: string }) {
  return (
    <Section
      title={t("Website")}
      about={t(
        "Serves the bucket's objects as pages on the server's website address, where its operator has opened one. Only what is public is served.",
      )}
      bucket={bucket}
      document="website"
      read={getWebsite}
    >
      {(value, reload) => <Form bucket={bucket} value={value} reload={reload} />}
    </Section>
  );
}

function Form({ bucket, value, reload }: { bucket: string; value: Website; reload: () => Promise<void> }) {
  const [website, setWebsite] = useState(value);
  const save = async () => {
    await putWebsite(bucket, website);
    await reload();
  };
  return (
    <SaveForm onSave={save}>
      <TextField
        label={t("Page of a folder")}
        hint={t("Empty for no website.")}
        placeholder="index.html"
        value={website.index}
        onChange={(event) => setWebsite({ ...website, index: event.target.value })}
      />
      <TextField
        label={t("Page for what is not there")}
        placeholder="404.html"
        value={website.error}
        onChange={(event) => setWebsite({ ...website, error: event.target.value })}
      />
    </SaveForm>
  );
}
