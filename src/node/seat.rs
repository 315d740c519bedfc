//! A drive of a node that a gateway uses, and whether the node serves it now.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::types::DriveId;

/// What the node of a drive is asked again and again: after it was away it must open the drive first.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) drive: DriveId,
    pub(super) path: String,
    served: AtomicBool,
    /// How often the node stopped serving it while the node itself could be reached.
    outages: AtomicU64,
}

impl Seat {
    /// A drive that its node has open.
    pub(super) fn served(drive: DriveId, path: String) -> Self {
        Self { drive, path, served: AtomicBool::new(true), outages: AtomicU64::new(0) }
    }

    /// A drive that is waited for.
    pub(super) fn awaited(drive: DriveId, path: String) -> Self {
        Self { drive, path, served: AtomicBool::new(false), outages: AtomicU64::new(0) }
    }

    pub(super) fn is_served(&self) -> bool {
        self.served.load(Ordering::Relaxed)
    }

    pub(super) fn outages(&self) -> u64 {
        self.outages.load(Ordering::Relaxed)
    }

    /// What the node says of it.
    pub(super) fn note(&self, served: bool) {
        if self.served.swap(served, Ordering::Relaxed) && !served {
            self.outages.fetch_add(1, Ordering::Relaxed);
        }
    }
}
