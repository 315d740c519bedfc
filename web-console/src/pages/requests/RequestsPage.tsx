import { getRouteApi } from "@tanstack/react-router";
import { Pause, Play } from "lucide-react";
import { type FormEvent, lazy, Suspense, useEffect, useState } from "react";
import { listRequests, type RequestFilter } from "@/api/observe";
import type { RequestReport } from "@/api/schema";
import { language, t } from "@/i18n";
import { formatBytes } from "@/lib/format";
import { Button } from "@/ui/Button";
import { SelectField, TextField } from "@/ui/Field";
import { Badge, Card, Page } from "@/ui/layout";
import { ErrorNotice } from "@/ui/Notice";

const RequestDialog = lazy(() => import("./RequestDialog"));

const route = getRouteApi("/requests");

const REFRESH_MS = 1_500;
const ROWS_MAX = 500;

/** The requests as they come, the newest first, filtered by the server. */
export default function RequestsPage() {
  const { id } = route.useSearch();
  const navigate = route.useNavigate();
  const [filter, setFilter] = useState<RequestFilter>({});
  const [running, setRunning] = useState(true);
  const { requests, error } = useRequests(filter, running);
  const open = (request: string | undefined) => void navigate({ search: { id: request } });
  return (
    <Page
      title={t("Request log")}
      actions={
        <Button icon={running ? Pause : Play} onClick={() => setRunning(!running)}>
          {running ? t("Pause") : t("Go on")}
        </Button>
      }
    >
      <Filters filter={filter} onChange={setFilter} onLookUp={open} />
      {error !== undefined && <ErrorNotice error={error} />}
      <Card flush>
        <RequestTable requests={requests} onOpen={open} />
      </Card>
      {id && (
        <Suspense>
          <RequestDialog key={id} id={id} onClose={() => open(undefined)} />
        </Suspense>
      )}
    </Page>
  );
}

/** Follows the log from where it was, as long as it runs. */
function useRequests(filter: RequestFilter, running: boolean): { requests: RequestReport[]; error: unknown } {
  const [requests, setRequests] = useState<RequestReport[]>([]);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    if (!running) return;
    let after: number | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    const ask = async () => {
      try {
        const isFirst = after === undefined;
        const page = await listRequests(after, ROWS_MAX, filter);
        if (over) return;
        after = page.next;
        const newest = page.requests.toSorted((a, b) => b.seq - a.seq);
        setRequests((old) => (isFirst ? newest : [...newest, ...old]).slice(0, ROWS_MAX));
        setError(undefined);
      } catch (failure) {
        setError(failure);
      }
      if (!over) timer = setTimeout(ask, REFRESH_MS);
    };
    void ask();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [filter, running]);
  return { requests, error };
}

interface FiltersProps {
  filter: RequestFilter;
  onChange: (filter: RequestFilter) => void;
  onLookUp: (id: string) => void;
}

function Filters({ filter, onChange, onLookUp }: FiltersProps) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const value = (name: string) => String(form.get(name) ?? "").trim() || undefined;
    onChange({ ...filter, operation: value("operation"), bucket: value("bucket"), text: value("text") });
  };
  const lookUp = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const id = String(new FormData(event.currentTarget).get("id")).trim();
    if (id) onLookUp(id);
  };
  return (
    <Card>
      <div className="flex flex-col gap-4">
        <form
          onSubmit={submit}
          className="grid items-end gap-3 sm:grid-cols-2 lg:grid-cols-[repeat(4,minmax(0,1fr))_auto]"
        >
          <SelectField
            label={t("Status")}
            value={filter.status ?? ""}
            onChange={(status) => onChange({ ...filter, status: status || undefined })}
            options={[
              ["", t("all")],
              ["2xx", "2xx"],
              ["3xx", "3xx"],
              ["4xx", "4xx"],
              ["5xx", "5xx"],
              ["403", "403"],
            ]}
          />
          <TextField label={t("Operation")} name="operation" placeholder="get_object" />
          <TextField label={t("Bucket")} name="bucket" />
          <TextField label={t("Key, caller, address")} name="text" />
          <Button type="submit">{t("Filter")}</Button>
        </form>
        <form onSubmit={lookUp} className="flex max-w-xl items-end gap-3">
          <div className="grow">
            <TextField label={t("Request id")} name="id" placeholder={t("Every error says it")} />
          </div>
          <Button type="submit">{t("Look up")}</Button>
        </form>
      </div>
    </Card>
  );
}

function RequestTable({ requests, onOpen }: { requests: RequestReport[]; onOpen: (id: string) => void }) {
  return (
    <table className="table" aria-label={t("Requests")}>
      <thead>
        <tr>
          <th>{t("Time")}</th>
          <th>{t("Status")}</th>
          <th>{t("Operation")}</th>
          <th>{t("Object")}</th>
          <th className="text-right">{t("Took")}</th>
          <th className="hidden text-right md:table-cell">{t("Sent")}</th>
          <th className="hidden xl:table-cell">{t("Caller")}</th>
        </tr>
      </thead>
      <tbody>
        {requests.map((request) => (
          <tr key={request.seq}>
            <td className="whitespace-nowrap tabular-nums">
              {new Date(request.at).toLocaleTimeString(language.get())}
            </td>
            <td>
              <StatusBadge status={request.status} />
            </td>
            <td>
              <button type="button" className="link" onClick={() => onOpen(request.request_id)}>
                {request.operation || request.method}
              </button>
              {request.error_code && <p className="text-xs text-muted">{request.error_code}</p>}
            </td>
            <td className="max-w-60 truncate">{[request.bucket, request.key].filter(Boolean).join("/")}</td>
            <td className="text-right whitespace-nowrap tabular-nums">
              {t("{n} ms", { n: (request.took_us / 1000).toFixed(1) })}
            </td>
            <td className="hidden text-right whitespace-nowrap md:table-cell">{formatBytes(request.sent)}</td>
            <td className="hidden max-w-56 truncate xl:table-cell">{request.caller}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function StatusBadge({ status }: { status: number }) {
  return <Badge kind={status >= 500 ? "danger" : status >= 400 ? "warn" : "good"}>{status}</Badge>;
}
