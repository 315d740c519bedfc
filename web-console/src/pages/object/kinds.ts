import { extensionOf } from "@/lib/keys";

export type PreviewKind = "image" | "video" | "audio" | "pdf" | "csv" | "json" | "markdown" | "text" | "none";

/** The kinds that the browser shows itself; the server sends them as what they are, and nothing else. */
const BY_MEDIA_TYPE: [RegExp, PreviewKind][] = [
  [/^image\/(png|jpeg|gif|webp|avif)$/, "image"],
  [/^video\//, "video"],
  [/^audio\//, "audio"],
  [/^application\/pdf$/, "pdf"],
  [/^text\/csv$/, "csv"],
  [/^application\/(.+\+)?json$/, "json"],
  [/^text\/markdown$/, "markdown"],
];

const TEXT_EXTENSIONS = new Set(
  (
    "txt log md csv tsv json jsonl ndjson yaml yml toml ini conf cfg env xml html htm svg css js mjs ts tsx jsx py rb rs go c h cc " +
    "cpp hpp java kt cs php sh bash zsh sql lua pl r swift scala tex diff patch dockerfile makefile gitignore"
  ).split(" "),
);

/** How an object is shown: by its media type, and where that says little by its name. */
export function previewKind(key: string, mediaType: string): PreviewKind {
  const type = (mediaType.split(";")[0] ?? "").trim().toLowerCase();
  const known = BY_MEDIA_TYPE.find(([pattern]) => pattern.test(type));
  if (known) return known[1];
  const extension = extensionOf(key);
  const byName: Record<string, PreviewKind> = {
    csv: "csv",
    tsv: "csv",
    json: "json",
    md: "markdown",
    markdown: "markdown",
  };
  const isVague = type === "" || type === "application/octet-stream" || type === "binary/octet-stream";
  if (!isVague && !type.startsWith("text/") && !/(xml|javascript|yaml|toml|sql|sh)$/.test(type)) return "none";
  return (
    byName[extension] ?? (type.startsWith("text/") || !isVague || TEXT_EXTENSIONS.has(extension) ? "text" : "none")
  );
}
