//! Opening and reading objects.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::api::*;
use super::engine::Engine;
use super::readers::ReadGuard;
use super::stripe_reader::BlobReader;
use crate::metadata::{Content, Extent, ObjectRow};
use crate::types::{BucketName, ObjectKey, VersionId};

/// Stripes read ahead of the client. Bounds memory per download to as many times the stripe length.
const READ_AHEAD_STRIPES_MAX: usize = 2;

/// Overwrites between looking an object up and looking up where its bytes are, that a read puts up with.
const OVERWRITES_MAX: usize = 20;

/// An object opened for reading: one metadata read, no byte of content yet.
/// While it lives its blobs are not reclaimed.
#[derive(Debug)]
pub struct OpenObject {
    pub(super) bucket: BucketName,
    pub(super) key: ObjectKey,
    pub(super) sequence: u64,
    info: ObjectInfo,
    content: OpenContent,
    guard: ReadGuard,
}

#[derive(Debug)]
enum OpenContent {
    Inline(Bytes),
    /// Extents with the layout of each.
    Blobs(Vec<BlobReader>),
}

impl Engine {
    /// Opens the current version of an object for HEAD, GET and copy, or the one that is named.
    pub async fn open(
        &self,
        bucket: &BucketName,
        key: &ObjectKey,
        version: Option<VersionId>,
    ) -> Result<OpenObject> {
        let _under_way = self.activity.begin();
        let guard = self.readers.enter();
        for _ in 0..OVERWRITES_MAX {
            let (row, payload) = self.store.object_and_payload(bucket.as_str(), key.as_str(), version)?;
            let content = match (&row.content, payload) {
                (Content::Inline(_), payload) => payload.map(|payload| OpenContent::Inline(payload.into())),
                (Content::Blobs(extents), _) => self.blob_readers(extents)?.map(OpenContent::Blobs),
            };
            let Some(content) = content else { continue };
            let (bucket, key, sequence) = (bucket.clone(), key.clone(), row.sequence);
            return Ok(OpenObject { bucket, key, sequence, info: object_info(row), content, guard });
        }
        Err(Error::Unavailable("the object is being overwritten too fast to be read"))
    }

    /// Readers of an object's blobs; `None` if one was released since the object was looked up.
    fn blob_readers(&self, extents: &[Extent]) -> Result<Option<Vec<BlobReader>>> {
        let reader = |extent: &Extent| {
            let layout = self.store.blob_layout(extent.blob).transpose()?;
            let reader =
                |layout| BlobReader { drives: self.drives.clone(), heals: self.heals.clone(), layout };
            Some(layout.map(reader).map_err(Error::from))
        };
        extents.iter().map(reader).collect::<Option<Result<_>>>().transpose()
    }
}

fn object_info(row: ObjectRow) -> ObjectInfo {
    ObjectInfo {
        size: row.size,
        etag: row.etag,
        modified: row.modified,
        version: row.version,
        properties: row.properties,
        checksum: row.checksum,
    }
}

impl OpenObject {
    /// What is known of it.
    pub fn info(&self) -> &ObjectInfo {
        &self.info
    }

    /// Lengths in bytes of the parts it was uploaded in, in order; one for a single PUT.
    pub fn part_sizes(&self) -> Vec<u64> {
        match &self.content {
            OpenContent::Inline(data) => vec![data.len() as u64],
            OpenContent::Blobs(blobs) => blobs.iter().map(|blob| blob.layout.size).collect(),
        }
    }

    /// The bytes of `range`, which must lie within the object. The first chunk has been read and
    /// verified when this returns, so that an unreadable object is an error and not a cut connection.
    pub async fn read(self, range: Range<u64>) -> Result<ObjectStream> {
        let range = range.start.min(self.info.size)..range.end.min(self.info.size);
        let blobs = match self.content {
            OpenContent::Inline(data) => {
                let data = data.slice(range.start as usize..range.end as usize);
                let ready = if data.is_empty() { VecDeque::new() } else { VecDeque::from([data]) };
                return Ok(ObjectStream { ready, source: None });
            }
            OpenContent::Blobs(blobs) => blobs,
        };
        let mut steps = steps_of(blobs, &range);
        let Some(first) = steps.pop_front() else {
            return Ok(ObjectStream { ready: VecDeque::new(), source: None });
        };
        let ready = first.read().await?.into();
        let source = (!steps.is_empty()).then(|| Source::start(steps, self.guard));
        Ok(ObjectStream { ready, source })
    }
}

/// The stripes of one blob that a range touches, read one after another.
#[derive(Debug)]
struct Step {
    reader: Arc<BlobReader>,
    stripe: u32,
    range: Range<u64>,
}

impl Step {
    async fn read(&self) -> Result<Vec<Bytes>> {
        self.reader.read_stripe(self.stripe, &self.range).await
    }
}

/// All stripes that a range of the object touches. A range of a large object is a few bytes a stripe.
fn steps_of(blobs: Vec<BlobReader>, range: &Range<u64>) -> VecDeque<Step> {
    let mut steps = VecDeque::new();
    let mut start = 0;
    for reader in blobs {
        let size = reader.layout.size;
        let wanted =
            range.start.clamp(start, start + size) - start..range.end.clamp(start, start + size) - start;
        start += size;
        if wanted.is_empty() {
            continue;
        }
        let reader = Arc::new(reader);
        let stripes = reader.stripes(&wanted);
        steps.extend(stripes.map(|stripe| Step { reader: reader.clone(), stripe, range: wanted.clone() }));
    }
    steps
}

/// Verified bytes of an object, in order.
#[derive(Debug)]
pub struct ObjectStream {
    ready: VecDeque<Bytes>,
    source: Option<Source>,
}

/// A task that reads ahead.
#[derive(Debug)]
struct Source {
    stripes: mpsc::Receiver<Result<Vec<Bytes>>>,
    task: JoinHandle<()>,
}

impl Source {
    fn start(steps: VecDeque<Step>, guard: ReadGuard) -> Self {
        let (send, stripes) = mpsc::channel(READ_AHEAD_STRIPES_MAX);
        let task = tokio::spawn(async move {
            let _reading = guard;
            for step in steps {
                // Room first: the stripe being read counts as read ahead.
                let Ok(room) = send.reserve().await else { return };
                let pieces = step.read().await;
                let failed = pieces.is_err();
                room.send(pieces);
                if failed {
                    return;
                }
            }
        });
        Self { stripes, task }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ObjectStream {
    /// The next bytes; after an error the stream has ended.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(piece)));
            }
            let Some(source) = &mut self.source else { return Poll::Ready(None) };
            match std::task::ready!(source.stripes.poll_recv(cx)) {
                Some(Ok(pieces)) => self.ready = pieces.into(),
                Some(Err(error)) => {
                    self.source = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => self.source = None,
            }
        }
    }
}

/// A part copy reads its source as a body.
impl Body for ObjectStream {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let next = std::task::ready!(Self::poll_chunk(self, cx));
        Poll::Ready(next.map(|chunk| chunk.map_err(|error| BodyError::Connection(Box::new(error)))))
    }

    fn checksum(&self) -> Option<crate::types::ChecksumValue> {
        None
    }
}
