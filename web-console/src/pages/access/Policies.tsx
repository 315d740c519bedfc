import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";
import { createPolicy, isBuiltIn, listPolicies } from "@/api/iam";
import { t } from "@/i18n";
import { Button } from "@/ui/Button";
import { Asked, Badge, Card } from "@/ui/layout";
import { PolicyDialog } from "./PolicyDialog";

export default function Policies() {
  const policies = useQuery({ queryKey: ["iam", "policies"], queryFn: listPolicies });
  const queries = useQueryClient();
  const [creating, setCreating] = useState(false);
  const create = async (name: string, document: string) => {
    await createPolicy(name, document);
    await queries.invalidateQueries({ queryKey: ["iam"] });
  };
  const add = (
    <Button kind="primary" icon={Plus} onClick={() => setCreating(true)}>
      {t("Create a policy")}
    </Button>
  );
  return (
    <Card title={t("Policies")} actions={add} flush>
      <Asked query={policies}>
        {(list) => (
          <table className="table">
            <thead>
              <tr>
                <th>{t("Name")}</th>
                <th className="text-right">{t("Attached to")}</th>
                <th className="hidden lg:table-cell">ARN</th>
              </tr>
            </thead>
            <tbody>
              {list.map(({ name, arn, attachments }) => (
                <tr key={arn}>
                  <td>
                    <Link
                      to="/access/$section/$name"
                      params={{ section: "policies", name: arn }}
                      className="link font-medium"
                    >
                      {name}
                    </Link>{" "}
                    {isBuiltIn(arn) && <Badge>{t("built in")}</Badge>}
                  </td>
                  <td className="text-right">{attachments}</td>
                  <td className="hidden font-mono text-xs lg:table-cell">{arn}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Asked>
      {creating && (
        <PolicyDialog
          title={t("Create a policy")}
          name=""
          document=""
          onSave={create}
          onClose={() => setCreating(false)}
        />
      )}
    </Card>
  );
}
