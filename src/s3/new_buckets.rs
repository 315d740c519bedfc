//! What a bucket is like about which its maker said nothing.

use serde_json::{Value, json};

use crate::types::ConfigurationKind;

/// What a new bucket is like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NewBuckets {
    /// ACLs can be used, and what somebody stores is theirs. Nothing is public until somebody says so.
    #[default]
    Acls,
    /// As on AWS since April 2023: no ACLs, and nothing can be made public.
    Closed,
}

impl NewBuckets {
    /// The documents that say so, as they are kept.
    pub fn configurations(self) -> Vec<(ConfigurationKind, Value)> {
        match self {
            Self::Acls => Vec::new(),
            Self::Closed => {
                let ownership = json!({ "Rule": [{ "ObjectOwnership": "BucketOwnerEnforced" }] });
                let block = json!({
                    "BlockPublicAcls": true,
                    "IgnorePublicAcls": true,
                    "BlockPublicPolicy": true,
                    "RestrictPublicBuckets": true,
                });
                vec![
                    (ConfigurationKind::OwnershipControls, ownership),
                    (ConfigurationKind::PublicAccessBlock, block),
                ]
            }
        }
    }
}
