import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import zhErrors from "./errors-zh";
import zh from "./zh";

const SOURCES = join(import.meta.dirname, "..");

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.tsx?$/.test(entry.name) && !entry.name.includes(".test.") ? [path] : [];
  });
}

const LITERAL = String.raw`("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')`;
const TEXT = new RegExp(String.raw`\bt\(\s*${LITERAL}`, "g");
const COUNTED = new RegExp(String.raw`\bcount\(\s*[^"]*?,\s*${LITERAL}\s*,\s*${LITERAL}`, "g");

/** What a literal in either kind of quotes says. */
const said = (literal: string) => literal.slice(1, -1).replace(/\\(.)/g, "$1");

/** Every text that the sources say, as the catalogues must know it. */
function textsSaid(): Set<string> {
  const texts = new Set<string>();
  const add = (literal: string | undefined) => literal !== undefined && texts.add(said(literal));
  for (const path of sources(SOURCES)) {
    const source = readFileSync(path, "utf8");
    for (const [, text] of source.matchAll(TEXT)) add(text);
    for (const [, , many] of source.matchAll(COUNTED)) add(many);
  }
  return texts;
}

const placesIn = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

describe.each([["zh", zh]])("the catalogue %s", (_, catalogue: Record<string, string>) => {
  const texts = textsSaid();

  it("has every text", () => {
    expect([...texts].filter((text) => !(text in catalogue))).toEqual([]);
  });

  it("has no text that nobody says", () => {
    expect(Object.keys(catalogue).filter((text) => !texts.has(text))).toEqual([]);
  });

  it("keeps the places for values", () => {
    for (const [text, translated] of Object.entries(catalogue))
      expect([text, placesIn(translated)]).toEqual([text, placesIn(text)]);
  });
});

/** What the server's sources say in quotes, its error codes among it. */
const quotedByServer = new Set(
  ["s3/error.rs", "query_api/error.rs", "admin/refusal.rs"].flatMap((path) => {
    const source = readFileSync(join(SOURCES, "../../src", path), "utf8");
    return [...source.matchAll(/"([\w.]+)"/g)].map(([, word]) => word);
  }),
);

describe.each([["zh", zhErrors]])("the sentences %s for error codes", (_, sentences: Record<string, string>) => {
  it("are for codes that the server gives", () => {
    expect(Object.keys(sentences).filter((code) => !quotedByServer.has(code))).toEqual([]);
  });

  it("have no place but for the server's own sentence", () => {
    expect(
      Object.values(sentences)
        .flatMap(placesIn)
        .filter((place) => place !== "{message}"),
    ).toEqual([]);
  });
});
