import { useState } from "react";
import { getVersioning, putVersioning, type Versioning } from "@/api/bucket-config";
import { t } from "@/i18n";
import { SelectField } from "@/ui/Field";
import { SaveForm } from "@/ui/SaveForm";
import { Section } from "./Section";

export default function VersioningForm({ bucket }: { bucket: string }) {
  return (
    <Section
      title={t("Versioning")}
      about={t(
        "With versions, what is replaced or deleted stays and can be brought back; it takes room until a lifecycle rule or somebody removes it.",
      )}
      bucket={bucket}
      document="versioning"
      read={getVersioning}
    >
      {(status, reload) => <Form bucket={bucket} status={status} reload={reload} />}
    </Section>
  );
}

function Form({ bucket, status, reload }: { bucket: string; status: Versioning; reload: () => Promise<void> }) {
  const [chosen, setChosen] = useState<Versioning>(status);
  const save = async () => {
    if (chosen !== "Off") await putVersioning(bucket, chosen);
    await reload();
  };
  return (
    <SaveForm onSave={save} disabled={chosen === status}>
      <SelectField
        label={t("Versions")}
        hint={t("Once on, it can be suspended and not taken back: versions that are there stay.")}
        value={chosen}
        onChange={(value) => setChosen(value as Versioning)}
        options={[
          ...(status === "Off" ? [["Off", t("not kept")] as const] : []),
          ["Enabled", t("kept")],
          ["Suspended", t("suspended: new ones are not kept")],
        ]}
      />
    </SaveForm>
  );
}
