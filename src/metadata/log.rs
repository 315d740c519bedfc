//! The mirrored log: one replica on every drive, one writer.
//!
//! An entry is a batch of mutations at a position (epoch, index). The writer sends it to every replica
//! that is up to date and goes on when all of them have answered, a quorum at least with success. A
//! replica that fails falls behind and takes no entries until it is brought up to date again.
//!
//! Epochs make this safe. The writer begins a new, higher epoch whenever it starts and whenever an entry missed
//! its quorum; the first entry of an epoch supersedes whatever an earlier one left at that index and behind it.
//! Reading the log back, the replica wins that ends with the highest epoch (see [`merge`]).
//!
//! That takes epochs that rise with time: an entry of a minority, made before others that were acknowledged and
//! unseen by their writer, must not have a higher one. So no entry of an epoch is written before a quorum has
//! durably promised the epoch, to this writer alone and above all that were promised before (the terms of Raft,
//! with the vote's second half, that a log be new enough, left to the recovery, which gives the newest to a
//! quorum first). A writer knows what a quorum was promised before it chooses, so it chooses a higher one than
//! any that an entry was ever written in.
//!
//! Quorum: n - m replicas of n (m: parity shards of the deployment), because the product goes on with m
//! drives gone. A start also wants n - m replicas. With m < n/2 any two such sets meet, so what was
//! acknowledged is always found. With m = n/2 (two drives, four, six, eight) they need not: should m
//! drives fail, the others go on and then fail as well, while the first ones come back alone, the
//! deployment would start from what those know. That takes more than m drives lost at once, which is
//! more than is promised; the later epoch wins when all are back.

use std::cmp::Reverse;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::model::{Mutation, NewContent};
use crate::runtime::BoxFuture;
use crate::types::{DriveSlot, LogBounds, LogEntry, LogPosition};

/// Why a replica did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplicaError {
    /// It does not hold these entries or this snapshot.
    #[error("not on this replica")]
    NotFound,
    /// Its log does not continue at this position.
    #[error("the log does not continue here")]
    Gap,
    /// Its drive is full.
    #[error("drive full")]
    NoSpace,
    /// It failed.
    #[error("{0}")]
    Failed(String),
}

/// A replica of the log, with the database copies beside it: what a drive offers the metadata.
pub trait Replica: Send + Sync + std::fmt::Debug {
    /// Which drive it is on.
    fn slot(&self) -> DriveSlot;
    /// False while it takes no operations.
    fn is_up(&self) -> bool;
    /// Appends entries one behind another; durable when answered.
    fn append(&self, entries: Vec<LogEntry>) -> BoxFuture<'_, Result<(), ReplicaError>>;
    /// Where the log begins and ends, and what was promised.
    fn bounds(&self) -> BoxFuture<'_, Result<LogBounds, ReplicaError>>;
    /// Promises an epoch, which no other writer is promised; durable when answered. [`ReplicaError::Gap`] where
    /// this epoch or a later one was promised, or is in the log.
    fn promise(&self, epoch: u64) -> BoxFuture<'_, Result<(), ReplicaError>>;
    /// Some entries from an index on; none at the end.
    fn read(&self, from: u64) -> BoxFuture<'_, Result<Vec<LogEntry>, ReplicaError>>;
    /// Forgets entries below an index.
    fn trim(&self, below: u64) -> BoxFuture<'_, Result<(), ReplicaError>>;
    /// Empties the log; it goes on at this position's index.
    fn reset(&self, next: LogPosition) -> BoxFuture<'_, Result<(), ReplicaError>>;
    /// The log index that the newest database copy includes.
    fn newest_snapshot(&self) -> BoxFuture<'_, Result<Option<u64>, ReplicaError>>;
    /// Writes a piece of a database copy.
    fn write_snapshot(
        &self,
        index: u64,
        offset: u64,
        piece: Bytes,
    ) -> BoxFuture<'_, Result<(), ReplicaError>>;
    /// Makes a written copy durable.
    fn commit_snapshot(&self, index: u64) -> BoxFuture<'_, Result<(), ReplicaError>>;
    /// Reads a piece of a copy; empty at its end.
    fn read_snapshot(&self, index: u64, offset: u64) -> BoxFuture<'_, Result<Bytes, ReplicaError>>;
}

/// What an entry holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Batch<M = Mutation> {
    /// Applied in order; none in the entry that begins an epoch.
    pub(super) mutations: Vec<M>,
}

impl Batch<&Mutation> {
    /// About how long it is when packed.
    pub(super) fn about_bytes(&self) -> usize {
        const MUTATION_BYTES: usize = 512;
        fn payload(mutation: &Mutation) -> usize {
            match mutation {
                Mutation::PutObject { content: NewContent::Inline(data), .. } => data.len(),
                Mutation::OnBehalf { mutation, .. } => payload(mutation),
                _ => 0,
            }
        }
        self.mutations.iter().map(|mutation| MUTATION_BYTES + payload(mutation)).sum()
    }
}

/// The log that several replicas' entries amount to, from `base + 1` on without a gap. `logs`: where each ends
/// altogether, and what was read of it from there on.
///
/// The log that ends with the newest entry is right as far as it goes back: whoever appended that entry had
/// all before it from a quorum, and logs that share an entry are the same up to there. It alone says so. An entry
/// of another log at the same index may have a higher epoch, and never had a quorum: its writer ended, and a
/// start without that drive went on behind what an earlier epoch had left there.
pub(super) fn merge(base: u64, mut logs: Vec<(LogPosition, &[LogEntry])>) -> Vec<LogEntry> {
    logs.sort_by_key(|(end, _)| Reverse(*end));
    let at = |entries: &&[LogEntry], index| {
        let found = entries.binary_search_by_key(&index, |entry| entry.position.index);
        found.ok().map(|place| entries[place].clone())
    };
    let last = logs.iter().find_map(|(_, entries)| entries.last()).map_or(base, |last| last.position.index);
    let mut backwards: Vec<LogEntry> = Vec::new();
    for index in (base + 1..=last).rev() {
        let epoch_max = backwards.last().map_or(u64::MAX, |next| next.position.epoch);
        let mut held = logs.iter().filter_map(|(_, entries)| at(entries, index));
        match held.find(|entry| entry.position.epoch <= epoch_max) {
            Some(entry) => backwards.push(entry),
            None => backwards.clear(),
        }
    }
    backwards.reverse();
    backwards
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::time::Duration;

    use super::*;

    type Answer<'a, T> = BoxFuture<'a, Result<T, ReplicaError>>;

    /// A replica in memory, by the rules of a drive's log.
    #[derive(Debug)]
    pub(crate) struct MemoryReplica {
        slot: DriveSlot,
        state: Mutex<(Vec<LogEntry>, u64)>,
        failing: Mutex<Option<ReplicaError>>,
        delay: Mutex<Duration>,
        is_away: AtomicBool,
        promised: AtomicU64,
    }

    impl MemoryReplica {
        pub(crate) fn holding(slot: u16, positions: &[(u64, u64)]) -> Self {
            let state = Mutex::new((log(positions), 1));
            let (failing, delay, is_away, promised) = Default::default();
            Self { slot: DriveSlot(slot), state, failing, delay, is_away, promised }
        }

        pub(crate) fn positions(&self) -> Vec<LogPosition> {
            self.state.lock().unwrap().0.iter().map(|entry| entry.position).collect()
        }

        /// From now on an append takes so long.
        pub(crate) fn slow_down(&self, delay: Duration) {
            *self.delay.lock().unwrap() = delay;
        }

        /// From now on appends fail so, or work again.
        pub(crate) fn fail(&self, failing: Option<ReplicaError>) {
            *self.failing.lock().unwrap() = failing;
        }

        /// From now on nothing is had of it, or all is again.
        pub(crate) fn go_away(&self, is_away: bool) {
            self.is_away.store(is_away, Ordering::SeqCst);
        }

        fn reach(&self) -> Result<(), ReplicaError> {
            if self.is_up() { Ok(()) } else { Err(ReplicaError::Failed("away".into())) }
        }

        fn append_now(&self, entry: LogEntry) -> Result<(), ReplicaError> {
            self.reach()?;
            if let Some(error) = self.failing.lock().unwrap().clone() {
                return Err(error);
            }
            let (entries, next) = &mut *self.state.lock().unwrap();
            let fits = match entries.last().map(|last| last.position) {
                Some(last) => {
                    (entry.position.index == last.index + 1 && entry.position.epoch >= last.epoch)
                        || (entry.position.index <= last.index && entry.position.epoch > last.epoch)
                }
                None => entry.position.index == *next,
            };
            if !fits {
                return Err(ReplicaError::Gap);
            }
            entries.retain(|other| other.position.index < entry.position.index);
            *next = entry.position.index + 1;
            entries.push(entry);
            Ok(())
        }
    }

    impl Replica for MemoryReplica {
        fn slot(&self) -> DriveSlot {
            self.slot
        }

        fn is_up(&self) -> bool {
            !self.is_away.load(Ordering::SeqCst)
        }

        fn append(&self, entries: Vec<LogEntry>) -> Answer<'_, ()> {
            let delay = *self.delay.lock().unwrap();
            Box::pin(async move {
                if !delay.is_zero() {
                    tokio::time::sleep(delay).await;
                }
                entries.into_iter().try_for_each(|entry| self.append_now(entry))
            })
        }

        fn bounds(&self) -> Answer<'_, LogBounds> {
            Box::pin(async move {
                self.reach()?;
                let (entries, next) = &*self.state.lock().unwrap();
                let [first, last] = [entries.first(), entries.last()].map(|entry| Some(entry?.position));
                let next = last.map_or(*next, |last| last.index + 1);
                Ok(LogBounds { first, last, next, promised: self.promised.load(Ordering::SeqCst) })
            })
        }

        fn promise(&self, epoch: u64) -> Answer<'_, ()> {
            Box::pin(async move {
                self.reach()?;
                let is_higher = self.promised.fetch_max(epoch, Ordering::SeqCst) < epoch;
                if is_higher { Ok(()) } else { Err(ReplicaError::Gap) }
            })
        }

        fn read(&self, from: u64) -> Answer<'_, Vec<LogEntry>> {
            Box::pin(async move {
                self.reach()?;
                let entries = &self.state.lock().unwrap().0;
                if entries.first().is_some_and(|first| from < first.position.index) {
                    return Err(ReplicaError::NotFound);
                }
                Ok(entries.iter().filter(|entry| entry.position.index >= from).take(2).cloned().collect())
            })
        }

        fn trim(&self, below: u64) -> Answer<'_, ()> {
            Box::pin(async move {
                self.state.lock().unwrap().0.retain(|entry| entry.position.index >= below);
                Ok(())
            })
        }

        fn reset(&self, next: LogPosition) -> Answer<'_, ()> {
            Box::pin(async move {
                *self.state.lock().unwrap() = (Vec::new(), next.index);
                Ok(())
            })
        }

        fn newest_snapshot(&self) -> Answer<'_, Option<u64>> {
            Box::pin(async { Ok(None) })
        }

        fn write_snapshot(&self, _: u64, _: u64, _: Bytes) -> Answer<'_, ()> {
            Box::pin(async { Ok(()) })
        }

        fn commit_snapshot(&self, _: u64) -> Answer<'_, ()> {
            Box::pin(async { Ok(()) })
        }

        fn read_snapshot(&self, _: u64, _: u64) -> Answer<'_, Bytes> {
            Box::pin(async { Err(ReplicaError::NotFound) })
        }
    }

    fn log(positions: &[(u64, u64)]) -> Vec<LogEntry> {
        let entry =
            |&(epoch, index)| LogEntry { position: LogPosition { epoch, index }, payload: Bytes::new() };
        positions.iter().map(entry).collect()
    }

    fn merge_whole(base: u64, logs: &[Vec<LogEntry>]) -> Vec<LogEntry> {
        let end = |log: &Vec<LogEntry>| log.last().map_or(LogPosition::default(), |last| last.position);
        merge(base, logs.iter().map(|log| (end(log), log.as_slice())).collect())
    }

    #[test]
    fn the_longest_log_wins_within_an_epoch() {
        let merged = merge_whole(0, &[log(&[(1, 1), (1, 2)]), log(&[(1, 1), (1, 2), (1, 3)]), log(&[])]);
        assert_eq!(merged, log(&[(1, 1), (1, 2), (1, 3)]));
    }

    #[test]
    fn a_later_epoch_supersedes_what_a_lost_quorum_left() {
        // The first replica missed its quorum at 2 and 3, was away, and the others went on in epoch 2.
        let merged = merge_whole(0, &[log(&[(1, 1), (1, 2), (1, 3)]), log(&[(1, 1), (2, 2)])]);
        assert_eq!(merged, log(&[(1, 1), (2, 2)]));
    }

    #[test]
    fn what_the_newest_epoch_was_built_on_counts() {
        // The writer of epoch 2 reached one replica; a start without that one found (1, 2) and began epoch 3 behind it.
        let (built_on, tried) = (log(&[(1, 1), (1, 2), (3, 3)]), log(&[(1, 1), (2, 2), (2, 3), (2, 4)]));
        assert_eq!(merge_whole(0, &[tried.clone(), built_on.clone()]), built_on);
        // Nor while the newest entry is still to be read.
        let read = (LogPosition { epoch: 3, index: 3 }, &built_on[..2]);
        let other = (LogPosition { epoch: 2, index: 4 }, tried.as_slice());
        assert_eq!(merge(0, vec![other, read]), built_on[..2]);
        // What the newest log has no longer, others have, as far as epochs do not fall.
        let old = log(&[(1, 1), (1, 2)]);
        assert_eq!(merge_whole(0, &[log(&[(1, 2), (3, 3)]), tried, old]), built_on);
    }

    #[test]
    fn entries_behind_a_gap_do_not_count() {
        assert_eq!(merge_whole(1, &[log(&[(1, 1), (1, 2), (1, 4)])]), log(&[(1, 2)]));
    }
}
