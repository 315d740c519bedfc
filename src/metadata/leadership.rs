//! Which of the writers leads, and what one hands to the next.
//!
//! A call of SQLite's that waits for a drive that hangs cannot be ended. So a writer says while it is at work on the database;
//! when one piece of that takes too long another writer is made, with a database on another drive from what the logs hold, and
//! leads from then on. Each has a term, and a term is a fencing token: only the leader's appends are let through.
//!
//! Crash argument, for two writers at once. What is acknowledged is in the log, and a writer appends only while it keeps the
//! fence, which only the leader gets. The term changes, behind the fence, before the logs are read for the next writer: what
//! the one before had appended is in the new database, and it appends nothing more. What it was about to answer is answered
//! with an error that leaves open whether it happened. When its call returns it finds that it leads no longer, and ends.
//! Drives that answer may lack entries, because they were away when those were committed and the others hang now: until all
//! that was committed is in a database no writer begins.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard, oneshot};
use tokio::time::Instant;

use super::model::MetadataError;
use super::queue::{Answer, Job, Next, Queue};
use super::readers::Readers;
use super::store::Options;

/// How often it is looked whether errands of the term before are over.
const ERRANDS_EVERY: Duration = Duration::from_millis(100);

/// Work on the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// A batch of changes is applied.
    Apply,
    /// What was applied is committed.
    Commit,
    /// Much is written back at once.
    WriteBack,
}

impl Work {
    /// How long it takes at most on a drive that does not hang: a rotating one has to look for each page.
    fn time_max(self) -> Duration {
        match self {
            _ if cfg!(test) => Duration::from_secs(2),
            Self::Apply | Self::Commit => Duration::from_secs(20),
            Self::WriteBack => Duration::from_secs(180),
        }
    }
}

/// What writers tell others.
#[derive(Debug, Default)]
pub(super) struct Status {
    /// Replicas that are up to date.
    pub(super) live: AtomicU64,
    /// Replicas that must be.
    pub(super) quorum: AtomicU64,
    /// The last entry missed its quorum.
    pub(super) stalled: AtomicBool,
}

/// See the module's head.
#[derive(Debug)]
pub(super) struct Leadership {
    pub(super) readers: Readers,
    pub(super) status: Status,
    queue: AsyncMutex<Queue>,
    /// Of the leader, counted from the start.
    term: AtomicU64,
    /// Kept while an entry is appended.
    fence: AsyncMutex<()>,
    /// Index of the newest entry that was committed.
    committed: AtomicU64,
    /// In which term somebody is at work on the database, and until when at the latest.
    at_work: Mutex<Option<(u64, Instant)>>,
    /// Who waits for the answers of a batch, and of which term it is.
    waiting: Mutex<(u64, Vec<Answer>)>,
    errands: AtomicUsize,
    /// The drives as they are now.
    options: Mutex<Options>,
    /// To be told once the last writer has ended.
    ended: Mutex<Option<oneshot::Sender<()>>>,
    /// The work at which the first writer hangs.
    #[cfg(test)]
    pub(super) hang: Mutex<Option<Work>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Leadership {
    /// In the first term. Also tells when the last writer has ended.
    pub(super) fn new(
        options: Options,
        queue: Queue,
        readers: Readers,
    ) -> (Arc<Self>, oneshot::Receiver<()>) {
        let (ending, ended) = oneshot::channel();
        let status = Status { quorum: AtomicU64::new(options.quorum as u64), ..Status::default() };
        let leadership = Self {
            readers,
            status,
            queue: AsyncMutex::new(queue),
            term: AtomicU64::new(0),
            fence: AsyncMutex::default(),
            committed: AtomicU64::new(0),
            at_work: Mutex::default(),
            waiting: Mutex::default(),
            errands: AtomicUsize::new(0),
            options: Mutex::new(options),
            ended: Mutex::new(Some(ending)),
            #[cfg(test)]
            hang: Mutex::default(),
        };
        (Arc::new(leadership), ended)
    }

    /// The present term.
    pub(super) fn term(&self) -> u64 {
        self.term.load(Ordering::SeqCst)
    }

    /// Whether the writer of this term leads.
    pub(super) fn leads(&self, term: u64) -> bool {
        self.term() == term
    }

    pub(super) fn options(&self) -> Options {
        lock(&self.options).clone()
    }

    /// Changes of the drives count for the writers to come too.
    pub(super) fn set_options(&self, term: u64, options: &Options) {
        if self.leads(term) {
            *lock(&self.options) = options.clone();
        }
    }

    /// Notes the index of an entry, before anybody is told that it is committed.
    pub(super) fn note_committed(&self, index: u64) {
        self.committed.fetch_max(index, Ordering::AcqRel);
    }

    /// The index that a database which takes the place of another reaches at least.
    pub(super) fn committed(&self) -> u64 {
        self.committed.load(Ordering::Acquire)
    }

    /// Waits for what is to be done next; `None` when nobody is left to ask for it.
    pub(super) async fn next(&self) -> Option<Next> {
        self.queue.lock().await.next().await
    }

    /// The right to append, for as long as it is kept; `None` for who leads no longer.
    pub(super) async fn fence(&self, term: u64) -> Option<AsyncMutexGuard<'_, ()>> {
        let guard = self.fence.lock().await;
        self.leads(term).then_some(guard)
    }

    /// To be kept while drives are written to other than by appends; `None` for who leads no longer. No other writer begins
    /// meanwhile.
    pub(super) fn errand(self: &Arc<Self>, term: u64) -> Option<Errand> {
        self.errands.fetch_add(1, Ordering::SeqCst);
        let errand = Errand(self.clone());
        self.leads(term).then_some(errand)
    }

    /// To be kept by the writer while it is at work on the database.
    pub(super) fn at_work(self: &Arc<Self>, term: u64, work: Work) -> AtWork {
        *lock(&self.at_work) = Some((term, Instant::now() + work.time_max()));
        #[cfg(test)]
        while term == 0 && *lock(&self.hang) == Some(work) {
            std::thread::sleep(Duration::from_millis(5));
        }
        AtWork { leadership: self.clone(), term }
    }

    /// Whether the leader has been at one piece of work for too long, or a reader.
    pub(super) fn hangs(&self) -> bool {
        let at_work = *lock(&self.at_work);
        let is_late = at_work.is_some_and(|(term, until)| self.leads(term) && Instant::now() >= until);
        is_late || self.readers.hangs()
    }

    /// Keeps those who wait for a batch.
    pub(super) fn keep_waiting(&self, term: u64, answers: Vec<Answer>) {
        *lock(&self.waiting) = (term, answers);
    }

    /// Those who wait for a batch, unless they were answered already.
    pub(super) fn take_waiting(&self, term: u64) -> Vec<Answer> {
        let mut waiting = lock(&self.waiting);
        if waiting.0 == term { std::mem::take(&mut waiting.1) } else { Vec::new() }
    }

    /// Begins the next term. Nothing is appended, and no drive written to, until its writer begins.
    pub(super) async fn begin_term(&self) -> u64 {
        let fence = self.fence.lock().await;
        let old = self.term.fetch_add(1, Ordering::SeqCst);
        drop(fence);
        for answer in self.take_waiting(old) {
            let _ = answer.send(Err(MetadataError::Unavailable("the drive of the database hangs".into())));
        }
        while self.errands.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(ERRANDS_EVERY).await;
        }
        old + 1
    }

    /// Refuses for a while what is asked of a writer that there is not; false when it is asked to stop.
    pub(super) async fn refuse(&self, reason: &MetadataError, during: Duration) -> bool {
        let until = Instant::now() + during;
        while let Ok(next) = tokio::time::timeout_at(until, self.next()).await {
            match next {
                Some(Next::Commit(_, answers)) => {
                    answers.into_iter().for_each(|answer| drop(answer.send(Err(reason.clone()))));
                }
                Some(Next::Other(Job::Stop)) | None => return false,
                // Who asks for other things is told by the end of the channel, or asks again.
                Some(Next::Other(_)) => {}
            }
        }
        true
    }

    /// To be called at a writer's end, when it has let go of the drives: this does too, so that they can be opened anew once
    /// it is known.
    pub(super) fn end(&self, term: u64) {
        if self.leads(term)
            && let Some(ended) = lock(&self.ended).take()
        {
            lock(&self.options).replicas.clear();
            // Who asked may have gone.
            let _ = ended.send(());
        }
    }
}

/// A writer is at work on the database.
pub(super) struct AtWork {
    leadership: Arc<Leadership>,
    term: u64,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut at_work = lock(&self.leadership.at_work);
        if at_work.is_some_and(|(term, _)| term == self.term) {
            *at_work = None;
        }
    }
}

/// Drives are written to other than by appends.
pub(super) struct Errand(Arc<Leadership>);

impl Drop for Errand {
    fn drop(&mut self) {
        self.0.errands.fetch_sub(1, Ordering::SeqCst);
    }
}
