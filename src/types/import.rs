use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What came of taking over the users, groups and policies of another server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportReport {
    /// It was only tried: nothing was changed.
    #[serde(default)]
    pub dry_run: bool,
    /// Everything that the archive has, each with what came of it.
    pub items: Vec<ImportItem>,
}

/// Something that an archive has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportItem {
    /// What it is.
    pub kind: ImportKind,
    /// Its name; of a service account its access key.
    pub name: String,
    /// What came of it.
    pub outcome: ImportOutcome,
    /// What is not as it was there, and why; a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What an archive has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportKind {
    /// A managed policy.
    Policy,
    /// A user, with its access key.
    User,
    /// A group of users.
    Group,
    /// An access key of a program.
    ServiceAccount,
    /// Policies of somebody who is neither a user nor a group of the archive.
    Mapping,
    /// A file that is none of those that are known.
    File,
}

impl fmt::Display for ImportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Policy => "policy",
            Self::User => "user",
            Self::Group => "group",
            Self::ServiceAccount => "service account",
            Self::Mapping => "mapping",
            Self::File => "file",
        })
    }
}

/// What came of something in an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportOutcome {
    /// It is here as it was there.
    Imported,
    /// It is here, but for what the notes say.
    ImportedInPart,
    /// It was here before and was left alone.
    Present,
    /// It is not here, for the reason that the notes say.
    Refused,
}

impl fmt::Display for ImportOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Imported => "imported",
            Self::ImportedInPart => "imported in part",
            Self::Present => "left alone",
            Self::Refused => "not imported",
        })
    }
}
