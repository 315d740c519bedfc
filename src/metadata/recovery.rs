//! From what the drives hold to a database that is up to date.
//!
//! 1. Take the database where the deployment keeps it. If it is missing, unreadable or too old for the
//!    logs to continue it, take the newest copy on any drive.
//! 2. Read every replica's log from there on and merge them.
//! 3. Give the replicas what they lack of it.
//! 4. Apply what the database does not have yet.
//!
//! Entries that missed their quorum may be among them. They were not acknowledged, so either outcome is
//! right; applying them and beginning a new epoch behind them makes it one outcome for all replicas. As
//! in the writer, none goes into the database before a quorum holds it: were the only drive that has it
//! lost afterwards, the database would be ahead of all logs, and none could go on behind it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::apply::Applier;
use super::catch_up::{Standing, WAIT_ENTRIES_MAX, append_all, catch_up};
use super::log::{Batch, Replica, ReplicaError, merge};
use super::model::MetadataError;
use super::{database, query, readers, schema, snapshot};
use crate::types::{LogBounds, LogEntry, LogPosition};

type Result<T> = std::result::Result<T, MetadataError>;

/// How long one log may take to be brought up to date: it may lack more than 100 MiB.
pub(super) const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(60);

/// A database that is up to date, and where the log ends.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) connection: Connection,
    pub(super) applier: Applier,
    pub(super) end: LogPosition,
}

/// See the module's head. `path` is the database's.
pub(super) async fn recover(path: &Path, replicas: &[Arc<dyn Replica>], quorum: usize) -> Result<Recovered> {
    let mut copies = snapshot::available(replicas).await;
    let mut candidate = open_existing(path);
    loop {
        let is_old = candidate.is_some();
        let connection = match candidate.take() {
            Some(connection) => connection,
            None if copies.is_empty() => start_empty(path)?,
            None => {
                let (index, replica) = copies.remove(0);
                tracing::warn!(
                    index,
                    slot = replica.slot().0,
                    "rebuilding the metadata database from a copy"
                );
                match restore(path, index, replica.as_ref()).await {
                    Ok(connection) => connection,
                    Err(error) if !copies.is_empty() => {
                        tracing::warn!(%error, "that copy cannot be used");
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        let replayed = match replay(connection, replicas, quorum).await {
            Err(MetadataError::Damaged(reason)) if is_old => {
                tracing::warn!(reason, "the metadata database is damaged");
                database::set_aside(path);
                continue;
            }
            replayed => replayed?,
        };
        match replayed {
            Some(recovered) => return Ok(recovered),
            None if copies.is_empty() => {
                return Err(MetadataError::Unavailable(
                    "the drives that are up hold neither a whole log nor a copy of the metadata that it continues; \
                     bring more drives up"
                        .into(),
                ));
            }
            None => tracing::warn!("the metadata database is too old for the logs"),
        }
    }
}

/// The last entry that a database includes.
pub(super) fn position(db: &Connection) -> Result<LogPosition> {
    Ok(LogPosition { epoch: query::state(db, "epoch")?, index: query::state(db, "applied_index")? })
}

fn open_existing(path: &Path) -> Option<Connection> {
    if !readers::is_there(path) {
        return None;
    }
    let opened = database::open_writer(path).and_then(|db| {
        query::state(&db, "applied_index")?;
        Ok(db)
    });
    opened.inspect_err(|error| tracing::warn!(%error, "the metadata database cannot be used")).ok()
}

pub(super) fn start_empty(path: &Path) -> Result<Connection> {
    database::remove(path)?;
    database::open_writer(path)
}

pub(super) async fn restore(path: &Path, index: u64, replica: &dyn Replica) -> Result<Connection> {
    let fetched = path.with_extension("fetched");
    snapshot::fetch(replica, index, &fetched).await?;
    database::remove(path)?;
    std::fs::rename(&fetched, path)
        .map_err(|error| MetadataError::Database(format!("rename {}: {error}", fetched.display())))?;
    let connection = database::open_writer(path)?;
    let intact: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if intact != "ok" {
        return Err(MetadataError::Database(format!("copy is damaged: {intact}")));
    }
    Ok(connection)
}

/// Applies the merged log; `None` if it does not continue this database.
async fn replay(
    connection: Connection,
    replicas: &[Arc<dyn Replica>],
    quorum: usize,
) -> Result<Option<Recovered>> {
    let mut applier = Applier::new(&connection)?;
    let mut end = position(&connection)?;
    loop {
        let logs = read_logs(replicas, end.index + 1).await;
        let merged = merge_read(end.index, &logs);
        let Some(last) = merged.last() else { break };
        let last = last.position;
        spread(end, &merged, &logs, replicas, quorum).await?;
        tracing::info!(from = end.index + 1, to = last.index, "replaying the metadata log");
        for entry in &merged {
            let batch: Batch = schema::unpack(&entry.payload)?;
            apply_batch(&connection, &mut applier, &batch, entry.position)?;
        }
        end = last;
    }
    let farthest = farthest_end(replicas).await;
    Ok((farthest.index <= end.index).then_some(Recovered { connection, applier, end }))
}

/// What was read of a replica's log.
pub(super) struct ReadLog<'a> {
    replica: &'a Arc<dyn Replica>,
    entries: Vec<LogEntry>,
    end: Option<LogPosition>,
}

impl ReadLog<'_> {
    /// The last index that was read, where the log goes on behind it.
    fn cut_at(&self) -> Option<u64> {
        let read = self.entries.last()?.position.index;
        self.end.filter(|end| end.index > read).map(|_| read)
    }
}

/// Some entries of every log that can be read, from an index on.
pub(super) async fn read_logs(replicas: &[Arc<dyn Replica>], from: u64) -> Vec<ReadLog<'_>> {
    let mut logs = Vec::new();
    for replica in replicas {
        let read = async { Ok((replica.bounds().await?.last, replica.read(from).await?)) };
        match read.await {
            Ok((end, entries)) => logs.push(ReadLog { replica, entries, end }),
            Err(ReplicaError::NotFound) => {}
            Err(error) => tracing::warn!(slot = replica.slot().0, %error, "a metadata log cannot be read"),
        }
    }
    logs
}

/// What the logs amount to, as far as all of them were read.
pub(super) fn merge_read(base: u64, logs: &[ReadLog<'_>]) -> Vec<LogEntry> {
    let ends = logs.iter().map(|log| (log.end.unwrap_or_default(), log.entries.as_slice()));
    let mut merged = merge(base, ends.collect());
    let all_read = logs.iter().filter_map(ReadLog::cut_at).min().unwrap_or(u64::MAX);
    merged.retain(|entry| entry.position.index <= all_read);
    merged
}

/// Has a quorum hold the entries behind `base`. A replica that lacks many is only waited for if there is no quorum
/// without it.
async fn spread(
    base: LogPosition,
    merged: &[LogEntry],
    logs: &[ReadLog<'_>],
    replicas: &[Arc<dyn Replica>],
    quorum: usize,
) -> Result<()> {
    let (mut whole, mut waiting): (usize, Vec<&ReadLog<'_>>) = (0, logs.iter().collect());
    for max in [WAIT_ENTRIES_MAX, u64::MAX] {
        let mut far = Vec::new();
        for log in waiting {
            let slot = log.replica.slot().0;
            let given = tokio::time::timeout(CATCH_UP_TIMEOUT, give(log, base, merged, (replicas, max)));
            match given.await {
                Ok(Ok(Standing::Whole { .. })) => whole += 1,
                Ok(Ok(Standing::Far)) => far.push(log),
                Ok(Ok(Standing::Apart)) => tracing::warn!(slot, "a metadata log does not continue"),
                Ok(Err(error)) => tracing::warn!(slot, %error, "a metadata log takes no entries"),
                Err(_) => tracing::warn!(slot, "a metadata log takes too long"),
            }
        }
        if whole >= quorum {
            break;
        }
        waiting = far;
    }
    if whole < quorum {
        let reason = format!("{whole} drives have the newest entries, {quorum} are needed");
        return Err(MetadataError::Unavailable(reason));
    }
    Ok(())
}

/// Gives a replica what it lacks of the entries behind `base`, `max` entries at most where it lacks earlier ones too.
async fn give(
    log: &ReadLog<'_>,
    base: LogPosition,
    merged: &[LogEntry],
    (replicas, max): (&[Arc<dyn Replica>], u64),
) -> std::result::Result<Standing, ReplicaError> {
    let replica = log.replica.as_ref();
    let holds = |entry: &LogEntry| log.entries.iter().rev().any(|own| own.position == entry.position);
    let lacking = match merged.iter().rposition(holds) {
        Some(shared) => &merged[shared + 1..],
        None if log.end == Some(base) => merged,
        None => {
            let end = merged.last().map_or(base, |last| last.position);
            return catch_up(replica, end, replicas, max).await;
        }
    };
    append_all(replica, lacking).await?;
    Ok(Standing::Whole { newest_epoch: merged.last().map_or(base, |last| last.position).epoch })
}

/// The newest entry that any replica of the newest epoch holds.
pub(super) async fn farthest_end(replicas: &[Arc<dyn Replica>]) -> LogPosition {
    let mut farthest = LogPosition::default();
    for replica in replicas {
        if let Ok(LogBounds { last: Some(end), .. }) = replica.bounds().await {
            farthest = farthest.max(end);
        }
    }
    farthest
}

/// Applies one entry of the log in a transaction of its own.
pub(super) fn apply_batch(
    db: &Connection,
    applier: &mut Applier,
    batch: &Batch,
    position: LogPosition,
) -> Result<()> {
    db.execute_batch("BEGIN IMMEDIATE")?;
    for mutation in &batch.mutations {
        applier.apply(db, mutation).map_err(|error| {
            MetadataError::Database(format!("entry {position:?} does not apply to this database: {error}"))
        })?;
    }
    database::finish_transaction(db, applier, position)?;
    db.execute_batch("COMMIT")?;
    Ok(())
}
