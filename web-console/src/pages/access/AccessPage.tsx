import { Link, useParams } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { mayAdminister } from "@/api/session";
import { t } from "@/i18n";
import { Loading, Page } from "@/ui/layout";
import { Notice } from "@/ui/Notice";

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
      <nav aria-label={t("Users and access")} className="flex gap-1 overflow-x-auto border-b border-line pb-2">
        {sections.map(([name, { title }]) => (
          <Link
            key={name}
            to="/access/$section"
            params={{ section: name }}
            className="rounded-md px-3 py-1.5 text-sm whitespace-nowrap hover:bg-raised aria-[current=page]:bg-accent-soft aria-[current=page]:font-medium"
          >
            {title()}
          </Link>
        ))}
      </nav>
      <Suspense fallback={<Loading />}>
        {shown ? <shown.List /> : <Notice kind="info">{t("There is no such section.")}</Notice>}
      </Suspense>
    </Page>
  );
}
