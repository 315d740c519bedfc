import { CircleAlert, CircleCheck, Info, type LucideIcon, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError } from "@/api/error";
import { answered, t } from "@/i18n";
import { Button } from "./Button";

const KINDS: Record<string, [LucideIcon, string]> = {
  info: [Info, "bg-accent-soft text-ink"],
  good: [CircleCheck, "bg-good-soft text-good"],
  warn: [TriangleAlert, "bg-warn-soft text-warn"],
  danger: [CircleAlert, "bg-danger-soft text-danger"],
};

interface NoticeProps {
  kind: "info" | "good" | "warn" | "danger";
  children: ReactNode;
}

export function Notice({ kind, children }: NoticeProps) {
  const [Icon, colours] = KINDS[kind] as [LucideIcon, string];
  return (
    <div
      role={kind === "danger" ? "alert" : undefined}
      className={`flex gap-2.5 rounded-md px-3 py-2.5 text-sm ${colours}`}
    >
      <Icon size={18} className="mt-px shrink-0" aria-hidden />
      <div className="min-w-0 grow wrap-anywhere">{children}</div>
    </div>
  );
}

/** What the reader can do about an error; empty where its message says it all. */
function remedyFor(error: ApiError): string {
  if (error.status === 0) return t("Check the network and that the server runs, then try again.");
  if (error.status === 401) return t("Sign in again.");
  if (error.code === "QuotaExceeded") return "";
  if (error.code === "AccessDenied" || error.status === 403)
    return t(
      "Your policies do not allow this. Whoever manages users here can change them; the request id leads to the reason.",
    );
  if (error.code === "BucketNotEmpty") return t("Empty the bucket first: all versions and delete markers count.");
  if (error.code === "PreconditionFailed")
    return t("Something of this name is there already, or it changed meanwhile.");
  if (error.status === 429 || error.code === "SlowDown")
    return t("The server has much to do. Wait a little, then try again.");
  if (error.status >= 500)
    return t("Try again; if it happens again, the server's log has the reason under the request id.");
  return "";
}

/** An error as a sentence, for places without room for more. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError && error.status === 0) return t("The server cannot be reached.");
  if (error instanceof ApiError && error.code === "QuotaExceeded")
    return t("No room: the bucket's quota would be exceeded. Delete something in it, or raise its quota.");
  if (error instanceof ApiError) return answered(error.code, error.message) || withoutWords(error.status);
  return error instanceof Error && error.message ? error.message : t("Something went wrong.");
}

/** An answer without a body, as those to HEAD are, by its status. */
function withoutWords(status: number): string {
  if (status === 403) return t("You may not see this.");
  if (status === 404) return t("There is no such thing here, or no longer.");
  return t("The server answered with the status {status}.", { status });
}

/** An error with what to do about it and the id under which the server knows it. */
export function ErrorNotice({ error, retry }: { error: unknown; retry?: () => void }) {
  const known = error instanceof ApiError ? error : undefined;
  const remedy = known && remedyFor(known);
  const sentence = messageOf(error);
  // Beside a sentence in the reader's language, the server's own: it may say more.
  const isTranslated = known && answered(known.code, known.message) !== known.message;
  return (
    <Notice kind="danger">
      <p className="font-medium">{sentence}</p>
      {remedy && <p>{remedy}</p>}
      {isTranslated && !sentence.includes(known.message) && (
        <p lang="en" className="text-xs">
          {known.message}
        </p>
      )}
      {known && (known.code || known.requestId) && (
        <p className="mt-1 font-mono text-xs">
          {known.code} {known.requestId && t("request id {id}", { id: known.requestId })}
        </p>
      )}
      {retry && (
        <Button className="mt-2" onClick={retry}>
          {t("Try again")}
        </Button>
      )}
    </Notice>
  );
}
