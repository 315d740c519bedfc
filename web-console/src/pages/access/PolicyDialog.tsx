import { useState } from "react";
import { t } from "@/i18n";
import { checkPolicy } from "@/policy/document";
import { PolicyEditor } from "@/policy/PolicyEditor";
import { identityTemplates } from "@/policy/templates";
import { FormDialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";

interface PolicyDialogProps {
  title: string;
  /** Empty for a new one, which is then named. */
  name: string;
  document: string;
  onSave: (name: string, document: string) => Promise<unknown>;
  onClose: () => void;
}

/** Makes or changes a policy of users, groups and roles. */
export function PolicyDialog({ title, name, document, onSave, onClose }: PolicyDialogProps) {
  const [chosen, setChosen] = useState(name);
  const [text, setText] = useState(document);
  const isPolicy = checkPolicy(text, "identity").statements.length > 0;
  return (
    <FormDialog
      title={title}
      action={t("Save")}
      disabled={!chosen || !isPolicy}
      onSubmit={() => onSave(chosen, text)}
      onClose={onClose}
      size="large"
    >
      {name === "" && (
        <TextField label={t("Name")} value={chosen} onChange={(event) => setChosen(event.target.value)} required />
      )}
      <PolicyEditor
        label={t("Policy document")}
        kind="identity"
        value={text}
        onChange={setText}
        templates={identityTemplates()}
      />
    </FormDialog>
  );
}
