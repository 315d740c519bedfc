import { useState } from "react";
import { getPolicy, putPolicy } from "@/api/bucket-config";
import { currentSession } from "@/api/session";
import { t } from "@/i18n";
import { checkPolicy, indented } from "@/policy/document";
import { PolicyEditor } from "@/policy/PolicyEditor";
import { bucketTemplates } from "@/policy/templates";
import { Button } from "@/ui/Button";
import { SaveForm } from "@/ui/SaveForm";
import { Section } from "./Section";

export default function BucketPolicy({ bucket }: { bucket: string }) {
  return (
    <Section
      title={t("Policy")}
      about={t(
        "Who may do what with this bucket and its objects. An explicit Deny ends every other permission; without a policy only the account's own users come in.",
      )}
      bucket={bucket}
      document="policy"
      read={getPolicy}
    >
      {(policy, reload) => <Form bucket={bucket} policy={policy} reload={reload} />}
    </Section>
  );
}

function Form({ bucket, policy, reload }: { bucket: string; policy: string; reload: () => Promise<void> }) {
  const [text, setText] = useState(indented(policy));
  const isJson = text.trim() === "" || checkPolicy(text, "bucket").statements.length > 0;
  const save = async () => {
    await putPolicy(bucket, text);
    await reload();
  };
  return (
    <SaveForm
      onSave={save}
      disabled={!isJson}
      extra={policy !== "" && <Button onClick={() => setText("")}>{t("Remove all")}</Button>}
    >
      <PolicyEditor
        label={t("Policy of {bucket}", { bucket })}
        kind="bucket"
        bucket={bucket}
        value={text}
        onChange={setText}
        templates={bucketTemplates(bucket, currentSession().account.id)}
      />
    </SaveForm>
  );
}
