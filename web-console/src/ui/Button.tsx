import type { LucideIcon } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";

const KINDS = {
  primary: "bg-accent text-on-accent border-transparent hover:opacity-90",
  plain: "bg-panel text-ink border-line hover:bg-raised",
  danger: "bg-danger text-panel border-transparent hover:opacity-90",
  risky: "bg-panel text-danger border-line hover:bg-danger-soft",
  quiet: "bg-transparent text-ink border-transparent hover:bg-raised",
} as const;

const SHAPE =
  "inline-flex min-h-9 items-center justify-center gap-1.5 rounded-md border px-3 text-sm font-medium whitespace-nowrap disabled:opacity-50 disabled:hover:opacity-50";

export type ButtonKind = keyof typeof KINDS;

/** The look of a button, for links that are one. */
export const buttonClass = (kind: ButtonKind): string => `${SHAPE} ${KINDS[kind]}`;

type ButtonProps = ComponentProps<"button"> & { kind?: ButtonKind; icon?: LucideIcon; children: ReactNode };

export function Button({ kind = "plain", icon: Icon, children, className = "", ...rest }: ButtonProps) {
  return (
    <button type="button" {...rest} className={`${buttonClass(kind)} ${className}`}>
      {Icon && <Icon size={16} aria-hidden />}
      {children}
    </button>
  );
}

type IconButtonProps = ComponentProps<"button"> & { icon: LucideIcon; label: string };

/** A button whose picture says it all; `label` says it to those who do not see it. */
export function IconButton({ icon: Icon, label, className = "", ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      title={label}
      aria-label={label}
      {...rest}
      className={`inline-flex size-9 shrink-0 items-center justify-center rounded-md text-ink hover:bg-raised disabled:opacity-40 ${className}`}
    >
      <Icon size={18} aria-hidden />
    </button>
  );
}
