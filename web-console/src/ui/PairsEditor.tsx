import { Plus, Trash2 } from "lucide-react";
import { t } from "@/i18n";
import { Button, IconButton } from "./Button";

export type Pairs = readonly (readonly [name: string, value: string])[];

/** Names and values that can be added, changed and removed: tags, metadata. */
export function PairsEditor({ pairs, onChange }: { pairs: Pairs; onChange: (pairs: Pairs) => void }) {
  const change = (index: number, pair: readonly [string, string]) =>
    onChange(pairs.map((old, at) => (at === index ? pair : old)));
  return (
    <div className="flex flex-col gap-2">
      {pairs.map(([name, value], index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a pair is its place, its name is being typed
        <div key={index} className="flex gap-2">
          <input
            aria-label={t("Name {n}", { n: index + 1 })}
            placeholder={t("Name")}
            value={name}
            onChange={(event) => change(index, [event.target.value, value])}
            className="control"
          />
          <input
            aria-label={t("Value {n}", { n: index + 1 })}
            placeholder={t("Value")}
            value={value}
            onChange={(event) => change(index, [name, event.target.value])}
            className="control"
          />
          <IconButton
            icon={Trash2}
            label={t("Remove {name}", { name: name || String(index + 1) })}
            onClick={() => onChange(pairs.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      <div>
        <Button icon={Plus} onClick={() => onChange([...pairs, ["", ""]])}>
          {t("Add")}
        </Button>
      </div>
    </div>
  );
}

/** The pairs as an object; those without a name are left out. */
export const recordOf = (pairs: Pairs): Record<string, string> =>
  Object.fromEntries(pairs.filter(([name]) => name.trim() !== "").map(([name, value]) => [name.trim(), value]));
