import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import "./chart.css";
import { language, t } from "@/i18n";
import { useObservable } from "@/lib/observable";
import { theme } from "@/lib/theme";
import { Scroller } from "@/ui/Scroller";

export interface Series {
  label: string;
  values: (number | null)[];
}

interface ChartProps {
  title: string;
  times: number[];
  series: Series[];
  format: (value: number) => string;
  /** Figures are bytes, whose round numbers are powers of two. */
  isBytes?: boolean;
}

const POWERS_OF_TWO = Array.from({ length: 60 }, (_, power) => 2 ** power);

const HEIGHT_PX = 200;
const LINES = ["--accent", "--danger"];

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name);

/** Lines over time, and the same figures as a table for those who do not see lines. */
export function Chart({ title, times, series, format, isBytes = false }: ChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  const chosen = useObservable(theme);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are those of the theme
  useEffect(() => {
    const box = holder.current;
    if (!box) return;
    const options = { ...optionsOf(series, format, isBytes), width: box.clientWidth, height: HEIGHT_PX };
    const plot = new uPlot(options, [times, ...series.map(({ values }) => values)] as uPlot.AlignedData, box);
    const observer = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: HEIGHT_PX }));
    observer.observe(box);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [times, series, format, isBytes, chosen]);
  return (
    <>
      <div ref={holder} role="img" aria-label={t("Chart: {title}", { title })} className="min-w-0 text-xs" />
      <details className="mt-2 text-sm">
        <summary className="text-muted">{t("As a table")}</summary>
        <Scroller label={title}>
          <FigureTable times={times} series={series} format={format} />
        </Scroller>
      </details>
    </>
  );
}

function optionsOf(
  series: Series[],
  format: (value: number) => string,
  isBytes: boolean,
): Omit<uPlot.Options, "width" | "height"> {
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  return {
    cursor: { drag: { x: false, y: false } },
    // The last time of day is written beyond the lines.
    padding: [8, 36, 0, 0],
    scales: { y: { range: (_, __, max) => [0, Math.max(max * 1.1, Number.MIN_VALUE)] } },
    axes: [
      { ...axis, space: 90, gap: 8, values: (_, ticks) => ticks.map(clockOf) },
      { ...axis, ...(isBytes && { incrs: POWERS_OF_TWO }), size: 90, values: (_, ticks) => ticks.map(format) },
    ],
    // What is under the pointer is written here; without one this says which line is which.
    legend: { markers: { width: 0, fill: (_, index) => colour(LINES[(index - 1) % LINES.length] ?? "--accent") } },
    series: [
      { label: t("Time"), value: (_: uPlot, time: number | null) => (time === null ? "" : clockOf(time)) },
      ...series.map(({ label }, index) => ({
        label,
        stroke: colour(LINES[index % LINES.length] ?? "--accent"),
        width: 2,
        value: (_: uPlot, value: number | null) => (value === null || value === undefined ? "" : format(value)),
      })),
    ],
  };
}

/** A time of the day as the reader writes it. */
const clockOf = (seconds: number): string => new Date(seconds * 1000).toLocaleTimeString(language.get());

const TABLE_ROWS_MAX = 30;

function FigureTable({ times, series, format }: Omit<ChartProps, "title" | "isBytes">) {
  const first = Math.max(0, times.length - TABLE_ROWS_MAX);
  return (
    <table className="table text-xs">
      <thead>
        <tr>
          <th>{t("Time")}</th>
          {series.map(({ label }) => (
            <th key={label} className="text-right">
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {times.slice(first).map((time, index) => (
          <tr key={time}>
            <td>{clockOf(time)}</td>
            {series.map(({ label, values }) => {
              const value = values[first + index];
              return (
                <td key={label} className="text-right">
                  {value === null || value === undefined ? "–" : format(value)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
