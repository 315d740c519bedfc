import { useQuery } from "@tanstack/react-query";
import { getRequest } from "@/api/observe";
import type { RequestReport, Why } from "@/api/schema";
import { t } from "@/i18n";
import { formatBytes, formatTime } from "@/lib/format";
import { Dialog } from "@/ui/Dialog";
import { Asked, Facts } from "@/ui/layout";
import { Notice } from "@/ui/Notice";
import { StatusBadge } from "./RequestsPage";

/** Everything about one request; of a denied one, why it was and what would have allowed it. */
export default function RequestDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const request = useQuery({ queryKey: ["request", id], queryFn: () => getRequest(id) });
  return (
    <Dialog title={t("Request {id}", { id })} onClose={onClose} size="large">
      <Asked query={request}>
        {(found) => (
          <div className="flex flex-col gap-4">
            <About request={found} />
            {found.why && <Denied why={found.why} />}
          </div>
        )}
      </Asked>
    </Dialog>
  );
}

function About({ request }: { request: RequestReport }) {
  return (
    <Facts
      items={[
        [t("Time"), formatTime(request.at)],
        [t("Operation"), `${request.operation} (${request.method})`],
        [t("Object"), [request.bucket, request.key].filter(Boolean).join("/")],
        [
          t("Status"),
          <span key="status">
            <StatusBadge status={request.status} /> {request.error_code}
          </span>,
        ],
        [t("Caller"), request.caller ?? t("nobody known")],
        [t("Address"), request.address],
        [t("Took"), t("{n} ms", { n: (request.took_us / 1000).toFixed(2) })],
        [t("Received"), formatBytes(request.received)],
        [t("Sent"), formatBytes(request.sent)],
      ]}
    />
  );
}

function Denied({ why }: { why: Why }) {
  const { decision, action, resource, deciding, missing } = why;
  return (
    <Notice kind="warn">
      <p className="font-medium">{t("{action} on {resource} was denied.", { action, resource })}</p>
      <p>
        {decision === "ExplicitDeny" && deciding
          ? t("A Deny decided: statement {statement} of {policy}.", {
              statement: deciding.statement,
              policy: deciding.policy,
            })
          : t("No policy allows it.")}
      </p>
      {missing && (
        <>
          <p className="mt-2">{t("The smallest permission that would have allowed it:")}</p>
          <pre className="mt-1 overflow-auto rounded bg-panel p-2 font-mono text-xs text-ink">{asText(missing)}</pre>
        </>
      )}
    </Notice>
  );
}

const asText = (missing: unknown): string => (typeof missing === "string" ? missing : JSON.stringify(missing, null, 2));
