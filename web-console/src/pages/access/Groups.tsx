import { UsersRound } from "lucide-react";
import { createGroup, listGroups } from "@/api/iam";
import { t } from "@/i18n";
import { EntityList } from "./EntityList";

export default function Groups() {
  return (
    <EntityList
      section="groups"
      title={t("Groups")}
      icon={UsersRound}
      about={<p>{t("What a group's policies allow, all of its members may do.")}</p>}
      createTitle={t("Create a group")}
      list={listGroups}
      create={createGroup}
    />
  );
}
