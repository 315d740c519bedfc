/** Drives, nodes and background work: what the operator of a deployment looks after. */
import { getJson, postJson, queryOf } from "./http";

export interface Tally {
  objects: number;
  bytes: number;
}

export interface Drive {
  slot: number;
  label: string;
  up: boolean;
  total_bytes: number;
  free_bytes: number;
  drive_id?: string;
  state?: "active" | "draining" | "refilling" | "down";
  held_bytes?: number;
  node?: string;
  zone?: string;
}

export interface Node {
  address: string;
  zone?: string;
  up: boolean;
  slots: number[];
  state?: string;
  total_bytes: number;
  free_bytes: number;
}

export interface Work {
  name: string;
  state: "idle" | "running" | "waiting";
  done: number;
  total: number;
  unit: string;
  per_second: number;
  eta_seconds: number | null;
  found: number;
  detail: string;
}

export interface Redundancy {
  full: Tally;
  reduced: Tally;
  zero_margin: Tally;
  unreadable: Tally;
  metadata_spare: number;
  nodes_that_may_fail?: number;
  zones_that_may_fail?: number;
}

export interface BucketReport {
  name: string;
  objects: number;
  bytes: number;
  data_shards?: number;
  parity_shards?: number;
  own_parity: boolean;
}

export interface Status {
  version: string;
  deployment: string;
  region: string;
  uptime_seconds: number;
  health: { status: string; drives: number; drives_up: number };
  data_shards: number;
  parity_shards: number;
  pending_heals: number;
  drives: Drive[];
  buckets: BucketReport[];
  redundancy?: Redundancy;
  work?: Work[];
}

export const getStatus = () => getJson<Status>("/api/v1/status");

export const listNodes = async (): Promise<Node[]> => (await getJson<{ nodes: Node[] }>("/api/v1/nodes")).nodes;

export const listBucketReports = async (): Promise<BucketReport[]> =>
  (await getJson<{ buckets: BucketReport[] }>("/api/v1/buckets")).buckets;

/** What a change amounts to. */
export interface Plan {
  bytes_to_move: number;
  shards_to_move: number;
  seconds: number;
  now: string;
  during: string;
  after: string;
  started: boolean;
  notes: string[];
}

/** A change that can be planned before it is made. */
export interface Change {
  path: string;
  body: Record<string, unknown>;
}

export const planChange = ({ path, body }: Change) => postJson<Plan>(path, { ...body, dry_run: true });
export const makeChange = ({ path, body }: Change) => postJson<Plan>(path, body);

export const addDrive = (location: string): Change => ({ path: "/api/v1/drives", body: { location } });
export const changeDrive = (slot: number, change: "drain" | "remove"): Change => ({
  path: `/api/v1/drives/${slot}/${change}`,
  body: {},
});
export const replaceDrive = (slot: number, location: string): Change => ({
  path: `/api/v1/drives/${slot}/replace`,
  body: { location },
});
export const addNode = (address: string): Change => ({ path: "/api/v1/nodes", body: { address } });
export const changeNode = (address: string, change: "drain" | "remove"): Change => ({
  path: `/api/v1/nodes/${address}/${change}`,
  body: {},
});
export const rebalance = (stop: boolean): Change => ({ path: "/api/v1/rebalance", body: { stop } });
export const scrub: Change = { path: "/api/v1/scrub", body: {} };

const parityChange = (bucket: string, parity: string): Change => ({
  path: `/api/v1/buckets/${bucket}/parity`,
  body: { parity },
});
export const planParity = (bucket: string, parity: string) => planChange(parityChange(bucket, parity));
export const setParity = (bucket: string, parity: string) => makeChange(parityChange(bucket, parity));

export interface RiskyObject {
  bucket: string;
  key: string;
  bytes: number;
  margin: number;
}

export const listRisk = (after: string) =>
  getJson<{ objects: RiskyObject[]; next?: string }>(`/api/v1/risk${queryOf({ after, max: 100 })}`);

export interface EncryptionKey {
  id: string;
  created?: string;
  rotated?: string;
  versions: number;
  enabled: boolean;
  state: "enabled" | "disabled" | "pending-deletion" | "deleted";
  deletion?: string;
}

export const listEncryptionKeys = async (): Promise<EncryptionKey[]> =>
  (await getJson<{ keys: EncryptionKey[] }>("/api/v1/keyring")).keys;
export const createEncryptionKey = (id: string) => postJson<EncryptionKey>("/api/v1/keyring", { id });
export const changeEncryptionKey = (id: string, change: "rotate" | "enable" | "disable" | "keep" | "delete") =>
  postJson<EncryptionKey>(`/api/v1/keyring/${id}/${change}`);

export interface EventTarget {
  arn: string;
  configured: boolean;
  endpoint: string;
  pending: number;
  delivered: number;
  dropped: number;
  failures: number;
  lag_seconds: number;
  error?: string;
}

export const listEventTargets = async (): Promise<EventTarget[]> =>
  (await getJson<{ targets: EventTarget[] }>("/api/v1/events")).targets;
