import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Pencil, Plus } from "lucide-react";
import { useState } from "react";
import { deleteInline, type EntityKind, getInline, listInline, putInline } from "@/api/iam";
import { t } from "@/i18n";
import { indented } from "@/policy/document";
import { Button, IconButton } from "@/ui/Button";
import { ConfirmButton } from "@/ui/ConfirmButton";
import { Asked, Card } from "@/ui/layout";
import { sayError } from "@/ui/toasts";
import { PolicyDialog } from "./PolicyDialog";

/** Policies that belong to one user, group or role alone. */
export function InlinePolicies({ kind, name }: { kind: EntityKind; name: string }) {
  const key = ["iam", "inline", kind, name];
  const policies = useQuery({ queryKey: key, queryFn: () => listInline(kind, name) });
  const queries = useQueryClient();
  const [edited, setEdited] = useState<{ name: string; document: string }>();
  const reload = () => queries.invalidateQueries({ queryKey: key });
  const open = async (policy: string) =>
    setEdited({ name: policy, document: indented(await getInline(kind, name, policy)) });
  const save = async (policy: string, document: string) => {
    await putInline(kind, name, policy, document);
    await reload();
  };
  const add = (
    <Button icon={Plus} onClick={() => setEdited({ name: "", document: "" })}>
      {t("Write a policy")}
    </Button>
  );
  return (
    <Card title={t("Policies of its own")} actions={add}>
      <Asked query={policies}>
        {(list) =>
          list.length === 0 ? (
            <p className="text-sm text-muted">{t("None.")}</p>
          ) : (
            <ul className="flex flex-col gap-1">
              {list.map((policy) => (
                <li key={policy} className="flex items-center gap-1 text-sm">
                  <span className="grow wrap-anywhere">{policy}</span>
                  <IconButton
                    icon={Pencil}
                    label={t("Change {name}", { name: policy })}
                    onClick={() => void open(policy).catch(sayError)}
                  />
                  <ConfirmButton
                    action={t("Delete")}
                    question={t("Delete {name}?", { name: policy })}
                    warning={t("What it allows ends at once, and its text is gone.")}
                    onConfirm={() => deleteInline(kind, name, policy).then(reload)}
                  />
                </li>
              ))}
            </ul>
          )
        }
      </Asked>
      {edited && (
        <PolicyDialog
          title={edited.name || t("Write a policy")}
          name={edited.name}
          document={edited.document}
          onSave={save}
          onClose={() => setEdited(undefined)}
        />
      )}
    </Card>
  );
}
