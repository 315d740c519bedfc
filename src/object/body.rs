//! Reading an upload's body into stripes.

use std::future::poll_fn;

use bytes::Bytes;

use super::api::{Body, Result};
use crate::runtime::PageBuffer;

/// Room made at first for a body of unknown length.
const UNKNOWN_LENGTH_ROOM: usize = 64 << 10;

/// A body with what was read ahead of it.
#[derive(Debug)]
pub(super) struct BodyReader<B> {
    body: B,
    pending: Bytes,
    ended: bool,
}

impl<B: Body> BodyReader<B> {
    pub(super) fn new(body: B) -> Self {
        Self { body, pending: Bytes::new(), ended: false }
    }

    async fn next_chunk(&mut self) -> Result<Option<Bytes>> {
        if !self.pending.is_empty() {
            return Ok(Some(std::mem::take(&mut self.pending)));
        }
        if self.ended {
            return Ok(None);
        }
        let next = poll_fn(|cx| self.body.poll_chunk(cx)).await.transpose()?;
        self.ended = next.is_none();
        Ok(next)
    }

    /// The next `max` bytes, fewer only at the end. `expected` sizes the buffer.
    pub(super) async fn read(&mut self, max: usize, expected: Option<u64>) -> Result<Bytes> {
        let Some(first) = self.next_chunk().await? else { return Ok(Bytes::new()) };
        if first.len() >= max {
            self.pending = first.slice(max..);
            return Ok(first.slice(..max));
        }
        if expected == Some(first.len() as u64) && self.next_is_end().await? {
            // The whole body came in one chunk: nothing to copy.
            return Ok(first);
        }
        let room = expected.map_or(UNKNOWN_LENGTH_ROOM, |length| usize::try_from(length).unwrap_or(max));
        let mut buffer = PageBuffer::with_room(room.clamp(first.len(), max));
        buffer.extend_from_slice(&first);
        while buffer.len() < max {
            let Some(chunk) = self.next_chunk().await? else { break };
            let taken = chunk.len().min(max - buffer.len());
            buffer.extend_from_slice(&chunk[..taken]);
            self.pending = chunk.slice(taken..);
        }
        Ok(buffer.freeze())
    }

    async fn next_is_end(&mut self) -> Result<bool> {
        match self.next_chunk().await? {
            Some(chunk) => {
                self.pending = chunk;
                Ok(false)
            }
            None => Ok(true),
        }
    }

    /// Whether the body ended and was found whole.
    pub(super) async fn at_end(&mut self) -> Result<bool> {
        self.next_is_end().await
    }

    /// The body, for its checksum.
    pub(super) fn into_inner(self) -> B {
        self.body
    }
}
