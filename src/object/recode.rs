//! Objects whose blobs have another scheme than their bucket and class ask for get new blobs with the same bytes.
//!
//! Order of operations: the old blobs are read, verified, around drives that are lost; the new ones are made durable;
//! then one mutation puts these in the place of those, if the object is still the one that was read, and releases the
//! old ones as an overwrite does. New blobs must be whole and on a drive for each shard, however few would do for an
//! upload: the old ones may have shards on drives that are only away. So an object is at no moment less safe than the
//! lesser of the two schemes is, and nobody sees the change.
//!
//! A crash before the mutation leaves the old content, and shards that no row names: orphans, which the search for
//! them removes. A crash after it leaves the new content and garbage rows. Parts of unfinished uploads keep their
//! scheme; the object made of them is found later.
//!
//! Copies share their content, and go on sharing it: one mutation is for all of those that are to have the same scheme.
//! A copy that is to have another keeps what it has, and gets its own when its turn comes.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::api::*;
use super::engine::Engine;
use super::readers::ReadGuard;
use super::schemes::BucketEncoding;
use super::stripe_reader::BlobReader;
use super::stripe_writer::{self, StripeWriter, WrittenBlob};
use crate::erasure::{Codec, Scheme};
use crate::metadata::{MisencodedRow, Mutation, VersionPlace};
use crate::runtime::PageBuffer;
use crate::types::BlobId;

/// Objects, and their bytes, that are worked on together. Each waits for disks, so several go as fast as one.
const TOGETHER_MAX: (usize, u64) = (64, 16 << 20);

/// Why nothing is encoded anew now.
const TOO_FEW: &str = "too few drives take shards for each shard to have its own";

/// Where a walk over the objects goes on: behind a version in a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecodeCursor {
    bucket: String,
    place: VersionPlace,
}

/// The blobs of one object on their way to another scheme.
#[derive(Debug)]
pub struct Recoding {
    bucket: String,
    place: VersionPlace,
    old: Vec<BlobReader>,
    codec: Arc<Codec>,
    /// Those that are durable, one for each of the first old ones.
    new: Vec<WrittenBlob>,
    /// The next one, if it is of several stripes, and how many bytes of it are on their way.
    next: Option<(StripeWriter, u64)>,
    /// The old blobs are not removed while they are read, nor the new ones before they are named.
    _at_work: [ReadGuard; 2],
}

impl Recoding {
    /// Bytes of the new shards.
    pub fn new_bytes(&self) -> u64 {
        self.codec.scheme().stored_bytes(self.old.iter().map(|blob| blob.layout.size).sum())
    }

    /// Whether all new blobs are durable.
    pub fn is_written(&self) -> bool {
        self.new.len() == self.old.len()
    }
}

impl Engine {
    /// Objects to encode anew behind `after`, and where to go on: some small ones, about `bytes_max` bytes of them, or
    /// a large one. Looks at `rows_max` objects at most, so there may be none; `None` at the end.
    pub fn next_to_recode(
        &self,
        after: &RecodeCursor,
        rows_max: usize,
        bytes_max: u64,
    ) -> Result<Option<(Vec<Recoding>, RecodeCursor)>> {
        let at_work = [self.readers.enter(), self.writers.enter()];
        let mut buckets = self.bucket_encodings()?.into_iter();
        let waits = |bucket: &BucketEncoding| bucket.waiting.objects > 0 && bucket.name >= after.bucket;
        let Some(bucket) = buckets.find(waits) else { return Ok(None) };
        let start = VersionPlace::default();
        let place = if bucket.name == after.bucket { &after.place } else { &start };
        let (rows, last) =
            self.store.misencoded((&bucket.name, &self.schemes.rules), place, (rows_max, TOGETHER_MAX.0))?;
        let Some(last) = last else {
            let behind = RecodeCursor { bucket: format!("{}\0", bucket.name), place: start };
            return Ok(Some((Vec::new(), behind)));
        };
        let (rows, rest) = together(rows, bytes_max);
        let place = if rest { rows.last().map_or(last, |row| row.place.clone()) } else { last };
        let found = self.recodings(&bucket.name, rows, &at_work);
        Ok(Some((found, RecodeCursor { bucket: bucket.name, place })))
    }

    fn recodings(&self, bucket: &str, rows: Vec<MisencodedRow>, at_work: &[ReadGuard; 2]) -> Vec<Recoding> {
        let reader = |layout| BlobReader { drives: self.drives.clone(), heals: self.heals.clone(), layout };
        // Of objects that share a content and are to have the same scheme the first is for all.
        let mut seen: BTreeSet<(BlobId, Scheme)> = BTreeSet::new();
        let is_first = move |row: &MisencodedRow| {
            row.blobs.first().is_some_and(|layout| seen.insert((layout.blob, row.scheme)))
        };
        let recoding = |row: MisencodedRow| Recoding {
            bucket: bucket.to_owned(),
            place: row.place,
            old: row.blobs.into_iter().map(reader).collect(),
            codec: self.schemes.codec(row.scheme),
            new: Vec::new(),
            next: None,
            _at_work: at_work.clone(),
        };
        rows.into_iter().filter(is_first).map(recoding).collect()
    }

    /// Encodes about `bytes_max` more bytes of an object, a stripe at least. Returns how many. After an error nothing
    /// is kept.
    pub async fn recode_some(&self, recoding: &mut Recoding, bytes_max: u64) -> Result<u64> {
        let mut done = 0;
        while done < bytes_max.max(1) && !recoding.is_written() {
            match self.recode_stripe(recoding).await {
                Ok(bytes) => done += bytes,
                Err(error) => {
                    for blob in std::mem::take(&mut recoding.new) {
                        stripe_writer::discard(&self.drives, &blob.layout).await;
                    }
                    return Err(error);
                }
            }
        }
        Ok(done)
    }

    /// Encodes one more stripe, or a whole blob that is no longer than that.
    async fn recode_stripe(&self, recoding: &mut Recoding) -> Result<u64> {
        let Some(old) = recoding.old.get(recoding.new.len()) else { return Ok(0) };
        let (size, codec) = (old.layout.size, &recoding.codec);
        if self.drives.takers().len() < usize::from(codec.scheme().shards()) {
            return Err(Error::Unavailable(TOO_FEW));
        }
        let stripe_len = stripe_writer::stripe_len(codec.scheme()) as u64;
        if size <= stripe_len {
            let data = read_range(old, 0..size).await?;
            let written = stripe_writer::write_small(&self.drives, codec, self.new_blob_id(), data).await?;
            recoding.new.push(self.whole(written).await?);
            return Ok(size);
        }
        let (mut writer, from) = match recoding.next.take() {
            Some(next) => next,
            None => (StripeWriter::new(&self.drives, codec, self.new_blob_id())?, 0),
        };
        let until = (from + stripe_len).min(size);
        writer.write(read_range(old, from..until).await?).await?;
        if until < size {
            recoding.next = Some((writer, until));
        } else {
            recoding.new.push(self.whole(writer.finish().await?).await?);
        }
        Ok(until - from)
    }

    /// The blob, if every shard of it is there, on a drive of its own; else it is removed.
    async fn whole(&self, written: WrittenBlob) -> Result<WrittenBlob> {
        if !written.needs_heal() {
            return Ok(written);
        }
        stripe_writer::discard(&self.drives, &written.layout).await;
        Err(Error::Unavailable(TOO_FEW))
    }

    /// Puts the new blobs in the place of the old ones. `Conflict` if the object is another one by now: then the new
    /// ones are removed.
    pub async fn finish_recoding(&self, recoding: Recoding) -> Result<()> {
        let mutation = Mutation::Recode {
            bucket: recoding.bucket.clone(),
            key: recoding.place.key.clone(),
            sequence: recoding.place.sequence(),
            old: recoding.old.iter().map(|blob| blob.layout.blob).collect(),
            new: recoding.new.iter().map(|written| written.layout.clone()).collect(),
            content: self.new_upload_id(),
            scheme: recoding.codec.scheme(),
            rules: self.schemes.rules.clone(),
        };
        let committed = self.store.commit(mutation).await;
        for written in &recoding.new {
            self.after_commit(&committed, Some(&written.layout), false).await;
        }
        committed?;
        Ok(())
    }
}

/// The first rows, as many as are worked on together, and whether that leaves any out.
fn together(mut rows: Vec<MisencodedRow>, bytes_max: u64) -> (Vec<MisencodedRow>, bool) {
    let bytes_max = bytes_max.min(TOGETHER_MAX.1);
    let mut bytes = 0;
    let fits = |row: &MisencodedRow| {
        bytes += row.blobs.iter().map(|layout| layout.size).sum::<u64>();
        bytes <= bytes_max
    };
    let count = rows.iter().take(TOGETHER_MAX.0).map(fits).take_while(|fits| *fits).count().max(1);
    let rest = rows.len() > count;
    rows.truncate(count);
    (rows, rest)
}

/// The bytes of a blob in a range, verified.
async fn read_range(blob: &BlobReader, range: Range<u64>) -> Result<Bytes> {
    let mut data = PageBuffer::with_room((range.end - range.start) as usize);
    for stripe in blob.stripes(&range) {
        for piece in blob.read_stripe(stripe, &range).await? {
            data.extend_from_slice(&piece);
        }
    }
    Ok(data.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::BlobLayout;

    fn row(key: &str, size: u64) -> MisencodedRow {
        let layout =
            BlobLayout { blob: BlobId(1), size, stripe_len: 1 << 20, data_shards: 2, slots: Vec::new() };
        let (place, scheme) = (VersionPlace { key: key.into(), rank: -1 }, Scheme { data: 2, parity: 1 });
        MisencodedRow { place, blobs: vec![layout], scheme }
    }

    #[test]
    fn small_objects_go_together_and_a_large_one_alone() {
        let rows = || vec![row("a", 400), row("b", 600), row("c", 1)];
        assert_eq!(together(rows(), 1000).0.len(), 2);
        assert!(together(rows(), 1000).1);
        assert!(!together(rows(), 1001).1);
        let (alone, rest) = together(rows(), 1);
        assert_eq!((alone.len(), rest), (1, true), "one at least");
        let many = (0..100).map(|i| row(&i.to_string(), 1)).collect();
        assert_eq!(together(many, u64::MAX).0.len(), TOGETHER_MAX.0);
    }
}
