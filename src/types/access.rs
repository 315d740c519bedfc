//! What bounds who may use a bucket beside its policy and ACL.

use serde::{Deserialize, Serialize};

/// What policies and ACLs may not open to everybody (AWS: "Blocking public access").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PublicAccessBlock {
    /// Public ACLs cannot be set.
    pub block_public_acls: bool,
    /// Public ACLs say nothing.
    pub ignore_public_acls: bool,
    /// Public policies cannot be set.
    pub block_public_policy: bool,
    /// A public policy is for the owner's account alone.
    pub restrict_public_buckets: bool,
}

/// Who owns what others store in a bucket (AWS: "Controlling ownership of objects").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ownership {
    /// Who stored it.
    #[default]
    ObjectWriter,
    /// The bucket's owner, if who stores it grants it full control; else who stored it.
    BucketOwnerPreferred,
    /// The bucket's owner; ACLs say nothing and cannot be set.
    BucketOwnerEnforced,
}

/// Ownership controls as they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "Kept")]
pub struct OwnershipControls(pub Ownership);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Kept {
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    object_ownership: Ownership,
}

impl From<Kept> for OwnershipControls {
    fn from(kept: Kept) -> Self {
        Self(kept.rule.first().map_or(Ownership::default(), |rule| rule.object_ownership))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read() {
        let controls = r#"{"Rule":[{"ObjectOwnership":"BucketOwnerEnforced"}]}"#;
        let controls: OwnershipControls = serde_json::from_str(controls).unwrap();
        assert_eq!(controls.0, Ownership::BucketOwnerEnforced);
        let block = r#"{"BlockPublicAcls":true,"RestrictPublicBuckets":false}"#;
        let block: PublicAccessBlock = serde_json::from_str(block).unwrap();
        assert_eq!(block, PublicAccessBlock { block_public_acls: true, ..PublicAccessBlock::default() });
    }
}
