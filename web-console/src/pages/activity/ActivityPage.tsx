import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { getHistory } from "@/api/observe";
import type { HistoryPoint } from "@/api/schema";
import { t } from "@/i18n";
import { formatBytes, formatRate } from "@/lib/format";
import { SelectField } from "@/ui/Field";
import { Asked, Card, Page } from "@/ui/layout";
import { Chart, type Series } from "./Chart";

const HOUR = 3600;

interface ChartOf {
  title: string;
  series: Series[];
  format: (value: number) => string;
  isBytes?: boolean;
}

/** What the charts show of the points; rates are of the step that a point stands for. */
function chartsOf(points: HistoryPoint[], step: number): ChartOf[] {
  const series = (label: string, value: (point: HistoryPoint) => number | null | undefined): Series => ({
    label,
    values: points.map((point) => value(point) ?? null),
  });
  const perSecond = (value: number) => t("{n}/s", { n: value.toFixed(1) });
  const milliseconds = (value: number) => t("{n} ms", { n: value.toFixed(1) });
  return [
    {
      title: t("Requests"),
      series: [
        series(t("Requests"), (point) => point.requests / step),
        series(t("Refused or failed"), (point) => (point.refused + point.errors) / step),
      ],
      format: perSecond,
    },
    {
      title: t("Latency"),
      series: [
        series(t("Half are faster"), (point) => point.p50_ms),
        series(t("99 of 100 are faster"), (point) => point.p99_ms),
      ],
      format: milliseconds,
    },
    {
      title: t("Throughput"),
      series: [
        series(t("Sent"), (point) => point.sent / step),
        series(t("Received"), (point) => point.received / step),
      ],
      format: formatRate,
      isBytes: true,
    },
    {
      title: t("Capacity"),
      series: [series(t("In use"), (point) => point.used), series(t("There is"), (point) => point.capacity)],
      format: formatBytes,
      isBytes: true,
    },
  ];
}

export default function ActivityPage() {
  const [seconds, setSeconds] = useState(HOUR);
  const history = useQuery({ queryKey: ["history"], queryFn: getHistory, refetchInterval: 10_000 });
  return (
    <Page title={t("Activity")}>
      <div className="max-w-xs">
        <SelectField
          label={t("Time")}
          value={String(seconds)}
          onChange={(value) => setSeconds(Number(value))}
          options={[
            [String(HOUR / 4), t("the last 15 minutes")],
            [String(HOUR), t("the last hour")],
            [String(6 * HOUR), t("the last six hours")],
          ]}
        />
      </div>
      <Asked query={history}>
        {({ step_seconds, points }) => {
          const shown = points.slice(-Math.ceil(seconds / step_seconds));
          const times = shown.map(({ at }) => new Date(at).getTime() / 1000);
          return (
            <div className="grid gap-5 lg:grid-cols-2">
              {chartsOf(shown, step_seconds).map(({ title, series, format, isBytes }) => (
                <Card key={title} title={title}>
                  {shown.length < 2 ? (
                    <p className="text-sm text-muted">{t("The first points come within half a minute.")}</p>
                  ) : (
                    <Chart title={title} times={times} series={series} format={format} isBytes={isBytes} />
                  )}
                </Card>
              ))}
            </div>
          );
        }}
      </Asked>
    </Page>
  );
}
