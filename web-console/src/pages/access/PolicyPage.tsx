import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { deletePolicy, getPolicyDocument, isBuiltIn, putPolicyDocument } from "@/api/iam";
import { t } from "@/i18n";
import { checkPolicy, indented } from "@/policy/document";
import { PolicyEditor } from "@/policy/PolicyEditor";
import { explain } from "@/policy/words";
import { Asked, Card, Page } from "@/ui/layout";
import { SaveForm } from "@/ui/SaveForm";
import { RemovalButton } from "./RemovalButton";

/** One managed policy; `name` is its ARN. */
export function PolicyPage({ name: arn }: { name: string }) {
  const document = useQuery({ queryKey: ["iam", "policy", arn], queryFn: () => getPolicyDocument(arn) });
  return (
    <Page
      title={
        <>
          <Link to="/access/$section" params={{ section: "policies" }} className="link">
            {t("Policies")}
          </Link>
          {` · ${arn.slice(arn.lastIndexOf("/") + 1)}`}
        </>
      }
      actions={
        !isBuiltIn(arn) && (
          <RemovalButton
            question={t("Delete this policy?")}
            warning={t("It must hang on no user, group or role.")}
            remove={() => deletePolicy(arn)}
            section="policies"
          />
        )
      }
    >
      <Card title={t("Policy document")}>
        <Asked query={document}>
          {(text) => (isBuiltIn(arn) ? <Shown document={text} /> : <Form key={text} arn={arn} document={text} />)}
        </Asked>
      </Card>
    </Page>
  );
}

function Shown({ document }: { document: string }) {
  return (
    <div className="flex flex-col gap-3 text-sm">
      <p>{t("This policy is built in and cannot be changed.")}</p>
      <ul className="list-disc pl-5">
        {checkPolicy(document, "identity").statements.map((statement) => (
          <li key={JSON.stringify(statement)}>{explain(statement, "identity")}</li>
        ))}
      </ul>
      <pre className="overflow-auto rounded-md bg-raised p-3 font-mono text-xs">{indented(document)}</pre>
    </div>
  );
}

function Form({ arn, document }: { arn: string; document: string }) {
  const [text, setText] = useState(indented(document));
  const queries = useQueryClient();
  const save = async () => {
    await putPolicyDocument(arn, text);
    await queries.invalidateQueries({ queryKey: ["iam", "policy", arn] });
  };
  return (
    <SaveForm onSave={save}>
      <PolicyEditor label={t("Policy document")} kind="identity" value={text} onChange={setText} />
    </SaveForm>
  );
}
