import { Link, useParams } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { t } from "@/i18n";
import { Loading, Page } from "@/ui/layout";
import { Notice } from "@/ui/Notice";
import { SectionNav } from "@/ui/SectionNav";

const SECTIONS = {
  overview: { title: () => t("Overview"), Form: lazy(() => import("./Overview")) },
  access: { title: () => t("Public access"), Form: lazy(() => import("./PublicAccess")) },
  policy: { title: () => t("Policy"), Form: lazy(() => import("./BucketPolicy")) },
  versioning: { title: () => t("Versioning"), Form: lazy(() => import("./VersioningForm")) },
  lifecycle: { title: () => t("Lifecycle"), Form: lazy(() => import("./Lifecycle")) },
  encryption: { title: () => t("Encryption"), Form: lazy(() => import("./EncryptionForm")) },
  lock: { title: () => t("Object Lock"), Form: lazy(() => import("./ObjectLockForm")) },
  tags: { title: () => t("Tags"), Form: lazy(() => import("./TagsForm")) },
  cors: { title: () => t("CORS"), Form: lazy(() => import("./CorsForm")) },
  notifications: { title: () => t("Notifications"), Form: lazy(() => import("./NotificationsForm")) },
  logging: { title: () => t("Access log"), Form: lazy(() => import("./LoggingForm")) },
  website: { title: () => t("Website"), Form: lazy(() => import("./WebsiteForm")) },
  uploads: { title: () => t("Open uploads"), Form: lazy(() => import("./OpenUploads")) },
};

type Section = keyof typeof SECTIONS;

/** Everything that a bucket can be told, a section each. */
export default function BucketSettingsPage() {
  const { bucket, section } = useParams({ from: "/buckets/$bucket/settings/$section" });
  const shown = section in SECTIONS ? SECTIONS[section as Section] : undefined;
  return (
    <Page
      title={
        <>
          <Link to="/buckets/$bucket" params={{ bucket }} className="link">
            {bucket}
          </Link>
          {` · ${t("Settings")}`}
        </>
      }
    >
      <div className="flex flex-col gap-5 md:flex-row">
        <SectionNav
          label={t("Settings")}
          sections={Object.entries(SECTIONS).map(([name, { title }]) => ({
            name,
            title: title(),
            link: { to: "/buckets/$bucket/settings/$section", params: { bucket, section: name } },
          }))}
          current={section}
          className="md:w-44 md:flex-col"
        />
        <div className="min-w-0 grow">
          <Suspense fallback={<Loading />}>
            {shown ? (
              <shown.Form key={bucket} bucket={bucket} />
            ) : (
              <Notice kind="info">{t("There is no such section.")}</Notice>
            )}
          </Suspense>
        </div>
      </div>
    </Page>
  );
}
