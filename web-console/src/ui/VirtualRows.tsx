import { type ReactNode, type Ref, useCallback, useEffect, useImperativeHandle, useRef, useState } from "react";

/** Rows above and below the visible ones, so that a fast wheel finds them drawn. */
const OVERSCAN = 12;

export interface VirtualRowsHandle {
  reveal: (index: number) => void;
}

interface VirtualRowsProps {
  count: number;
  rowHeight: number;
  /** Draws one row; it should be a memoised component. */
  row: (index: number) => ReactNode;
  /** Called with the last row in sight, so that more can be asked for. */
  onReach?: (index: number) => void;
  header?: ReactNode;
  className?: string;
  handle?: Ref<VirtualRowsHandle>;
}

/** A scrolled list of equally high rows of which only those in sight are drawn. */
export function VirtualRows({ count, rowHeight, row, onReach, header, className = "", handle }: VirtualRowsProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState({ from: 0, to: 40 });

  const measure = useCallback(() => {
    const box = scroller.current;
    if (!box || !body.current) return;
    const top = box.scrollTop - body.current.offsetTop;
    const from = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
    const to = Math.ceil((top + box.clientHeight) / rowHeight) + OVERSCAN;
    // Moves by whole steps: drawing on each pixel would cost frames.
    setRange((old) => (Math.abs(old.from - from) < OVERSCAN / 2 && old.to >= to - OVERSCAN / 2 ? old : { from, to }));
  }, [rowHeight]);

  useEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const observer = new ResizeObserver(measure);
    observer.observe(box);
    box.addEventListener("scroll", measure, { passive: true });
    return () => {
      observer.disconnect();
      box.removeEventListener("scroll", measure);
    };
  }, [measure]);

  const end = Math.min(count, range.to);
  const start = Math.min(range.from, end);
  useEffect(() => {
    onReach?.(end);
  }, [end, onReach]);

  useImperativeHandle(handle, () => ({
    reveal: (index) => {
      const box = scroller.current;
      if (!box || !body.current) return;
      const top = index * rowHeight;
      const above = box.scrollTop - body.current.offsetTop + (header ? rowHeight : 0);
      if (top < above) box.scrollTop = top + body.current.offsetTop - rowHeight;
      else if (top + rowHeight > box.scrollTop + box.clientHeight - body.current.offsetTop)
        box.scrollTop = top + rowHeight - box.clientHeight + body.current.offsetTop;
    },
  }));

  const rows = [];
  for (let index = start; index < end; index += 1) rows.push(row(index));
  return (
    <div ref={scroller} className={`relative overflow-auto ${className}`} role="presentation">
      {header}
      <div ref={body} className="relative" role="presentation" style={{ height: count * rowHeight }}>
        <div className="absolute inset-x-0" role="presentation" style={{ top: start * rowHeight }}>
          {rows}
        </div>
      </div>
    </div>
  );
}
