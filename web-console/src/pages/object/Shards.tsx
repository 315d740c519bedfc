import { useQuery } from "@tanstack/react-query";
import { objectPlaces } from "@/api/admin";
import type { ShardState } from "@/api/schema";
import { count, t } from "@/i18n";
import { Asked, Badge } from "@/ui/layout";
import { Notice } from "@/ui/Notice";

const STATES: Record<ShardState, () => string> = {
  ok: () => t("in order"),
  missing: () => t("missing"),
  down: () => t("drive is down"),
  unknown: () => t("unknown"),
};

/** Where the shards of an object are, and how many more of them may be lost. */
export default function Shards({ bucket, objectKey }: { bucket: string; objectKey: string }) {
  const shards = useQuery({
    queryKey: ["shards", bucket, objectKey],
    queryFn: () => objectPlaces(bucket, objectKey),
  });
  return (
    <Asked query={shards}>
      {({ scheme, in_metadata, shards: list, margin }) => (
        <div className="flex flex-col gap-3 text-sm">
          <Notice kind={margin > 0 || scheme?.parity === 0 ? "good" : "warn"}>
            {margin < 0
              ? t("It cannot be read now: too many shards are missing.")
              : count(margin, "One more shard may be lost.", "{n} more shards may be lost.")}
          </Notice>
          {scheme && (
            <p>{t("{data} data and {parity} parity shards; any {data} of them give the object.", { ...scheme })}</p>
          )}
          {in_metadata && <p>{t("It is so small that it lives in the metadata, of which every drive has a copy.")}</p>}
          <ul className="grid grid-cols-2 gap-2 sm:grid-cols-4">
            {list.map((shard, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a shard is its place
              <li key={index} className="rounded-md border border-line p-2">
                <p className="font-medium">{t("Drive {slot}", { slot: shard.drive })}</p>
                {shard.node && <p className="truncate text-muted">{shard.node}</p>}
                <Badge kind={shard.state === "ok" ? "good" : "danger"}>{STATES[shard.state]()}</Badge>
              </li>
            ))}
          </ul>
        </div>
      )}
    </Asked>
  );
}
