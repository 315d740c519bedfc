import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Archive, FolderSearch, Plus, Settings } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { usageQuery } from "@/api/admin";
import type { BucketUsage } from "@/api/schema";
import { formatNumber, t } from "@/i18n";
import { formatBytes, formatPercent, formatTime } from "@/lib/format";
import { ActionsHeading } from "@/ui/ActionsHeading";
import { Button, buttonClass } from "@/ui/Button";
import { Asked, Badge, Card, Empty, Page } from "@/ui/layout";

const CreateBucket = lazy(() => import("./CreateBucket"));
const GoToBucket = lazy(() => import("./GoToBucket"));

export default function BucketsPage() {
  const [asked, setAsked] = useState<"creating" | "going">();
  const usage = useQuery({ ...usageQuery, refetchInterval: 15_000 });
  const close = () => setAsked(undefined);
  const create = () => setAsked("creating");
  const go = () => setAsked("going");
  const actions = (
    <>
      {usage.data?.complete === false && usage.data.buckets.length > 0 && (
        <Button kind="quiet" icon={FolderSearch} onClick={go}>
          {t("Go to a bucket")}
        </Button>
      )}
      <Button kind="primary" icon={Plus} onClick={create}>
        {t("Create bucket")}
      </Button>
    </>
  );
  return (
    <Page title={t("Buckets")} actions={actions}>
      <Asked query={usage}>
        {({ buckets, complete }) => {
          if (buckets.length > 0) return <BucketTable buckets={buckets} />;
          return complete ? <NoBucket onCreate={create} /> : <NoBucketListed onGo={go} />;
        }}
      </Asked>
      <Suspense>
        {asked === "creating" && <CreateBucket onClose={close} />}
        {asked === "going" && <GoToBucket onClose={close} />}
      </Suspense>
    </Page>
  );
}

function NoBucketListed({ onGo }: { onGo: () => void }) {
  return (
    <Card>
      <Empty icon={Archive} title={t("No bucket that you may list")}>
        <p>{t("There may be buckets that you cannot list as a whole. If you know the name of one, go there.")}</p>
        <Button icon={FolderSearch} onClick={onGo}>
          {t("Go to a bucket")}
        </Button>
      </Empty>
    </Card>
  );
}

function NoBucket({ onCreate }: { onCreate: () => void }) {
  return (
    <Card>
      <Empty icon={Archive} title={t("No bucket yet")}>
        <p>
          {t(
            "A bucket holds objects: files of any kind, under names that may have folders in them. Make one, then drop files on it.",
          )}
        </p>
        <Button kind="primary" icon={Plus} onClick={onCreate}>
          {t("Create your first bucket")}
        </Button>
      </Empty>
    </Card>
  );
}

function BucketTable({ buckets }: { buckets: BucketUsage[] }) {
  return (
    <Card flush>
      <table className="table">
        <thead>
          <tr>
            <th>{t("Name")}</th>
            <th className="text-right">{t("Objects")}</th>
            <th className="text-right">{t("Size")}</th>
            <th className="hidden sm:table-cell">{t("Features")}</th>
            <th className="hidden lg:table-cell">{t("Created")}</th>
            <ActionsHeading />
          </tr>
        </thead>
        <tbody>
          {buckets.map((bucket) => (
            <BucketRow key={bucket.name} bucket={bucket} />
          ))}
        </tbody>
      </table>
    </Card>
  );
}

function BucketRow({ bucket }: { bucket: BucketUsage }) {
  const { name, objects, bytes, created } = bucket;
  return (
    <tr className="hover:bg-raised">
      <td>
        <Link to="/buckets/$bucket" params={{ bucket: name }} className="link font-medium wrap-anywhere">
          {name}
        </Link>
      </td>
      <td className="text-right tabular-nums">{formatNumber(objects)}</td>
      <td className="text-right whitespace-nowrap tabular-nums">{formatBytes(bytes)}</td>
      <td className="hidden sm:table-cell">
        <Features bucket={bucket} />
      </td>
      <td className="hidden whitespace-nowrap lg:table-cell">{formatTime(created)}</td>
      <td className="py-0.5! text-right">
        <Link
          to="/buckets/$bucket/settings/$section"
          params={{ bucket: name, section: "overview" }}
          aria-label={t("Settings of {bucket}", { bucket: name })}
          title={t("Settings of {bucket}", { bucket: name })}
          className={buttonClass("quiet")}
        >
          <Settings size={18} aria-hidden />
        </Link>
      </td>
    </tr>
  );
}

export function Features({ bucket }: { bucket: BucketUsage }) {
  const { versioning, object_lock, encryption, searchable, quota, bytes, version_bytes } = bucket;
  return (
    <span className="flex flex-wrap gap-1">
      {bucket.public && <Badge kind="warn">{t("public")}</Badge>}
      {versioning.toLowerCase() === "enabled" && <Badge>{t("versions")}</Badge>}
      {object_lock && <Badge>{t("lock")}</Badge>}
      {encryption && <Badge>{t("encrypted")}</Badge>}
      {searchable && <Badge>{t("search")}</Badge>}
      {quota !== null && quota !== undefined && <QuotaBadge used={bytes + version_bytes} quota={quota} />}
    </span>
  );
}

/** The part of a quota beyond which it is time to do something. */
const NEARLY_FULL = 0.9;

function QuotaBadge({ used, quota }: { used: number; quota: number }) {
  return (
    <Badge kind={used >= quota * NEARLY_FULL ? "warn" : "plain"}>
      {t("{percent} of {size}", { percent: formatPercent(used, quota), size: formatBytes(quota) })}
    </Badge>
  );
}
