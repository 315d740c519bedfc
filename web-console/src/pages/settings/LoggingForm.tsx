import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { bucketsQuery } from "@/api/admin";
import { getLogging, type Logging, putLogging } from "@/api/bucket-config";
import { t } from "@/i18n";
import { SelectField, TextField } from "@/ui/Field";
import { SaveForm } from "@/ui/SaveForm";
import { Section } from "./Section";

export default function LoggingForm({ bucket }: { bucket: string }) {
  return (
    <Section
      title={t("Access log")}
      about={t("A line for each request to this bucket, as objects in another bucket, some minutes later.")}
      bucket={bucket}
      document="logging"
      read={getLogging}
    >
      {(value, reload) => <Form bucket={bucket} value={value} reload={reload} />}
    </Section>
  );
}

function Form({ bucket, value, reload }: { bucket: string; value: Logging; reload: () => Promise<void> }) {
  const [logging, setLogging] = useState(value);
  const buckets = useQuery(bucketsQuery);
  const names = (buckets.data ?? []).map(({ name }) => name);
  const save = async () => {
    await putLogging(bucket, logging);
    await reload();
  };
  return (
    <SaveForm onSave={save}>
      <SelectField
        label={t("Logs go to the bucket")}
        value={logging.targetBucket}
        onChange={(targetBucket) => setLogging({ ...logging, targetBucket })}
        options={[["", t("none: nothing is logged")], ...names.map((name) => [name, name] as const)]}
      />
      <TextField
        label={t("Names begin with")}
        placeholder={`${bucket}/`}
        value={logging.targetPrefix}
        onChange={(event) => setLogging({ ...logging, targetPrefix: event.target.value })}
      />
    </SaveForm>
  );
}
