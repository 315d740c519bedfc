//! A record: the shard bytes of one stripe, with their identity and checksums.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `HFsh` |
//! | 4 | 1 | format version, 1 |
//! | 5 | 1 | kind: 1 shard, 2 tombstone (data: ids of shards removed) |
//! | 6 | 1 | shard index |
//! | 7 | 1 | 0 |
//! | 8 | 16 | blob id, little endian like all that follows |
//! | 24 | 4 | stripe |
//! | 28 | 4 | data length d |
//! | 32 | 4 | CRC-32C of bytes 0..32 and of the block checksums |
//! | 36 | 4 × ⌈d / 32 KiB⌉ | CRC-32C of each 32 KiB block of data |
//! | then | d | data |
//! | then | 0..7 | zeros up to a multiple of 8 |
//!
//! In a blob file head and data begin at a page each, with zeros before the next.
//!
//! A record is written once. Identity is part of the checksum, so a record read from the wrong place,
//! or of another shard, is as corrupt as a flipped bit. A range read verifies only the blocks it touches.

use std::ops::Range;

use bytes::Bytes;

use super::drive::{DriveError, ShardId};
use crate::checksum::crc32c;
use crate::runtime::PAGE_BYTES;
use crate::types::BlobId;

/// Data bytes under one checksum.
pub(super) const BLOCK_BYTES: usize = 32 << 10;
/// Bytes before the block checksums.
pub(super) const FIXED_BYTES: usize = 36;
const MAGIC: [u8; 4] = *b"HFsh";
const VERSION: u8 = 1;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Shard,
    Tombstone,
}

/// The shard bytes of one stripe.
#[derive(Debug, Clone)]
pub struct Record {
    /// Which shard.
    pub id: ShardId,
    /// Which stripe.
    pub stripe: u32,
    /// The bytes.
    pub data: Bytes,
}

/// Bytes before the data of a record of `data_len` bytes.
pub(super) fn head_len(data_len: usize) -> usize {
    FIXED_BYTES + 4 * data_len.div_ceil(BLOCK_BYTES)
}

/// Bytes that a record of `data_len` bytes takes on disk.
pub fn record_len(data_len: usize) -> usize {
    (head_len(data_len) + data_len).next_multiple_of(8)
}

/// Bytes before the data of a record of a blob file.
pub(super) fn paged_head_len(data_len: usize) -> usize {
    head_len(data_len).next_multiple_of(PAGE_BYTES)
}

/// Bytes that a record of `data_len` bytes takes in a blob file.
pub(super) fn paged_record_len(data_len: usize) -> usize {
    paged_head_len(data_len) + data_len.next_multiple_of(PAGE_BYTES)
}

/// The head of a record over `data`.
pub(super) fn head(kind: Kind, id: ShardId, stripe: u32, data: &[u8]) -> Vec<u8> {
    let mut head = Vec::with_capacity(head_len(data.len()));
    head.extend_from_slice(&MAGIC);
    head.extend_from_slice(&[VERSION, if kind == Kind::Shard { 1 } else { 2 }, id.shard, 0]);
    head.extend_from_slice(&id.blob.0.to_le_bytes());
    head.extend_from_slice(&stripe.to_le_bytes());
    head.extend_from_slice(&(data.len() as u32).to_le_bytes());
    head.extend_from_slice(&[0; 4]);
    for block in data.chunks(BLOCK_BYTES) {
        head.extend_from_slice(&crc32c(block).to_le_bytes());
    }
    let sum = head_checksum(&head);
    head[32..36].copy_from_slice(&sum.to_le_bytes());
    head
}

/// The CRC of a head, its own field left out.
fn head_checksum(head: &[u8]) -> u32 {
    let mut covered = [0u8; 256];
    let len = head.len() - 4;
    if let Some(buffer) = covered.get_mut(..len) {
        buffer[..32].copy_from_slice(&head[..32]);
        buffer[32..].copy_from_slice(&head[36..]);
        return crc32c(buffer);
    }
    crc32c(&[&head[..32], &head[36..]].concat())
}

/// The fixed part of a head, read but not yet verified.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fixed {
    pub(super) kind: Kind,
    pub(super) id: ShardId,
    pub(super) stripe: u32,
    pub(super) data_len: usize,
}

/// Reads the fixed part; `None` if it is not a record's.
pub(super) fn parse_fixed(bytes: &[u8]) -> Option<Fixed> {
    let fixed: &[u8; FIXED_BYTES] = bytes.get(..FIXED_BYTES)?.try_into().ok()?;
    if fixed[..4] != MAGIC || fixed[4] != VERSION {
        return None;
    }
    let kind = match fixed[5] {
        1 => Kind::Shard,
        2 => Kind::Tombstone,
        _ => return None,
    };
    let blob = BlobId(u128::from_le_bytes(fixed[8..24].try_into().ok()?));
    let stripe = u32::from_le_bytes(fixed[24..28].try_into().ok()?);
    let data_len = u32::from_le_bytes(fixed[28..32].try_into().ok()?) as usize;
    Some(Fixed { kind, id: ShardId { blob, shard: fixed[6] }, stripe, data_len })
}

/// Checks a head's own checksum; `head` is exactly the head.
pub(super) fn head_is_intact(head: &[u8]) -> bool {
    head.len() >= FIXED_BYTES && head[32..36] == head_checksum(head).to_le_bytes()
}

/// Checks that `head` is intact and is that of the record asked for.
pub(super) fn verify_head(head: &[u8], id: ShardId, stripe: u32, data_len: usize) -> Result<(), DriveError> {
    let fixed = parse_fixed(head).ok_or_else(|| corrupt(id, stripe, "no record"))?;
    if !head_is_intact(head) {
        return Err(corrupt(id, stripe, "record head"));
    }
    if fixed.kind != Kind::Shard || fixed.id != id || fixed.stripe != stripe || fixed.data_len != data_len {
        return Err(corrupt(id, stripe, "another record"));
    }
    Ok(())
}

/// Checks blocks of data: `data` starts at data offset `start`, a multiple of the block length, and
/// ends at a block's end or at the record's.
pub(super) fn verify_blocks(head: &[u8], start: usize, data: &[u8]) -> bool {
    let first = start / BLOCK_BYTES;
    data.chunks(BLOCK_BYTES).enumerate().all(|(i, block)| {
        let at = FIXED_BYTES + 4 * (first + i);
        head.get(at..at + 4).is_some_and(|sum| sum == crc32c(block).to_le_bytes())
    })
}

/// The whole blocks that cover `range` of a record of `data_len` bytes.
pub(super) fn covering_blocks(range: &Range<usize>, data_len: usize) -> Range<usize> {
    let start = range.start / BLOCK_BYTES * BLOCK_BYTES;
    start..range.end.next_multiple_of(BLOCK_BYTES).min(data_len)
}

pub(super) fn corrupt(id: ShardId, stripe: u32, what: &str) -> DriveError {
    DriveError::Corrupt(format!("{what} of blob {} shard {} stripe {stripe}", id.blob, id.shard))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ShardId = ShardId { blob: BlobId(7), shard: 3 };

    #[test]
    fn a_flipped_bit_anywhere_is_noticed() {
        let data: Vec<u8> = (0..70_000u32).map(|i| i as u8).collect();
        let good = head(Kind::Shard, ID, 2, &data);
        verify_head(&good, ID, 2, data.len()).unwrap();
        assert!(verify_blocks(&good, 0, &data));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(verify_head(&bad, ID, 2, data.len()).is_err(), "bit {bit}");
        }
        let mut bad = data.clone();
        bad[BLOCK_BYTES + 5] ^= 1;
        assert!(!verify_blocks(&good, 0, &bad));
        assert!(verify_blocks(&good, 0, &bad[..BLOCK_BYTES]), "the first block is untouched");
    }

    #[test]
    fn another_shards_record_is_refused() {
        let record = head(Kind::Shard, ID, 2, b"x");
        assert!(verify_head(&record, ShardId { shard: 2, ..ID }, 2, 1).is_err());
        assert!(verify_head(&record, ID, 1, 1).is_err());
    }
}
