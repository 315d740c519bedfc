//! Storage classes of S3. How each is encoded: see `encoding`.

use serde::{Deserialize, Serialize};

/// The class of an object. Here each is read at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StorageClass {
    /// The usual one.
    #[default]
    Standard,
    /// Fewer copies on AWS; less parity here.
    ReducedRedundancy,
    /// Seldom read.
    StandardIa,
    /// Moved by AWS as it is read.
    IntelligentTiering,
    /// Seldom read, in one zone.
    OnezoneIa,
    /// Archived, but read at once.
    GlacierIr,
}

impl StorageClass {
    /// All of them, in the order in which lifecycle rules may take an object from one to another.
    pub const ALL: [Self; 6] = [
        Self::Standard,
        Self::ReducedRedundancy,
        Self::StandardIa,
        Self::IntelligentTiering,
        Self::OnezoneIa,
        Self::GlacierIr,
    ];

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::ReducedRedundancy => "REDUCED_REDUNDANCY",
            Self::StandardIa => "STANDARD_IA",
            Self::IntelligentTiering => "INTELLIGENT_TIERING",
            Self::OnezoneIa => "ONEZONE_IA",
            Self::GlacierIr => "GLACIER_IR",
        }
    }

    /// The class of this name; `None` for those that would have to be restored before they are read.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}
