import { useQuery } from "@tanstack/react-query";
import { getStatus } from "@/api/cluster";
import type { Status } from "@/api/schema";
import { mayAdminister } from "@/api/session";
import { count, formatNumber, t } from "@/i18n";
import { formatBytes, formatDuration } from "@/lib/format";
import { Asked, Card, Facts, Page } from "@/ui/layout";
import { Notice } from "@/ui/Notice";
import { DriveCards } from "./DriveCards";
import { EncryptionKeys } from "./EncryptionKeys";
import { NodeTable } from "./NodeTable";
import { RiskTable } from "./RiskTable";
import { WorkList } from "./WorkList";

/** How often the page asks while it is open. */
const REFRESH_MS = 2_000;

/** The health of the deployment, and what its operator can do about it. */
export default function ClusterPage() {
  const status = useQuery({ queryKey: ["status"], queryFn: getStatus, refetchInterval: REFRESH_MS });
  return (
    <Page title={t("Drives and nodes")}>
      <Asked query={status}>
        {(now) => (
          <>
            <Safety status={now} />
            <Redundancy status={now} />
            <DriveCards drives={now.drives} />
            {mayAdminister("admin:ListNodes") && <NodeTable />}
            <WorkList work={now.work ?? []} />
            {mayAdminister("admin:ListRisk") && <RiskTable />}
            {mayAdminister("admin:ListEncryptionKeys") && <EncryptionKeys />}
          </>
        )}
      </Asked>
    </Page>
  );
}

/** One sentence that says whether all is well. */
function Safety({ status }: { status: Status }) {
  const down = status.health.drives - status.health.drives_up;
  const { redundancy } = status;
  if (redundancy && redundancy.unreadable.objects > 0)
    return (
      <Notice kind="danger">
        {count(redundancy.unreadable.objects, "{n} object cannot be read now.", "{n} objects cannot be read now.")}{" "}
        {t("Bring back the drives that are down.")}
      </Notice>
    );
  if (down > 0)
    return (
      <Notice kind="warn">
        {count(down, "{n} drive is down.", "{n} drives are down.")} {t("Everything is served; replace it soon.")}
      </Notice>
    );
  if (status.pending_heals > 0)
    return (
      <Notice kind="info">
        {count(status.pending_heals, "{n} shard is being rebuilt.", "{n} shards are being rebuilt.")}
      </Notice>
    );
  return <Notice kind="good">{t("All drives are up and every object has its full redundancy.")}</Notice>;
}

function Redundancy({ status }: { status: Status }) {
  const { redundancy, data_shards, parity_shards, uptime_seconds, version } = status;
  return (
    <Card title={t("Deployment")}>
      <div className="grid gap-6 md:grid-cols-2">
        <Facts
          items={[
            [t("Version"), version],
            [t("Running for"), formatDuration(uptime_seconds)],
            [t("Stripes"), t("{data} data and {parity} parity shards", { data: data_shards, parity: parity_shards })],
            redundancy?.nodes_that_may_fail !== undefined && [t("Nodes that may fail"), redundancy.nodes_that_may_fail],
            redundancy?.zones_that_may_fail !== undefined && [t("Zones that may fail"), redundancy.zones_that_may_fail],
          ]}
        />
        {redundancy && (
          <table className="table">
            <caption className="sr-only">{t("Objects by redundancy")}</caption>
            <thead>
              <tr>
                <th>{t("Objects")}</th>
                <th className="text-right">{t("Number")}</th>
                <th className="text-right">{t("Size")}</th>
              </tr>
            </thead>
            <tbody>
              {(
                [
                  [t("whole"), redundancy.full],
                  [t("with shards missing"), redundancy.reduced],
                  [t("that bear no further loss"), redundancy.zero_margin],
                  [t("unreadable"), redundancy.unreadable],
                ] as const
              ).map(([name, tally]) => (
                <tr key={name}>
                  <td>{name}</td>
                  <td className="text-right">{formatNumber(tally.objects)}</td>
                  <td className="text-right">{formatBytes(tally.bytes)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </Card>
  );
}
