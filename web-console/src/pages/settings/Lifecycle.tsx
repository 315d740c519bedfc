import { Pencil, Plus, Timer, Trash2 } from "lucide-react";
import { useState } from "react";
import { getLifecycle, type LifecycleRule, newRule, putLifecycle } from "@/api/lifecycle";
import { t } from "@/i18n";
import { Button, IconButton } from "@/ui/Button";
import { FormDialog } from "@/ui/Dialog";
import { CheckField, TextField } from "@/ui/Field";
import { Badge, Empty } from "@/ui/layout";
import { Notice } from "@/ui/Notice";
import { type Pairs, PairsEditor, recordOf } from "@/ui/PairsEditor";
import { sayError } from "@/ui/toasts";
import { summarize } from "./lifecycle-summary";
import { Section } from "./Section";
import { TransitionFields } from "./TransitionFields";

export default function Lifecycle({ bucket }: { bucket: string }) {
  return (
    <Section
      title={t("Lifecycle")}
      about={t(
        "What becomes of objects by their age: they are deleted, old versions go, unfinished uploads end. Rules are followed once a day.",
      )}
      bucket={bucket}
      document="lifecycle"
      read={getLifecycle}
    >
      {(rules, reload) => <Rules bucket={bucket} rules={rules} reload={reload} />}
    </Section>
  );
}

interface RulesProps {
  bucket: string;
  rules: LifecycleRule[];
  reload: () => Promise<void>;
}

function Rules({ bucket, rules, reload }: RulesProps) {
  /** The rule that is being edited; one past the last is a new one. */
  const [edited, setEdited] = useState<number>();
  const store = async (changed: LifecycleRule[]) => {
    await putLifecycle(bucket, changed);
    await reload();
  };
  const save = (rule: LifecycleRule) => {
    const changed = [...rules];
    changed[edited ?? rules.length] = rule;
    return store(changed);
  };
  const add = (
    <Button icon={Plus} kind="primary" onClick={() => setEdited(rules.length)}>
      {t("Add a rule")}
    </Button>
  );
  return (
    <div className="flex flex-col gap-3">
      {rules.length === 0 && (
        <Empty icon={Timer} title={t("No rule yet")}>
          <p>{t("For example: delete what is in tmp/ after a week, or old versions after a month.")}</p>
          {add}
        </Empty>
      )}
      {rules.map((rule, index) => (
        <div key={rule.id || index} className="flex items-start gap-2 rounded-md border border-line p-3">
          <div className="min-w-0 grow text-sm">
            <p className="font-medium">
              {rule.id || t("Rule {n}", { n: index + 1 })} {!rule.enabled && <Badge>{t("off")}</Badge>}
            </p>
            <Summary rule={rule} />
          </div>
          <IconButton icon={Pencil} label={t("Change rule {n}", { n: index + 1 })} onClick={() => setEdited(index)} />
          <IconButton
            icon={Trash2}
            label={t("Remove rule {n}", { n: index + 1 })}
            onClick={() => void store(rules.filter((_, at) => at !== index)).catch(sayError)}
          />
        </div>
      ))}
      {rules.length > 0 && <div>{add}</div>}
      {edited !== undefined && (
        <RuleDialog rule={rules[edited] ?? newRule()} onSave={save} onClose={() => setEdited(undefined)} />
      )}
    </div>
  );
}

function Summary({ rule }: { rule: LifecycleRule }) {
  const [about, ...deeds] = summarize(rule);
  return (
    <>
      <p>{about}</p>
      <ul className="list-disc pl-5">
        {deeds.map((deed) => (
          <li key={deed}>{deed}</li>
        ))}
      </ul>
    </>
  );
}

interface RuleDialogProps {
  rule: LifecycleRule;
  onSave: (rule: LifecycleRule) => Promise<void>;
  onClose: () => void;
}

function RuleDialog({ rule: before, onSave, onClose }: RuleDialogProps) {
  const [rule, setRule] = useState(before);
  const [tags, setTags] = useState<Pairs>(Object.entries(before.tags));
  const change = (part: Partial<LifecycleRule>) => setRule({ ...rule, ...part });
  const number = (label: string, name: keyof LifecycleRule, hint?: string) => (
    <TextField
      label={label}
      hint={hint}
      type="number"
      min={0}
      value={Number(rule[name])}
      onChange={(event) => change({ [name]: Number(event.target.value) })}
    />
  );
  const whole = { ...rule, tags: recordOf(tags) };
  return (
    <FormDialog
      title={t("Lifecycle rule")}
      action={t("Save")}
      onSubmit={() => onSave(whole)}
      onClose={onClose}
      size="large"
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField label={t("Name")} value={rule.id} onChange={(event) => change({ id: event.target.value })} />
        <TextField
          label={t("Only keys that begin with")}
          placeholder="tmp/"
          value={rule.prefix}
          onChange={(event) => change({ prefix: event.target.value })}
        />
        {number(t("Only larger than (bytes)"), "largerThan", t("0: of any size"))}
        {number(t("Only smaller than (bytes)"), "smallerThan", t("0: of any size"))}
      </div>
      <fieldset>
        <legend className="mb-1 text-sm font-medium">{t("Only with these tags")}</legend>
        <PairsEditor pairs={tags} onChange={setTags} />
      </fieldset>
      <div className="grid gap-4 sm:grid-cols-2">
        {number(t("Delete after days"), "expireDays", t("0: never"))}
        <TextField
          label={t("or on the day")}
          type="date"
          value={rule.expireDate}
          onChange={(event) => change({ expireDate: event.target.value, expireDays: 0 })}
        />
        {number(t("Remove old versions after days"), "oldVersionDays", t("0: never"))}
        {number(t("Old versions that stay all the same"), "oldVersionsKept")}
        {number(t("End unfinished uploads after days"), "abortUploadDays", t("0: never"))}
      </div>
      <TransitionFields
        label={t("Change the storage class")}
        transitions={rule.transitions}
        onChange={(transitions) => change({ transitions })}
      />
      <TransitionFields
        label={t("Change the storage class of old versions")}
        transitions={rule.oldTransitions}
        onChange={(oldTransitions) => change({ oldTransitions })}
      />
      <CheckField
        label={t("Remove delete markers with nothing behind them")}
        checked={rule.removeMarkers}
        disabled={rule.expireDays > 0 || rule.expireDate !== ""}
        onChange={(removeMarkers) => change({ removeMarkers })}
      />
      <CheckField label={t("The rule is on")} checked={rule.enabled} onChange={(enabled) => change({ enabled })} />
      <div role="status">
        <Notice kind="info">
          <Summary rule={whole} />
        </Notice>
      </div>
    </FormDialog>
  );
}
