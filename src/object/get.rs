//! Opening and reading objects.

use std::collections::VecDeque;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::api::*;
use super::encryption::{Keyring, Opener, SealedRun, check_customer_key, check_customer_key_opens};
use super::engine::Engine;
use super::readers::ReadGuard;
use super::stripe_reader::BlobReader;
use crate::checksum::Hasher;
use crate::metadata::{BlobLayout, Content, Extent, ObjectRow};
use crate::sealing::AeadKey;
use crate::types::encryption::unsealed_len;
use crate::types::{BucketName, ChecksumAlgorithm, ChecksumValue, ObjectKey, Scheme, VersionId};

/// Stripes read ahead of the client, and opened if they are sealed. Bounds memory per download to as many times the
/// stripe length, twice that where it is sealed.
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
    keyring: Arc<Keyring>,
    customer: Option<CustomerKey>,
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
            let (info, keyring) = (object_info(row), self.keyring.clone());
            return Ok(OpenObject { bucket, key, sequence, info, content, guard, keyring, customer: None });
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
            OpenContent::Blobs(blobs) if self.info.etag.parts > 0 => {
                blobs.iter().map(|blob| self.info.properties.plain_len(blob.layout.size)).collect()
            }
            // What was added to it is no part of its own.
            OpenContent::Inline(_) | OpenContent::Blobs(_) => vec![self.info.size],
        }
    }

    /// Where its blobs are; none where its bytes are in the metadata.
    pub(super) fn layouts(&self) -> impl Iterator<Item = &BlobLayout> {
        let blobs = match &self.content {
            OpenContent::Inline(_) => [].iter(),
            OpenContent::Blobs(blobs) => blobs.iter(),
        };
        blobs.map(|blob| &blob.layout)
    }

    /// How many blobs its bytes are in; none where they are in the metadata.
    pub(super) fn blob_count(&self) -> usize {
        match &self.content {
            OpenContent::Inline(_) => 0,
            OpenContent::Blobs(blobs) => blobs.len(),
        }
    }

    /// Whether all its blobs have this scheme; what is in the metadata has any.
    pub(super) fn is_encoded_as(&self, scheme: Scheme) -> bool {
        match &self.content {
            OpenContent::Inline(_) => true,
            OpenContent::Blobs(blobs) => blobs.iter().all(|blob| blob.layout.scheme() == scheme),
        }
    }

    /// Gives the client's key, which an object that is encrypted with it needs and any other must not have. Call it
    /// before anything of the object is shown.
    pub fn with_customer_key(mut self, customer: Option<CustomerKey>) -> Result<Self> {
        let encryption = self.info.properties.encryption.as_ref();
        check_customer_key(encryption, customer.as_ref())?;
        if let Some((encryption, customer)) = encryption.zip(customer.as_ref()) {
            check_customer_key_opens(&encryption.sealed_key, customer)?;
        }
        self.customer = customer;
        Ok(self)
    }

    /// The bytes of `range`, which must lie within the object. The first chunk has been read and
    /// verified when this returns, so that an unreadable object is an error and not a cut connection.
    pub async fn read(self, range: Range<u64>) -> Result<ObjectStream> {
        let range = range.start.min(self.info.size)..range.end.min(self.info.size);
        let key = match &self.info.properties.encryption {
            Some(encryption) => Some(self.keyring.object_key(encryption, self.customer.as_ref()).await?),
            None => None,
        };
        let blobs = match self.content {
            OpenContent::Inline(data) => return inline_range(data, &range, key),
            OpenContent::Blobs(blobs) => blobs,
        };
        let mut steps = Steps { steps: steps_of(blobs, &range, key.as_ref()), opener: None };
        let mut ready = VecDeque::new();
        while ready.is_empty()
            && let Some(read) = steps.next().await
        {
            ready = match read? {
                Stored::Plain(pieces) => pieces.into(),
                Stored::Sealed(run) => run.open()?.into_iter().collect(),
            };
        }
        let source = (!steps.steps.is_empty()).then(|| Source::start(steps, self.guard));
        Ok(ObjectStream { ready, opening: None, source })
    }
}

/// A range of bytes that are in memory.
fn inline_range(data: Bytes, range: &Range<u64>, key: Option<AeadKey>) -> Result<ObjectStream> {
    let pieces = match key {
        _ if range.is_empty() => Vec::new(),
        None => vec![data.slice(range.start as usize..range.end as usize)],
        Some(key) => {
            let (mut opener, stored) = Opener::new(key, range.clone(), data.len() as u64);
            let stored = data.slice(stored.start as usize..stored.end as usize);
            opener.push(vec![stored]).open()?.into_iter().collect()
        }
    };
    Ok(ObjectStream { ready: pieces.into(), opening: None, source: None })
}

/// The stripes of one blob that a range touches, read one after another.
#[derive(Debug)]
struct Step {
    reader: Arc<BlobReader>,
    stripe: u32,
    /// Stored bytes of the blob that are read.
    range: Range<u64>,
    /// With the first stripe of a blob that is encrypted.
    opener: Option<Opener>,
}

/// What is still to be read.
#[derive(Debug)]
struct Steps {
    steps: VecDeque<Step>,
    /// Opens what is being read, if it is encrypted.
    opener: Option<Opener>,
}

/// What was read of a stripe.
#[derive(Debug)]
enum Stored {
    Plain(Vec<Bytes>),
    /// The chunks that end in it.
    Sealed(SealedRun),
}

impl Steps {
    /// Reads the next stripe.
    async fn next(&mut self) -> Option<Result<Stored>> {
        let mut step = self.steps.pop_front()?;
        if let Some(opener) = step.opener.take() {
            self.opener = Some(opener);
        }
        let pieces = step.reader.read_stripe(step.stripe, &step.range).await;
        Some(pieces.map(|pieces| match &mut self.opener {
            Some(opener) => Stored::Sealed(opener.push(pieces)),
            None => Stored::Plain(pieces),
        }))
    }
}

/// All stripes that a range of the object touches. A range of a large object is a few bytes a stripe.
fn steps_of(blobs: Vec<BlobReader>, range: &Range<u64>, key: Option<&AeadKey>) -> VecDeque<Step> {
    let mut steps = VecDeque::new();
    let mut start = 0;
    for reader in blobs {
        let stored = reader.layout.size;
        let size = if key.is_some() { unsealed_len(stored) } else { stored };
        let wanted =
            range.start.clamp(start, start + size) - start..range.end.clamp(start, start + size) - start;
        start += size;
        if wanted.is_empty() {
            continue;
        }
        let (mut opener, range) = match key {
            None => (None, wanted),
            Some(key) => {
                let (opener, range) = Opener::new(key.clone(), wanted, stored);
                (Some(opener), range)
            }
        };
        let reader = Arc::new(reader);
        let stripes = reader.stripes(&range);
        steps.extend(stripes.map(|stripe| {
            let (reader, range) = (reader.clone(), range.clone());
            Step { reader, stripe, range, opener: opener.take() }
        }));
    }
    steps
}

/// Verified bytes of an object, in order.
#[derive(Debug)]
pub struct ObjectStream {
    ready: VecDeque<Bytes>,
    /// What comes behind that, being opened.
    opening: Option<Opening>,
    source: Option<Source>,
}

/// A task that opens what was read of a stripe.
type Opening = JoinHandle<Result<Option<Bytes>>>;

/// What was read ahead of a stripe.
#[derive(Debug)]
enum Ahead {
    Plain(Vec<Bytes>),
    Opening(Opening),
}

/// A task that reads ahead.
#[derive(Debug)]
struct Source {
    stripes: mpsc::Receiver<Result<Ahead>>,
    task: JoinHandle<()>,
}

impl Source {
    fn start(mut steps: Steps, guard: ReadGuard) -> Self {
        let (send, stripes) = mpsc::channel(READ_AHEAD_STRIPES_MAX);
        let task = tokio::spawn(async move {
            let _reading = guard;
            loop {
                // Room first: the stripe being read counts as read ahead.
                let Ok(room) = send.reserve().await else { return };
                let Some(read) = steps.next().await else { return };
                let failed = read.is_err();
                room.send(read.map(|stored| match stored {
                    Stored::Plain(pieces) => Ahead::Plain(pieces),
                    // Beside the next read, on another processor if there is one.
                    Stored::Sealed(run) => Ahead::Opening(tokio::spawn(async { run.open() })),
                }));
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
            let next = match (&mut self.opening, &mut self.source) {
                (Some(opening), _) => {
                    let opened = ready!(Pin::new(opening).poll(cx));
                    self.opening = None;
                    let opened = opened.unwrap_or_else(|error| Err(Error::Internal(Box::new(error))));
                    opened.map(|bytes| self.ready.extend(bytes))
                }
                (None, Some(source)) => match ready!(source.stripes.poll_recv(cx)) {
                    Some(ahead) => ahead.map(|ahead| self.take(ahead)),
                    None => {
                        self.source = None;
                        Ok(())
                    }
                },
                (None, None) => return Poll::Ready(None),
            };
            if let Err(error) = next {
                self.source = None;
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}

impl ObjectStream {
    fn take(&mut self, ahead: Ahead) {
        match ahead {
            Ahead::Plain(pieces) => self.ready = pieces.into(),
            Ahead::Opening(opening) => self.opening = Some(opening),
        }
    }
}

/// An object's bytes as the body of another write.
#[derive(Debug)]
pub struct CopiedBody {
    stream: ObjectStream,
    hasher: Option<Hasher>,
    checksum: Option<ChecksumValue>,
}

impl ObjectStream {
    /// The bytes as a body that has a checksum of this kind.
    pub fn into_body(self, algorithm: ChecksumAlgorithm) -> CopiedBody {
        CopiedBody { stream: self, hasher: Some(Hasher::new(algorithm)), checksum: None }
    }
}

impl Body for CopiedBody {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let next = ready!(self.stream.poll_chunk(cx));
        match (&next, &mut self.hasher) {
            (Some(Ok(chunk)), Some(hasher)) => hasher.update(chunk),
            (None, hasher) => self.checksum = hasher.take().map(Hasher::finish).or(self.checksum.take()),
            (Some(_), _) => {}
        }
        Poll::Ready(next.map(|chunk| chunk.map_err(|error| BodyError::Connection(Box::new(error)))))
    }

    fn checksum(&self) -> Option<ChecksumValue> {
        self.checksum.clone()
    }
}
