import { Plus, Trash2 } from "lucide-react";
import type { Transition } from "@/api/lifecycle";
import { t } from "@/i18n";
import { Button, IconButton } from "@/ui/Button";

/** Storage classes that can be read at once here. */
const CLASSES = ["STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"] as const;

interface TransitionFieldsProps {
  label: string;
  transitions: readonly Transition[];
  onChange: (transitions: Transition[]) => void;
}

/** When objects change to which storage class. */
export function TransitionFields({ label, transitions, onChange }: TransitionFieldsProps) {
  const change = (index: number, part: Partial<Transition>) =>
    onChange(transitions.map((old, at) => (at === index ? { ...old, ...part } : old)));
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-1 text-sm font-medium">{label}</legend>
      {transitions.map((transition, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a transition is its place
        <div key={index} className="flex items-center gap-2">
          <input
            type="number"
            min={0}
            aria-label={t("After days")}
            value={transition.days}
            onChange={(event) => change(index, { days: Number(event.target.value) })}
            className="control max-w-28"
          />
          <select
            aria-label={t("Storage class")}
            value={transition.storageClass}
            onChange={(event) => change(index, { storageClass: event.target.value })}
            className="control"
          >
            {[...new Set([...CLASSES, transition.storageClass])].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
          <IconButton
            icon={Trash2}
            label={t("Remove")}
            onClick={() => onChange(transitions.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      <div>
        <Button icon={Plus} onClick={() => onChange([...transitions, { days: 30, storageClass: CLASSES[0] }])}>
          {t("Add")}
        </Button>
      </div>
    </fieldset>
  );
}
