import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { deleteGroup, deleteRole, deleteUser, type EntityKind } from "@/api/iam";
import { t } from "@/i18n";
import { Button } from "@/ui/Button";
import { FormDialog } from "@/ui/Dialog";
import { Page } from "@/ui/layout";
import { Notice } from "@/ui/Notice";
import { AccessKeys } from "./AccessKeys";
import { GroupMembers } from "./GroupMembers";
import { InlinePolicies } from "./InlinePolicies";
import { Permissions } from "./Permissions";
import { PolicyPage } from "./PolicyPage";
import { Trust } from "./Trust";
import { UserGroups } from "./UserGroups";

const KINDS: Record<string, EntityKind> = { users: "user", groups: "group", roles: "role" };
const REMOVERS = { user: deleteUser, group: deleteGroup, role: deleteRole } as const;

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
      actions={<Removal section={section} kind={kind} name={name} />}
    >
      {kind === "user" && <AccessKeys user={name} />}
      {kind === "user" && <UserGroups user={name} />}
      {kind === "group" && <GroupMembers group={name} />}
      <Permissions kind={kind} name={name} />
      <InlinePolicies kind={kind} name={name} />
      {kind === "role" && <Trust role={name} />}
    </Page>
  );
}

function Removal({ section, kind, name }: { section: string; kind: EntityKind; name: string }) {
  const [asked, setAsked] = useState(false);
  const navigate = useNavigate();
  const submit = async () => {
    await REMOVERS[kind](name);
    await navigate({ to: "/access/$section", params: { section } });
  };
  return (
    <>
      <Button kind="danger" onClick={() => setAsked(true)}>
        {t("Delete")}
      </Button>
      {asked && (
        <FormDialog
          title={t("Delete {name}?", { name })}
          action={t("Delete")}
          actionKind="danger"
          onSubmit={submit}
          onClose={() => setAsked(false)}
        >
          <p>{t("Its keys and policies of its own go with it, and whoever uses them is locked out at once.")}</p>
        </FormDialog>
      )}
    </>
  );
}
