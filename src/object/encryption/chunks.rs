//! Bytes to sealed chunks and back (the chunking of Rogaway's STREAM, with the place bound to each chunk).
//!
//! Each blob is a row of chunks of its own. A chunk is bound to its number in the blob, so that none can stand in
//! another's place; the object's own key keeps chunks of different objects apart, and its length, which the metadata
//! tells, says how many there are.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

use crate::object::api::{Error, Result};
use crate::runtime::PageBuffer;
use crate::sealing::{AeadKey, SEALED_EXTRA_LEN};
use crate::types::encryption::{CHUNK_PLAIN_LEN, CHUNK_SEALED_LEN, sealed_len};

/// Seals one blob, and cuts what comes of it in pieces of one length.
#[derive(Debug)]
pub(crate) struct Sealer {
    key: AeadKey,
    chunk: u64,
    piece_len: usize,
    sealed: Vec<u8>,
    full: VecDeque<Bytes>,
    last: PageBuffer,
}

impl Sealer {
    /// `expected` plain bytes will come, where that is known.
    pub(crate) fn new(key: AeadKey, piece_len: usize, expected: Option<u64>) -> Self {
        let room = expected.map_or(CHUNK_SEALED_LEN, sealed_len).min(piece_len as u64);
        let last = PageBuffer::with_room(room as usize);
        Self { key, chunk: 0, piece_len, sealed: Vec::new(), full: VecDeque::new(), last }
    }

    /// Takes the next bytes: whole chunks, but for the last call.
    pub(crate) fn push(&mut self, plain: &[u8]) {
        for chunk in plain.chunks(CHUNK_PLAIN_LEN as usize) {
            self.sealed.clear();
            self.key.seal_onto(chunk, &self.chunk.to_be_bytes(), &mut self.sealed);
            self.chunk += 1;
            let sealed = std::mem::take(&mut self.sealed);
            self.append(&sealed);
            self.sealed = sealed;
        }
    }

    fn append(&mut self, mut sealed: &[u8]) {
        while !sealed.is_empty() {
            let (now, later) = sealed.split_at(sealed.len().min(self.piece_len - self.last.len()));
            self.last.extend_from_slice(now);
            sealed = later;
            if self.last.len() == self.piece_len {
                let next = PageBuffer::with_room(self.piece_len);
                self.full.push_back(std::mem::replace(&mut self.last, next).freeze());
            }
        }
    }

    /// The next full piece.
    pub(crate) fn piece(&mut self) -> Option<Bytes> {
        self.full.pop_front()
    }

    /// The last piece, once there is no full one left; empty if nothing remains.
    pub(crate) fn last_piece(&mut self) -> Bytes {
        std::mem::replace(&mut self.last, PageBuffer::with_room(0)).freeze()
    }

    /// Nothing is left to be taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.full.is_empty() && self.last.len() == 0
    }
}

/// Cuts a range of one blob, as it is read, into runs of whole chunks, which can then be opened side by side.
#[derive(Debug)]
pub(crate) struct Opener {
    key: AeadKey,
    /// Number of the next chunk.
    chunk: u64,
    /// Plain bytes of the blob that are wanted.
    wanted: Range<u64>,
    /// Sealed bytes that are still to come.
    remaining: u64,
    /// The beginning of a chunk whose end has not come.
    begun: Vec<Bytes>,
}

/// Sealed chunks of a blob, one behind the other; only the blob's last chunk may be short.
#[derive(Debug)]
pub(crate) struct SealedRun {
    key: AeadKey,
    /// Number of the first chunk.
    first: u64,
    /// Plain bytes of the blob that are wanted.
    wanted: Range<u64>,
    pieces: Vec<Bytes>,
}

impl Opener {
    /// Opens `wanted` plain bytes of a blob of `blob_len` stored ones. Returns also which stored bytes it needs, all of
    /// which are to be pushed in order.
    pub(crate) fn new(key: AeadKey, wanted: Range<u64>, blob_len: u64) -> (Self, Range<u64>) {
        let chunk = wanted.start / CHUNK_PLAIN_LEN;
        let end = wanted.end.div_ceil(CHUNK_PLAIN_LEN) * CHUNK_SEALED_LEN;
        let stored = chunk * CHUNK_SEALED_LEN..end.min(blob_len);
        let remaining = stored.end - stored.start;
        (Self { key, chunk, wanted, remaining, begun: Vec::new() }, stored)
    }

    /// Takes the next stored bytes; returns the chunks that are whole now. Nothing is copied.
    pub(crate) fn push(&mut self, more: Vec<Bytes>) -> SealedRun {
        self.remaining = self.remaining.saturating_sub(more.iter().map(|piece| piece.len() as u64).sum());
        let mut pieces = std::mem::take(&mut self.begun);
        pieces.extend(more);
        let len: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
        let whole = if self.remaining == 0 { len } else { len / CHUNK_SEALED_LEN * CHUNK_SEALED_LEN };
        self.begun = split_off(&mut pieces, whole as usize);
        let run = SealedRun { key: self.key.clone(), first: self.chunk, wanted: self.wanted.clone(), pieces };
        self.chunk += whole.div_ceil(CHUNK_SEALED_LEN);
        run
    }
}

/// Leaves the first `len` bytes in `pieces` and returns the others.
fn split_off(pieces: &mut Vec<Bytes>, mut len: usize) -> Vec<Bytes> {
    let mut index = 0;
    while index < pieces.len() && pieces[index].len() <= len {
        len -= pieces[index].len();
        index += 1;
    }
    let mut rest = pieces.split_off(index);
    if len > 0
        && let Some(first) = rest.first_mut()
    {
        pieces.push(first.split_to(len));
    }
    rest
}

impl SealedRun {
    /// The wanted plain bytes of the chunks, if there are any.
    pub(crate) fn open(self) -> Result<Option<Bytes>> {
        let mut sealed = Pieces { pieces: &self.pieces, at: 0, joined: Vec::new() };
        let sealed_len: usize = self.pieces.iter().map(Bytes::len).sum();
        let chunks = sealed_len.div_ceil(CHUNK_SEALED_LEN as usize);
        let mut memory = PageBuffer::of_unknown(sealed_len - (chunks * SEALED_EXTRA_LEN).min(sealed_len));
        for (chunk, plain) in (self.first..).zip(memory.chunks_mut(CHUNK_PLAIN_LEN as usize)) {
            let opened =
                self.key.open_into(sealed.next(plain.len() + SEALED_EXTRA_LEN), &chunk.to_be_bytes(), plain);
            opened.ok_or_else(|| Error::Internal(Box::new(NotSealedByItsKey)))?;
        }
        let start = self.first * CHUNK_PLAIN_LEN;
        let within = |at: u64| (at.clamp(start, start + memory.len() as u64) - start) as usize;
        let wanted = within(self.wanted.start)..within(self.wanted.end);
        Ok((!wanted.is_empty()).then(|| memory.freeze().slice(wanted)))
    }
}

/// Bytes that stand in several pieces, to be read one after another.
struct Pieces<'a> {
    pieces: &'a [Bytes],
    /// Where in the first piece.
    at: usize,
    joined: Vec<u8>,
}

impl Pieces<'_> {
    /// The next `len` bytes, or as many as there are: where they stand, or joined if they stand in several pieces.
    fn next(&mut self, len: usize) -> &[u8] {
        while let [first, rest @ ..] = self.pieces
            && first.len() == self.at
        {
            (self.pieces, self.at) = (rest, 0);
        }
        let [first, ..] = self.pieces else { return &[] };
        if first.len() - self.at >= len {
            self.at += len;
            return &first[self.at - len..self.at];
        }
        self.joined.clear();
        while let [first, rest @ ..] = self.pieces
            && self.joined.len() < len
        {
            let end = first.len().min(self.at + len - self.joined.len());
            self.joined.extend_from_slice(&first[self.at..end]);
            self.at = end;
            if end == first.len() {
                (self.pieces, self.at) = (rest, 0);
            }
        }
        &self.joined
    }
}

/// A chunk that does not open.
#[derive(Debug, thiserror::Error)]
#[error("a chunk of the object was not sealed by the object's key")]
struct NotSealedByItsKey;

#[cfg(test)]
mod tests {
    use super::*;

    const PIECE_LEN: usize = 100 << 10;

    fn sealed(key: &AeadKey, plain: &[u8]) -> Vec<Bytes> {
        let mut sealer = Sealer::new(key.clone(), PIECE_LEN, Some(plain.len() as u64));
        plain.chunks(2 * CHUNK_PLAIN_LEN as usize).for_each(|some| sealer.push(some));
        let mut pieces: Vec<Bytes> = std::iter::from_fn(|| sealer.piece()).collect();
        pieces.push(sealer.last_piece());
        assert!(sealer.is_empty());
        pieces
    }

    fn opened(key: &AeadKey, stored: &[u8], wanted: Range<u64>, step: usize) -> Result<Vec<u8>> {
        let (mut opener, needed) = Opener::new(key.clone(), wanted, stored.len() as u64);
        let needed = Bytes::copy_from_slice(&stored[needed.start as usize..needed.end as usize]);
        let mut plain = Vec::new();
        for start in (0..needed.len()).step_by(step) {
            let piece = needed.slice(start..needed.len().min(start + step));
            opener.push(vec![piece]).open()?.iter().for_each(|bytes| plain.extend_from_slice(bytes));
        }
        Ok(plain)
    }

    #[test]
    fn any_range_of_what_was_sealed_opens_however_it_comes_in_pieces() {
        let (key, _) = AeadKey::random();
        for len in [1, 4096, 65_535, 65_536, 65_537, 300_000] {
            let plain: Vec<u8> = (0..len).map(|i| (i * 7 + i / 251) as u8).collect();
            let pieces = sealed(&key, &plain);
            let (_, full) = pieces.split_last().unwrap();
            assert!(full.iter().all(|piece| piece.len() == PIECE_LEN));
            let stored = pieces.concat();
            assert_eq!(stored.len() as u64, sealed_len(len as u64));
            for wanted in [0..len, 0..1, len - 1..len, len / 3..len / 2, len / 2..len, 0..0] {
                for step in [1 << 20, 65_564, 70_001, 999] {
                    let range = wanted.start as u64..wanted.end as u64;
                    let plain = &plain[wanted.clone()];
                    assert!(opened(&key, &stored, range, step).unwrap() == plain, "{wanted:?} of {len}");
                }
            }
        }
    }

    #[test]
    fn chunks_that_changed_places_or_were_touched_do_not_open() {
        let (key, _) = AeadKey::random();
        let mut stored = sealed(&key, &vec![7; 4 << 16]).concat();
        let chunk = CHUNK_SEALED_LEN as usize;
        let (first, rest) = stored.split_at_mut(chunk);
        first.swap_with_slice(&mut rest[..chunk]);
        assert!(opened(&key, &stored, 0..1, 1 << 20).is_err());
        assert!(opened(&key, &stored, 3 << 16..4 << 16, 1 << 20).is_ok());
        stored[3 * chunk + 50] ^= 1;
        assert!(opened(&key, &stored, 3 << 16..4 << 16, 1 << 20).is_err());
    }
}
