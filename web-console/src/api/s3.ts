/** S3 as the browser speaks it: the same operations as on the S3 address, in the name of the session. */
import { crc32Base64 } from "./checksum";
import { type Ask, queryOf, send } from "./http";
import { childOf, childrenOf, flagOf, numberOf, parseXml, textOf, writeXml, type XmlElement } from "./xml";

type Query = Record<string, string | number | boolean | undefined>;

export interface ObjectEntry {
  key: string;
  size: number;
  modified: string;
  etag: string;
  storageClass: string;
}

export interface ListPage {
  objects: ObjectEntry[];
  /** Prefixes that end in the delimiter. */
  folders: string[];
  next: string | undefined;
}

export interface VersionEntry {
  key: string;
  versionId: string;
  isLatest: boolean;
  isDeleteMarker: boolean;
  size: number;
  modified: string;
  etag: string;
}

/** What HeadObject tells. */
export interface ObjectHead {
  size: number;
  mediaType: string;
  modified: string;
  etag: string;
  versionId: string;
  metadata: Record<string, string>;
  /** Further headers by name: cache-control, encryption, lock, checksums. */
  headers: Record<string, string>;
}

/** A path of the bridge. Browsers fold `.` and `..` between slashes away, so keys with such parts hide their slashes. */
export function s3Path(bucket: string, key?: string, query: Query = {}): string {
  return `/api/v1/s3/${bucket}${key === undefined ? "" : `/${encodeKey(key)}`}${queryOf(query)}`;
}

function encodeKey(key: string): string {
  const encoded = encodeURIComponent(key);
  const folds = /(^|\/)(\.{1,2})?(\/|$)/.test(key.replace(/\/$/, ""));
  return folds ? encoded : encoded.replaceAll("%2F", "/");
}

/** Where the browser finds the bytes of an object; `inline` shows what is harmless, everything else is a download. */
export function objectPath(
  bucket: string,
  key: string,
  options: { versionId?: string; inline?: boolean } = {},
): string {
  return s3Path(bucket, key, { versionId: options.versionId, "x-holdfast-inline": options.inline ? 1 : undefined });
}

async function xmlOf(path: string, ask?: Ask): Promise<Element> {
  return parseXml(await (await send(path, ask)).text());
}

const put = (path: string, body: BodyInit = "", headers: Record<string, string> = {}) =>
  send(path, { method: "PUT", body, headers });

/** S3 wants a checksum of documents. */
export const documentHeaders = (body: string) => ({ "x-amz-checksum-crc32": crc32Base64(body) });

const putDocument = (path: string, body: string) => put(path, body, documentHeaders(body));

/** Undoes `encoding-type=url`, which keeps keys whole that XML cannot hold. */
const decoded = (text: string): string => decodeURIComponent(text.replaceAll("+", "%20"));

export async function createBucket(bucket: string, options: { objectLock: boolean }): Promise<void> {
  const headers: Record<string, string> = options.objectLock ? { "x-amz-bucket-object-lock-enabled": "true" } : {};
  await put(s3Path(bucket), "", headers);
}

export async function deleteBucket(bucket: string): Promise<void> {
  await send(s3Path(bucket), { method: "DELETE" });
}

export interface ListAsk {
  bucket: string;
  prefix: string;
  delimiter?: string;
  token?: string;
  startAfter?: string;
  max?: number;
  signal?: AbortSignal;
}

export async function listObjects(ask: ListAsk): Promise<ListPage> {
  const query = {
    "list-type": 2,
    "encoding-type": "url",
    prefix: ask.prefix,
    delimiter: ask.delimiter,
    "continuation-token": ask.token,
    "start-after": ask.startAfter,
    "max-keys": ask.max ?? 1000,
  };
  return readListing(await xmlOf(s3Path(ask.bucket, undefined, query), { signal: ask.signal }));
}

/** Reads the answer of ListObjectsV2. */
export function readListing(root: Element): ListPage {
  const page: ListPage = { objects: [], folders: [], next: textOf(root, "NextContinuationToken") || undefined };
  for (let child = root.firstElementChild; child; child = child.nextElementSibling) {
    if (child.localName === "Contents") page.objects.push(readEntry(child));
    else if (child.localName === "CommonPrefixes") page.folders.push(decoded(textOf(child, "Prefix")));
  }
  return page;
}

/** One walk over the children: a page has a thousand of these. */
function readEntry(element: Element): ObjectEntry {
  const entry: ObjectEntry = { key: "", size: 0, modified: "", etag: "", storageClass: "" };
  for (let child = element.firstElementChild; child; child = child.nextElementSibling) {
    const text = child.textContent ?? "";
    if (child.localName === "Key") entry.key = decoded(text);
    else if (child.localName === "Size") entry.size = Number(text);
    else if (child.localName === "LastModified") entry.modified = text;
    else if (child.localName === "ETag") entry.etag = text;
    else if (child.localName === "StorageClass") entry.storageClass = text;
  }
  return entry;
}

/** Every object below a prefix, page by page. */
export async function* everyObject(bucket: string, prefix: string): AsyncGenerator<ObjectEntry[]> {
  let token: string | undefined;
  do {
    const page = await listObjects({ bucket, prefix, token });
    yield page.objects;
    token = page.next;
  } while (token);
}

export interface VersionPage {
  versions: VersionEntry[];
  folders: string[];
  next: { key: string; version: string } | undefined;
}

export async function listVersions(
  bucket: string,
  prefix: string,
  options: { delimiter?: string; after?: { key: string; version: string } } = {},
): Promise<VersionPage> {
  const query = {
    versions: "",
    "encoding-type": "url",
    prefix,
    delimiter: options.delimiter,
    "key-marker": options.after?.key,
    "version-id-marker": options.after?.version || undefined,
  };
  const root = await xmlOf(s3Path(bucket, undefined, query));
  const next = { key: decoded(textOf(root, "NextKeyMarker")), version: textOf(root, "NextVersionIdMarker") };
  return {
    versions: readVersions(root),
    folders: childrenOf(root, "CommonPrefixes").map((folder) => decoded(textOf(folder, "Prefix"))),
    next: flagOf(root, "IsTruncated") ? next : undefined,
  };
}

/** Reads the answer of ListObjectVersions. */
export function readVersions(root: Element): VersionEntry[] {
  return [...root.children]
    .filter((child) => child.localName === "Version" || child.localName === "DeleteMarker")
    .map((child) => ({
      key: decoded(textOf(child, "Key")),
      versionId: textOf(child, "VersionId"),
      isLatest: flagOf(child, "IsLatest"),
      isDeleteMarker: child.localName === "DeleteMarker",
      size: numberOf(child, "Size"),
      modified: textOf(child, "LastModified"),
      etag: textOf(child, "ETag"),
    }));
}

/** The versions of one key, the newest first. */
export async function versionsOf(bucket: string, key: string): Promise<VersionEntry[]> {
  const { versions } = await listVersions(bucket, key);
  return versions.filter((version) => version.key === key);
}

export async function headObject(bucket: string, key: string, versionId?: string): Promise<ObjectHead> {
  const headers = { "x-amz-checksum-mode": "ENABLED" };
  const response = await send(s3Path(bucket, key, { versionId }), { method: "HEAD", headers });
  const head: ObjectHead = {
    size: Number(response.headers.get("content-length")),
    mediaType: response.headers.get("content-type") ?? "",
    modified: new Date(response.headers.get("last-modified") ?? 0).toISOString(),
    etag: response.headers.get("etag") ?? "",
    versionId: response.headers.get("x-amz-version-id") ?? "",
    metadata: {},
    headers: {},
  };
  for (const [name, value] of response.headers) {
    if (name.startsWith("x-amz-meta-")) head.metadata[name.slice("x-amz-meta-".length)] = value;
    else head.headers[name] = value;
  }
  return head;
}

/** The first bytes of an object as text. */
export async function readText(bucket: string, key: string, bytesMax: number, versionId?: string): Promise<string> {
  const headers = { range: `bytes=0-${bytesMax - 1}` };
  return (await send(objectPath(bucket, key, { versionId }), { headers })).text();
}

/** What a deletion left behind: the delete marker, by which it can be undone. */
export interface Deleted {
  key: string;
  markerId: string | undefined;
}

export interface DeleteOutcome {
  deleted: Deleted[];
  errors: { key: string; code: string; message: string }[];
}

/** Deletes at most a thousand keys. */
export async function deleteObjects(
  bucket: string,
  targets: readonly { key: string; versionId?: string }[],
): Promise<DeleteOutcome> {
  const objects = targets.map(
    ({ key, versionId }): XmlElement => ["Object", [["Key", key], versionId ? ["VersionId", versionId] : null]],
  );
  const body = writeXml(["Delete", objects]);
  const path = s3Path(bucket, undefined, { delete: "" });
  return readDeleted(await xmlOf(path, { method: "POST", body, headers: documentHeaders(body) }));
}

function readDeleted(root: Element): DeleteOutcome {
  return {
    deleted: childrenOf(root, "Deleted").map((element) => ({
      key: textOf(element, "Key"),
      markerId: flagOf(element, "DeleteMarker") ? textOf(element, "DeleteMarkerVersionId") || undefined : undefined,
    })),
    errors: childrenOf(root, "Error").map((element) => ({
      key: textOf(element, "Key"),
      code: textOf(element, "Code"),
      message: textOf(element, "Message"),
    })),
  };
}

const copySource = (bucket: string, key: string, versionId?: string): string =>
  `/${bucket}/${encodeURIComponent(key)}${versionId ? `?versionId=${encodeURIComponent(versionId)}` : ""}`;

export interface ObjectPlace {
  bucket: string;
  key: string;
  versionId?: string;
}

/** What becomes of an object that has the key already where another is to go. */
export type IfTaken = "refuse" | "replace";

const CONDITIONS: Record<IfTaken, Record<string, string>> = { refuse: { "if-none-match": "*" }, replace: {} };

/** Copies an object; says which version that made, where the bucket keeps versions. */
export async function copyObject(
  from: ObjectPlace,
  to: ObjectPlace,
  taken: IfTaken = "replace",
): Promise<string | undefined> {
  const source = copySource(from.bucket, from.key, from.versionId);
  const answer = await put(s3Path(to.bucket, to.key), "", { "x-amz-copy-source": source, ...CONDITIONS[taken] });
  return answer.headers.get("x-amz-version-id") ?? undefined;
}

/**
 * Headers that an object is stored with and that this page does not change, and where HEAD tells them: a copy with other metadata
 * loses what it is not given.
 */
const KEPT_HEADERS: Record<string, string> = {
  "cache-control": "x-holdfast-stored-cache-control",
  "content-disposition": "x-holdfast-stored-content-disposition",
  "content-encoding": "content-encoding",
  "content-language": "content-language",
  expires: "expires",
  "x-amz-server-side-encryption": "x-amz-server-side-encryption",
  "x-amz-server-side-encryption-aws-kms-key-id": "x-amz-server-side-encryption-aws-kms-key-id",
  "x-amz-server-side-encryption-bucket-key-enabled": "x-amz-server-side-encryption-bucket-key-enabled",
  "x-amz-storage-class": "x-amz-storage-class",
  "x-amz-website-redirect-location": "x-amz-website-redirect-location",
};

/** Gives an object other metadata by copying it onto itself; `head` tells what it has now. */
export async function replaceMetadata(
  place: ObjectPlace,
  mediaType: string,
  metadata: Record<string, string>,
  head: ObjectHead,
): Promise<void> {
  const told = Object.entries(KEPT_HEADERS).map(([name, toldAs]) => [name, head.headers[toldAs]]);
  const kept = told.filter(([, value]) => value);
  const named = Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]);
  await put(s3Path(place.bucket, place.key), "", {
    "x-amz-copy-source": copySource(place.bucket, place.key),
    "x-amz-metadata-directive": "REPLACE",
    "content-type": mediaType,
    ...Object.fromEntries([...kept, ...named]),
  });
}

/** Gives an object another key in one step. */
export async function renameObject(bucket: string, from: string, to: string, taken: IfTaken = "refuse"): Promise<void> {
  await put(s3Path(bucket, to, { renameObject: "" }), "", {
    "x-amz-rename-source": copySource(bucket, from),
    ...CONDITIONS[taken],
  });
}

/** An empty object whose key ends in a slash: a folder that exists before anything is in it. */
export async function createFolder(bucket: string, prefix: string): Promise<void> {
  await put(s3Path(bucket, prefix), "", { "if-none-match": "*" });
}

export type Tags = Record<string, string>;

/** Reads a document of tags, of a bucket or of an object. */
export function readTags(root: Element): Tags {
  const set = childOf(root, "TagSet");
  const entries = set ? childrenOf(set, "Tag") : [];
  return Object.fromEntries(entries.map((tag) => [textOf(tag, "Key"), textOf(tag, "Value")]));
}

export function writeTags(tags: Tags): string {
  const entries = Object.entries(tags).map(
    ([key, value]) =>
      [
        "Tag",
        [
          ["Key", key],
          ["Value", value],
        ],
      ] as const,
  );
  return writeXml(["Tagging", [["TagSet", entries]]]);
}

export async function getObjectTags({ bucket, key, versionId }: ObjectPlace): Promise<Tags> {
  return readTags(await xmlOf(s3Path(bucket, key, { tagging: "", versionId })));
}

export async function putObjectTags({ bucket, key, versionId }: ObjectPlace, tags: Tags): Promise<void> {
  await putDocument(s3Path(bucket, key, { tagging: "", versionId }), writeTags(tags));
}

export type RetentionMode = "GOVERNANCE" | "COMPLIANCE";

export async function putRetention(place: ObjectPlace, mode: RetentionMode, until: string): Promise<void> {
  const body = writeXml([
    "Retention",
    [
      ["Mode", mode],
      ["RetainUntilDate", until],
    ],
  ]);
  await putDocument(s3Path(place.bucket, place.key, { retention: "", versionId: place.versionId }), body);
}

export async function putLegalHold(place: ObjectPlace, on: boolean): Promise<void> {
  const body = writeXml(["LegalHold", [["Status", on ? "ON" : "OFF"]]]);
  await putDocument(s3Path(place.bucket, place.key, { "legal-hold": "", versionId: place.versionId }), body);
}

// Multipart uploads; the bytes of a part are sent by `uploads/transfer.ts`, which tells its progress.

export async function createMultipartUpload(bucket: string, key: string, mediaType: string): Promise<string> {
  const headers: Record<string, string> = mediaType ? { "content-type": mediaType } : {};
  const root = await xmlOf(s3Path(bucket, key, { uploads: "" }), { method: "POST", headers });
  return textOf(root, "UploadId");
}

export interface PartEntry {
  number: number;
  size: number;
  etag: string;
}

/** The parts of an upload that the server has. */
export async function listParts(bucket: string, key: string, uploadId: string): Promise<PartEntry[]> {
  const parts: PartEntry[] = [];
  let marker: string | undefined = "0";
  while (marker !== undefined) {
    const root: Element = await xmlOf(s3Path(bucket, key, { uploadId, "part-number-marker": marker }));
    for (const part of childrenOf(root, "Part")) {
      parts.push({ number: numberOf(part, "PartNumber"), size: numberOf(part, "Size"), etag: textOf(part, "ETag") });
    }
    marker = flagOf(root, "IsTruncated") ? textOf(root, "NextPartNumberMarker") : undefined;
  }
  return parts;
}

export async function completeMultipartUpload(
  place: ObjectPlace,
  uploadId: string,
  parts: readonly PartEntry[],
  onlyIfNew: boolean,
): Promise<void> {
  const listed = parts.map(
    ({ number, etag }) =>
      [
        "Part",
        [
          ["PartNumber", number],
          ["ETag", etag],
        ],
      ] as const,
  );
  const body = writeXml(["CompleteMultipartUpload", listed]);
  const headers: Record<string, string> = onlyIfNew ? { "if-none-match": "*" } : {};
  const root = await xmlOf(s3Path(place.bucket, place.key, { uploadId }), { method: "POST", body, headers });
  failIfError(root);
}

/** CompleteMultipartUpload may begin its answer with 200 and end it with an error. */
function failIfError(root: Element): void {
  if (root.localName === "Error") throw new Error(textOf(root, "Message"));
}

export async function abortMultipartUpload(bucket: string, key: string, uploadId: string): Promise<void> {
  await send(s3Path(bucket, key, { uploadId }), { method: "DELETE" });
}

export interface OpenUpload {
  key: string;
  uploadId: string;
  initiated: string;
}

export async function listMultipartUploads(bucket: string): Promise<OpenUpload[]> {
  const root = await xmlOf(s3Path(bucket, undefined, { uploads: "", "encoding-type": "url" }));
  return childrenOf(root, "Upload").map((upload) => ({
    key: decoded(textOf(upload, "Key")),
    uploadId: textOf(upload, "UploadId"),
    initiated: textOf(upload, "Initiated"),
  }));
}

export interface SearchAsk {
  q: string;
  tag?: string;
  metadata?: string;
  minSize?: number;
  modifiedAfter?: string;
  token?: string;
}

export interface SearchPage {
  objects: { key: string; size: number; last_modified: string; etag: string }[];
  next_continuation_token: string | null;
  index: { complete: boolean; pending: number; lag_seconds: number };
}

export async function searchBucket(bucket: string, ask: SearchAsk, signal?: AbortSignal): Promise<SearchPage> {
  const query = queryOf({
    search: "",
    format: "json",
    q: ask.q || undefined,
    tag: ask.tag || undefined,
    metadata: ask.metadata || undefined,
    "min-size": ask.minSize,
    "modified-after": ask.modifiedAfter,
    "max-keys": 200,
    "continuation-token": ask.token,
  });
  return (await send(`/api/v1/s3/${bucket}${query}`, { signal })).json() as Promise<SearchPage>;
}
