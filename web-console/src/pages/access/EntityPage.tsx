import { Link, useParams } from "@tanstack/react-router";
import { deleteGroup, deleteRole, deleteUser, type EntityKind } from "@/api/iam";
import { t } from "@/i18n";
import { Page } from "@/ui/layout";
import { Notice } from "@/ui/Notice";
import { AccessKeys } from "./AccessKeys";
import { GroupMembers } from "./GroupMembers";
import { InlinePolicies } from "./InlinePolicies";
import { Permissions } from "./Permissions";
import { PolicyPage } from "./PolicyPage";
import { RemovalButton } from "./RemovalButton";
import { ServiceKeys } from "./ServiceKeys";
import { Trust } from "./Trust";
import { UserGroups } from "./UserGroups";

const KINDS: Record<string, EntityKind> = { users: "user", groups: "group", roles: "role" };
const REMOVERS = { user: deleteUser, group: deleteGroup, role: deleteRole } as const;

/** What goes with each. */
const WARNINGS: Record<EntityKind, () => string> = {
  user: () => t("Its keys and policies of its own go with it, and whoever uses them is locked out at once."),
  group: () => t("Its own policies go with it. Its users stay, and lose at once what it allowed them."),
  role: () => t("Its own policies go with it, and its sessions end at once."),
};

/** One user, group, role or policy. */
export default function EntityPage() {
  const { section, name } = useParams({ from: "/access/$section/$name" });
  const kind = KINDS[section];
  if (section === "policies") return <PolicyPage name={name} />;
  if (!kind)
    return (
      <Page title={name}>
        <Notice kind="info">{t("There is no such section.")}</Notice>
      </Page>
    );
  return <Entity key={`${kind}/${name}`} section={section} kind={kind} name={name} />;
}

function Entity({ section, kind, name }: { section: string; kind: EntityKind; name: string }) {
  return (
    <Page
      title={
        <>
          <Link to="/access/$section" params={{ section }} className="link">
            {{ user: t("Users"), group: t("Groups"), role: t("Roles") }[kind]}
          </Link>
          {` · ${name}`}
        </>
      }
      actions={
        <RemovalButton
          question={t("Delete {name}?", { name })}
          warning={WARNINGS[kind]()}
          remove={() => REMOVERS[kind](name)}
          section={section}
        />
      }
    >
      {kind === "user" && <AccessKeys user={name} />}
      {kind === "user" && <ServiceKeys user={name} />}
      {kind === "user" && <UserGroups user={name} />}
      {kind === "group" && <GroupMembers group={name} />}
      <Permissions kind={kind} name={name} />
      <InlinePolicies kind={kind} name={name} />
      {kind === "role" && <Trust role={name} />}
    </Page>
  );
}
