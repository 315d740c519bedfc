//! The drives of a deployment, as the engine sees them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::erasure::Scheme;
use crate::placement::{self, Candidate};
use crate::shard_store::{Drive, DriveError, Usage};
use crate::types::{BlobId, DriveId, DriveSlot};

use super::api::{Error, Result};

/// How long a drive may take over one operation before it counts as failed for it.
pub(crate) const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);

/// Stripes of all uploads together that are on their way to the drives: enough to keep the drives busy, and
/// the bound of the memory that parity takes.
const STRIPES_IN_FLIGHT_MAX: usize = 16;

/// Drives by slot.
#[derive(Debug)]
pub struct DriveSet {
    scheme: Scheme,
    members: Vec<Member>,
    stripes: Arc<Semaphore>,
}

#[derive(Debug)]
struct Member {
    slot: DriveSlot,
    drive: Arc<dyn Drive>,
    total: AtomicU64,
    free: AtomicU64,
}

/// A drive's state for people and metrics.
#[derive(Debug, Clone)]
pub struct DriveStatus {
    /// Its slot.
    pub slot: DriveSlot,
    /// Path, or node and path.
    pub label: String,
    /// It takes operations.
    pub up: bool,
    /// Size in bytes.
    pub total: u64,
    /// Bytes that may still be written.
    pub free: u64,
}

impl DriveSet {
    /// The drives that are present; those missing are not in the list.
    pub fn new(scheme: Scheme, drives: Vec<(DriveSlot, Arc<dyn Drive>)>) -> Self {
        let member = |(slot, drive)| Member {
            slot,
            drive,
            total: AtomicU64::new(0),
            free: AtomicU64::new(u64::from(u32::MAX)),
        };
        let stripes = Arc::new(Semaphore::new(STRIPES_IN_FLIGHT_MAX));
        Self { scheme, members: drives.into_iter().map(member).collect(), stripes }
    }

    /// How new blobs are erasure-coded.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The drive in a slot, if it is up.
    pub fn up(&self, slot: DriveSlot) -> Option<&Arc<dyn Drive>> {
        self.members.iter().find(|m| m.slot == slot && m.drive.is_up()).map(|m| &m.drive)
    }

    /// Which drive is in which slot, of those that are up.
    pub fn identities(&self) -> Vec<(DriveSlot, DriveId)> {
        self.members.iter().filter(|m| m.drive.is_up()).map(|m| (m.slot, m.drive.id())).collect()
    }

    /// Drives that take operations.
    pub fn up_count(&self) -> usize {
        self.members.iter().filter(|m| m.drive.is_up()).count()
    }

    /// Waits until a stripe may be sent to the drives; held while it is on its way.
    pub(crate) async fn stripe_permit(&self) -> OwnedSemaphorePermit {
        self.stripes.clone().acquire_owned().await.expect("the semaphore is never closed")
    }

    /// Where the shards of a new blob go. With drives down some take two shards.
    pub fn place(&self, blob: BlobId, shards: u8) -> Result<Vec<DriveSlot>> {
        if self.up_count() < usize::from(self.scheme.data) {
            return Err(Error::Unavailable("too few drives are up"));
        }
        let slots = placement::place(&self.candidates(), shards, blob.0 as u64);
        if slots.is_empty() { Err(Error::NoSpace) } else { Ok(slots) }
    }

    /// Whether the drives have room for an object that is kept in the metadata, which is on all of them.
    pub(crate) fn check_room(&self) -> Result<()> {
        let full = self.members.iter().filter(|m| m.free.load(Ordering::Relaxed) == 0).count();
        if full > usize::from(self.scheme.parity) { Err(Error::NoSpace) } else { Ok(()) }
    }

    /// Another place for a shard of a blob whose other shards are at `taken`: a drive that holds none
    /// of them, else, if `share` allows it, the one that holds fewest.
    pub fn place_again(&self, blob: BlobId, taken: &[DriveSlot], share: Sharing) -> Option<DriveSlot> {
        let held = |slot: DriveSlot| taken.iter().filter(|&&other| other == slot).count();
        let mut candidates = self.candidates();
        let fewest = candidates.iter().map(|c| held(c.slot)).min()?;
        if fewest > 0 && share == Sharing::Never {
            return None;
        }
        candidates.retain(|candidate| held(candidate.slot) == fewest);
        placement::place(&candidates, 1, blob.0 as u64).first().copied()
    }

    fn candidates(&self) -> Vec<Candidate> {
        let free = |m: &Member| Candidate { slot: m.slot, free: m.free.load(Ordering::Relaxed) };
        self.members.iter().filter(|m| m.drive.is_up()).map(free).filter(|c| c.free > 0).collect()
    }

    /// Asks every drive for its space.
    pub async fn refresh_usage(&self) {
        for member in self.members.iter().filter(|m| m.drive.is_up()) {
            let usage = within_time(member.drive.usage()).await;
            if let Ok(Usage { total, free, .. }) = usage {
                member.total.store(total, Ordering::Relaxed);
                member.free.store(free, Ordering::Relaxed);
            }
        }
    }

    /// All drives, for people and metrics.
    pub fn status(&self) -> Vec<DriveStatus> {
        let status = |m: &Member| DriveStatus {
            slot: m.slot,
            label: m.drive.label(),
            up: m.drive.is_up(),
            total: m.total.load(Ordering::Relaxed),
            free: m.free.load(Ordering::Relaxed),
        };
        self.members.iter().map(status).collect()
    }
}

/// Whether a drive may take a second shard of one blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Better than no shard at all.
    Allowed,
    /// Not worth the move.
    Never,
}

/// Shards that stand on a drive with another shard of their blob: to be moved once they can.
pub(crate) fn crowded(slots: &[DriveSlot]) -> Vec<u8> {
    (0..slots.len()).filter(|&i| slots[..i].contains(&slots[i])).map(|i| i as u8).collect()
}

/// Bounds one drive operation in time.
pub(crate) async fn within_time<T>(
    operation: impl Future<Output = std::result::Result<T, DriveError>>,
) -> std::result::Result<T, DriveError> {
    let result = tokio::time::timeout(OPERATION_TIMEOUT, operation).await;
    result.unwrap_or_else(|_| Err(DriveError::Offline("timed out".into())))
}
