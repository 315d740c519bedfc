import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { getRole, putTrust } from "@/api/iam";
import { t } from "@/i18n";
import { indented } from "@/policy/document";
import { PolicyEditor } from "@/policy/PolicyEditor";
import { Asked, Card } from "@/ui/layout";
import { SaveForm } from "@/ui/SaveForm";

/** Who may take a role. */
export function Trust({ role }: { role: string }) {
  const query = useQuery({
    queryKey: ["iam", "role", role],
    queryFn: () => getRole(role),
    refetchOnWindowFocus: false,
  });
  return (
    <Card title={t("Who may take it")}>
      <Asked query={query}>{({ trust }) => <Form key={trust} role={role} trust={trust} />}</Asked>
    </Card>
  );
}

function Form({ role, trust }: { role: string; trust: string }) {
  const [text, setText] = useState(indented(trust));
  const queries = useQueryClient();
  const save = async () => {
    await putTrust(role, text);
    await queries.invalidateQueries({ queryKey: ["iam", "role", role] });
  };
  return (
    <SaveForm onSave={save}>
      <PolicyEditor label={t("Trust policy")} kind="trust" value={text} onChange={setText} />
    </SaveForm>
  );
}
