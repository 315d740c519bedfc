import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { listGroups, listRoles, listUsers, type Simulated, simulate } from "@/api/iam";
import { t } from "@/i18n";
import { Button } from "@/ui/Button";
import { SelectField, TextField } from "@/ui/Field";
import { Asked, Badge, Card } from "@/ui/layout";
import { ErrorNotice } from "@/ui/Notice";
import { wordsOf } from "../settings/words";

async function listEntities(): Promise<(readonly [arn: string, name: string])[]> {
  const [users, groups, roles] = await Promise.all([listUsers(), listGroups(), listRoles()]);
  const named = (kind: string, list: { arn: string; name: string }[]) =>
    list.map(({ arn, name }) => [arn, `${kind} ${name}`] as const);
  return [...named(t("user"), users), ...named(t("group"), groups), ...named(t("role"), roles)];
}

/** Asks what policies would decide, without anybody having to try. */
export default function Simulator() {
  const entities = useQuery({ queryKey: ["iam", "entities"], queryFn: listEntities });
  return (
    <Card title={t("What may somebody do?")}>
      <Asked query={entities}>
        {(list) =>
          list.length === 0 ? (
            <p className="text-sm text-muted">{t("There is no user, group or role to ask for yet.")}</p>
          ) : (
            <Form entities={list} />
          )
        }
      </Asked>
    </Card>
  );
}

function Form({ entities }: { entities: (readonly [string, string])[] }) {
  const [arn, setArn] = useState(entities[0]?.[0] ?? "");
  const [actions, setActions] = useState("s3:GetObject, s3:PutObject, s3:DeleteObject, s3:ListBucket");
  const [resource, setResource] = useState("arn:aws:s3:::BUCKET/*");
  const [results, setResults] = useState<Simulated[]>();
  const [error, setError] = useState<unknown>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setError(undefined);
    try {
      setResults(await simulate(arn, wordsOf(actions), resource));
    } catch (failure) {
      setResults(undefined);
      setError(failure);
    }
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <SelectField label={t("Who")} value={arn} onChange={setArn} options={entities} />
      <TextField label={t("Actions")} value={actions} onChange={(event) => setActions(event.target.value)} required />
      <TextField
        label={t("Resource")}
        hint={t("The ARN of a bucket or of objects; * for everything")}
        value={resource}
        onChange={(event) => setResource(event.target.value)}
      />
      <div>
        <Button type="submit" kind="primary">
          {t("Ask")}
        </Button>
      </div>
      {error !== undefined && <ErrorNotice error={error} />}
      {results && <Results results={results} />}
    </form>
  );
}

function Results({ results }: { results: Simulated[] }) {
  return (
    <table className="table" aria-label={t("Decisions")}>
      <thead>
        <tr>
          <th>{t("Action")}</th>
          <th>{t("Decision")}</th>
          <th>{t("Because of")}</th>
        </tr>
      </thead>
      <tbody>
        {results.map(({ action, decision, statements }) => (
          <tr key={action}>
            <td className="font-mono text-xs">{action}</td>
            <td>
              <Decision decision={decision} />
            </td>
            <td>{statements.map(({ policy }) => policy).join(", ") || t("no statement")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Decision({ decision }: { decision: Simulated["decision"] }) {
  if (decision === "allowed") return <Badge kind="good">{t("allowed")}</Badge>;
  if (decision === "explicitDeny") return <Badge kind="danger">{t("denied by a statement")}</Badge>;
  return <Badge kind="warn">{t("not allowed by any")}</Badge>;
}
