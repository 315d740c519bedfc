//! What the admin API says and takes: one set of words for the server and for `holdfast admin`.
//!
//! | Request | Body | Answer |
//! |---|---|---|
//! | `POST /api/v1/session` | [`StartSession`] | [`Session`] |
//! | `POST /api/v1/session/ldap` | [`StartLdapSession`] | [`Session`] |
//! | `GET /api/v1/session`, `POST /api/v1/session/renew` | | [`Session`] |
//! | `DELETE /api/v1/session` | | |
//! | `GET /api/v1/status` | | [`Status`] |
//! | `GET /api/v1/drives` | | [`DriveList`] |
//! | `POST /api/v1/drives` | [`AddDrive`] | [`Plan`] |
//! | `POST /api/v1/drives/{slot}/drain`, `remove`, `replace` | [`ChangeDrive`] | [`Plan`] |
//! | `GET /api/v1/nodes` | | [`NodeList`] |
//! | `POST /api/v1/nodes` | [`AddNode`] | [`Plan`] |
//! | `POST /api/v1/nodes/{address}/drain`, `remove` | [`ChangeNode`] | [`Plan`] |
//! | `POST /api/v1/rebalance` | [`Rebalance`] | [`Plan`] |
//! | `POST /api/v1/scrub` | [`Scrub`] | [`Plan`] |
//! | `POST /api/v1/heal` | [`Heal`] | [`Plan`] |
//! | `GET /api/v1/buckets` | | [`BucketList`] |
//! | `POST /api/v1/buckets/{name}/parity` | [`SetParity`] | [`Plan`] |
//! | `GET /api/v1/keyring` | | [`Keyring`] |
//! | `POST /api/v1/keyring` | [`CreateEncryptionKey`] | [`EncryptionKey`] |
//! | `POST /api/v1/keyring/{id}/rotate`, `enable`, `disable`, `keep` | `{}` | [`EncryptionKey`] |
//! | `POST /api/v1/keyring/{id}/delete` | [`DeleteEncryptionKey`] | [`EncryptionKey`] |
//! | `GET /api/v1/accounts` | | [`AccountList`] |
//! | `POST /api/v1/accounts` | [`AddAccount`] | [`NewKey`] |
//! | `POST /api/v1/accounts/{id}/remove` | [`Nothing`] | [`Done`] |
//! | `GET /api/v1/keys` | | [`KeyList`] |
//! | `POST /api/v1/keys` | [`AddKey`] | [`NewKey`] |
//! | `POST /api/v1/keys/{key}/disable`, `enable`, `remove` | [`Nothing`] | [`Done`] |
//! | `POST /api/v1/import/minio-iam?dry_run=...` | a ZIP | [`ImportReport`](crate::types::ImportReport) |
//! | `POST /api/v1/buckets/{name}/search` | [`SetSearch`] | [`SearchState`] |
//! | `POST /api/v1/buckets/{name}/quota` | [`SetQuota`] | [`QuotaState`] |
//! | `GET /api/v1/risk?after=...&max=...` | | [`RiskPage`] |
//!
//! A request that is not done is answered by a 4xx or 5xx status and a [`Failure`].
//!
//! Who reads must bear a server of another version: fields that came later have a default, and fields
//! that are not known are passed over. A request, on the other hand, is refused when it says what the
//! server does not know, because it might be what mattered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Health;
use crate::types::{Secret, Why};

/// Bytes of the body of a request.
pub const REQUEST_BYTES_MAX: usize = 64 << 10;

/// Entries of one page of objects at risk.
pub const RISK_PAGE_MAX: usize = 1000;

/// Everything known of the deployment.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// The version that runs.
    pub version: String,
    /// The deployment's id.
    pub deployment: String,
    /// Region that clients sign for.
    pub region: String,
    /// Time since the start.
    pub uptime_seconds: u64,
    /// Whether it can serve, and with what redundancy.
    pub health: Health,
    /// Data shards of a stripe.
    pub data_shards: u8,
    /// Parity shards of a stripe.
    pub parity_shards: u8,
    /// Shards known to be missing or bad.
    pub pending_heals: u64,
    /// Every drive that is known.
    pub drives: Vec<DriveReport>,
    /// Every bucket.
    pub buckets: Vec<BucketReport>,
    /// How many objects could bear how much loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redundancy: Option<Redundancy>,
    /// Background work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub work: Vec<Work>,
}

/// One drive.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct DriveReport {
    /// Its place in the deployment.
    pub slot: u16,
    /// Path, or node and path.
    pub label: String,
    /// It takes operations.
    pub up: bool,
    /// Size of its file system.
    pub total_bytes: u64,
    /// Bytes that may still be written.
    pub free_bytes: u64,
    /// Which drive it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drive_id: Option<String>,
    /// What it is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<DriveCondition>,
    /// Bytes of shards on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_bytes: Option<u64>,
    /// The node that serves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The zone that the node is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// What a drive is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriveCondition {
    /// It takes new shards.
    Active,
    /// Its shards move to others; it takes no new ones.
    Draining,
    /// It is new in its slot and receives what it should hold.
    Refilling,
    /// It takes no operations.
    Down,
    /// Something that this version has no word for.
    #[serde(other)]
    Unknown,
}

/// One bucket.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct BucketReport {
    /// Its name.
    pub name: String,
    /// Objects in it.
    pub objects: u64,
    /// Bytes of those objects, as clients see them.
    pub bytes: u64,
    /// Bytes of all their versions, which is what a quota bounds.
    #[serde(default)]
    pub stored_bytes: u64,
    /// Its quota in bytes; none where it may hold any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<u64>,
    /// Data shards of a stripe of its new objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_shards: Option<u8>,
    /// Parity shards of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parity_shards: Option<u8>,
    /// That is the bucket's own parity, and not the deployment's.
    #[serde(default)]
    pub own_parity: bool,
    /// What has another parity and is to be encoded anew.
    #[serde(default)]
    pub to_recode: Tally,
    /// Its objects on drives whose storage class has another parity than the bucket.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassReport>,
}

/// The objects of one storage class in a bucket, versions included.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ClassReport {
    /// The class, by its name in S3.
    pub class: String,
    /// Data shards of a stripe.
    pub data_shards: u8,
    /// Parity shards of it.
    pub parity_shards: u8,
    /// Objects of the class on drives.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The answer of `GET /api/v1/events`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct EventList {
    /// Events that may wait for one target; then the oldest is dropped.
    pub pending_max: u64,
    /// By ARN.
    pub targets: Vec<EventTarget>,
}

/// Somebody who is told of changes.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct EventTarget {
    /// The name by which buckets know it.
    pub arn: String,
    /// The operator configured it; events for one that is not wait until they are too old.
    pub configured: bool,
    /// Where it takes events.
    pub endpoint: String,
    /// Events that wait.
    pub pending: u64,
    /// Events that it took.
    pub delivered: u64,
    /// Events that it will never be told of: too many, or too old.
    pub dropped: u64,
    /// Attempts that failed since the start.
    pub failures: u64,
    /// For how long the first event that waits has waited.
    pub lag_seconds: u64,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The answer of `GET /api/v1/buckets`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct BucketList {
    /// By name.
    pub buckets: Vec<BucketReport>,
}

/// Gives a bucket a parity.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetParity {
    /// Data and parity shards as `4+2`, or `default` for the deployment's.
    pub parity: String,
    /// Only plan.
    #[serde(default)]
    pub dry_run: bool,
}

/// The body of `POST /api/v1/buckets/{name}/search`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSearch {
    /// The bucket has a search index from now on, or has none.
    pub enabled: bool,
}

/// Whether a bucket can be searched.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SearchState {
    /// Its name.
    pub bucket: String,
    /// It has a search index.
    pub enabled: bool,
}

/// The body of `POST /api/v1/buckets/{name}/quota`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetQuota {
    /// Bytes that all versions in the bucket may have together, from now on; `null` for any number.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schemars(required, extend("type" = ["integer", "null"]))]
    pub bytes: Option<u64>,
}

/// How many bytes a bucket may hold.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct QuotaState {
    /// Its name.
    pub bucket: String,
    /// Bytes that all versions in it may have together; none for any number.
    pub bytes: Option<u64>,
    /// Bytes that they have.
    pub used: u64,
}

/// Objects by what stands between them and loss.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Redundancy {
    /// Every shard is in its place.
    pub full: Tally,
    /// Shards are missing, and at least one more may be lost.
    pub reduced: Tally,
    /// Readable, and not after the loss of one more shard.
    pub zero_margin: Tally,
    /// Too few shards are left, or can be reached now.
    pub unreadable: Tally,
    /// Drives that may fail before the metadata is in danger.
    pub metadata_spare: u64,
    /// Nodes that may fail at once, whichever they are, with everything read and changed still; only in a cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes_that_may_fail: Option<u64>,
    /// The same for zones, where nodes name theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zones_that_may_fail: Option<u64>,
}

/// A number of objects and of their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Background work of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Work {
    /// `heal`, `scrub`, `gc`, `rebalance`, `recode`.
    pub name: String,
    /// Whether it is under way.
    pub state: WorkState,
    /// What is done, in units.
    #[serde(default)]
    pub done: u64,
    /// What there is to do, with what is done; 0 where that is not known.
    #[serde(default)]
    pub total: u64,
    /// `shards` or `bytes`.
    #[serde(default)]
    pub unit: String,
    /// Units a second.
    #[serde(default)]
    pub per_second: f64,
    /// How long it will take, as far as can be told.
    #[serde(default)]
    pub eta_seconds: Option<u64>,
    /// What it found: shards missing or bad.
    #[serde(default)]
    pub found: u64,
    /// A sentence.
    #[serde(default)]
    pub detail: String,
}

/// Whether background work is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkState {
    /// Nothing to do.
    Idle,
    /// Under way.
    Running,
    /// There is something to do that cannot be done now.
    Waiting,
    /// Somebody asked for a pause.
    Paused,
    /// Something that this version has no word for.
    #[serde(other)]
    Unknown,
}

/// The answer of `GET /api/v1/drives`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct DriveList {
    /// By slot.
    pub drives: Vec<DriveReport>,
}

/// The answer of `GET /api/v1/nodes`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct NodeList {
    /// By address.
    pub nodes: Vec<NodeReport>,
}

/// One storage node.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct NodeReport {
    /// `host:port`.
    pub address: String,
    /// The zone that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// It can be reached.
    pub up: bool,
    /// Slots of its drives.
    #[serde(default)]
    pub slots: Vec<u16>,
    /// What it is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<DriveCondition>,
    /// Size of its drives.
    #[serde(default)]
    pub total_bytes: u64,
    /// Bytes that may still be written to them.
    #[serde(default)]
    pub free_bytes: u64,
}

/// Adds a drive to the deployment.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddDrive {
    /// Its folder, or node and folder.
    pub location: String,
    /// Only plan.
    #[serde(default)]
    pub dry_run: bool,
}

/// Drains, removes or replaces a drive.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeDrive {
    /// Where the new drive is, for `replace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Only plan.
    #[serde(default)]
    pub dry_run: bool,
}

/// The answer of `GET /api/v1/keyring`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Keyring {
    /// The key that the named ones are sealed under is missing or another: they cannot be used.
    #[serde(default)]
    pub locked: bool,
    /// By name.
    pub keys: Vec<EncryptionKey>,
}

/// A named key that objects are encrypted under. What it seals with is never shown.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct EncryptionKey {
    /// Its name.
    pub id: String,
    /// The day it was made, as `2026-01-31`; of one that is deleted nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The day it was last rotated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated: Option<String>,
    /// How many versions it has; the newest seals.
    pub versions: u64,
    /// It may be used.
    pub enabled: bool,
    /// What it is.
    pub state: EncryptionKeyState,
    /// The day on which it is deleted, if it waits for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<String>,
}

/// What a named key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EncryptionKeyState {
    /// It may be used.
    Enabled,
    /// It may not be used.
    Disabled,
    /// Nor may this one, which is to be deleted.
    PendingDeletion,
    /// What was under it is lost.
    Deleted,
    /// Of a newer server.
    #[serde(other)]
    Unknown,
}

/// Has a named key deleted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteEncryptionKey {
    /// Days until then, from 7 to 30; 30 if none are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u64>,
}

/// Makes a named key.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateEncryptionKey {
    /// Its name.
    pub id: String,
}

/// Adds the drives of a storage node.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddNode {
    /// `host:port`.
    pub address: String,
    /// Only plan.
    #[serde(default)]
    pub dry_run: bool,
}

/// Drains or removes the drives of a storage node.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeNode {
    /// Only plan.
    #[serde(default)]
    pub dry_run: bool,
}

/// Evens out how full the drives are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rebalance {
    /// End what is under way instead.
    #[serde(default)]
    pub stop: bool,
    /// Only plan.
    #[serde(default)]
    pub dry_run: bool,
}

/// Reads every shard now, without waiting for its turn.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scrub {
    /// Only plan.
    #[serde(default)]
    pub dry_run: bool,
}

/// Rebuilds what is missing now, what waits for a drive too, or pauses that for some time.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Heal {
    /// Seconds to pause for, 86,400 at most; 0 ends a pause.
    #[serde(default)]
    pub pause_seconds: u64,
    /// Only plan.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a change amounts to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Plan {
    /// Bytes of shards that move.
    pub bytes_to_move: u64,
    /// How many shards those are.
    pub shards_to_move: u64,
    /// About how long that takes.
    pub seconds: u64,
    /// A sentence on the redundancy as it is.
    pub now: String,
    /// While the change is under way.
    pub during: String,
    /// When it is done.
    pub after: String,
    /// The change is under way; false for a plan alone, and where there is nothing to do.
    pub started: bool,
    /// What else the operator should know.
    pub notes: Vec<String>,
}

/// Objects that are not at full redundancy, the least safe first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct RiskPage {
    /// Some of them.
    pub objects: Vec<ObjectAtRisk>,
    /// What to ask after for the next ones; none at the end.
    #[serde(default)]
    pub next: Option<String>,
}

/// An object that is not at full redundancy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectAtRisk {
    /// Where.
    pub bucket: String,
    /// Where in it.
    pub key: String,
    /// Its length.
    pub bytes: u64,
    /// Shards that may still be lost; below 0 where it cannot be read.
    pub margin: i32,
}

/// Which objects at risk are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RiskQuery {
    /// The `next` of the page before; empty for the first.
    pub after: String,
    /// At most so many.
    pub max: usize,
}

/// One account.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct AccountReport {
    /// Its 12 digits.
    pub id: String,
    /// Its 64 hexadecimal digits.
    pub canonical_id: String,
    /// A name for people.
    pub name: String,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Buckets that it owns.
    pub buckets: u64,
}

/// The answer of `GET /api/v1/accounts`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct AccountList {
    /// The first account, then the others by name.
    pub accounts: Vec<AccountReport>,
}

/// Makes an account with its first access key.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddAccount {
    /// Its name.
    pub name: String,
    /// Its address, by which ACLs may name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// One access key, without its secret.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct KeyReport {
    /// The key.
    pub access_key: String,
    /// Its account.
    pub account: String,
    /// Whether it is believed.
    pub active: bool,
}

/// The answer of `GET /api/v1/keys`. The pair of the configuration is not among them.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct KeyList {
    /// By account, then by age.
    pub keys: Vec<KeyReport>,
}

/// Gives an account one more access key.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddKey {
    /// The account's 12 digits.
    pub account: String,
}

/// A pair that was made. This is the only time that its secret is shown.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct NewKey {
    /// The account's 12 digits.
    pub account: String,
    /// The access key.
    pub access_key: String,
    /// Its secret.
    #[schemars(with = "String")]
    pub secret_key: Secret,
}

/// A request that needs no more words than its path.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// It was done.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Done {
    /// True.
    #[serde(default)]
    pub done: bool,
}

/// Why a request was not done.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// A sentence with the remedy.
    pub error: String,
    /// In one word, for programs.
    #[serde(default)]
    pub code: String,
}

/// Identity providers by whom people sign in.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct SsoProviders {
    /// They.
    pub providers: Vec<SsoProvider>,
    /// Whether names and passwords of a directory (LDAP) are taken too.
    pub ldap: bool,
}

/// An identity provider.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SsoProvider {
    /// Its name in paths.
    pub id: String,
    /// Its name for people.
    pub name: String,
}

/// The body of `POST /api/v1/presign`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Presign {
    /// What may be done.
    pub method: PresignMethod,
    /// In which bucket.
    pub bucket: String,
    /// To which key.
    pub key: String,
    /// To which version.
    #[serde(default)]
    pub version_id: Option<String>,
    /// For how long, from 1 second to 7 days.
    pub expires_seconds: u64,
    /// The `content-disposition` that the answer shall have.
    #[serde(default)]
    pub response_content_disposition: Option<String>,
}

/// What a presigned URL may be good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum PresignMethod {
    /// Reading the object.
    Get,
    /// Storing it.
    Put,
}

/// A URL that lets anybody who has it do one thing.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PresignedUrl {
    /// The URL.
    pub url: String,
    /// Until when it is good.
    pub expires: String,
}

/// The answer of `GET /api/v1/usage`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// The buckets that the caller may list, by name.
    pub buckets: Vec<BucketUsage>,
    /// No bucket of the caller's account is missing there; false also where the caller may not know that.
    pub complete: bool,
}

/// What is in a bucket, and how it is set up.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct BucketUsage {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: String,
    /// Objects in it.
    pub objects: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Versions that are no longer current.
    pub versions: u64,
    /// Bytes of those.
    pub version_bytes: u64,
    /// Delete markers.
    pub delete_markers: u64,
    /// `unversioned`, `enabled` or `suspended`.
    pub versioning: String,
    /// It has Object Lock.
    pub object_lock: bool,
    /// It has a search index.
    pub searchable: bool,
    /// How new objects are encrypted: `AES256`, `aws:kms`; none where they are not.
    pub encryption: Option<String>,
    /// Its policy or ACL opens something to everybody.
    pub public: bool,
    /// Bytes that all versions in it may have together; none where any number is allowed.
    pub quota: Option<u64>,
}

/// The answer of `GET /api/v1/objects`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ObjectPlaces {
    /// The object's length.
    pub size: u64,
    /// Its bytes are in the metadata, which has a copy on every drive.
    pub in_metadata: bool,
    /// How it is encoded; the first part's, should they differ.
    pub scheme: Option<ObjectScheme>,
    /// Its parts.
    pub parts: Vec<ObjectPart>,
    /// The drives with shards of it.
    pub shards: Vec<ObjectShard>,
    /// Losses that it bears for certain; below 0 where it cannot be read now.
    pub margin: i32,
}

/// Data and parity shards of a stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectScheme {
    /// Shards of data.
    pub data: u8,
    /// Shards of parity.
    pub parity: u8,
}

/// A part of an object, as it was uploaded.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ObjectPart {
    /// Bytes of it that are stored.
    pub size: u64,
    /// Stripes of those.
    pub stripes: u64,
    /// How each is encoded.
    pub scheme: ObjectScheme,
}

/// What a drive holds of an object.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ObjectShard {
    /// The drive's slot.
    pub drive: u16,
    /// Its path.
    pub label: String,
    /// Its node.
    pub node: Option<String>,
    /// How that is.
    pub state: ShardState,
    /// Parts of which it holds a shard, or should.
    pub count: u64,
    /// Those of them that are missing.
    pub missing: u64,
}

/// How what a drive holds is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShardState {
    /// All of it is there.
    Ok,
    /// Some is to be rebuilt.
    Missing,
    /// The drive cannot be read.
    Down,
    /// Something that this version has no word for.
    #[serde(other)]
    Unknown,
}

/// The answer of `GET /api/v1/requests`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct RequestPage {
    /// What to ask `after` for those that come next.
    pub next: u64,
    /// In the order in which they ended.
    pub requests: Vec<RequestReport>,
}

/// A request that this gateway has answered.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RequestReport {
    /// Its number on this gateway.
    pub seq: u64,
    /// When it came.
    pub at: String,
    /// Its id.
    pub request_id: String,
    /// Its method.
    pub method: String,
    /// What it was, as metrics name it.
    pub operation: String,
    /// For which bucket.
    pub bucket: Option<String>,
    /// For which key.
    pub key: Option<String>,
    /// The status of its answer.
    pub status: u16,
    /// The code of the error that it was answered with.
    pub error_code: Option<String>,
    /// The ARN of who made it.
    pub caller: Option<String>,
    /// Where it came from.
    pub address: String,
    /// Microseconds from its head to the end of its answer.
    pub took_us: u64,
    /// Bytes of the answer's body.
    pub sent: u64,
    /// Bytes of its own body.
    pub received: u64,
    /// Why it was denied, where that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
}

/// The answer of `GET /api/v1/history`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// Seconds from one point to the next.
    pub step_seconds: u64,
    /// The oldest first.
    pub points: Vec<HistoryPoint>,
}

/// What happened in one step.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct HistoryPoint {
    /// Its end.
    pub at: String,
    /// Requests answered.
    pub requests: u64,
    /// Those with a 4xx.
    pub refused: u64,
    /// Those with a 5xx.
    pub errors: u64,
    /// Bytes of answers.
    pub sent: u64,
    /// Bytes of request bodies.
    pub received: u64,
    /// Half of the requests took no longer; none where there were none.
    pub p50_ms: Option<f64>,
    /// 99 of 100 took no longer.
    pub p99_ms: Option<f64>,
    /// Bytes that are used on the drives, by whatever.
    pub used: u64,
    /// Bytes that the drives have.
    pub capacity: u64,
}

/// The answer of `GET /api/v1/settings`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// By name.
    pub settings: Vec<Setting>,
}

/// A setting that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Setting {
    /// Its name, as in the file.
    pub name: String,
    /// Its value; none where it is a secret or has none.
    pub value: Option<String>,
    /// `flag`, `variable`, `file` or `default`.
    pub origin: String,
}

/// The body of `POST /api/v1/session`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartSession {
    /// An access key of anybody.
    pub access_key: String,
    /// Its secret.
    #[schemars(with = "String")]
    pub secret_key: Secret,
}

/// The body of `POST /api/v1/session/ldap`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartLdapSession {
    /// A name that the directory knows.
    pub user_name: String,
    /// Its password.
    #[schemars(with = "String")]
    pub password: Secret,
}

/// Who is signed in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// With which access key.
    pub access_key: String,
    /// Of which account.
    pub account: SessionAccount,
    /// As whom.
    pub arn: String,
    /// Of a user, its name.
    pub user_name: Option<String>,
    /// It is the root of the first account, who may do everything.
    pub is_root: bool,
    /// When the session ends; none where a pair is sent each time.
    pub expires: Option<String>,
    /// What the header `x-holdfast-csrf` of each change must have.
    pub csrf: Option<String>,
    /// The region that signatures name.
    pub region: String,
    /// Of the server.
    pub version: String,
    /// Where S3 is served, as who asks can reach it.
    pub s3_url: String,
    /// The actions of the admin API that it may perform.
    pub allowed: Vec<String>,
}

/// An account, as a session names it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SessionAccount {
    /// Its 12 digits.
    pub id: String,
    /// A name for people.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_without_the_later_fields_is_read() {
        let drive: DriveReport = serde_json::from_str(
            r#"{"slot":1,"label":"d","up":true,"total_bytes":2,"free_bytes":1,"colour":"red"}"#,
        )
        .unwrap();
        assert_eq!((drive.slot, drive.state, drive.held_bytes), (1, None, None));
        let odd: DriveReport = serde_json::from_str(
            r#"{"slot":1,"label":"d","up":true,"total_bytes":2,"free_bytes":1,"state":"asleep"}"#,
        )
        .unwrap();
        assert_eq!(odd.state, Some(DriveCondition::Unknown));
        let work: Work = serde_json::from_str(r#"{"name":"gc","state":"idle"}"#).unwrap();
        assert_eq!((work.state, work.eta_seconds), (WorkState::Idle, None));
    }

    #[test]
    fn a_request_with_an_unknown_word_is_refused() {
        assert!(serde_json::from_str::<AddDrive>(r#"{"location":"d","dryrun":true}"#).is_err());
        assert!(!serde_json::from_str::<AddDrive>(r#"{"location":"d"}"#).unwrap().dry_run);
    }
}
