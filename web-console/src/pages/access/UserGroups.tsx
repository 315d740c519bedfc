import { addToGroup, listGroups, listGroupsOf, removeFromGroup } from "@/api/iam";
import { t } from "@/i18n";
import { ChoiceList } from "./ChoiceList";

const choice = (name: string) => ({ id: name, name });

export function UserGroups({ user }: { user: string }) {
  return (
    <ChoiceList
      title={t("Groups")}
      empty={t("In no group.")}
      action={t("Add to the group")}
      queryKey={["iam", "groups-of", user]}
      chosen={async () => (await listGroupsOf(user)).map(choice)}
      all={async () => (await listGroups()).map(({ name }) => choice(name))}
      add={(group) => addToGroup(user, group)}
      remove={(group) => removeFromGroup(user, group)}
    />
  );
}
