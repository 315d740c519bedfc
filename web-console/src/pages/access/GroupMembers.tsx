import { addToGroup, listMembers, listUsers, removeFromGroup, type User } from "@/api/iam";
import { t } from "@/i18n";
import { ChoiceList } from "./ChoiceList";

const choice = ({ name }: User) => ({ id: name, name });

export function GroupMembers({ group }: { group: string }) {
  return (
    <ChoiceList
      title={t("Members")}
      empty={t("Nobody yet.")}
      action={t("Add the user")}
      queryKey={["iam", "members-of", group]}
      chosen={async () => (await listMembers(group)).map(choice)}
      all={async () => (await listUsers()).map(choice)}
      add={(user) => addToGroup(user, group)}
      remove={(user) => removeFromGroup(user, group)}
    />
  );
}
