import { UserRound } from "lucide-react";
import { createUser, listUsers } from "@/api/iam";
import { t } from "@/i18n";
import { EntityList } from "./EntityList";

export default function Users() {
  return (
    <EntityList
      section="users"
      title={t("Users")}
      icon={UserRound}
      about={
        <p>
          {t(
            "A user has access keys of its own and may do what its policies and those of its groups allow: one for each person and program.",
          )}
        </p>
      }
      createTitle={t("Create a user")}
      list={listUsers}
      create={createUser}
    />
  );
}
