import { language, t } from "@/i18n";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Bytes as people read them: `512 B`, `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || amount >= 100 ? 0 : amount >= 10 ? 1 : 2;
  const figure = amount.toLocaleString(language.get(), { maximumFractionDigits: digits });
  return `${figure} ${UNITS[unit]}`;
}

export const formatRate = (bytesPerSecond: number): string => t("{size}/s", { size: formatBytes(bytesPerSecond) });

/** A length of time in its two largest units: `3 h 20 min`. */
export function formatDuration(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  const parts: [number, string][] = [
    [Math.floor(total / 86400), t("d")],
    [Math.floor(total / 3600) % 24, t("h")],
    [Math.floor(total / 60) % 60, t("min")],
    [total % 60, t("s")],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first < 0) return `0 ${t("s")}`;
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(" ");
}

let dateFormat: { language: string; format: Intl.DateTimeFormat } | undefined;

/** A point in time of ISO 8601 in the reader's zone and language. */
export function formatTime(iso: string): string {
  if (!iso) return "";
  const wanted = language.get();
  if (dateFormat?.language !== wanted) {
    const format = new Intl.DateTimeFormat(wanted, { dateStyle: "medium", timeStyle: "short" });
    dateFormat = { language: wanted, format };
  }
  return dateFormat.format.format(new Date(iso));
}

/** Whether a moment, if there is one, is over at `now` (milliseconds). */
export const isOver = (iso: string | undefined, now: number): boolean => !!iso && new Date(iso).getTime() <= now;

export const formatPercent = (part: number, whole: number): string =>
  whole > 0 ? (part / whole).toLocaleString(language.get(), { style: "percent", maximumFractionDigits: 1 }) : "–";
