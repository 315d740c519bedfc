import { Link, type LinkProps } from "@tanstack/react-router";
import { useEffect, useRef } from "react";

interface SectionNavProps {
  label: string;
  sections: readonly { name: string; title: string; link: LinkProps }[];
  current: string;
  className: string;
}

/** Leads to the sections of a page. Where there is room for only some of them, the one that is shown is among these. */
export function SectionNav({ label, sections, current, className }: SectionNavProps) {
  const nav = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another section has another link in sight
  useEffect(() => {
    const link = nav.current?.querySelector<HTMLElement>("[aria-current=page]");
    if (nav.current && link)
      nav.current.scrollLeft = link.offsetLeft - (nav.current.clientWidth - link.offsetWidth) / 2;
  }, [current]);
  return (
    <nav ref={nav} aria-label={label} className={`relative flex shrink-0 gap-1 overflow-x-auto ${className}`}>
      {sections.map(({ name, title, link }) => (
        <Link
          key={name}
          {...link}
          className="rounded-md px-2.5 py-1.5 text-sm whitespace-nowrap hover:bg-raised aria-[current=page]:bg-accent-soft aria-[current=page]:font-medium"
        >
          {title}
        </Link>
      ))}
    </nav>
  );
}
