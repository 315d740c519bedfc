import { heal, rebalance, scrub } from "@/api/cluster";
import type { Work } from "@/api/schema";
import { mayAdminister } from "@/api/session";
import { formatNumber, t } from "@/i18n";
import { formatBytes, formatDuration, formatPercent } from "@/lib/format";
import { Button } from "@/ui/Button";
import { Badge, Card, Meter } from "@/ui/layout";
import { usePlan } from "./usePlan";

const NAMES: Record<string, () => string> = {
  heal: () => t("Heal: rebuild what is missing"),
  scrub: () => t("Scrub: read every shard and check it"),
  gc: () => t("Reclaim space"),
  rebalance: () => t("Even out how full drives are"),
  recode: () => t("Encode anew with another parity"),
  search: () => t("Search indexes"),
  lifecycle: () => t("Lifecycle rules"),
};

const STATES: Record<Work["state"], () => string> = {
  idle: () => t("nothing to do"),
  running: () => t("under way"),
  waiting: () => t("waiting"),
  paused: () => t("paused"),
  unknown: () => t("of a newer server"),
};

/** In seconds. */
const HOUR = 3600;

/** Background work with its progress, and what can be begun or ended by hand. */
export function WorkList({ work }: { work: Work[] }) {
  const { ask, dialog } = usePlan();
  const isEvening = work.some(({ name, state }) => name === "rebalance" && state !== "idle");
  const isPaused = work.some(({ name, state }) => name === "heal" && state === "paused");
  const actions = (
    <>
      {mayAdminister("admin:Heal") && (
        <Button
          onClick={() => ask(isPaused ? t("Heal now") : t("Pause healing for an hour"), heal(isPaused ? 0 : HOUR))}
        >
          {isPaused ? t("Heal now") : t("Pause healing")}
        </Button>
      )}
      {mayAdminister("admin:Scrub") && <Button onClick={() => ask(t("Scrub now"), scrub)}>{t("Scrub now")}</Button>}
      {mayAdminister("admin:Rebalance") && (
        <Button onClick={() => ask(isEvening ? t("End evening out") : t("Even out drives"), rebalance(isEvening))}>
          {isEvening ? t("End evening out") : t("Even out drives")}
        </Button>
      )}
    </>
  );
  return (
    <Card title={t("Background work")} actions={actions}>
      <ul className="flex flex-col gap-4">
        {work.map((one) => (
          <WorkLine key={one.name} work={one} />
        ))}
      </ul>
      {dialog}
    </Card>
  );
}

function WorkLine({ work }: { work: Work }) {
  const { name, state, done, total, unit, per_second, eta_seconds, found, detail } = work;
  const amount = (n: number) => (unit === "bytes" ? formatBytes(n) : formatNumber(Math.round(n)));
  const title = NAMES[name]?.() ?? name;
  return (
    <li className="flex flex-col gap-1 text-sm">
      <div className="flex flex-wrap items-center gap-2">
        <span className="font-medium">{title}</span>
        <Badge kind={state === "waiting" || state === "paused" ? "warn" : "plain"}>{STATES[state]()}</Badge>
      </div>
      {state === "running" && total > 0 && (
        <>
          <Meter label={title} part={done} whole={total} />
          <p className="text-muted">
            {t("{done} of {total} ({percent})", {
              done: amount(done),
              total: amount(total),
              percent: formatPercent(done, total),
            })}
            {per_second > 0 && ` · ${t("{amount} a second", { amount: amount(per_second) })}`}
            {eta_seconds !== null &&
              eta_seconds !== undefined &&
              ` · ${t("{time} left", { time: formatDuration(eta_seconds) })}`}
          </p>
        </>
      )}
      {found > 0 && <p>{t("{n} shards found missing or bad", { n: formatNumber(found) })}</p>}
      {detail && <p className="text-muted">{detail}</p>}
    </li>
  );
}
