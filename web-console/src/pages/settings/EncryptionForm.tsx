import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Encryption, getEncryption, putEncryption } from "@/api/bucket-config";
import { listEncryptionKeys } from "@/api/cluster";
import { mayAdminister } from "@/api/session";
import { t } from "@/i18n";
import { SelectField, TextField } from "@/ui/Field";
import { SaveForm } from "@/ui/SaveForm";
import { Section } from "./Section";

export default function EncryptionForm({ bucket }: { bucket: string }) {
  return (
    <Section
      title={t("Encryption")}
      about={t(
        "What is stored from now on is encrypted with keys of the server. Reading and writing stay the same; what is there already stays as it is.",
      )}
      bucket={bucket}
      document="encryption"
      read={getEncryption}
    >
      {(value, reload) => <Form bucket={bucket} value={value} reload={reload} />}
    </Section>
  );
}

function Form({ bucket, value, reload }: { bucket: string; value: Encryption; reload: () => Promise<void> }) {
  const [chosen, setChosen] = useState(value);
  const save = async () => {
    await putEncryption(bucket, chosen);
    await reload();
  };
  return (
    <SaveForm onSave={save}>
      <SelectField
        label={t("Keys")}
        value={chosen.algorithm}
        onChange={(algorithm) => setChosen({ ...chosen, algorithm: algorithm as Encryption["algorithm"] })}
        options={[
          ["", t("not encrypted")],
          ["AES256", t("the server's own keys (SSE-S3)")],
          ["aws:kms", t("a named key (SSE-KMS)")],
        ]}
      />
      {chosen.algorithm === "aws:kms" && (
        <KeyField keyId={chosen.keyId} onChange={(keyId) => setChosen({ ...chosen, keyId })} />
      )}
    </SaveForm>
  );
}

function KeyField({ keyId, onChange }: { keyId: string; onChange: (keyId: string) => void }) {
  const keys = useQuery({
    queryKey: ["keyring"],
    queryFn: listEncryptionKeys,
    enabled: mayAdminister("admin:ListEncryptionKeys"),
  });
  const names = keys.data?.map(({ id }) => id) ?? [];
  if (names.length === 0)
    return (
      <TextField
        label={t("Name of the key")}
        hint={t("Empty for the server's standard key.")}
        value={keyId}
        onChange={(event) => onChange(event.target.value)}
      />
    );
  return (
    <SelectField
      label={t("Name of the key")}
      value={keyId}
      onChange={onChange}
      options={[["", t("the server's standard key")], ...names.map((name) => [name, name] as const)]}
    />
  );
}
