// Compresses what was built, as the server sends it, and holds it against the size gate: what a browser loads to show a
// list of objects, and the whole.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const FIRST_LIST_BYTES_MAX = 190 * 1024;
const ALL_BYTES_MAX = 1.5 * 1024 * 1024;
/** Modules that are loaded before objects are on the screen. */
const FIRST_LIST = ["index.html", "src/pages/browse/BrowsePage.tsx"];

const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
const compressed = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;

/** The files of a module and of everything that it imports at once. */
function filesOf(name, files = new Set()) {
  const entry = manifest[name];
  if (!entry) throw new Error(`the build has no ${name}`);
  if (files.has(entry.file)) return files;
  files.add(entry.file);
  for (const style of entry.css ?? []) files.add(style);
  for (const imported of entry.imports ?? []) filesOf(imported, files);
  return files;
}

const first = new Set();
for (const name of FIRST_LIST) for (const file of filesOf(name)) first.add(file);
const firstBytes = [...first].reduce((sum, file) => sum + compressed(file), 0);
let all = 0;
for (const file of [
  "index.html",
  "favicon.svg",
  ...readdirSync(new URL("assets/", dist)).map((name) => `assets/${name}`),
]) {
  const bytes = gzipSync(readFileSync(new URL(file, dist)), { level: 9 });
  writeFileSync(new URL(`${file}.gz`, dist), bytes);
  all += bytes.length;
}

const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;
console.log(`to the object list: ${kilobytes(firstBytes)} of ${kilobytes(FIRST_LIST_BYTES_MAX)} compressed`);
for (const file of first) console.log(`  ${kilobytes(compressed(file)).padStart(9)}  ${file}`);
console.log(`everything: ${kilobytes(all)} of ${kilobytes(ALL_BYTES_MAX)} compressed`);
if (firstBytes > FIRST_LIST_BYTES_MAX || all > ALL_BYTES_MAX) {
  console.error("the console is larger than its size gate allows");
  process.exit(1);
}
