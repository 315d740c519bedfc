//! The readers of log entries and packed columns as functions of bytes (see [`crate::parsers`]).

use super::log::Batch;
use super::model::Mutation;
use super::schema::{ObjectDetail, unpack, unpack_etag, unpack_slots};
use crate::types::{DriveSlot, Parser, Versioning};

pub(crate) const ALL: &[Parser] = &[
    Parser { name: "log-entry", run: entry, seeds: entries },
    Parser { name: "metadata-column", run: columns, seeds: || vec![vec![0; 40]] },
];

/// What is read can be written again.
fn entry(bytes: &[u8]) -> Option<u16> {
    let batch: Batch<Mutation> = postcard::from_bytes(bytes).ok()?;
    assert!(postcard::to_stdvec(&batch).is_ok());
    None
}

fn entries() -> Vec<Vec<u8>> {
    let bucket = "photos".to_owned();
    let batches = [
        vec![],
        vec![Mutation::SetVersioning { bucket: bucket.clone(), versioning: Versioning::Enabled }],
        vec![Mutation::DeleteBucket { bucket }],
    ];
    let packed = batches.into_iter().map(|mutations| postcard::to_stdvec(&Batch { mutations }));
    packed.map(|packed| packed.expect("plain data serializes")).collect()
}

fn columns(bytes: &[u8]) -> Option<u16> {
    let _ = unpack::<ObjectDetail>(bytes);
    let _ = unpack_etag(bytes);
    let _: Vec<DriveSlot> = unpack_slots(bytes);
    None
}
