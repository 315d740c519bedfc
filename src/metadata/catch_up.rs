//! Brings a replica of the log that fell behind up to date.
//!
//! Two logs that hold an entry of the same epoch and index are the same up to there (the log matching
//! property of Raft: an epoch has one writer, and each entry is appended behind the one before it). So it is
//! enough to find the last entry that the replica shares with the log, and to append what follows. What
//! the replica holds behind that was superseded, or is by the next epoch.

use std::sync::Arc;

use super::log::{Replica, ReplicaError};
use crate::types::{LogEntry, LogPosition};

/// How far behind the shorter end a shared entry is looked for. Logs part only where an entry missed its
/// quorum, and then the writer stops until the next epoch.
const LOOK_BACK_ENTRIES: u64 = 64;
/// Most bytes a replica is given; one that lacks more starts anew beside a copy of the database.
const BYTES_MAX: usize = 128 << 20;

/// Bytes of entries that are appended together.
const RUN_BYTES_MAX: usize = 1 << 20;

/// Entries that others wait for until a replica that fell behind has them.
pub(super) const WAIT_ENTRIES_MAX: u64 = 256;

/// How a replica stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has every entry. It may know of this later epoch, which the next epoch must exceed.
    Whole {
        /// That of its newest entry, or that it was promised.
        newest_epoch: u64,
    },
    /// It lacks more entries than it may be given now.
    Far,
    /// It shares no entry with the log, or is blank and nobody has the log from its beginning. It may be
    /// emptied once enough others are whole.
    Apart,
}

/// Gives `replica` the entries up to `end` that it lacks, if they are `max` at most, read from `sources`.
pub(super) async fn catch_up(
    replica: &dyn Replica,
    end: LogPosition,
    sources: &[Arc<dyn Replica>],
    max: u64,
) -> Result<Standing, ReplicaError> {
    let bounds = replica.bounds().await?;
    if end.index.saturating_sub(bounds.last.map_or(bounds.next - 1, |last| last.index)) > max {
        return Ok(Standing::Far);
    }
    let newest_epoch = bounds.last.map_or(0, |last| last.epoch).max(bounds.promised);
    if bounds.last == Some(end) || end.index == 0 {
        return Ok(Standing::Whole { newest_epoch });
    }
    let Some(last) = bounds.last else {
        let is_filled = fill_empty(replica, end, bounds.next, sources).await?;
        return Ok(if is_filled { Standing::Whole { newest_epoch } } else { Standing::Apart });
    };
    let from = last.index.min(end.index).saturating_sub(LOOK_BACK_ENTRIES).max(1);
    let own = read_from(replica, from, end.index).await;
    for source in sources.iter().filter(|source| source.is_up()) {
        let ours = read_from(source.as_ref(), from, end.index).await;
        if ours.last().map(|entry| entry.position) != Some(end) {
            continue;
        }
        let shared = ours.iter().rposition(|entry| own.iter().any(|other| other.position == entry.position));
        if let Some(shared) = shared {
            return match append_all(replica, &ours[shared + 1..]).await {
                Ok(()) => Ok(Standing::Whole { newest_epoch }),
                // It ends with an entry of a later epoch that missed its quorum while it was out of sight.
                Err(ReplicaError::Gap) if last.epoch > end.epoch => Ok(Standing::Apart),
                Err(error) => Err(error),
            };
        }
    }
    Ok(Standing::Apart)
}

/// Gives an empty log all entries up to `end`, where somebody has them all.
async fn fill_empty(
    replica: &dyn Replica,
    end: LogPosition,
    next: u64,
    sources: &[Arc<dyn Replica>],
) -> Result<bool, ReplicaError> {
    for source in sources.iter().filter(|source| source.is_up()) {
        let ours = read_from(source.as_ref(), next, end.index).await;
        let begins = ours.first().is_some_and(|entry| entry.position.index == next);
        if begins && ours.last().is_some_and(|entry| entry.position == end) {
            append_all(replica, &ours).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Empties a replica's log; it goes on behind `end`, and needs a copy of the database to be whole.
pub(super) async fn empty(replica: &dyn Replica, end: LogPosition) -> Result<(), ReplicaError> {
    replica.reset(LogPosition { index: end.index + 1, ..end }).await
}

/// Appends entries, many with one sync.
pub(super) async fn append_all(replica: &dyn Replica, entries: &[LogEntry]) -> Result<(), ReplicaError> {
    let mut run_bytes = 0;
    let in_one_run = |_: &LogEntry, next: &LogEntry| {
        let fits = run_bytes + next.payload.len() <= RUN_BYTES_MAX;
        run_bytes = if fits { run_bytes + next.payload.len() } else { 0 };
        fits
    };
    for run in entries.chunk_by(in_one_run) {
        replica.append(run.to_vec()).await?;
    }
    Ok(())
}

/// A replica's entries of indices `from..=to`, as far as they can be read; too many are as none.
async fn read_from(replica: &dyn Replica, from: u64, to: u64) -> Vec<LogEntry> {
    let mut entries: Vec<LogEntry> = Vec::new();
    let mut bytes = 0;
    let mut at = from;
    while at <= to {
        let Ok(mut more) = replica.read(at).await else { break };
        more.retain(|entry| entry.position.index <= to);
        let Some(last) = more.last() else { break };
        at = last.position.index + 1;
        bytes += more.iter().map(|entry| entry.payload.len()).sum::<usize>();
        if bytes > BYTES_MAX {
            return Vec::new();
        }
        entries.append(&mut more);
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::super::log::tests::MemoryReplica;
    use super::*;

    fn replica(slot: u16, positions: &[(u64, u64)]) -> Arc<MemoryReplica> {
        Arc::new(MemoryReplica::holding(slot, positions))
    }

    async fn run(replica: &MemoryReplica, end: (u64, u64), sources: &[&Arc<MemoryReplica>]) -> Standing {
        let sources: Vec<Arc<dyn Replica>> =
            sources.iter().map(|s| (*s).clone() as Arc<dyn Replica>).collect();
        catch_up(replica, LogPosition { epoch: end.0, index: end.1 }, &sources, u64::MAX).await.unwrap()
    }

    #[tokio::test]
    async fn a_shorter_log_gets_what_it_lacks() {
        let (short, long) = (replica(0, &[(1, 1)]), replica(1, &[(1, 1), (1, 2), (2, 3)]));
        assert_eq!(run(&short, (2, 3), &[&long]).await, Standing::Whole { newest_epoch: 1 });
        assert_eq!(short.positions(), long.positions());
    }

    #[tokio::test]
    async fn a_tail_that_missed_its_quorum_is_superseded() {
        let (stale, good) = (replica(0, &[(1, 1), (1, 2), (1, 3)]), replica(1, &[(1, 1), (2, 2), (2, 3)]));
        assert!(matches!(run(&stale, (2, 3), &[&good]).await, Standing::Whole { .. }));
        assert_eq!(stale.positions(), good.positions());
    }

    #[tokio::test]
    async fn an_entry_of_an_epoch_that_never_opened_costs_nothing() {
        // The writer tried to begin epoch 2 behind (1, 2), and only this replica took the entry.
        let ahead = replica(0, &[(1, 1), (1, 2), (2, 3)]);
        assert_eq!(run(&ahead, (1, 2), &[&ahead]).await, Standing::Whole { newest_epoch: 2 });
        assert_eq!(ahead.positions().len(), 3, "nothing was emptied");
    }

    #[tokio::test]
    async fn a_log_that_shares_nothing_is_left_alone() {
        let (apart, good) = (replica(0, &[(1, 1), (1, 2)]), replica(1, &[(2, 1), (2, 2)]));
        assert_eq!(run(&apart, (2, 2), &[&good]).await, Standing::Apart);
        assert_eq!(apart.positions().len(), 2);
    }

    #[tokio::test]
    async fn a_blank_log_is_filled_from_its_beginning_or_left_alone() {
        let (blank, good) = (replica(0, &[]), replica(1, &[(1, 1), (1, 2)]));
        assert!(matches!(run(&blank, (1, 2), &[&good]).await, Standing::Whole { .. }));
        assert_eq!(blank.positions(), good.positions());
        let (blank, trimmed) = (replica(0, &[]), replica(1, &[(1, 5), (1, 6)]));
        assert_eq!(run(&blank, (1, 6), &[&trimmed]).await, Standing::Apart);
    }

    #[tokio::test]
    async fn a_log_that_ends_in_a_later_epoch_than_what_it_lacks_stands_apart() {
        let source = Arc::new(MemoryReplica::holding(0, &[(5, 1), (6, 2), (6, 3)]));
        let replica = MemoryReplica::holding(1, &[(5, 1), (7, 2)]);
        assert_eq!(run(&replica, (6, 3), &[&source]).await, Standing::Apart);
    }
}
