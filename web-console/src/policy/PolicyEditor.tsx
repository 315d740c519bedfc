import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { bucketsQuery } from "@/api/admin";
import { currentSession } from "@/api/session";
import { t } from "@/i18n";
import { Button } from "@/ui/Button";
import { Notice } from "@/ui/Notice";
import { CompletingArea } from "./CompletingArea";
import { checkPolicy, type PolicyKind } from "./document";
import { explain } from "./words";

interface PolicyEditorProps {
  label: string;
  kind: PolicyKind;
  value: string;
  onChange: (value: string) => void;
  /** The one whose policy it is; else all are offered. */
  bucket?: string;
  templates?: readonly { name: string; document: unknown }[];
}

const written = (document: unknown): string => JSON.stringify(document, null, 2);

/** A policy as text, with what is wrong with it and what it says in words. */
export function PolicyEditor({ label, kind, value, onChange, bucket, templates = [] }: PolicyEditorProps) {
  const usage = useQuery({ ...bucketsQuery, enabled: bucket === undefined });
  const buckets = bucket === undefined ? (usage.data ?? []).map(({ name }) => name) : [bucket];
  const { statements, faults } = useMemo(() => checkPolicy(value, kind), [value, kind]);
  const isEmpty = value.trim() === "";
  return (
    <div className="flex flex-col gap-3">
      {templates.length > 0 && (
        <div className="flex flex-wrap items-center gap-2">
          <span className="text-sm text-muted">{t("Begin with:")}</span>
          {templates.map(({ name, document }) => (
            <Button key={name} onClick={() => onChange(written(document))}>
              {name}
            </Button>
          ))}
        </div>
      )}
      <CompletingArea
        label={label}
        value={value}
        onChange={onChange}
        around={{ kind, buckets, account: currentSession().account.id }}
      />
      <div role="status" className="flex flex-col gap-3">
        {!isEmpty && faults.length > 0 && (
          <Notice kind="warn">
            <ul>
              {faults.map(({ text, line }) => (
                <li key={`${line}: ${text}`}>
                  {line !== undefined && `${t("Line {n}", { n: line })}: `}
                  {text}
                </li>
              ))}
            </ul>
          </Notice>
        )}
        {statements.length > 0 && (
          <Notice kind="info">
            <ul className="flex flex-col gap-1">
              {statements.map((statement, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: statements may have no name, their order is theirs
                <li key={index}>{explain(statement, kind)}</li>
              ))}
            </ul>
          </Notice>
        )}
      </div>
    </div>
  );
}
