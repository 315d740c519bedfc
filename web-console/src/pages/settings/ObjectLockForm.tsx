import { useState } from "react";
import { getObjectLock, type ObjectLock, putObjectLock } from "@/api/bucket-config";
import { t } from "@/i18n";
import { SelectField, TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { SaveForm } from "@/ui/SaveForm";
import { Section } from "./Section";

export default function ObjectLockForm({ bucket }: { bucket: string }) {
  return (
    <Section
      title={t("Object Lock")}
      about={t(
        "Versions can be kept from removal until a date, or until a hold ends. What is set here counts for new versions that say nothing themselves.",
      )}
      bucket={bucket}
      document="object-lock"
      read={getObjectLock}
    >
      {(value, reload) =>
        value.enabled ? (
          <Form bucket={bucket} value={value} reload={reload} />
        ) : (
          <Enable bucket={bucket} value={value} reload={reload} />
        )
      }
    </Section>
  );
}

interface FormProps {
  bucket: string;
  value: ObjectLock;
  reload: () => Promise<void>;
}

function Enable({ bucket, value, reload }: FormProps) {
  const save = async () => {
    await putObjectLock(bucket, { ...value, days: 0, years: 0 });
    await reload();
  };
  return (
    <SaveForm onSave={save}>
      <Notice kind="warn">
        {t(
          "Object Lock is off. Saving turns it on for good; the bucket must keep versions, and keeps them from then on.",
        )}
      </Notice>
    </SaveForm>
  );
}

function Form({ bucket, value, reload }: FormProps) {
  const [lock, setLock] = useState(value);
  const save = async () => {
    await putObjectLock(bucket, lock);
    await reload();
  };
  return (
    <SaveForm onSave={save}>
      <SelectField
        label={t("Retention mode")}
        value={lock.mode}
        onChange={(mode) => setLock({ ...lock, mode: mode as ObjectLock["mode"] })}
        options={[
          ["GOVERNANCE", t("Governance: who has the permission may end it")],
          ["COMPLIANCE", t("Compliance: nobody can end it before its time")],
        ]}
      />
      <div className="grid grid-cols-2 gap-4">
        <TextField
          label={t("Days")}
          type="number"
          min={0}
          value={lock.days}
          onChange={(event) => setLock({ ...lock, days: Number(event.target.value), years: 0 })}
        />
        <TextField
          label={t("or years")}
          type="number"
          min={0}
          value={lock.years}
          onChange={(event) => setLock({ ...lock, years: Number(event.target.value), days: 0 })}
        />
      </div>
      <p className="text-sm text-muted">{t("With 0 in both, new versions are not locked by themselves.")}</p>
    </SaveForm>
  );
}
