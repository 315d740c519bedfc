import type { ReactNode } from "react";

/** A place for what may be wider than the page, which the keyboard can scroll too. */
export function Scroller({
  label,
  className = "",
  children,
}: {
  label?: string;
  className?: string;
  children: ReactNode;
}) {
  return (
    <div
      role="group"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it can be scrolled by keyboard only when it can have the focus
      tabIndex={0}
      className={`relative overflow-auto ${className}`}
    >
      {children}
    </div>
  );
}
