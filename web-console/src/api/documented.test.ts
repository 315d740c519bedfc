import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const SOURCES = join(import.meta.dirname, "..");
const PAGE = join(SOURCES, "../../docs/admin-api.md");

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.tsx?$/.test(entry.name) && !entry.name.includes(".test.") ? [path] : [];
  });
}

/** Steps of a path; null where any may stand. */
type Steps = (string | null)[];

const stepsOf = (path: string, isAny: RegExp): Steps =>
  path
    .split("/")
    .slice(1)
    .map((step) => (isAny.test(step) ? null : step));

/** The paths that the sources ask for; a value in one stands for any step, at its end for a query as well. */
function asked(): Map<string, Steps> {
  const paths = sources(SOURCES).flatMap((file) => {
    const source = readFileSync(file, "utf8").replace(/\$\{(?:query|queryOf\([^`]*?\))\}/g, "");
    return [...source.matchAll(/["`](\/api\/v1\/[^"`?\s]*)/g)].map(([, path = ""]) => path);
  });
  return new Map(paths.map((path) => [path, stepsOf(path.replace(/\$\{.*?(\}|$)/g, "*"), /\*/)]));
}

/** The paths that the page of the admin API describes, `BUCKET` and `{id}` standing for any step. */
function described(): Steps[] {
  const paths = [...readFileSync(PAGE, "utf8").matchAll(/`(?:[A-Z]+ )?(\/api\/v1\/[^`?\s]*)/g)];
  return paths.map(([, path = ""]) => stepsOf(path, /^([A-Z:]+|\{.*\})$/));
}

const fits = (asked: Steps, told: Steps): boolean =>
  asked.length === told.length &&
  asked.every((step, index) => step === null || told[index] === null || step === told[index]);

it("whatever the console asks for is described in the page of the admin API", () => {
  const told = described();
  const paths = asked();
  expect(paths.size).toBeGreaterThan(30);
  const unknown = [...paths].filter(([path, steps]) => {
    // S3's own paths are any below theirs.
    if (path.startsWith("/api/v1/s3/")) return false;
    return !told.some((known) => fits(steps, known));
  });
  expect(unknown.map(([path]) => path)).toEqual([]);
});
