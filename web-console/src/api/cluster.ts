/** Drives, nodes and background work: what the operator of a deployment looks after. */
import { getJson, postJson, queryOf } from "./http";
import type {
  BucketList,
  BucketReport,
  EncryptionKey,
  EventList,
  EventTarget,
  Keyring,
  NodeList,
  NodeReport,
  Plan,
  RiskPage,
  Status,
} from "./schema";

export const getStatus = () => getJson<Status>("/api/v1/status");

export const listNodes = async (): Promise<NodeReport[]> => (await getJson<NodeList>("/api/v1/nodes")).nodes;

export const listBucketReports = async (): Promise<BucketReport[]> =>
  (await getJson<BucketList>("/api/v1/buckets")).buckets;

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
export const heal = (pauseSeconds: number): Change => ({ path: "/api/v1/heal", body: { pause_seconds: pauseSeconds } });

const parityChange = (bucket: string, parity: string): Change => ({
  path: `/api/v1/buckets/${bucket}/parity`,
  body: { parity },
});
export const planParity = (bucket: string, parity: string) => planChange(parityChange(bucket, parity));
export const setParity = (bucket: string, parity: string) => makeChange(parityChange(bucket, parity));

export const listRisk = (after: string) => getJson<RiskPage>(`/api/v1/risk${queryOf({ after, max: 100 })}`);

export const listEncryptionKeys = async (): Promise<EncryptionKey[]> =>
  (await getJson<Keyring>("/api/v1/keyring")).keys;
export const createEncryptionKey = (id: string) => postJson<EncryptionKey>("/api/v1/keyring", { id });
export const changeEncryptionKey = (id: string, change: "rotate" | "enable" | "disable" | "keep" | "delete") =>
  postJson<EncryptionKey>(`/api/v1/keyring/${id}/${change}`);

export const listEventTargets = async (): Promise<EventTarget[]> =>
  (await getJson<EventList>("/api/v1/events")).targets;
