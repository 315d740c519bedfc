// Made by `npm run client` from the server's OpenAPI description. Not to be changed by hand.

/** The answer of `GET /api/v1/accounts`. */
export interface AccountList {
  /** The first account, then the others by name. */
  accounts: AccountReport[];
}

/** One account. */
export interface AccountReport {
  /** Buckets that it owns. */
  buckets: number;
  /** Its 64 hexadecimal digits. */
  canonical_id: string;
  /** Its address. */
  email?: string | null;
  /** Its 12 digits. */
  id: string;
  /** A name for people. */
  name: string;
}

/** Makes an account with its first access key. */
export interface AddAccount {
  /** Its address, by which ACLs may name it. */
  email?: string | null;
  /** Its name. */
  name: string;
}

/** Adds a drive to the deployment. */
export interface AddDrive {
  /** Only plan. */
  dry_run?: boolean;
  /** Its folder, or node and folder. */
  location: string;
}

/** Gives an account one more access key. */
export interface AddKey {
  /** The account's 12 digits. */
  account: string;
}

/** Adds the drives of a storage node. */
export interface AddNode {
  /** `host:port`. */
  address: string;
  /** Only plan. */
  dry_run?: boolean;
}

/** The answer of `GET /api/v1/buckets`. */
export interface BucketList {
  /** By name. */
  buckets: BucketReport[];
}

/** One bucket. */
export interface BucketReport {
  /** Bytes of those objects, as clients see them. */
  bytes: number;
  /** Its objects on drives whose storage class has another parity than the bucket. */
  classes?: ClassReport[];
  /** Data shards of a stripe of its new objects. */
  data_shards?: number | null;
  /** Its name. */
  name: string;
  /** Objects in it. */
  objects: number;
  /** That is the bucket's own parity, and not the deployment's. */
  own_parity: boolean;
  /** Parity shards of it. */
  parity_shards?: number | null;
  /** Its quota in bytes; none where it may hold any number. */
  quota?: number | null;
  /** Bytes of all their versions, which is what a quota bounds. */
  stored_bytes: number;
  /** What has another parity and is to be encoded anew. */
  to_recode: Tally;
}

/** What is in a bucket, and how it is set up. */
export interface BucketUsage {
  /** Bytes of those. */
  bytes: number;
  /** When it was made. */
  created: string;
  /** Delete markers. */
  delete_markers: number;
  /** How new objects are encrypted: `AES256`, `aws:kms`; none where they are not. */
  encryption?: string | null;
  /** Its name. */
  name: string;
  /** It has Object Lock. */
  object_lock: boolean;
  /** Objects in it. */
  objects: number;
  /** Its policy or ACL opens something to everybody. */
  public: boolean;
  /** Bytes that all versions in it may have together; none where any number is allowed. */
  quota?: number | null;
  /** It has a search index. */
  searchable: boolean;
  /** Bytes of those. */
  version_bytes: number;
  /** `unversioned`, `enabled` or `suspended`. */
  versioning: string;
  /** Versions that are no longer current. */
  versions: number;
}

/** Drains, removes or replaces a drive. */
export interface ChangeDrive {
  /** Only plan. */
  dry_run?: boolean;
  /** Where the new drive is, for `replace`. */
  location?: string | null;
}

/** Drains or removes the drives of a storage node. */
export interface ChangeNode {
  /** Only plan. */
  dry_run?: boolean;
}

/** The objects of one storage class in a bucket, versions included. */
export interface ClassReport {
  /** Their bytes. */
  bytes: number;
  /** The class, by its name in S3. */
  class: string;
  /** Data shards of a stripe. */
  data_shards: number;
  /** Objects of the class on drives. */
  objects: number;
  /** Parity shards of it. */
  parity_shards: number;
}

/** Makes a named key. */
export interface CreateEncryptionKey {
  /** Its name. */
  id: string;
}

/** A statement, by where it stands. */
export interface DecidingStatement {
  /** The policy: its ARN, or whose it is and its name. */
  policy: string;
  /** The statement's id, else its place in the policy: `#1` is the first. */
  statement: string;
}

/** Has a named key deleted. */
export interface DeleteEncryptionKey {
  /** Days until then, from 7 to 30; 30 if none are given. */
  days?: number | null;
}

/** It was done. */
export interface Done {
  /** True. */
  done: boolean;
}

/** What a drive is doing. */
export type DriveCondition = "active" | "draining" | "refilling" | "down" | "unknown";

/** The answer of `GET /api/v1/drives`. */
export interface DriveList {
  /** By slot. */
  drives: DriveReport[];
}

/** One drive. */
export interface DriveReport {
  /** Which drive it is. */
  drive_id?: string | null;
  /** Bytes that may still be written. */
  free_bytes: number;
  /** Bytes of shards on it. */
  held_bytes?: number | null;
  /** Path, or node and path. */
  label: string;
  /** The node that serves it. */
  node?: string | null;
  /** Its place in the deployment. */
  slot: number;
  /** What it is doing. */
  state?: DriveCondition | null;
  /** Size of its file system. */
  total_bytes: number;
  /** It takes operations. */
  up: boolean;
  /** The zone that the node is in. */
  zone?: string | null;
}

/** A named key that objects are encrypted under. What it seals with is never shown. */
export interface EncryptionKey {
  /** The day it was made, as `2026-01-31`; of one that is deleted nobody knows. */
  created?: string | null;
  /** The day on which it is deleted, if it waits for that. */
  deletion?: string | null;
  /** It may be used. */
  enabled: boolean;
  /** Its name. */
  id: string;
  /** The day it was last rotated. */
  rotated?: string | null;
  /** What it is. */
  state: EncryptionKeyState;
  /** How many versions it has; the newest seals. */
  versions: number;
}

/** What a named key is. */
export type EncryptionKeyState = "enabled" | "disabled" | "pending-deletion" | "deleted" | "unknown";

/** The answer of `GET /api/v1/events`. */
export interface EventList {
  /** Events that may wait for one target; then the oldest is dropped. */
  pending_max: number;
  /** By ARN. */
  targets: EventTarget[];
}

/** Somebody who is told of changes. */
export interface EventTarget {
  /** The name by which buckets know it. */
  arn: string;
  /** The operator configured it; events for one that is not wait until they are too old. */
  configured: boolean;
  /** Events that it took. */
  delivered: number;
  /** Events that it will never be told of: too many, or too old. */
  dropped: number;
  /** Where it takes events. */
  endpoint: string;
  /** Why the last attempt failed. */
  error?: string | null;
  /** Attempts that failed since the start. */
  failures: number;
  /** For how long the first event that waits has waited. */
  lag_seconds: number;
  /** Events that wait. */
  pending: number;
}

/** Why a request was not done. */
export interface Failure {
  /** In one word, for programs. */
  code: string;
  /** A sentence with the remedy. */
  error: string;
}

/** Health in one word. */
export type Grade = "full_redundancy" | "reduced_redundancy" | "unavailable" | "unknown";

/** Rebuilds what is missing now, what waits for a drive too, or pauses that for some time. */
export interface Heal {
  /** Only plan. */
  dry_run?: boolean;
  /** Seconds to pause for, 86,400 at most; 0 ends a pause. */
  pause_seconds?: number;
}

/** The answer of `/-/health/cluster`. */
export interface Health {
  /** Drives of the deployment. */
  drives: number;
  /** How many more may fail for certain. */
  drives_spare: number;
  /** Drives that take operations. */
  drives_up: number;
  /** Shards wait to be healed. */
  healing: boolean;
  /** In one word. */
  status: Grade;
  /** The metadata takes changes. */
  writable: boolean;
}

/** The answer of `GET /api/v1/history`. */
export interface History {
  /** The oldest first. */
  points: HistoryPoint[];
  /** Seconds from one point to the next. */
  step_seconds: number;
}

/** What happened in one step. */
export interface HistoryPoint {
  /** Its end. */
  at: string;
  /** Bytes that the drives have. */
  capacity: number;
  /** Those with a 5xx. */
  errors: number;
  /** Half of the requests took no longer; none where there were none. */
  p50_ms?: number | null;
  /** 99 of 100 took no longer. */
  p99_ms?: number | null;
  /** Bytes of request bodies. */
  received: number;
  /** Those with a 4xx. */
  refused: number;
  /** Requests answered. */
  requests: number;
  /** Bytes of answers. */
  sent: number;
  /** Bytes that are used on the drives, by whatever. */
  used: number;
}

/** Something that an archive has. */
export interface ImportItem {
  /** What it is. */
  kind: ImportKind;
  /** Its name; of a service account its access key. */
  name: string;
  /** What is not as it was there, and why; a sentence each. */
  notes?: string[];
  /** What came of it. */
  outcome: ImportOutcome;
}

/** What an archive has. */
export type ImportKind = "policy" | "user" | "group" | "service_account" | "mapping" | "file";

/** What came of something in an archive. */
export type ImportOutcome = "imported" | "imported_in_part" | "present" | "refused";

/** What came of taking over the users, groups and policies of another server. */
export interface ImportReport {
  /** It was only tried: nothing was changed. */
  dry_run: boolean;
  /** Everything that the archive has, each with what came of it. */
  items: ImportItem[];
}

/** The answer of `GET /api/v1/keys`. The pair of the configuration is not among them. */
export interface KeyList {
  /** By account, then by age. */
  keys: KeyReport[];
}

/** One access key, without its secret. */
export interface KeyReport {
  /** The key. */
  access_key: string;
  /** Its account. */
  account: string;
  /** Whether it is believed. */
  active: boolean;
}

/** The answer of `GET /api/v1/keyring`. */
export interface Keyring {
  /** By name. */
  keys: EncryptionKey[];
  /** The key that the named ones are sealed under is missing or another: they cannot be used. */
  locked: boolean;
}

/** A pair that was made. This is the only time that its secret is shown. */
export interface NewKey {
  /** The access key. */
  access_key: string;
  /** The account's 12 digits. */
  account: string;
  /** Its secret. */
  secret_key: string;
}

/** The answer of `GET /api/v1/nodes`. */
export interface NodeList {
  /** By address. */
  nodes: NodeReport[];
}

/** One storage node. */
export interface NodeReport {
  /** `host:port`. */
  address: string;
  /** Bytes that may still be written to them. */
  free_bytes: number;
  /** Slots of its drives. */
  slots?: number[];
  /** What it is doing. */
  state?: DriveCondition | null;
  /** Size of its drives. */
  total_bytes: number;
  /** It can be reached. */
  up: boolean;
  /** The zone that it is in. */
  zone?: string | null;
}

/** A request that needs no more words than its path. */
export type Nothing = Record<string, unknown>;

/** An object that is not at full redundancy. */
export interface ObjectAtRisk {
  /** Where. */
  bucket: string;
  /** Its length. */
  bytes: number;
  /** Where in it. */
  key: string;
  /** Shards that may still be lost; below 0 where it cannot be read. */
  margin: number;
}

/** A part of an object, as it was uploaded. */
export interface ObjectPart {
  /** How each is encoded. */
  scheme: ObjectScheme;
  /** Bytes of it that are stored. */
  size: number;
  /** Stripes of those. */
  stripes: number;
}

/** The answer of `GET /api/v1/objects`. */
export interface ObjectPlaces {
  /** Its bytes are in the metadata, which has a copy on every drive. */
  in_metadata: boolean;
  /** Losses that it bears for certain; below 0 where it cannot be read now. */
  margin: number;
  /** Its parts. */
  parts: ObjectPart[];
  /** How it is encoded; the first part's, should they differ. */
  scheme?: ObjectScheme | null;
  /** The drives with shards of it. */
  shards: ObjectShard[];
  /** The object's length. */
  size: number;
}

/** Data and parity shards of a stripe. */
export interface ObjectScheme {
  /** Shards of data. */
  data: number;
  /** Shards of parity. */
  parity: number;
}

/** What a drive holds of an object. */
export interface ObjectShard {
  /** Parts of which it holds a shard, or should. */
  count: number;
  /** The drive's slot. */
  drive: number;
  /** Its path. */
  label: string;
  /** Those of them that are missing. */
  missing: number;
  /** Its node. */
  node?: string | null;
  /** How that is. */
  state: ShardState;
}

/** What a change amounts to. */
export interface Plan {
  /** When it is done. */
  after: string;
  /** Bytes of shards that move. */
  bytes_to_move: number;
  /** While the change is under way. */
  during: string;
  /** What else the operator should know. */
  notes?: string[];
  /** A sentence on the redundancy as it is. */
  now: string;
  /** About how long that takes. */
  seconds: number;
  /** How many shards those are. */
  shards_to_move: number;
  /** The change is under way; false for a plan alone, and where there is nothing to do. */
  started: boolean;
}

/** The body of `POST /api/v1/presign`. */
export interface Presign {
  /** In which bucket. */
  bucket: string;
  /** For how long, from 1 second to 7 days. */
  expires_seconds: number;
  /** To which key. */
  key: string;
  /** What may be done. */
  method: PresignMethod;
  /** The `content-disposition` that the answer shall have. */
  response_content_disposition?: string | null;
  /** To which version. */
  version_id?: string | null;
}

/** What a presigned URL may be good for. */
export type PresignMethod = "GET" | "PUT";

/** A URL that lets anybody who has it do one thing. */
export interface PresignedUrl {
  /** Until when it is good. */
  expires: string;
  /** The URL. */
  url: string;
}

/** How many bytes a bucket may hold. */
export interface QuotaState {
  /** Its name. */
  bucket: string;
  /** Bytes that all versions in it may have together; none for any number. */
  bytes?: number | null;
  /** Bytes that they have. */
  used: number;
}

/** Evens out how full the drives are. */
export interface Rebalance {
  /** Only plan. */
  dry_run?: boolean;
  /** End what is under way instead. */
  stop?: boolean;
}

/** Objects by what stands between them and loss. */
export interface Redundancy {
  /** Every shard is in its place. */
  full: Tally;
  /** Drives that may fail before the metadata is in danger. */
  metadata_spare: number;
  /** Nodes that may fail at once, whichever they are, with everything read and changed still; only in a cluster. */
  nodes_that_may_fail?: number | null;
  /** Shards are missing, and at least one more may be lost. */
  reduced: Tally;
  /** Too few shards are left, or can be reached now. */
  unreadable: Tally;
  /** Readable, and not after the loss of one more shard. */
  zero_margin: Tally;
  /** The same for zones, where nodes name theirs. */
  zones_that_may_fail?: number | null;
}

/** The answer of `GET /api/v1/requests`. */
export interface RequestPage {
  /** What to ask `after` for those that come next. */
  next: number;
  /** In the order in which they ended. */
  requests: RequestReport[];
}

/** A request that this gateway has answered. */
export interface RequestReport {
  /** Where it came from. */
  address: string;
  /** When it came. */
  at: string;
  /** For which bucket. */
  bucket?: string | null;
  /** The ARN of who made it. */
  caller?: string | null;
  /** The code of the error that it was answered with. */
  error_code?: string | null;
  /** For which key. */
  key?: string | null;
  /** Its method. */
  method: string;
  /** What it was, as metrics name it. */
  operation: string;
  /** Bytes of its own body. */
  received: number;
  /** Its id. */
  request_id: string;
  /** Bytes of the answer's body. */
  sent: number;
  /** Its number on this gateway. */
  seq: number;
  /** The status of its answer. */
  status: number;
  /** Microseconds from its head to the end of its answer. */
  took_us: number;
  /** Why it was denied, where that is asked for. */
  why?: Why | null;
}

/** Objects that are not at full redundancy, the least safe first. */
export interface RiskPage {
  /** What to ask after for the next ones; none at the end. */
  next?: string | null;
  /** Some of them. */
  objects: ObjectAtRisk[];
}

/** Reads every shard now, without waiting for its turn. */
export interface Scrub {
  /** Only plan. */
  dry_run?: boolean;
}

/** Whether a bucket can be searched. */
export interface SearchState {
  /** Its name. */
  bucket: string;
  /** It has a search index. */
  enabled: boolean;
}

/** Who is signed in. */
export interface Session {
  /** With which access key. */
  access_key: string;
  /** Of which account. */
  account: SessionAccount;
  /** The actions of the admin API that it may perform. */
  allowed: string[];
  /** As whom. */
  arn: string;
  /** What the header `x-holdfast-csrf` of each change must have. */
  csrf?: string | null;
  /** When the session ends; none where a pair is sent each time. */
  expires?: string | null;
  /** It is the root of the first account, who may do everything. */
  is_root: boolean;
  /** The region that signatures name. */
  region: string;
  /** Where S3 is served, as who asks can reach it. */
  s3_url: string;
  /** Of a user, its name. */
  user_name?: string | null;
  /** Of the server. */
  version: string;
}

/** An account, as a session names it. */
export interface SessionAccount {
  /** Its 12 digits. */
  id: string;
  /** A name for people. */
  name: string;
}

/** Gives a bucket a parity. */
export interface SetParity {
  /** Only plan. */
  dry_run?: boolean;
  /** Data and parity shards as `4+2`, or `default` for the deployment's. */
  parity: string;
}

/** The body of `POST /api/v1/buckets/{name}/quota`. */
export interface SetQuota {
  /** Bytes that all versions in the bucket may have together, from now on; `null` for any number. */
  bytes: number | null;
}

/** The body of `POST /api/v1/buckets/{name}/search`. */
export interface SetSearch {
  /** The bucket has a search index from now on, or has none. */
  enabled: boolean;
}

/** A setting that counts. */
export interface Setting {
  /** Its name, as in the file. */
  name: string;
  /** `flag`, `variable`, `file` or `default`. */
  origin: string;
  /** Its value; none where it is a secret or has none. */
  value?: string | null;
}

/** The answer of `GET /api/v1/settings`. */
export interface Settings {
  /** By name. */
  settings: Setting[];
}

/** How what a drive holds is. */
export type ShardState = "ok" | "missing" | "down" | "unknown";

/** An identity provider. */
export interface SsoProvider {
  /** Its name in paths. */
  id: string;
  /** Its name for people. */
  name: string;
}

/** Identity providers by whom people sign in. */
export interface SsoProviders {
  /** Whether names and passwords of a directory (LDAP) are taken too. */
  ldap: boolean;
  /** They. */
  providers: SsoProvider[];
}

/** The body of `POST /api/v1/session/ldap`. */
export interface StartLdapSession {
  /** Its password. */
  password: string;
  /** A name that the directory knows. */
  user_name: string;
}

/** The body of `POST /api/v1/session`. */
export interface StartSession {
  /** An access key of anybody. */
  access_key: string;
  /** Its secret. */
  secret_key: string;
}

/** Everything known of the deployment. */
export interface Status {
  /** Every bucket. */
  buckets: BucketReport[];
  /** Data shards of a stripe. */
  data_shards: number;
  /** The deployment's id. */
  deployment: string;
  /** Every drive that is known. */
  drives: DriveReport[];
  /** Whether it can serve, and with what redundancy. */
  health: Health;
  /** Parity shards of a stripe. */
  parity_shards: number;
  /** Shards known to be missing or bad. */
  pending_heals: number;
  /** How many objects could bear how much loss. */
  redundancy?: Redundancy | null;
  /** Region that clients sign for. */
  region: string;
  /** Time since the start. */
  uptime_seconds: number;
  /** The version that runs. */
  version: string;
  /** Background work. */
  work?: Work[];
}

/** A number of objects and of their bytes. */
export interface Tally {
  /** Their bytes. */
  bytes: number;
  /** Objects. */
  objects: number;
}

/** The answer of `GET /api/v1/usage`. */
export interface Usage {
  /** The buckets that the caller may list, by name. */
  buckets: BucketUsage[];
  /** No bucket of the caller's account is missing there; false also where the caller may not know that. */
  complete: boolean;
}

/** Why somebody was not let do something. */
export interface Why {
  /** What was asked for. */
  action: string;
  /** The statement that denies it; none where nothing allows it. */
  deciding?: DecidingStatement | null;
  /** `ExplicitDeny` or `ImplicitDeny`. */
  decision: string;
  /** The least that would have to change, as a sentence. */
  missing: string;
  /** The ARN of what it was asked on. */
  resource: string;
}

/** Background work of one kind. */
export interface Work {
  /** A sentence. */
  detail: string;
  /** What is done, in units. */
  done: number;
  /** How long it will take, as far as can be told. */
  eta_seconds?: number | null;
  /** What it found: shards missing or bad. */
  found: number;
  /** `heal`, `scrub`, `gc`, `rebalance`, `recode`. */
  name: string;
  /** Units a second. */
  per_second: number;
  /** Whether it is under way. */
  state: WorkState;
  /** What there is to do, with what is done; 0 where that is not known. */
  total: number;
  /** `shards` or `bytes`. */
  unit: string;
}

/** Whether background work is under way. */
export type WorkState = "idle" | "running" | "waiting" | "paused" | "unknown";
