import { Drama } from "lucide-react";
import { createRole, listRoles } from "@/api/iam";
import { currentSession } from "@/api/session";
import { t } from "@/i18n";
import { trustTemplate } from "@/policy/templates";
import { EntityList } from "./EntityList";

export default function Roles() {
  return (
    <EntityList
      section="roles"
      title={t("Roles")}
      icon={Drama}
      about={
        <p>{t("A role has no keys: whom it trusts takes it for a while and may then do what its policies allow.")}</p>
      }
      createTitle={t("Create a role")}
      list={listRoles}
      create={(name) => createRole(name, trustTemplate(currentSession().account.id))}
    />
  );
}
