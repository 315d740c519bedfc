//! The hashing stage: threads that hash the uploads in progress side by side.
//!
//! An upload hands its chunks to the stage and goes on with other work. A stage thread holds up to
//! [`LANES_MAX`] uploads, one per lane, and advances all of them by the same number of blocks until
//! the shortest chunk ends; then that lane goes to the upload that waited longest. A thread with nothing to
//! do waits a moment for company before it begins: sixteen lanes take hardly longer than one.
//!
//! A stage without threads, for simulations, leaves each upload to hash its own chunks where it stands.
//!
//! Invariants
//! - A stream's digest state is in exactly one place: in the stream, or taken by one thread.
//! - A stream is in the queue or in a lane if and only if its `scheduled` flag is set.
//! - The threads end when the stage and every hasher are gone, so no hasher can wait in vain.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::md5::{BLOCK_LEN, Md5};
use super::md5_lanes::{LANES_MAX, compress};
use crate::runtime::Tasks;

/// Chunks of one upload that may wait to be hashed. Bounds the memory that the stage holds to this
/// many chunks per upload, and one more in its lane.
const PENDING_CHUNKS_MAX: usize = 1;

/// Bodies up to this length are hashed by the caller: handing over would cost more.
const INLINE_BYTES_MAX: u64 = 64 * 1024;

/// Blocks that lanes advance in one go, so that a newcomer soon finds its lane.
const STRIDE_BLOCKS_MAX: usize = 256;

/// How long the first chunk of an idle stage waits for those of other uploads, so that lanes fill.
const COMPANY_WAIT: Duration = Duration::from_millis(4);

/// Threads that hash many uploads at once. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stage {
    /// None where there are no threads.
    queue: Option<Arc<Owner>>,
}

/// The streams that wait for a lane. The last owner's drop ends the threads.
#[derive(Debug)]
struct Owner(Arc<Queue>);

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    /// Uploads that use the stage, whether a chunk of theirs waits or not.
    active: AtomicUsize,
}

#[derive(Debug, Default)]
struct Waiting {
    /// At most one entry per upload in progress.
    streams: VecDeque<Arc<Stream>>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Stream(Mutex<StreamState>);

#[derive(Debug, Default)]
struct StreamState {
    pending: VecDeque<Bytes>,
    md5: Md5,
    scheduled: bool,
    waker: Option<Waker>,
}

/// The MD5 of one upload in progress.
#[derive(Debug)]
pub struct StreamHasher {
    queue: Option<Arc<Owner>>,
    inline: Md5,
    stream: Option<Arc<Stream>>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        locked(&self.0.waiting).closed = true;
        self.0.arrived.notify_all();
    }
}

impl Stage {
    /// Starts a stage of so many threads, or one without where `tasks` has none.
    pub fn start(tasks: &Tasks, threads: NonZeroUsize) -> io::Result<Self> {
        if !tasks.are_threads() {
            return Ok(Self { queue: None });
        }
        let owner = Owner(Arc::default());
        for index in 0..threads.get() {
            let queue = Arc::clone(&owner.0);
            tasks.spawn(&format!("md5-{index}"), async move { run(&queue) })?;
        }
        Ok(Self { queue: Some(Arc::new(owner)) })
    }

    /// A hasher for one more upload.
    pub fn hasher(&self) -> StreamHasher {
        StreamHasher { queue: self.queue.clone(), inline: Md5::default(), stream: None }
    }
}

impl StreamHasher {
    /// Takes in a chunk. Returns as soon as the chunk is queued; waits while too many are.
    pub async fn update(&mut self, chunk: Bytes) {
        if chunk.is_empty() {
            return;
        }
        let short = self.stream.is_none() && self.inline.len() + chunk.len() as u64 <= INLINE_BYTES_MAX;
        let Some(Owner(queue)) = self.queue.as_deref().filter(|_| !short) else {
            return self.inline.update(&chunk);
        };
        let stream = self.stream.get_or_insert_with(|| {
            let md5 = std::mem::take(&mut self.inline);
            queue.active.fetch_add(1, Ordering::Relaxed);
            Arc::new(Stream(Mutex::new(StreamState { md5, ..StreamState::default() })))
        });
        std::future::poll_fn(|cx| stream.poll_below(PENDING_CHUNKS_MAX, cx)).await;
        let idle = {
            let mut state = locked(&stream.0);
            state.pending.push_back(chunk);
            !std::mem::replace(&mut state.scheduled, true)
        };
        if idle {
            locked(&queue.waiting).streams.push_back(Arc::clone(stream));
            queue.arrived.notify_one();
        }
    }

    /// The digest of all chunks, once they are hashed.
    pub async fn finish(mut self) -> [u8; 16] {
        if let Some(stream) = &self.stream {
            std::future::poll_fn(|cx| stream.poll_idle(cx)).await;
            self.inline = std::mem::take(&mut locked(&stream.0).md5);
        }
        std::mem::take(&mut self.inline).finish()
    }
}

impl Drop for StreamHasher {
    fn drop(&mut self) {
        if let (Some(stream), Some(Owner(queue))) = (&self.stream, self.queue.as_deref()) {
            locked(&stream.0).pending.clear();
            queue.active.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Stream {
    fn poll_below(&self, limit: usize, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = locked(&self.0);
        if state.pending.len() < limit {
            return Poll::Ready(());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_idle(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = locked(&self.0);
        if !state.scheduled {
            return Poll::Ready(());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// A stream that a thread works on.
struct Lane {
    stream: Arc<Stream>,
    md5: Md5,
    chunk: Bytes,
    offset: usize,
}

impl Lane {
    /// Takes the stream's state and next chunk; `None` where it was abandoned meanwhile.
    fn enter(stream: Arc<Stream>) -> Option<Self> {
        let mut state = locked(&stream.0);
        let waker = state.waker.take();
        let Some(chunk) = state.pending.pop_front() else {
            state.scheduled = false;
            return None;
        };
        let md5 = std::mem::take(&mut state.md5);
        drop(state);
        waker.inspect(Waker::wake_by_ref);
        Some(Self { stream, md5, chunk, offset: 0 })
    }

    /// Whole blocks left in the chunk.
    fn blocks(&self) -> &[[u8; BLOCK_LEN]] {
        self.chunk[self.offset..].as_chunks().0
    }

    /// Hashes what is no whole block at the chunk's start and, once no whole block is left, its end.
    /// True while whole blocks are left.
    fn has_blocks(&mut self) -> bool {
        self.offset += self.md5.fill_partial(&self.chunk[self.offset..]);
        if !self.blocks().is_empty() {
            return true;
        }
        self.offset += self.md5.fill_partial(&self.chunk[self.offset..]);
        false
    }

    /// Gives the state back to the stream; a stream with more chunks goes to the end of the queue.
    fn leave(self, waiting: &mut Waiting) {
        let mut state = locked(&self.stream.0);
        state.md5 = self.md5;
        let waker = state.waker.take();
        state.scheduled = !state.pending.is_empty();
        let again = state.scheduled;
        drop(state);
        waker.inspect(Waker::wake_by_ref);
        if again {
            waiting.streams.push_back(self.stream);
        }
    }
}

/// One stage thread: fill the lanes, advance them, empty those that are through.
fn run(queue: &Queue) {
    let mut lanes: Vec<Lane> = Vec::with_capacity(LANES_MAX);
    while refill(queue, &mut lanes) {
        advance(&mut lanes);
    }
}

/// Empties lanes whose chunk is hashed and gives free lanes to waiting streams; sleeps while there is
/// nothing at all to do. False at the end.
fn refill(queue: &Queue, lanes: &mut Vec<Lane>) -> bool {
    let mut waiting = locked(&queue.waiting);
    loop {
        for lane in lanes.extract_if(.., |lane| !lane.has_blocks()) {
            lane.leave(&mut waiting);
        }
        if lanes.is_empty() {
            waiting = await_company(queue, waiting);
        }
        let entered = lanes.len();
        while lanes.len() < LANES_MAX {
            let Some(stream) = waiting.streams.pop_front() else { break };
            lanes.extend(Lane::enter(stream));
        }
        if lanes.len() > entered {
            continue;
        }
        if !lanes.is_empty() {
            return true;
        }
        if waiting.closed {
            return false;
        }
        waiting = queue.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Lets some time pass while fewer chunks wait than half of the uploads in progress could send.
fn await_company<'q>(queue: &'q Queue, mut waiting: MutexGuard<'q, Waiting>) -> MutexGuard<'q, Waiting> {
    let until = Instant::now() + COMPANY_WAIT;
    loop {
        let worth_waiting_for = (queue.active.load(Ordering::Relaxed) / 2).min(LANES_MAX);
        let left = until.saturating_duration_since(Instant::now());
        if waiting.streams.is_empty()
            || waiting.streams.len() >= worth_waiting_for
            || left.is_zero()
            || waiting.closed
        {
            return waiting;
        }
        let waited = queue.arrived.wait_timeout(waiting, left);
        waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// Advances every lane by the same number of blocks.
fn advance(lanes: &mut [Lane]) {
    let shortest = lanes.iter().map(|lane| lane.blocks().len()).min().unwrap_or(0);
    let count = shortest.min(STRIDE_BLOCKS_MAX);
    let mut states = [[0u32; 4]; LANES_MAX];
    let mut inputs: [&[[u8; BLOCK_LEN]]; LANES_MAX] = [&[]; LANES_MAX];
    for ((state, input), lane) in states.iter_mut().zip(&mut inputs).zip(&*lanes) {
        (*state, *input) = (lane.md5.state(), lane.blocks());
    }
    compress(&mut states[..lanes.len()], &inputs[..lanes.len()], count);
    for (state, lane) in states.into_iter().zip(lanes) {
        lane.md5.advance(state, count);
        lane.offset += count * BLOCK_LEN;
    }
}

/// Nothing here panics while it holds a lock; a poisoned one would still hold whole state.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use md5::Digest as _;

    use super::*;

    fn bytes(len: usize, seed: usize) -> Bytes {
        (0..len).map(|i| (i * 31 + seed * 17 + i / 251) as u8).collect()
    }

    fn reference(bytes: &[u8]) -> [u8; 16] {
        md5::Md5::digest(bytes).into()
    }

    fn stage() -> Stage {
        Stage::start(&Tasks::threads(), NonZeroUsize::MIN).unwrap()
    }

    async fn hash_in_chunks(mut hasher: StreamHasher, whole: Bytes, chunk_len: usize) -> [u8; 16] {
        for start in (0..whole.len()).step_by(chunk_len) {
            hasher.update(whole.slice(start..whole.len().min(start + chunk_len))).await;
        }
        hasher.finish().await
    }

    #[tokio::test]
    async fn one_stream_gives_the_digest_whatever_its_chunks() {
        let stage = stage();
        for len in [0, 1, 63, 64, 65, 65_535, 65_536, 65_537, 300_001] {
            for chunk_len in [1, 63, 64, 65, 4096, 1 << 20] {
                if len / chunk_len > 70_000 {
                    continue;
                }
                let whole = bytes(len, chunk_len);
                let digest = hash_in_chunks(stage.hasher(), whole.clone(), chunk_len).await;
                assert_eq!(digest, reference(&whole), "{len} in chunks of {chunk_len}");
            }
        }
    }

    #[tokio::test]
    async fn without_threads_the_digest_is_the_same() {
        let stage = Stage::start(&Tasks::simulated(), NonZeroUsize::MIN).unwrap();
        let whole = bytes(300_001, 5);
        assert_eq!(hash_in_chunks(stage.hasher(), whole.clone(), 70_000).await, reference(&whole));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_streams_of_unequal_chunks_do_not_mix() {
        let stage = stage();
        let tasks: Vec<_> = (0..50usize)
            .map(|n| {
                let whole = bytes(70_000 + n * 9_973, n);
                let hash = hash_in_chunks(stage.hasher(), whole.clone(), 1_000 + n * 777);
                (whole, tokio::spawn(hash))
            })
            .collect();
        for (whole, task) in tasks {
            assert_eq!(task.await.unwrap(), reference(&whole));
        }
    }

    #[tokio::test]
    async fn dropped_streams_leave_the_others_alone() {
        let stage = stage();
        for n in 0..20 {
            let mut dropped = stage.hasher();
            dropped.update(bytes(200_000, n)).await;
        }
        let whole = bytes(500_000, 1);
        assert_eq!(hash_in_chunks(stage.hasher(), whole.clone(), 60_000).await, reference(&whole));
    }

    #[tokio::test]
    async fn hashers_outlive_the_stage() {
        let stage = stage();
        let hasher = stage.hasher();
        drop(stage);
        let whole = bytes(500_000, 2);
        assert_eq!(hash_in_chunks(hasher, whole.clone(), 10_000).await, reference(&whole));
    }

    #[test]
    fn a_stream_waits_once_its_pending_chunks_are_many() {
        let stream = Stream::default();
        let mut cx = Context::from_waker(Waker::noop());
        locked(&stream.0).pending.extend(vec![bytes(10, 0); PENDING_CHUNKS_MAX - 1]);
        assert!(stream.poll_below(PENDING_CHUNKS_MAX, &mut cx).is_ready());
        locked(&stream.0).pending.push_back(bytes(10, 0));
        assert!(stream.poll_below(PENDING_CHUNKS_MAX, &mut cx).is_pending());
    }
}
