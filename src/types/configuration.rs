//! What a bucket can be configured with: the documents that S3 keeps as its sub-resources.

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $ids_max:expr;)+) => {
        /// A kind of configuration. The log names kinds by their order: new ones go to the end.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ConfigurationKind { $($(#[$doc])* $variant),+ }

        impl ConfigurationKind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name, which is that of the sub-resource.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// How many a bucket may have, each under an id; those of which there is one alone have the empty id.
            pub const fn ids_max(self) -> usize {
                match self { $(Self::$variant => $ids_max),+ }
            }
        }
    };
}

/// Configurations of one kind that a bucket may have where each has an id.
const IDS_MAX: usize = 1000;

kinds! {
    /// Transfer acceleration.
    Accelerate = "accelerate", 1;
    /// Storage class analysis.
    Analytics = "analytics", IDS_MAX;
    /// Which web pages may use the bucket.
    Cors = "cors", 1;
    /// Encryption of new objects.
    Encryption = "encryption", 1;
    /// Archive tiers of Intelligent-Tiering.
    IntelligentTiering = "intelligent-tiering", IDS_MAX;
    /// Lists of the objects, made on a schedule.
    Inventory = "inventory", IDS_MAX;
    /// What happens to objects as they age.
    Lifecycle = "lifecycle", 1;
    /// Where the log of requests goes.
    Logging = "logging", 1;
    /// Metrics of requests.
    Metrics = "metrics", IDS_MAX;
    /// Who is told of changes.
    Notification = "notification", 1;
    /// Who owns what others upload.
    OwnershipControls = "ownershipControls", 1;
    /// Who may do what.
    Policy = "policy", 1;
    /// What policies and ACLs may not grant.
    PublicAccessBlock = "publicAccessBlock", 1;
    /// Where objects are copied to.
    Replication = "replication", 1;
    /// Who pays for requests.
    RequestPayment = "requestPayment", 1;
    /// Tags of the bucket.
    Tagging = "tagging", 1;
    /// How the bucket is served as a website.
    Website = "website", 1;
    /// What is granted to whom.
    Acl = "acl", 1;
    /// It can be searched.
    Search = "search", 1;
    /// How many bytes it may hold.
    Quota = "quota", 1;
}

/// Which configuration of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationKey {
    /// Its kind.
    pub kind: ConfigurationKind,
    /// Its id; empty where a bucket has one of this kind alone.
    pub id: String,
}

impl From<ConfigurationKind> for ConfigurationKey {
    fn from(kind: ConfigurationKind) -> Self {
        Self { kind, id: String::new() }
    }
}
