import Papa from "papaparse";
import { t } from "@/i18n";
import { Notice } from "@/ui/Notice";
import { Scroller } from "@/ui/Scroller";

const ROWS_SHOWN_MAX = 200;

/** Comma- or otherwise separated values as a table. */
export default function CsvTable({ text, isWhole }: { text: string; isWhole: boolean }) {
  const { data } = Papa.parse<string[]>(text, { skipEmptyLines: true, preview: ROWS_SHOWN_MAX + 1 });
  // The last line of a part is likely half a line.
  const rows = isWhole || data.length > ROWS_SHOWN_MAX ? data : data.slice(0, -1);
  return <DataTable head={rows[0] ?? []} rows={rows.slice(1, ROWS_SHOWN_MAX)} cut={data.length > ROWS_SHOWN_MAX} />;
}

export function DataTable({ head, rows, cut }: { head: string[]; rows: string[][]; cut: boolean }) {
  return (
    <>
      {cut && <Notice kind="info">{t("The first {n} rows are shown.", { n: ROWS_SHOWN_MAX })}</Notice>}
      <Scroller label={t("Table")} className="max-h-[60dvh] rounded-md border border-line">
        <table className="table text-xs">
          <thead>
            <tr>
              {head.map((name, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: columns have no other name
                <th key={index} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows have no name
              <tr key={index}>
                {row.map((value, column) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: columns have no other name
                  <td key={column}>{value}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroller>
    </>
  );
}
