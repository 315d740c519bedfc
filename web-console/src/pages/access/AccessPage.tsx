import { useParams } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { mayAdminister } from "@/api/session";
import { t } from "@/i18n";
import { Loading, Page } from "@/ui/layout";
import { Notice } from "@/ui/Notice";
import { SectionNav } from "@/ui/SectionNav";

const SECTIONS = {
  users: { title: () => t("Users"), List: lazy(() => import("./Users")) },
  groups: { title: () => t("Groups"), List: lazy(() => import("./Groups")) },
  roles: { title: () => t("Roles"), List: lazy(() => import("./Roles")) },
  policies: { title: () => t("Policies"), List: lazy(() => import("./Policies")) },
  simulator: { title: () => t("Simulator"), List: lazy(() => import("./Simulator")) },
  accounts: { title: () => t("Accounts and keys"), List: lazy(() => import("./Accounts")) },
};

type Section = keyof typeof SECTIONS;

/** Who may do what. */
export default function AccessPage() {
  const { section } = useParams({ from: "/access/$section" });
  const shown = section in SECTIONS ? SECTIONS[section as Section] : undefined;
  const sections = Object.entries(SECTIONS).filter(
    ([name]) => name !== "accounts" || mayAdminister("admin:ListAccounts"),
  );
  return (
    <Page title={t("Users and access")}>
      <SectionNav
        label={t("Users and access")}
        sections={sections.map(([name, { title }]) => ({
          name,
          title: title(),
          link: { to: "/access/$section", params: { section: name } },
        }))}
        current={section}
        className="border-b border-line pb-2"
      />
      <Suspense fallback={<Loading />}>
        {shown ? <shown.List /> : <Notice kind="info">{t("There is no such section.")}</Notice>}
      </Suspense>
    </Page>
  );
}
