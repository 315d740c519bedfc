import { ArrowDown, ArrowUp, File, Folder, Inbox, SearchX } from "lucide-react";
import { type MouseEvent, memo, useCallback, useEffect, useId, useRef } from "react";
import { formatNumber, t } from "@/i18n";
import { formatBytes, formatTime } from "@/lib/format";
import { nameOf } from "@/lib/keys";
import type { Sort } from "@/router";
import { Empty, Loading } from "@/ui/layout";
import { ErrorNotice, Notice } from "@/ui/Notice";
import { VirtualRows, type VirtualRowsHandle } from "@/ui/VirtualRows";
import { type Listing, type ListingState, type Row, SORTED_ROWS_MAX } from "./listing";
import { type GridProps, useGridKeys } from "./useGridKeys";

const ROW_PX = 40;
/** More rows are asked for when somebody comes this near to the last one. */
const ROWS_AHEAD = 500;

const COLUMNS = "grid grid-cols-[2.5rem_minmax(0,1fr)_6rem] sm:grid-cols-[2.5rem_minmax(0,1fr)_7rem_12rem]";

interface ObjectListProps extends GridProps {
  listing: Listing;
  state: ListingState;
  onSort: (by: Sort) => void;
}

/** The objects and folders of a place, as a grid that is one stop of the Tab key and moved in by the arrows. */
export function ObjectList(props: ObjectListProps) {
  const { listing, state, rows, search, selection, onSelect, onOpen } = props;
  const list = useRef<VirtualRowsHandle>(null);
  const id = useId();

  const selected = useRef(selection);
  selected.current = selection;
  const toggle = useCallback(
    (key: string) => {
      const changed = new Set(selected.current);
      if (!changed.delete(key)) changed.add(key);
      onSelect(changed);
    },
    [onSelect],
  );
  const reach = useCallback(
    (index: number) => {
      if (index + ROWS_AHEAD > listing.state.get().rows.length) void listing.more();
    },
    [listing],
  );
  const reveal = useCallback((index: number) => list.current?.reveal(index), []);
  const { cursor, setCursor, home, grid, keyDown } = useGridKeys({ ...props, toggle, reveal });

  const drawRow = useCallback(
    (index: number) => {
      const row = rows[index];
      if (!row) return null;
      return (
        <ObjectRow
          key={row.key}
          id={`${id}-${index}`}
          row={row}
          index={index}
          isSelected={selection.has(row.key)}
          isCurrent={cursor === index}
          isOpen={search.object === row.key}
          onToggle={toggle}
          onOpen={onOpen}
          onPoint={setCursor}
        />
      );
    },
    [rows, selection, cursor, search.object, id, toggle, onOpen, setCursor],
  );

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it takes the keys where there is no grid, as in an empty folder
    <div ref={home} tabIndex={-1} onKeyDown={keyDown} className="flex min-h-0 grow flex-col outline-none">
      {rows.length === 0 ? (
        <NoRows {...props} />
      ) : (
        <>
          <div
            ref={grid}
            role="grid"
            aria-label={t("Objects")}
            aria-rowcount={state.complete ? rows.length + 1 : -1}
            aria-multiselectable
            aria-activedescendant={`${id}-${cursor}`}
            tabIndex={0}
            className="group flex min-h-0 grow flex-col focus-visible:-outline-offset-2"
          >
            <VirtualRows
              count={rows.length}
              rowHeight={ROW_PX}
              row={drawRow}
              onReach={reach}
              handle={list}
              className="grow"
              header={<Header {...props} />}
            />
          </div>
          <Footer {...props} />
        </>
      )}
    </div>
  );
}

function Header({ rows, search, selection, onSelect, onSort }: ObjectListProps) {
  const all = rows.length > 0 && selection.size >= rows.length;
  const sort = search.sort ?? "name";
  const heading = (by: Sort, text: string, className = "") => (
    <div
      role="columnheader"
      aria-sort={sort === by ? (search.down ? "descending" : "ascending") : "none"}
      className={`flex items-center ${className}`}
    >
      <button type="button" onClick={() => onSort(by)} className="flex items-center gap-1 py-1 font-medium">
        {text}
        {sort === by && (search.down ? <ArrowDown size={14} aria-hidden /> : <ArrowUp size={14} aria-hidden />)}
      </button>
    </div>
  );
  return (
    <div
      role="row"
      aria-rowindex={1}
      className={`${COLUMNS} sticky top-0 z-10 h-10 items-center border-b border-line bg-ground px-3 text-sm text-muted`}
    >
      <div role="columnheader" className="flex justify-center">
        <input
          type="checkbox"
          aria-label={t("Select all that are loaded")}
          checked={all}
          onChange={() => onSelect(all ? new Set() : new Set(rows.map(({ key }) => key)))}
          className="size-4 accent-accent"
        />
      </div>
      {heading("name", t("Name"))}
      {heading("size", t("Size"), "justify-end")}
      {heading("modified", t("Modified"), "hidden! justify-end sm:flex!")}
    </div>
  );
}

interface RowProps {
  id: string;
  row: Row;
  index: number;
  isSelected: boolean;
  isCurrent: boolean;
  /** Its details are beside the list. */
  isOpen: boolean;
  onToggle: (key: string) => void;
  onOpen: (key: string, isFolder: boolean) => void;
  onPoint: (index: number) => void;
}

const ObjectRow = memo(function ObjectRow(props: RowProps) {
  const { id, row, index, isSelected, isCurrent, isOpen, onToggle, onOpen, onPoint } = props;
  const Icon = row.isFolder ? Folder : File;
  const colour = isSelected ? "bg-accent-soft" : isOpen ? "bg-raised" : "hover:bg-raised";
  const point = (event: MouseEvent) => {
    onPoint(index);
    if (event.ctrlKey || event.metaKey) onToggle(row.key);
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid takes the keys for all of its rows
    <div
      role="row"
      id={id}
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      onClick={point}
      className={`${COLUMNS} items-center border-b border-line px-3 text-sm contain-content ${colour} ${isCurrent ? "group-focus-within:shadow-[inset_3px_0_0_var(--accent)]" : ""}`}
      style={{ height: ROW_PX }}
    >
      <div role="gridcell" className="flex justify-center">
        <input
          type="checkbox"
          tabIndex={-1}
          aria-label={t("Select {name}", { name: row.key })}
          checked={isSelected}
          onChange={() => onToggle(row.key)}
          className="size-4 accent-accent"
        />
      </div>
      <div role="gridcell" className="min-w-0">
        <button
          type="button"
          tabIndex={-1}
          aria-current={isOpen || undefined}
          onClick={() => onOpen(row.key, row.isFolder)}
          className="flex max-w-full items-center gap-2 py-1 hover:underline"
        >
          <Icon size={16} aria-hidden className={`shrink-0 ${row.isFolder ? "text-accent" : "text-muted"}`} />
          <span className="truncate">{nameOf(row.key)}</span>
        </button>
      </div>
      <div role="gridcell" className="text-right whitespace-nowrap text-muted tabular-nums">
        {row.isFolder ? "" : formatBytes(row.size)}
      </div>
      <div role="gridcell" className="hidden text-right whitespace-nowrap text-muted sm:block">
        {formatTime(row.modified)}
      </div>
    </div>
  );
});

function Footer({ listing, state, search: { sort } }: ObjectListProps) {
  const { rows, complete, loading, error } = state;
  const cut = sort && !complete && rows.length >= SORTED_ROWS_MAX;
  return (
    <div className="border-t border-line px-4 py-1.5 text-sm text-muted">
      {error !== undefined && <ErrorNotice error={error} retry={() => void listing.more()} />}
      {cut && (
        <Notice kind="info">{t("Only the first {n} names are sorted.", { n: formatNumber(rows.length) })}</Notice>
      )}
      <p role="status">
        {complete
          ? t("{n} in this folder", { n: formatNumber(rows.length) })
          : t("{n} loaded, more as you scroll", { n: formatNumber(rows.length) })}
        {loading && ` · ${t("loading")}`}
      </p>
    </div>
  );
}

function NoRows({ listing, state, search, prefix }: ObjectListProps) {
  // A page without a row that fits: the next one may have some.
  useEffect(() => {
    if (!state.complete && !state.loading && state.error === undefined) void listing.more();
  }, [listing, state]);
  if (state.error !== undefined)
    return (
      <div className="p-4">
        <ErrorNotice error={state.error} retry={() => void listing.more()} />
      </div>
    );
  if (!state.complete) return <Loading />;
  if (search.begins)
    return <Empty icon={SearchX} title={t("No name here begins with “{text}”", { text: search.begins })} />;
  if (search.deleted)
    return (
      <Empty icon={Inbox} title={t("Nothing deleted here")}>
        <p>{t("Where versions are kept, what is deleted stands here and can be brought back.")}</p>
      </Empty>
    );
  return (
    <Empty icon={Inbox} title={prefix ? t("This folder is empty") : t("This bucket is empty")}>
      <p>{t("Drop files or whole folders here, or use the button Upload.")}</p>
    </Empty>
  );
}
