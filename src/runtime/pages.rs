//! Memory that starts at a page, as writes past the page cache need it.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use bytes::buf::Limit;
use bytes::{BufMut, Bytes};

/// Alignment of direct writes in memory and on disk: the page, which no block device exceeds.
pub const PAGE_BYTES: usize = 4096;
/// Buffers from this size on are kept for the next use: fresh memory costs the kernel a clearing.
const POOLED_BYTES_MIN: usize = 64 << 10;
/// Most bytes kept for the next use.
const POOL_BYTES_MAX: usize = 32 << 20;

static POOL: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// A growing buffer that begins at a page.
#[derive(Debug)]
pub struct PageBuffer {
    memory: Vec<u8>,
    /// Bytes before the page.
    lead: usize,
}

impl PageBuffer {
    /// An empty buffer with room for `len` bytes; without room it holds no memory.
    pub fn with_room(len: usize) -> Self {
        if len == 0 {
            return Self { memory: Vec::new(), lead: 0 };
        }
        let mut memory = take_memory(len + PAGE_BYTES);
        let lead = memory.as_ptr().align_offset(PAGE_BYTES);
        memory.clear();
        memory.resize(lead, 0);
        Self { memory, lead }
    }

    /// A buffer of `len` bytes that mean nothing: zeros, or what its memory was used for before. Who takes it writes
    /// all of it before anybody reads it; so it costs no clearing.
    pub fn of_unknown(len: usize) -> Self {
        if len == 0 {
            return Self::with_room(0);
        }
        let mut memory = take_memory(len + PAGE_BYTES);
        let lead = memory.as_ptr().align_offset(PAGE_BYTES);
        memory.resize(lead + len, 0);
        Self { memory, lead }
    }

    /// Adds bytes at the end.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.memory.extend_from_slice(bytes);
    }

    /// Cuts the buffer to `len` bytes, or fills it up with zeros.
    pub fn resize(&mut self, len: usize) {
        self.reserve(len.saturating_sub(self.len()));
        self.memory.resize(self.lead + len, 0);
    }

    /// The next `len` bytes, to be written to.
    pub fn next(&mut self, len: usize) -> Limit<&mut Vec<u8>> {
        self.reserve(len);
        (&mut self.memory).limit(len)
    }

    /// The bytes, to be shared; the memory is used again when the last owner is gone.
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }

    /// Makes room for so many more bytes, at another page if need be.
    fn reserve(&mut self, more: usize) {
        if self.memory.len() + more > self.memory.capacity() {
            let mut larger = Self::with_room((self.len() + more).max(2 * self.len()));
            larger.memory.extend_from_slice(self);
            *self = larger;
        }
    }
}

impl Deref for PageBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[self.lead..]
    }
}

impl DerefMut for PageBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.lead..]
    }
}

impl AsRef<[u8]> for PageBuffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for PageBuffer {
    fn drop(&mut self) {
        give_back(std::mem::take(&mut self.memory));
    }
}

/// Memory with a capacity of at least `capacity`, from the pool where that has some: with what it was used for before.
fn take_memory(capacity: usize) -> Vec<u8> {
    if capacity >= POOLED_BYTES_MIN {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |memory: &Vec<u8>| (capacity..=capacity + capacity / 4).contains(&memory.capacity());
        if let Some(index) = pool.iter().rposition(fits) {
            return pool.swap_remove(index);
        }
    }
    Vec::with_capacity(capacity)
}

fn give_back(memory: Vec<u8>) {
    if memory.capacity() < POOLED_BYTES_MIN {
        return;
    }
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    pool.push(memory);
    let mut bytes: usize = pool.iter().map(Vec::capacity).sum();
    let mut dropped = Vec::new();
    while bytes > POOL_BYTES_MAX {
        // The oldest, so that a size out of use does not stay.
        let oldest = pool.remove(0);
        bytes -= oldest.capacity();
        dropped.push(oldest);
    }
    drop(pool);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filled_and_frozen_buffers_stay_at_their_page() {
        for len in [0, 1, 4096, 100_000, 1 << 20, 100_000, 1 << 20] {
            let mut buffer = PageBuffer::with_room(len);
            assert!(buffer.is_empty(), "used memory comes back empty");
            buffer.extend_from_slice(&vec![7; len / 2]);
            buffer.resize(len);
            assert!(buffer[len / 2..].iter().all(|byte| *byte == 0), "filled up with zeros");
            let frozen = buffer.freeze();
            assert_eq!(frozen.len(), len);
            assert!(len == 0 || frozen.as_ptr().align_offset(PAGE_BYTES) == 0, "{len}");
        }
    }

    #[test]
    fn a_buffer_of_unknown_bytes_has_its_length_whatever_it_was_before() {
        for len in [0, 1, 100_000, 70_000, 110_000, 100_000] {
            let mut buffer = PageBuffer::of_unknown(len);
            assert_eq!(buffer.len(), len);
            buffer.fill(9);
            assert!(len == 0 || buffer.as_ptr().align_offset(PAGE_BYTES) == 0);
            assert!(buffer.freeze().iter().all(|byte| *byte == 9));
        }
    }

    #[test]
    fn a_full_buffer_grows_to_another_page() {
        let mut buffer = PageBuffer::with_room(10);
        let pieces: Vec<Vec<u8>> = (0..50u8).map(|i| vec![i; 3000]).collect();
        for piece in &pieces {
            buffer.extend_from_slice(piece);
            assert_eq!(buffer.as_ptr().align_offset(PAGE_BYTES), 0);
        }
        assert_eq!(buffer[..], pieces.concat());
    }
}
