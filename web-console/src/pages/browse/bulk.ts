/** Work on many objects, folders with all that is in them. */
import { ApiError } from "@/api/error";
import {
  copyObject,
  type Deleted,
  deleteObjects,
  everyObject,
  type IfTaken,
  listVersions,
  type ObjectPlace,
  renameObject,
  type VersionEntry,
} from "@/api/s3";
import { answered, count, t } from "@/i18n";

/** Keys in one DeleteObjects. */
const DELETED_AT_ONCE = 1000;
/** Copies at once; each is by reference and takes the server a moment. */
const COPIES_AT_ONCE = 4;
/** Objects whose deletion or move can be undone together. */
const UNDONE_MAX = 10_000;
/** The version that a bucket overwrites whose versions are suspended: removing it brings nothing back. */
const NULL_VERSION = "null";

/** Called with how many objects are done. */
export type OnDone = (objects: number) => void;

/** The keys of a selection by bundles, folders replaced by what is in them. */
async function* bundlesOf(bucket: string, keys: readonly string[]): AsyncGenerator<string[]> {
  const objects = keys.filter((key) => !key.endsWith("/"));
  for (let from = 0; from < objects.length; from += DELETED_AT_ONCE) yield objects.slice(from, from + DELETED_AT_ONCE);
  for (const folder of keys.filter((key) => key.endsWith("/"))) {
    for await (const page of everyObject(bucket, folder)) yield page.map(({ key }) => key);
  }
}

/**
 * Deletes a selection. Returns the delete markers that this leaves if all of it can be undone by deleting them in turn: where
 * versions are suspended, a marker has taken the place of the object.
 */
export async function deleteAll(bucket: string, keys: readonly string[], onDone: OnDone): Promise<Deleted[]> {
  const markers: Deleted[] = [];
  let done = 0;
  for await (const bundle of bundlesOf(bucket, keys)) {
    if (bundle.length === 0) continue;
    const { deleted, errors } = await deleteObjects(
      bucket,
      bundle.map((key) => ({ key })),
    );
    if (markers.length < UNDONE_MAX) markers.push(...deleted.filter(({ markerId }) => isKept(markerId)));
    const [first] = errors;
    if (first) throw new Error(t("{key} was not deleted: {reason}", { key: first.key, reason: reasonOf(first) }));
    done += bundle.length;
    onDone(done);
  }
  return markers.length === done ? markers : [];
}

export async function undelete(bucket: string, markers: readonly Deleted[]): Promise<void> {
  for (let from = 0; from < markers.length; from += DELETED_AT_ONCE) {
    const bundle = markers.slice(from, from + DELETED_AT_ONCE);
    const { errors } = await deleteObjects(
      bucket,
      bundle.map(({ key, markerId }) => ({ key, versionId: markerId })),
    );
    if (errors[0])
      throw new Error(t("{key} was not brought back: {reason}", { key: errors[0].key, reason: reasonOf(errors[0]) }));
  }
}

/**
 * Brings back what was deleted of a selection, folders with all in them, by removing the delete markers above the newest
 * version. What has no version left stays as it is. Returns how many objects are back.
 */
export async function bringBack(bucket: string, keys: readonly string[], onDone: OnDone): Promise<number> {
  let back = 0;
  for (const key of keys) {
    for await (const { objects, markers } of deletedOf(bucket, key)) {
      await undelete(bucket, markers);
      back += objects;
      onDone(back);
    }
  }
  return back;
}

interface DeletedObjects {
  objects: number;
  markers: Deleted[];
}

/** The delete markers above the newest version of an object, or of each that is in a folder, by pages. */
async function* deletedOf(bucket: string, key: string): AsyncGenerator<DeletedObjects> {
  const isFolder = key.endsWith("/");
  /** Of the key that is looked at, until its newest version comes. */
  let above: VersionEntry[] | undefined;
  let after: { key: string; version: string } | undefined;
  do {
    const page = await listVersions(bucket, key, { after });
    const found: DeletedObjects = { objects: 0, markers: [] };
    for (const version of page.versions) {
      if (!isFolder && version.key !== key) break;
      if (version.isLatest) above = [];
      if (version.isDeleteMarker) {
        above?.push(version);
        continue;
      }
      if (above && above.length > 0) {
        found.objects += 1;
        found.markers.push(...above.map(({ key, versionId }) => ({ key, markerId: versionId })));
      }
      above = undefined;
    }
    if (found.objects > 0) yield found;
    const passed = !isFolder && page.versions.at(-1)?.key !== key;
    after = passed ? undefined : page.next;
  } while (after);
}

export interface Target {
  bucket: string;
  prefix: string;
}

/** Brings back what was before. */
export type Step = () => Promise<void>;

export interface Transfer {
  /** Where the names of the selection begin to count: what is below stays as it is. */
  from: Target;
  to: Target;
  move: boolean;
  taken: IfTaken;
}

/**
 * Copies or moves a selection. Where names are taken and not to be replaced, all else is done before that is told. Returns what
 * undoes it, if all of it can be undone: within a bucket by renaming back, elsewhere where the buckets keep versions.
 */
export async function transfer(
  keys: readonly string[],
  { from, to, move, taken }: Transfer,
  onDone: OnDone,
): Promise<Step | undefined> {
  let done = 0;
  let left = 0;
  const steps: Step[] = [];
  for await (const bundle of bundlesOf(from.bucket, keys)) {
    const waiting = [...bundle];
    const work = async () => {
      for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
        const target = { bucket: to.bucket, key: to.prefix + key.slice(from.prefix.length) };
        try {
          const step = await transferOne({ bucket: from.bucket, key }, target, move, taken);
          if (step && steps.length < UNDONE_MAX) steps.push(step);
        } catch (error) {
          if (!(taken === "refuse" && error instanceof ApiError && error.status === 412)) throw error;
          left += 1;
          continue;
        }
        done += 1;
        onDone(done);
      }
    };
    await Promise.all(Array.from({ length: COPIES_AT_ONCE }, work));
  }
  if (left > 0)
    throw new Error(
      count(
        left,
        "{n} object was left as it is: there is one of its name already.",
        "{n} objects were left as they are: there are others of their names already.",
      ),
    );
  if (done === 0 || steps.length < done) return undefined;
  return async () => {
    for (const step of steps) await step();
  };
}

async function transferOne(
  from: ObjectPlace,
  to: ObjectPlace,
  move: boolean,
  taken: IfTaken,
): Promise<Step | undefined> {
  const { bucket, key } = from;
  if (move && bucket === to.bucket) {
    await renameObject(bucket, key, to.key, taken);
    // What was replaced would not come back by it.
    return taken === "replace" ? undefined : () => renameObject(bucket, to.key, key);
  }
  const versionId = await copyObject(from, to, taken);
  const uncopy = isKept(versionId) ? () => removeVersion({ ...to, versionId }) : undefined;
  if (!move) return uncopy;
  const { deleted, errors } = await deleteObjects(bucket, [{ key }]);
  if (errors[0]) throw new Error(t("{key} was copied and not deleted: {reason}", { key, reason: reasonOf(errors[0]) }));
  const markerId = deleted[0]?.markerId;
  if (!uncopy || !isKept(markerId)) return undefined;
  return async () => {
    // There again before it is gone elsewhere.
    await removeVersion({ ...from, versionId: markerId });
    await uncopy();
  };
}

const reasonOf = ({ code, message }: { code: string; message: string }): string => answered(code, message);

const isKept = (versionId: string | undefined): versionId is string =>
  versionId !== undefined && versionId !== NULL_VERSION;

/** Removes one version, or delete marker, for good. */
export async function removeVersion({ bucket, key, versionId }: ObjectPlace): Promise<void> {
  const { errors } = await deleteObjects(bucket, [{ key, versionId }]);
  if (errors[0]) throw new Error(t("{key} was not deleted: {reason}", { key, reason: reasonOf(errors[0]) }));
}
