//! What a gateway remembers of its drives, in `drives.json` of its state folder: where they are.
//!
//! The drives themselves know it better. This is for a start at which too few of the nodes that are named answer
//! to tell of the others, and for a drive that was formatted just before the gateway died: it is noted before it
//! is formatted, so the next start finds it. What is written here is only where to look.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::types::DeploymentId;

const FILE: &str = "drives.json";

/// The drives of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    deployment: String,
    pub(super) drives: Vec<RememberedDrive>,
}

/// Where a drive is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RememberedDrive {
    /// Node and path.
    pub(super) location: String,
    /// The zone that the node was in.
    pub(super) zone: String,
}

impl Remembered {
    pub(super) fn new(deployment: DeploymentId, drives: Vec<RememberedDrive>) -> Self {
        Self { deployment: deployment.to_string(), drives }
    }

    /// Whose drives these are.
    pub(super) fn deployment(&self) -> Option<DeploymentId> {
        DeploymentId::parse(&self.deployment)
    }
}

/// The file.
#[derive(Debug)]
pub(super) struct Memory(PathBuf);

impl Memory {
    pub(super) fn in_folder(state: &Path) -> Self {
        Self(state.join(FILE))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// What was written last; nothing where that cannot be read, as it can be done without.
    pub(super) fn read(&self) -> Option<Remembered> {
        let text = std::fs::read(&self.0).ok()?;
        let parsed = serde_json::from_slice(&text);
        parsed.inspect_err(|error| tracing::warn!(path = %self.0.display(), %error, "not understood")).ok()
    }

    /// Writes it anew, durably; a crash leaves the old text or the new one.
    pub(super) fn write(&self, remembered: &Remembered) -> std::io::Result<()> {
        let text = serde_json::to_vec_pretty(remembered).expect("plain fields serialize");
        let folder = self.0.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let draft = self.0.with_extension("tmp");
        std::fs::write(&draft, text)?;
        std::fs::File::open(&draft)?.sync_all()?;
        std::fs::rename(&draft, &self.0)?;
        std::fs::File::open(folder)?.sync_all()
    }
}
