//! MD5 (RFC 1321) for ETags and `Content-MD5`: one stream at a time, or many in SIMD lanes.
//!
//! One stream is serial by nature, so uploads are hashed side by side: [`Stage`] takes a chunk from
//! every upload that has one and runs them in lock step, one stream per lane.

pub use super::md5_stage::{Stage, StreamHasher};

/// Bytes of one MD5 block.
pub const BLOCK_LEN: usize = 64;

/// The chaining value before the first block.
const INITIAL: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// A streaming MD5.
#[derive(Debug, Clone)]
pub struct Md5 {
    state: [u32; 4],
    /// The last, incomplete block.
    partial: [u8; BLOCK_LEN],
    len: u64,
}

impl Default for Md5 {
    fn default() -> Self {
        Self { state: INITIAL, partial: [0; BLOCK_LEN], len: 0 }
    }
}

impl Md5 {
    /// The MD5 of `bytes`.
    pub fn digest(bytes: &[u8]) -> [u8; 16] {
        let mut md5 = Self::default();
        md5.update(bytes);
        md5.finish()
    }

    /// Bytes taken in so far.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True before the first byte.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let rest = &bytes[self.fill_partial(bytes)..];
        let (blocks, tail) = rest.as_chunks::<BLOCK_LEN>();
        for block in blocks {
            fast_md5::transform(&mut self.state, block);
        }
        self.len += (blocks.len() * BLOCK_LEN) as u64;
        self.fill_partial(tail);
    }

    /// The digest of all bytes taken in.
    pub fn finish(mut self) -> [u8; 16] {
        let bits = self.len.wrapping_mul(8);
        let used = self.partial_len();
        let mut padding = [0u8; 2 * BLOCK_LEN];
        padding[0] = 0x80;
        let end = if used < BLOCK_LEN - 8 { BLOCK_LEN - used } else { 2 * BLOCK_LEN - used };
        padding[end - 8..end].copy_from_slice(&bits.to_le_bytes());
        self.update(&padding[..end]);
        let mut digest = [0; 16];
        for (bytes, word) in digest.chunks_exact_mut(4).zip(self.state) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        digest
    }

    fn partial_len(&self) -> usize {
        (self.len % BLOCK_LEN as u64) as usize
    }

    /// Completes the block that an earlier chunk began, or begins one where `bytes` is shorter than
    /// a block; answers how many bytes that took. Afterwards either all of `bytes` is taken or the
    /// stream stands at a block boundary.
    pub(super) fn fill_partial(&mut self, bytes: &[u8]) -> usize {
        let used = self.partial_len();
        if used == 0 && bytes.len() >= BLOCK_LEN {
            return 0;
        }
        let taken = bytes.len().min(BLOCK_LEN - used);
        self.partial[used..used + taken].copy_from_slice(&bytes[..taken]);
        self.len += taken as u64;
        if used + taken == BLOCK_LEN {
            fast_md5::transform(&mut self.state, &self.partial);
        }
        taken
    }

    /// The chaining value; meaningful at a block boundary.
    pub(super) fn state(&self) -> [u32; 4] {
        self.state
    }

    /// Takes the chaining value that `blocks` more blocks led to.
    pub(super) fn advance(&mut self, state: [u32; 4], blocks: usize) {
        self.state = state;
        self.len += (blocks * BLOCK_LEN) as u64;
    }
}

#[cfg(test)]
mod tests {
    use md5::Digest as _;
    use proptest::prelude::*;

    use super::*;

    fn reference(bytes: &[u8]) -> [u8; 16] {
        md5::Md5::digest(bytes).into()
    }

    #[test]
    fn rfc_1321_test_suite_holds() {
        let hex = |bytes: &[u8]| Md5::digest(bytes).iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(hex(b""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(hex(b"abc"), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(hex(b"message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
    }

    #[test]
    fn every_length_around_a_block_pads_right() {
        let bytes = [0xa5u8; 300];
        for len in 0..bytes.len() {
            assert_eq!(Md5::digest(&bytes[..len]), reference(&bytes[..len]), "{len}");
        }
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_digest(bytes in proptest::collection::vec(any::<u8>(), 0..2000),
                                           cuts in proptest::collection::vec(0usize..2000, 0..8)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut md5 = Md5::default();
            for cut in cuts.windows(2) {
                md5.update(&bytes[cut[0]..cut[1]]);
            }
            prop_assert_eq!(md5.finish(), reference(&bytes));
        }
    }
}
