import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type ObjectHead, type ObjectPlace, putLegalHold, putRetention, type RetentionMode } from "@/api/s3";
import { t } from "@/i18n";
import { formatTime } from "@/lib/format";
import { CheckField, SelectField, TextField } from "@/ui/Field";
import { Facts } from "@/ui/layout";
import { Notice } from "@/ui/Notice";
import { SaveForm } from "@/ui/SaveForm";
import { sayError } from "@/ui/toasts";

/** Until when a version may not be removed, and whether a hold keeps it. */
export default function Protection({ place, head }: { place: ObjectPlace; head: ObjectHead }) {
  const queries = useQueryClient();
  const mode = head.headers["x-amz-object-lock-mode"];
  const until = head.headers["x-amz-object-lock-retain-until-date"] ?? "";
  const held = head.headers["x-amz-object-lock-legal-hold"] === "ON";
  const version = { ...place, versionId: head.versionId || undefined };
  const changed = () => queries.invalidateQueries({ queryKey: ["head", place.bucket, place.key] });
  const hold = async (on: boolean) => {
    await putLegalHold(version, on);
    await changed();
  };
  return (
    <div className="flex flex-col gap-5">
      <Facts
        items={[
          [t("Retention"), mode ? t("{mode} until {time}", { mode, time: formatTime(until) }) : t("none")],
          [t("Legal hold"), held ? t("on") : t("off")],
        ]}
      />
      <CheckField
        label={t("Legal hold")}
        hint={t("The version cannot be removed while it is on.")}
        checked={held}
        onChange={(on) => void hold(on).catch(sayError)}
      />
      <RetentionForm place={version} onSaved={changed} />
    </div>
  );
}

function RetentionForm({ place, onSaved }: { place: ObjectPlace; onSaved: () => Promise<void> }) {
  const [mode, setMode] = useState<RetentionMode>("GOVERNANCE");
  const [day, setDay] = useState("");
  const save = async () => {
    await putRetention(place, mode, new Date(`${day}T00:00:00`).toISOString());
    await onSaved();
  };
  return (
    <SaveForm onSave={save} disabled={!day}>
      <SelectField
        label={t("Retention mode")}
        value={mode}
        onChange={(value) => setMode(value as RetentionMode)}
        options={[
          ["GOVERNANCE", t("Governance: who has the permission may end it")],
          ["COMPLIANCE", t("Compliance: nobody can end it before its time")],
        ]}
      />
      <TextField label={t("Keep until")} type="date" value={day} onChange={(event) => setDay(event.target.value)} />
      {mode === "COMPLIANCE" && (
        <Notice kind="warn">{t("Not even root can shorten this or remove the version before that day.")}</Notice>
      )}
    </SaveForm>
  );
}
