import type { LucideIcon } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { t } from "@/i18n";
import { ErrorNotice } from "./Notice";
import { Scroller } from "./Scroller";

/** Names the browser's tab by the heading of the page. */
export function usePageTitle() {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${heading.current?.textContent ?? ""} – Holdfast`;
  });
  return heading;
}

/** A page with its heading, what can be done there, and its content. */
export function Page({ title, actions, children }: { title: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <div className="mx-auto flex max-w-6xl flex-col gap-5 p-4 sm:p-6">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 ref={usePageTitle()} className="min-w-0 text-xl font-semibold wrap-anywhere">
          {title}
        </h1>
        {actions && <div className="flex flex-wrap gap-2">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

interface CardProps {
  title?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  /** The content reaches to the card's edge, as tables do. */
  flush?: boolean;
}

export function Card({ title, actions, children, flush }: CardProps) {
  return (
    <section className="min-w-0 rounded-xl border border-line bg-panel">
      {title && (
        <div className="flex flex-wrap items-center justify-between gap-2 border-b border-line px-4 py-2.5">
          <h2 className="font-semibold">{title}</h2>
          {actions && <div className="flex flex-wrap gap-2">{actions}</div>}
        </div>
      )}
      {flush ? <Scroller>{children}</Scroller> : <div className="p-4">{children}</div>}
    </section>
  );
}

/** What a place is for while nothing is in it, and how to begin. */
export function Empty({ icon: Icon, title, children }: { icon: LucideIcon; title: string; children?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-3 px-6 py-12 text-center">
      <Icon size={36} className="text-muted" aria-hidden />
      <p className="text-lg font-medium">{title}</p>
      <div className="flex max-w-md flex-col items-center gap-3 text-muted">{children}</div>
    </div>
  );
}

export function Loading() {
  return (
    <p role="status" className="p-6 text-center text-muted">
      {t("Loading …")}
    </p>
  );
}

const BADGES = {
  plain: "bg-raised text-ink",
  good: "bg-good-soft text-good",
  warn: "bg-warn-soft text-warn",
  danger: "bg-danger-soft text-danger",
} as const;

export function Badge({ kind = "plain", children }: { kind?: keyof typeof BADGES; children: ReactNode }) {
  return (
    <span className={`inline-block rounded-full px-2 py-0.5 text-xs font-medium whitespace-nowrap ${BADGES[kind]}`}>
      {children}
    </span>
  );
}

/** A bar that is full to `part` of `whole`. */
export function Meter({ label, part, whole }: { label: string; part: number; whole: number }) {
  const percent = whole > 0 ? Math.min(100, (part / whole) * 100) : 0;
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuenow={Math.round(percent)}
      aria-valuemin={0}
      aria-valuemax={100}
      className="h-2 min-w-16 overflow-hidden rounded-full bg-raised"
    >
      <div className="h-full rounded-full bg-accent" style={{ width: `${percent}%` }} />
    </div>
  );
}

/** Names and values, one below the other. */
export function Facts({
  items,
}: {
  items: readonly (readonly [name: string, value: ReactNode] | false | undefined)[];
}) {
  return (
    <dl className="grid content-start grid-cols-[minmax(7rem,auto)_1fr] gap-x-4 gap-y-1.5 text-sm">
      {items.map(
        (item) =>
          item && (
            <div key={item[0]} className="contents">
              <dt className="text-muted">{item[0]}</dt>
              <dd className="min-w-0 wrap-anywhere">{item[1]}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

interface AskedProps<T> {
  query: { data: T | undefined; error: unknown; isPending: boolean; refetch: () => unknown };
  children: (data: T) => ReactNode;
}

/** What the server answered, or that it has not yet, or why it did not. */
export function Asked<T>({ query, children }: AskedProps<T>) {
  if (query.data !== undefined) return children(query.data);
  if (query.isPending) return <Loading />;
  return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
}
