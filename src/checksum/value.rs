//! The additional checksums of S3: streaming, as text, and over the parts of an upload.

use std::hash::Hasher as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use sha1::{Digest as _, Sha1};
use sha2::Sha512;
use twox_hash::{XxHash3_64, XxHash3_128, XxHash64};

use super::md5::Md5;
use super::sha256::Sha256;
use crate::types::{ChecksumAlgorithm, ChecksumKind, ChecksumValue};

/// CRC-32C of a block, as kept beside every shard block.
pub fn crc32c(block: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(block)
}

/// A checksum in the making.
#[derive(Debug)]
pub struct Hasher {
    algorithm: ChecksumAlgorithm,
    state: State,
}

enum State {
    Crc(crc_fast::Digest),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
    Md5(Box<Md5>),
    XxHash64(XxHash64),
    // The two are of half a KiB.
    XxHash3(Box<XxHash3_64>),
    XxHash128(Box<XxHash3_128>),
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("State")
    }
}

impl Hasher {
    /// An empty checksum.
    pub fn new(algorithm: ChecksumAlgorithm) -> Self {
        let state = match algorithm {
            ChecksumAlgorithm::Sha1 => State::Sha1(Sha1::new()),
            ChecksumAlgorithm::Sha256 => State::Sha256(Sha256::default()),
            ChecksumAlgorithm::Sha512 => State::Sha512(Sha512::new()),
            ChecksumAlgorithm::Md5 => State::Md5(Box::default()),
            ChecksumAlgorithm::XxHash64 => State::XxHash64(XxHash64::with_seed(0)),
            ChecksumAlgorithm::XxHash3 => State::XxHash3(Box::new(XxHash3_64::new())),
            ChecksumAlgorithm::XxHash128 => State::XxHash128(Box::new(XxHash3_128::new())),
            ChecksumAlgorithm::Crc32 => State::Crc(crc_fast::Digest::new(CrcAlgorithm::Crc32IsoHdlc)),
            ChecksumAlgorithm::Crc32c => State::Crc(crc_fast::Digest::new(CrcAlgorithm::Crc32Iscsi)),
            ChecksumAlgorithm::Crc64Nvme => State::Crc(crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme)),
        };
        Self { algorithm, state }
    }

    /// Which algorithm this is.
    pub fn algorithm(&self) -> ChecksumAlgorithm {
        self.algorithm
    }

    /// Takes in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Crc(crc) => crc.update(bytes),
            State::Sha1(sha) => sha.update(bytes),
            State::Sha256(sha) => sha.update(bytes),
            State::Sha512(sha) => sha.update(bytes),
            State::Md5(md5) => md5.update(bytes),
            State::XxHash64(xxh) => xxh.write(bytes),
            State::XxHash3(xxh) => xxh.write(bytes),
            State::XxHash128(xxh) => xxh.write(bytes),
        }
    }

    /// The checksum of all bytes taken in.
    pub fn finish(self) -> ChecksumValue {
        let bytes = match self.state {
            State::Crc(crc) => return crc_value(self.algorithm, crc.finalize()),
            State::Sha1(sha) => sha.finalize().as_slice().to_vec(),
            State::Sha256(sha) => sha.finish().to_vec(),
            State::Sha512(sha) => sha.finalize().as_slice().to_vec(),
            State::Md5(md5) => md5.finish().to_vec(),
            State::XxHash64(xxh) => xxh.finish().to_be_bytes().to_vec(),
            State::XxHash3(xxh) => xxh.finish().to_be_bytes().to_vec(),
            State::XxHash128(xxh) => xxh.finish_128().to_be_bytes().to_vec(),
        };
        ChecksumValue { algorithm: self.algorithm, bytes }
    }
}

/// Length in bytes of an algorithm's value.
pub fn digest_len(algorithm: ChecksumAlgorithm) -> usize {
    match algorithm {
        ChecksumAlgorithm::Crc32 | ChecksumAlgorithm::Crc32c => 4,
        ChecksumAlgorithm::Crc64Nvme | ChecksumAlgorithm::XxHash64 | ChecksumAlgorithm::XxHash3 => 8,
        ChecksumAlgorithm::Md5 | ChecksumAlgorithm::XxHash128 => 16,
        ChecksumAlgorithm::Sha1 => 20,
        ChecksumAlgorithm::Sha256 => 32,
        ChecksumAlgorithm::Sha512 => 64,
    }
}

/// The text form: standard base64 of the big-endian bytes.
pub fn encode(value: &ChecksumValue) -> String {
    STANDARD.encode(&value.bytes)
}

/// Reads the text form; `None` where it is no base64 or of another length than the algorithm's.
pub fn decode(algorithm: ChecksumAlgorithm, text: &str) -> Option<ChecksumValue> {
    let bytes = STANDARD.decode(text).ok()?;
    (bytes.len() == digest_len(algorithm)).then_some(ChecksumValue { algorithm, bytes })
}

/// Whether AWS lets a multipart object carry this kind of this algorithm.
pub fn allowed(algorithm: ChecksumAlgorithm, kind: ChecksumKind) -> bool {
    match kind {
        ChecksumKind::FullObject => algorithm.is_crc(),
        ChecksumKind::Composite => algorithm != ChecksumAlgorithm::Crc64Nvme,
    }
}

/// The kind AWS takes for a multipart upload that names an algorithm and no kind.
pub fn default_kind(algorithm: ChecksumAlgorithm) -> ChecksumKind {
    match algorithm {
        ChecksumAlgorithm::Crc64Nvme => ChecksumKind::FullObject,
        _ => ChecksumKind::Composite,
    }
}

/// The composite checksum: the algorithm over the concatenated values of the parts.
pub fn composite<'a>(
    algorithm: ChecksumAlgorithm,
    parts: impl IntoIterator<Item = &'a ChecksumValue>,
) -> ChecksumValue {
    let mut hasher = Hasher::new(algorithm);
    for part in parts {
        hasher.update(&part.bytes);
    }
    hasher.finish()
}

/// The full-object CRC from the CRCs and lengths in bytes of the parts, in order. `None` where the
/// algorithm is no CRC, or a part's value is of another algorithm.
pub fn combine<'a>(
    algorithm: ChecksumAlgorithm,
    parts: impl IntoIterator<Item = (&'a ChecksumValue, u64)>,
) -> Option<ChecksumValue> {
    let crc = crc_algorithm(algorithm)?;
    let mut whole = crc_fast::checksum(crc, b"");
    for (part, len) in parts {
        if part.algorithm != algorithm || part.bytes.len() != digest_len(algorithm) {
            return None;
        }
        let value = part.bytes.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        whole = crc_fast::checksum_combine(crc, whole, value, len);
    }
    Some(crc_value(algorithm, whole))
}

fn crc_algorithm(algorithm: ChecksumAlgorithm) -> Option<CrcAlgorithm> {
    match algorithm {
        ChecksumAlgorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
        ChecksumAlgorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
        ChecksumAlgorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
        _ => None,
    }
}

fn crc_value(algorithm: ChecksumAlgorithm, crc: u64) -> ChecksumValue {
    let bytes = crc.to_be_bytes()[8 - digest_len(algorithm)..].to_vec();
    ChecksumValue { algorithm, bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [ChecksumAlgorithm; 10] = ChecksumAlgorithm::ALL;

    fn of(algorithm: ChecksumAlgorithm, bytes: &[u8]) -> ChecksumValue {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    #[test]
    fn check_values_of_the_catalogues_hold() {
        let hex = |algorithm| {
            of(algorithm, b"123456789").bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()
        };
        assert_eq!(hex(ChecksumAlgorithm::Crc32), "cbf43926");
        assert_eq!(hex(ChecksumAlgorithm::Crc32c), "e3069283");
        assert_eq!(hex(ChecksumAlgorithm::Crc64Nvme), "ae8b14860a799888");
        assert_eq!(hex(ChecksumAlgorithm::Sha1), "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
        assert_eq!(
            hex(ChecksumAlgorithm::Sha256),
            "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
        );
        let sha512 = hex(ChecksumAlgorithm::Sha512);
        assert!(sha512.starts_with("d9e6762dd1c8eaf6d61b3c6192fc408d") && sha512.len() == 128);
        assert_eq!(hex(ChecksumAlgorithm::Md5), "25f9e794323b453885f5181f1b624d0b");
        assert_eq!(hex(ChecksumAlgorithm::XxHash64), "8cb841db40e6ae83");
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    /// The values of no bytes in the specification of xxHash, which are written with the highest byte first.
    #[test]
    fn xxhash_of_nothing_is_as_specified() {
        let hex = |algorithm| of(algorithm, b"").bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(hex(ChecksumAlgorithm::XxHash64), "ef46db3751d8e999");
        assert_eq!(hex(ChecksumAlgorithm::XxHash3), "2d06800538d394c2");
        assert_eq!(hex(ChecksumAlgorithm::XxHash128), "99aa06d3014798d86001c324468d497f");
    }

    #[test]
    fn any_split_gives_the_same_value() {
        let bytes: Vec<u8> = (0..5000u32).map(|i| (i * 13 % 251) as u8).collect();
        for algorithm in ALL {
            let mut hasher = Hasher::new(algorithm);
            for piece in bytes.chunks(777) {
                hasher.update(piece);
            }
            let value = hasher.finish();
            assert_eq!((value.bytes.len(), &value), (digest_len(algorithm), &of(algorithm, &bytes)));
        }
    }

    #[test]
    fn text_form_survives_a_round_trip_and_refuses_other_lengths() {
        for algorithm in ALL {
            let value = of(algorithm, b"holdfast");
            assert_eq!(decode(algorithm, &encode(&value)), Some(value));
            assert_eq!(decode(algorithm, "AAAA"), None);
            assert_eq!(decode(algorithm, "not base64!"), None);
        }
    }

    #[test]
    fn combined_crcs_of_parts_equal_the_crc_of_the_whole() {
        let whole: Vec<u8> = (0..100_000u32).map(|i| (i * 7 % 251) as u8).collect();
        for algorithm in &ALL[..3] {
            for cuts in [vec![0, 100_000], vec![0, 1, 65_536, 65_536, 99_999, 100_000]] {
                let parts: Vec<_> = cuts
                    .windows(2)
                    .map(|w| (of(*algorithm, &whole[w[0]..w[1]]), (w[1] - w[0]) as u64))
                    .collect();
                let combined = combine(*algorithm, parts.iter().map(|(value, len)| (value, *len)));
                assert_eq!(combined, Some(of(*algorithm, &whole)), "{algorithm:?}");
            }
        }
        assert_eq!(combine(ChecksumAlgorithm::Sha256, []), None);
    }

    #[test]
    fn combine_refuses_parts_of_another_algorithm() {
        let part = of(ChecksumAlgorithm::Crc32, b"x");
        assert_eq!(combine(ChecksumAlgorithm::Crc32c, [(&part, 1)]), None);
    }

    #[test]
    fn composite_hashes_the_concatenated_values() {
        let (a, b) = (of(ChecksumAlgorithm::Sha256, b"a"), of(ChecksumAlgorithm::Sha256, b"b"));
        let joined = [a.bytes.clone(), b.bytes.clone()].concat();
        assert_eq!(composite(ChecksumAlgorithm::Sha256, [&a, &b]), of(ChecksumAlgorithm::Sha256, &joined));
    }

    #[test]
    fn default_kinds_are_allowed_kinds() {
        assert!(ALL.iter().all(|algorithm| allowed(*algorithm, default_kind(*algorithm))));
        assert!(!allowed(ChecksumAlgorithm::Crc64Nvme, ChecksumKind::Composite));
        assert!(!allowed(ChecksumAlgorithm::Sha1, ChecksumKind::FullObject));
    }
}
