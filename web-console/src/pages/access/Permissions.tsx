import { attachPolicy, detachPolicy, type EntityKind, listAttached, listPolicies } from "@/api/iam";
import { t } from "@/i18n";
import { ChoiceList } from "./ChoiceList";

const choice = ({ name, arn }: { name: string; arn: string }) => ({ id: arn, name });

/** The managed policies that hang on a user, group or role. */
export function Permissions({ kind, name }: { kind: EntityKind; name: string }) {
  return (
    <ChoiceList
      title={t("Policies")}
      empty={t("None: nothing is allowed but by groups, policies of its own and policies of buckets.")}
      action={t("Attach the policy")}
      queryKey={["iam", "attached", kind, name]}
      chosen={async () => (await listAttached(kind, name)).map(choice)}
      all={async () => (await listPolicies()).map(choice)}
      add={(arn) => attachPolicy(kind, name, arn)}
      remove={(arn) => detachPolicy(kind, name, arn)}
    />
  );
}
