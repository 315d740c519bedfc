import { DataTable } from "./CsvTable";
import { PlainText } from "./Preview";

const ROWS_SHOWN_MAX = 200;

/** JSON: a list of records as a table, everything else with its lines indented. */
export default function JsonView({ text }: { text: string }) {
  const value = parsed(text);
  if (value === undefined) return <PlainText text={text} />;
  const table = tableOf(value);
  return table ? <DataTable {...table} /> : <PlainText text={JSON.stringify(value, null, 2)} />;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The table that a list of records is; none where it is something else. */
export function tableOf(value: unknown): { head: string[]; rows: string[][]; cut: boolean } | undefined {
  if (!Array.isArray(value) || value.length === 0 || !value.every(isRecord)) return undefined;
  const shown = value.slice(0, ROWS_SHOWN_MAX);
  const head = [...new Set(shown.flatMap((record) => Object.keys(record)))];
  const rows = shown.map((record) => head.map((name) => cell(record[name])));
  return { head, rows, cut: value.length > ROWS_SHOWN_MAX };
}

function cell(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
