import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { type CorsRule, getCors, putCors } from "@/api/bucket-config";
import { t } from "@/i18n";
import { Button, IconButton } from "@/ui/Button";
import { CheckField, TextField } from "@/ui/Field";
import { SaveForm } from "@/ui/SaveForm";
import { Section } from "./Section";
import { wordsOf } from "./words";

const METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE"] as const;

export default function CorsForm({ bucket }: { bucket: string }) {
  return (
    <Section
      title={t("CORS")}
      about={t(
        "Which web pages of other addresses may read or write here from a browser. The console does not need it.",
      )}
      bucket={bucket}
      document="cors"
      read={getCors}
    >
      {(rules, reload) => <Form bucket={bucket} rules={rules} reload={reload} />}
    </Section>
  );
}

const NEW_RULE: CorsRule = {
  origins: [],
  methods: ["GET", "HEAD"],
  headers: [],
  exposed: ["ETag"],
  maxAgeSeconds: 3000,
};

function Form({ bucket, rules, reload }: { bucket: string; rules: CorsRule[]; reload: () => Promise<void> }) {
  const [list, setList] = useState(rules);
  const change = (index: number, rule: CorsRule) => setList(list.map((old, at) => (at === index ? rule : old)));
  const save = async () => {
    await putCors(bucket, list);
    await reload();
  };
  return (
    <SaveForm
      onSave={save}
      extra={
        <Button icon={Plus} onClick={() => setList([...list, NEW_RULE])}>
          {t("Add a rule")}
        </Button>
      }
    >
      {list.map((rule, index) => (
        <RuleFields
          // biome-ignore lint/suspicious/noArrayIndexKey: rules have no name, their order is theirs
          key={index}
          number={index + 1}
          rule={rule}
          onChange={(changed) => change(index, changed)}
          onRemove={() => setList(list.filter((_, at) => at !== index))}
        />
      ))}
    </SaveForm>
  );
}

interface RuleFieldsProps {
  number: number;
  rule: CorsRule;
  onChange: (rule: CorsRule) => void;
  onRemove: () => void;
}

function RuleFields({ number, rule, onChange, onRemove }: RuleFieldsProps) {
  const toggle = (method: string, on: boolean) =>
    onChange({ ...rule, methods: METHODS.filter((known) => (known === method ? on : rule.methods.includes(known))) });
  return (
    <fieldset className="flex flex-col gap-3 rounded-md border border-line p-3">
      <legend className="px-1 text-sm font-medium">{t("Rule {n}", { n: number })}</legend>
      <WordsField
        label={t("Origins")}
        hint={t("https://example.com, or * for all")}
        words={rule.origins}
        onChange={(origins) => onChange({ ...rule, origins })}
      />
      <div className="flex flex-wrap gap-4">
        {METHODS.map((method) => (
          <CheckField
            key={method}
            label={method}
            checked={rule.methods.includes(method)}
            onChange={(on) => toggle(method, on)}
          />
        ))}
      </div>
      <WordsField
        label={t("Request headers")}
        hint={t("Those that pages may send; * for all")}
        words={rule.headers}
        onChange={(headers) => onChange({ ...rule, headers })}
      />
      <WordsField
        label={t("Exposed headers")}
        hint={t("Those of answers that pages may read")}
        words={rule.exposed}
        onChange={(exposed) => onChange({ ...rule, exposed })}
      />
      <div className="flex items-end gap-2">
        <TextField
          label={t("Remembered for (seconds)")}
          type="number"
          min={0}
          value={rule.maxAgeSeconds}
          onChange={(event) => onChange({ ...rule, maxAgeSeconds: Number(event.target.value) })}
        />
        <IconButton icon={Trash2} label={t("Remove rule {n}", { n: number })} onClick={onRemove} />
      </div>
    </fieldset>
  );
}

interface WordsFieldProps {
  label: string;
  hint: string;
  words: string[];
  onChange: (words: string[]) => void;
}

/** A field of several words; what is typed stays as it is typed. */
function WordsField({ label, hint, words, onChange }: WordsFieldProps) {
  const [text, setText] = useState(words.join(", "));
  return (
    <TextField
      label={label}
      hint={hint}
      value={text}
      onChange={(event) => {
        setText(event.target.value);
        onChange(wordsOf(event.target.value));
      }}
    />
  );
}
