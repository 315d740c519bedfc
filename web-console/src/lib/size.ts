/** Sizes as people write them: `500 GB` in thousands, `10 GiB` in powers of 1024. */

const LETTERS = ["", "k", "m", "g", "t", "p"];

/** The bytes that a text means; undefined where it means none, or less than one. */
export function parseSize(text: string): number | undefined {
  const [, number, letter, binary] = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)(i?)b?$/i.exec(text.trim()) ?? [];
  if (number === undefined || (binary && !letter)) return undefined;
  const bytes = Math.floor(Number(number) * (binary ? 1024 : 1000) ** LETTERS.indexOf((letter ?? "").toLowerCase()));
  return bytes >= 1 && Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A size as a text that means just that, with the unit that makes it shortest. */
export function writeSize(bytes: number): string {
  let [amount, unit] = [bytes, "B"];
  for (const [base, infix] of [
    [1024, "iB"],
    [1000, "B"],
  ] as const) {
    for (let power = 1; power < LETTERS.length; power++) {
      const scaled = bytes / base ** power;
      if (Number.isInteger(scaled) && scaled < amount) {
        const letter = LETTERS[power] ?? "";
        [amount, unit] = [scaled, `${base === 1000 && power === 1 ? letter : letter.toUpperCase()}${infix}`];
      }
    }
  }
  return `${amount} ${unit}`;
}
