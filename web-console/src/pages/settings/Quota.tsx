import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { setQuota } from "@/api/admin";
import type { BucketUsage } from "@/api/schema";
import { t } from "@/i18n";
import { formatBytes, formatPercent } from "@/lib/format";
import { parseSize, writeSize } from "@/lib/size";
import { TextField } from "@/ui/Field";
import { Card, Meter } from "@/ui/layout";
import { SaveForm } from "@/ui/SaveForm";

/** How many bytes the bucket may hold, and how much of that is used. */
export function Quota({ usage }: { usage: BucketUsage }) {
  const { name, quota } = usage;
  const kept = quota ? writeSize(quota) : "";
  const [typed, setTyped] = useState(kept);
  const queries = useQueryClient();
  const wanted = parseSize(typed);
  const isNone = typed.trim() === "";
  const save = async () => {
    await setQuota(name, isNone ? null : (wanted ?? null));
    await queries.invalidateQueries({ queryKey: ["buckets"] });
  };
  return (
    <Card title={t("Quota")}>
      <div className="flex flex-col gap-4">
        <QuotaUse usage={usage} />
        <SaveForm onSave={save} disabled={typed === kept || (!isNone && wanted === undefined)}>
          <QuotaField value={typed} onChange={setTyped} />
        </SaveForm>
      </div>
    </Card>
  );
}

function QuotaUse({ usage: { bytes, version_bytes, quota } }: { usage: BucketUsage }) {
  const used = bytes + version_bytes;
  if (!quota)
    return <p className="text-sm">{t("{size} are stored, all versions together.", { size: formatBytes(used) })}</p>;
  const text = t("{used} of {quota} are used ({percent}), all versions together.", {
    used: formatBytes(used),
    quota: formatBytes(quota),
    percent: formatPercent(used, quota),
  });
  return (
    <div className="flex flex-col gap-1 text-sm">
      <Meter label={t("Quota")} part={Math.min(used, quota)} whole={quota} />
      <p>{text}</p>
    </div>
  );
}

interface QuotaFieldProps {
  value: string;
  onChange: (value: string) => void;
}

/** A size, or nothing for any number of bytes. */
export function QuotaField({ value, onChange }: QuotaFieldProps) {
  const isWrong = value.trim() !== "" && parseSize(value) === undefined;
  return (
    <TextField
      label={t("Size limit")}
      hint={t("A number with a unit, such as 10 GiB or 500 GB; empty for no bound. What goes beyond is refused.")}
      error={isWrong ? t("Not a size: write it as 10 GiB or 500 GB.") : ""}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      autoComplete="off"
      spellCheck={false}
    />
  );
}
