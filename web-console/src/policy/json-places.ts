/** What stands where in a JSON text. Engines tell of a fault in words that differ, mostly without the place, and of places never. */

const SPACE = /\s*/y;
const SCALAR = /"(?:[^"\\\n\r]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const NAME = /"(?:[^"\\\n\r]|\\.)*"/y;

/** The names and indices that lead to a value. */
export type Path = readonly (string | number)[];

/** The first character that cannot stand where it is. */
export interface Fault {
  at: number;
  path: Path;
  /** What should begin there, if it is one of these. */
  expected: "name" | "value" | undefined;
}

export interface Places {
  /** Undefined where all is well. */
  fault: Fault | undefined;
  /** The line, counted from 1, of the value at a path. */
  lineOf: (path: Path) => number | undefined;
}

const written = (path: Path): string => JSON.stringify(path);

export const lineAt = (text: string, at: number): number => text.slice(0, at).split("\n").length;

/** Reads a text as far as it is JSON. */
export function placesIn(text: string): Places {
  const starts = new Map<string, number>();
  const fault = new Reader(text, starts).whole();
  const lineOf = (path: Path) => {
    const at = starts.get(written(path));
    return at === undefined ? undefined : lineAt(text, at);
  };
  return { fault, lineOf };
}

/** Thrown at the place that is wrong. */
class Stop {
  constructor(readonly fault: Fault) {}
}

class Reader {
  private at = 0;
  private readonly path: (string | number)[] = [];

  constructor(
    private readonly text: string,
    private readonly starts: Map<string, number>,
  ) {}

  whole(): Fault | undefined {
    try {
      this.value();
      return this.at < this.text.length ? this.fault(undefined) : undefined;
    } catch (stop) {
      if (stop instanceof Stop) return stop.fault;
      throw stop;
    }
  }

  private value(): void {
    this.take(SPACE);
    this.starts.set(written(this.path), this.at);
    if (this.text[this.at] === "{") this.list("}", () => this.member());
    else if (this.text[this.at] === "[") this.list("]", (index) => this.within(index));
    else this.need(SCALAR, "value");
    this.take(SPACE);
  }

  private list(close: string, element: (index: number) => void): void {
    this.at += 1;
    this.take(SPACE);
    if (this.text[this.at] !== close) {
      element(0);
      for (let index = 1; this.text[this.at] === ","; index += 1) {
        this.at += 1;
        element(index);
      }
    }
    this.character(close);
  }

  private member(): void {
    this.take(SPACE);
    const from = this.at;
    this.need(NAME, "name");
    const name = this.text.slice(from + 1, this.at - 1);
    this.take(SPACE);
    this.character(":");
    this.within(name);
  }

  private within(step: string | number): void {
    this.path.push(step);
    this.value();
    this.path.pop();
  }

  private character(wanted: string): void {
    if (this.text[this.at] !== wanted) throw new Stop(this.fault(undefined));
    this.at += 1;
  }

  private need(token: RegExp, expected: "name" | "value"): void {
    if (!this.take(token)) throw new Stop(this.fault(expected));
  }

  private take(token: RegExp): boolean {
    token.lastIndex = this.at;
    const found = token.exec(this.text);
    if (found) this.at = token.lastIndex;
    return found !== null;
  }

  private fault(expected: Fault["expected"]): Fault {
    return { at: this.at, path: [...this.path], expected };
  }
}
