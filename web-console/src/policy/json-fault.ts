/** Where a text stops being JSON. Engines say that in words that differ, and mostly without the place. */

const SPACE = /\s*/y;
const SCALAR = /"(?:[^"\\\n\r]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const NAME = /"(?:[^"\\\n\r]|\\.)*"/y;

/** The line, counted from 1, of the first character that cannot stand where it is; undefined where all is well. */
export function faultyLine(text: string): number | undefined {
  const end = new Reader(text).whole();
  return end === undefined ? undefined : text.slice(0, end).split("\n").length;
}

/** Thrown at the place that is wrong. */
class Fault {
  constructor(readonly at: number) {}
}

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  /** The place of the first fault. */
  whole(): number | undefined {
    try {
      this.value();
      if (this.at < this.text.length) return this.at;
      return undefined;
    } catch (fault) {
      if (fault instanceof Fault) return fault.at;
      throw fault;
    }
  }

  private value(): void {
    this.take(SPACE);
    if (this.text[this.at] === "{") this.list("}", () => this.member());
    else if (this.text[this.at] === "[") this.list("]", () => this.value());
    else this.need(SCALAR);
    this.take(SPACE);
  }

  private list(close: string, element: () => void): void {
    this.at += 1;
    this.take(SPACE);
    if (this.text[this.at] !== close) {
      element();
      while (this.text[this.at] === ",") {
        this.at += 1;
        element();
      }
    }
    this.character(close);
  }

  private member(): void {
    this.take(SPACE);
    this.need(NAME);
    this.take(SPACE);
    this.character(":");
    this.value();
  }

  private character(wanted: string): void {
    if (this.text[this.at] !== wanted) throw new Fault(this.at);
    this.at += 1;
  }

  private need(token: RegExp): void {
    if (!this.take(token)) throw new Fault(this.at);
  }

  private take(token: RegExp): boolean {
    token.lastIndex = this.at;
    const found = token.exec(this.text);
    if (found) this.at = token.lastIndex;
    return found !== null;
  }
}
