import { type KeyboardEvent, useId, useRef, useState } from "react";
import { count, t } from "@/i18n";
import { Field } from "@/ui/Field";
import { type Completion, completionAt, type Surroundings } from "./completion";

interface CompletingAreaProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  around: Surroundings;
}

interface Offer extends Completion {
  /** The option that Enter takes. */
  active: number;
  /** Where the list stands, under the caret. */
  left: string;
  top: string;
}

const ROWS_MIN = 8;
const ROWS_MAX = 24;
/** The area's line height and the space within its edge, as its classes have them. */
const LINE_PX = 16;
const EDGE_PX = 7;
const LIST_WIDTH = "18rem";

/** A text area for policies that offers what may be written where the caret is. Enter takes an option, Escape refuses all. */
export function CompletingArea({ label, value, onChange, around }: CompletingAreaProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  const [offer, setOffer] = useState<Offer>();
  const list = useId();
  const close = () => setOffer(undefined);
  const look = () => {
    const { current } = area;
    const completion = current && completionAt(current.value, current.selectionStart, around);
    setOffer(completion ? { ...completion, active: 0, ...placeOf(current) } : undefined);
  };
  const take = (option: string) => {
    if (!offer || !area.current) return;
    insert(area.current, offer, option);
    close();
  };
  const keyDown = (event: KeyboardEvent) => {
    if (event.key === " " && event.ctrlKey) look();
    else if (!offer) return;
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : offer.options.length - 1;
      setOffer({ ...offer, active: (offer.active + step) % offer.options.length });
    } else if (event.key === "Enter") take(offer.options[offer.active] ?? "");
    else if (event.key === "Escape") close();
    else return;
    // Neither a new line, nor the end of the dialog that this may be in.
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <Field label={label} hint={t("Ctrl Space offers what may stand within quotes.")}>
      {(control) => (
        <div className="relative font-mono text-xs">
          <textarea
            {...control}
            ref={area}
            value={value}
            onChange={(event) => {
              onChange(event.target.value);
              look();
            }}
            onKeyDown={keyDown}
            onBlur={close}
            onScroll={(event) => offer && setOffer({ ...offer, ...placeOf(event.currentTarget) })}
            onClick={close}
            rows={Math.max(ROWS_MIN, Math.min(ROWS_MAX, value.split("\n").length + 1))}
            spellCheck={false}
            autoCapitalize="off"
            aria-autocomplete="list"
            aria-controls={offer && list}
            aria-activedescendant={offer && `${list}-${offer.active}`}
            className="control block font-mono text-xs! whitespace-pre"
          />
          {offer && <Options id={list} offer={offer} onTake={take} />}
          <span role="status" className="sr-only">
            {offer && count(offer.options.length, "{n} suggestion", "{n} suggestions")}
          </span>
        </div>
      )}
    </Field>
  );
}

function Options({ id, offer, onTake }: { id: string; offer: Offer; onTake: (option: string) => void }) {
  return (
    <div
      role="listbox"
      id={id}
      aria-label={t("Suggestions")}
      className="absolute z-30 max-h-48 max-w-full overflow-y-auto rounded-md border border-line bg-panel py-1 shadow-xl"
      style={{ left: offer.left, top: offer.top, width: LIST_WIDTH }}
    >
      {offer.options.map((option, index) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the area has the focus and takes the keys
        <div
          key={option}
          id={`${id}-${index}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === offer.active}
          ref={index === offer.active ? intoView : undefined}
          // The area keeps the focus.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onTake(option)}
          className="cursor-pointer px-2 py-1 wrap-anywhere hover:bg-raised aria-selected:bg-accent-soft"
        >
          {option}
        </div>
      ))}
    </div>
  );
}

const intoView = (option: HTMLElement | null): void => option?.scrollIntoView({ block: "nearest" });

/** Under the caret, within the width of the area. Its letters are all equally wide. */
function placeOf({ value, selectionStart, scrollLeft, scrollTop }: HTMLTextAreaElement): { left: string; top: string } {
  const lines = value.slice(0, selectionStart).split("\n");
  const column = lines.at(-1)?.length ?? 0;
  const top = EDGE_PX + lines.length * LINE_PX - scrollTop;
  return {
    left: `max(0px, min(${column}ch - ${scrollLeft}px, 100% - ${LIST_WIDTH}))`,
    top: `${top}px`,
  };
}

/** Writes an option as if it were typed, so that the browser can undo it. */
function insert(area: HTMLTextAreaElement, { from, to, isOpen }: Completion, option: string): void {
  const text = isOpen ? `${option}"` : option;
  area.setSelectionRange(from, to);
  document.execCommand("insertText", false, text);
}
