import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Archive, Plus, Settings } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { listUsage } from "@/api/admin";
import type { BucketUsage } from "@/api/schema";
import { seesAllBuckets } from "@/api/session";
import { formatNumber, t } from "@/i18n";
import { formatBytes, formatPercent, formatTime } from "@/lib/format";
import { ActionsHeading } from "@/ui/ActionsHeading";
import { Button, buttonClass } from "@/ui/Button";
import { Asked, Badge, Card, Empty, Page } from "@/ui/layout";
import { GoToBucket } from "./GoToBucket";

const CreateBucket = lazy(() => import("./CreateBucket"));

export default function BucketsPage() {
  const [creating, setCreating] = useState(false);
  const buckets = useQuery({ queryKey: ["buckets"], queryFn: listUsage, refetchInterval: 15_000 });
  const create = (
    <Button kind="primary" icon={Plus} onClick={() => setCreating(true)}>
      {t("Create bucket")}
    </Button>
  );
  return (
    <Page title={t("Buckets")} actions={create}>
      <Asked query={buckets}>
        {(list) =>
          list.length > 0 ? <BucketTable buckets={list} /> : <NoBuckets onCreate={() => setCreating(true)} />
        }
      </Asked>
      {!seesAllBuckets() && <GoToBucket />}
      {creating && (
        <Suspense>
          <CreateBucket onClose={() => setCreating(false)} />
        </Suspense>
      )}
    </Page>
  );
}

function NoBuckets({ onCreate }: { onCreate: () => void }) {
  if (!seesAllBuckets())
    return (
      <Card>
        <Empty icon={Archive} title={t("No bucket that you may list")} />
      </Card>
    );
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
