import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { BrowseSearch } from "@/router";
import type { Row } from "./listing";

const PAGE_ROWS = 15;

/** What a list of objects is of, and what can be done in it by keyboard as well as by pointer. */
export interface GridProps {
  rows: readonly Row[];
  prefix: string;
  search: BrowseSearch;
  selection: ReadonlySet<string>;
  onSelect: (keys: ReadonlySet<string>) => void;
  onOpen: (key: string, isFolder: boolean) => void;
  onUp: () => void;
}

interface GridKeys extends GridProps {
  toggle: (key: string) => void;
  /** Scrolls to a row. */
  reveal: (index: number) => void;
}

/** Moving, opening and selecting by keyboard; from one folder into another the focus comes along. */
export function useGridKeys(keys: GridKeys) {
  const { rows, prefix, search, selection, onSelect, onOpen, onUp, toggle, reveal } = keys;
  const [cursor, setCursor] = useState(0);
  const grid = useRef<HTMLDivElement>(null);
  /** What is there in every folder, also while it is asked for, and in an empty one. */
  const home = useRef<HTMLDivElement>(null);
  /** The folder that somebody came up from, which is where they go on. */
  const left = useRef("");

  // biome-ignore lint/correctness/useExhaustiveDependencies: another place has other rows
  useEffect(() => setCursor(0), [prefix, search.begins, search.deleted]);
  useEffect(() => {
    if (rows.length === 0) return;
    const index = rows.findIndex(({ key }) => key === left.current);
    if (index >= 0) setCursor(index);
    left.current = "";
    if (document.activeElement === home.current) grid.current?.focus();
  }, [rows]);

  const moveTo = (index: number, extend: boolean) => {
    const target = Math.max(0, Math.min(rows.length - 1, index));
    if (extend) {
      const [from, to] = [Math.min(cursor, target), Math.max(cursor, target)];
      onSelect(new Set([...selection, ...rows.slice(from, to + 1).map((row) => row.key)]));
    }
    setCursor(target);
    reveal(target);
  };
  const open = (row: Row) => {
    if (row.isFolder) home.current?.focus();
    onOpen(row.key, row.isFolder);
  };
  const goUp = () => {
    if (!prefix) return;
    left.current = prefix;
    home.current?.focus();
    onUp();
  };
  const keyDown = (event: KeyboardEvent) => {
    // The headings sort, and their box selects all.
    if (event.target instanceof Element && event.target.closest("[role=columnheader]")) return;
    const steps: Record<string, number> = {
      ArrowDown: cursor + 1,
      ArrowUp: cursor - 1,
      PageDown: cursor + PAGE_ROWS,
      PageUp: cursor - PAGE_ROWS,
      Home: 0,
      End: rows.length - 1,
    };
    const row = rows[cursor];
    const target = steps[event.key];
    if (target !== undefined) moveTo(target, event.shiftKey);
    else if (event.key === "Enter" && row) open(row);
    else if (event.key === " " && row) toggle(row.key);
    else if (event.key === "Backspace") goUp();
    else if (event.key === "Escape") onSelect(new Set());
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) onSelect(new Set(rows.map(({ key }) => key)));
    else return;
    event.preventDefault();
  };
  return { cursor, setCursor, home, grid, keyDown };
}
