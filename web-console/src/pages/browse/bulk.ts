/** Work on many objects, folders with all that is in them. */
import { copyObject, type Deleted, deleteObjects, everyObject, type ObjectPlace, renameObject } from "@/api/s3";
import { t } from "@/i18n";

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
    if (first) throw new Error(t("{key} was not deleted: {reason}", { key: first.key, reason: first.message }));
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
      throw new Error(t("{key} was not brought back: {reason}", { key: errors[0].key, reason: errors[0].message }));
  }
}

export interface Target {
  bucket: string;
  prefix: string;
}

/** Brings one object back to where it was. */
type Step = () => Promise<void>;

/**
 * Copies or moves a selection; names stay what they are below `from.prefix`. Returns what undoes it, if all of it can be
 * undone: within a bucket by renaming back, elsewhere where the buckets keep versions.
 */
export async function transfer(
  from: Target,
  keys: readonly string[],
  to: Target,
  move: boolean,
  onDone: OnDone,
): Promise<Step | undefined> {
  let done = 0;
  const steps: Step[] = [];
  for await (const bundle of bundlesOf(from.bucket, keys)) {
    const waiting = [...bundle];
    const work = async () => {
      for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
        const target = { bucket: to.bucket, key: to.prefix + key.slice(from.prefix.length) };
        const step = await transferOne({ bucket: from.bucket, key }, target, move);
        if (step && steps.length < UNDONE_MAX) steps.push(step);
        done += 1;
        onDone(done);
      }
    };
    await Promise.all(Array.from({ length: COPIES_AT_ONCE }, work));
  }
  if (done === 0 || steps.length < done) return undefined;
  return async () => {
    for (const step of steps) await step();
  };
}

async function transferOne(from: ObjectPlace, to: ObjectPlace, move: boolean): Promise<Step | undefined> {
  const { bucket, key } = from;
  if (move && bucket === to.bucket) {
    await renameObject(bucket, key, to.key);
    return () => renameObject(bucket, to.key, key);
  }
  const versionId = await copyObject(from, to);
  const uncopy = isKept(versionId) ? () => removeVersion({ ...to, versionId }) : undefined;
  if (!move) return uncopy;
  const { deleted, errors } = await deleteObjects(bucket, [{ key }]);
  if (errors[0]) throw new Error(t("{key} was copied and not deleted: {reason}", { key, reason: errors[0].message }));
  const markerId = deleted[0]?.markerId;
  if (!uncopy || !isKept(markerId)) return undefined;
  return async () => {
    // There again before it is gone elsewhere.
    await removeVersion({ ...from, versionId: markerId });
    await uncopy();
  };
}

const isKept = (versionId: string | undefined): versionId is string =>
  versionId !== undefined && versionId !== NULL_VERSION;

/** Removes one version, or delete marker, for good. */
export async function removeVersion({ bucket, key, versionId }: ObjectPlace): Promise<void> {
  const { errors } = await deleteObjects(bucket, [{ key, versionId }]);
  if (errors[0]) throw new Error(t("{key} was not deleted: {reason}", { key, reason: errors[0].message }));
}
