//! Buckets and objects as the console shows them. Which ones the caller may see was asked before.

use super::api::{BucketUsage, ObjectPart, ObjectPlaces, ObjectScheme, ObjectShard, ShardState};
use super::service::Service;
use crate::object::{BucketInfo, BucketRules, HoldingDrive, ObjectShards, Piece};
use crate::types::{Scheme, Versioning};

impl Service {
    /// What is in these buckets, and how they are set up.
    pub fn usage(&self, buckets: &[BucketInfo]) -> Vec<BucketUsage> {
        buckets.iter().map(|bucket| self.bucket_usage(bucket)).collect()
    }

    fn bucket_usage(&self, bucket: &BucketInfo) -> BucketUsage {
        let rules = self.engine.bucket_rules(&bucket.name);
        let rules = rules.as_deref();
        let encryption = rules.and_then(|rules| rules.encryption.as_ref()?.rules.first());
        let encryption = encryption.and_then(|rule| rule.apply_server_side_encryption_by_default.as_ref());
        BucketUsage {
            name: bucket.name.to_string(),
            created: bucket.created.iso(),
            objects: bucket.objects,
            bytes: bucket.bytes,
            versions: bucket.versions,
            version_bytes: bucket.version_bytes,
            delete_markers: bucket.markers,
            versioning: match bucket.versioning {
                Versioning::Unversioned => "unversioned".into(),
                Versioning::Enabled => "enabled".into(),
                Versioning::Suspended => "suspended".into(),
            },
            object_lock: bucket.lock.is_some(),
            searchable: rules.is_some_and(|rules| rules.search),
            encryption: encryption.map(|default| default.algorithm.clone()),
            public: rules.is_some_and(is_public),
            quota: rules.and_then(|rules| rules.quota).map(|quota| quota.bytes),
        }
    }
}

/// Whether policy or ACL open something to everybody, as far as the public access block lets them.
fn is_public(rules: &BucketRules) -> bool {
    let access = &rules.access;
    let by_policy = access.policy.as_ref().is_some_and(|policy| policy.is_public());
    let by_acl = access.acl.as_ref().is_some_and(|acl| acl.is_public());
    (by_policy && !access.block.restrict_public_buckets) || (by_acl && !access.block.ignore_public_acls)
}

/// Where an object is.
impl From<ObjectShards> for ObjectPlaces {
    fn from(object: ObjectShards) -> Self {
        Self {
            size: object.size,
            in_metadata: object.pieces.is_empty(),
            scheme: object.pieces.first().map(|piece| scheme(piece.scheme)),
            parts: object.pieces.iter().map(part).collect(),
            shards: object.drives.into_iter().map(shard).collect(),
            margin: object.margin,
        }
    }
}

fn scheme(Scheme { data, parity }: Scheme) -> ObjectScheme {
    ObjectScheme { data, parity }
}

fn part(piece: &Piece) -> ObjectPart {
    ObjectPart { size: piece.size, stripes: piece.stripes, scheme: scheme(piece.scheme) }
}

fn shard(drive: HoldingDrive) -> ObjectShard {
    ObjectShard {
        drive: drive.slot.0,
        label: drive.label,
        node: Some(drive.node).filter(|node| !node.is_empty()),
        state: match (drive.up, drive.missing) {
            (false, _) => ShardState::Down,
            (true, 0) => ShardState::Ok,
            (true, _) => ShardState::Missing,
        },
        count: drive.shards,
        missing: drive.missing,
    }
}
