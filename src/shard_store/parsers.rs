//! The readers of what stands on a drive as functions of bytes (see [`crate::parsers`]).

use bytes::Bytes;

use super::drive::ShardId;
use super::{format, journal, record};
use crate::types::{BlobId, DriveId, LogEntry, LogPosition, Parser};

const DRIVE: DriveId = DriveId(7);

pub(crate) const ALL: &[Parser] = &[
    Parser { name: "shard-record", run: shard_record, seeds: shard_records },
    Parser { name: "drive-log", run: drive_log, seeds: drive_logs },
    Parser { name: "drive-format", run: drive_format, seeds: Vec::new },
];

/// A record whose head is intact is read as what it says it is; with the checksum of the head put right, so that what
/// stands in the head is read too.
fn shard_record(bytes: &[u8]) -> Option<u16> {
    let fixed = record::parse_fixed(bytes)?;
    let head_len = record::head_len(fixed.data_len);
    let _ = (record::record_len(fixed.data_len), record::paged_record_len(fixed.data_len));
    let (head, data) = bytes.split_at_checked(head_len)?;
    let data = &data[..data.len().min(fixed.data_len)];
    let intact = record::head_is_intact(head);
    let verified = record::verify_head(head, fixed.id, fixed.stripe, fixed.data_len).is_ok();
    assert!(intact || !verified, "what is damaged is not verified");
    let _ = record::verify_blocks(head, 0, data);
    for range in [0..0, 0..fixed.data_len, fixed.data_len / 2..fixed.data_len] {
        let blocks = record::covering_blocks(&range, fixed.data_len);
        assert!(blocks.start <= range.start && blocks.end <= fixed.data_len.max(blocks.start));
    }
    None
}

fn shard_records() -> Vec<Vec<u8>> {
    let id = ShardId { blob: BlobId(9), shard: 1 };
    let record = |len: usize| {
        let data: Vec<u8> = (0..len).map(|at| at as u8).collect();
        [record::head(record::Kind::Shard, id, 3, &data), data].concat()
    };
    [0, 1, 500, 70_000].map(record).to_vec()
}

fn drive_log(bytes: &[u8]) -> Option<u16> {
    let content = Bytes::copy_from_slice(bytes);
    let entries = journal::entries(DRIVE, &content, 1);
    assert!(entries.windows(2).all(|two| two[0].position.index < two[1].position.index), "in order");
    None
}

fn drive_logs() -> Vec<Vec<u8>> {
    let entry =
        |index| LogEntry { position: LogPosition { epoch: 1, index }, payload: vec![index as u8; 50].into() };
    vec![journal::packed(DRIVE, &[entry(1)]), journal::packed(DRIVE, &[entry(1), entry(2), entry(3)])]
}

fn drive_format(bytes: &[u8]) -> Option<u16> {
    let _ = format::parse(bytes);
    None
}
