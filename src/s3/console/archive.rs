//! Many objects as one ZIP, made while it is sent: what is in memory is a piece of an object and the archive's directory.

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use tokio::sync::mpsc;

use crate::iam::policy::Resource;
use crate::object::{self, ListEntry, ListRequest, ObjectStream};
use crate::sigv4::{Slash, encode_into};
use crate::types::{BucketName, ObjectKey};

use super::super::actions::Action;
use super::super::auth::Call;
use super::super::error::{Code, Error, Result};
use super::super::ops::parse_key;
use super::super::query::Query;
use super::super::response::{Response, ResponseBody, with_headers};
use super::super::service::Service;
use super::zip::ZipWriter;
use super::{Asker, Refused};

/// Pieces of an archive that may wait for the client. Bounds the memory of an archive to as many pieces of an object.
const PIECES_MAX: usize = 2;

/// Objects up to this many bytes are read before their entry is begun, so that its checksum stands before its bytes: some programs
/// want that of entries that are not compressed.
const WHOLE_BYTES_MAX: u64 = 1 << 20;

/// Keys that are named in the list of what is missing; more are counted.
const MISSING_MAX: usize = 1000;

/// The name of that list.
const MISSING: &str = "NOT-IN-THIS-ARCHIVE.txt";

type Piece = std::result::Result<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// What goes into an archive.
#[derive(Debug, Clone, Default)]
pub struct ArchiveRequest {
    /// From which bucket.
    pub bucket: String,
    /// What names in the archive leave out at their beginning.
    pub prefix: String,
    /// Objects.
    pub keys: Vec<String>,
    /// Everything under these prefixes.
    pub folders: Vec<String>,
}

/// The client went away, or something cannot be read any more.
struct Stopped;

impl Service {
    /// Answers an archive. What the caller may not read is left out, and said in the archive.
    pub fn archive(
        self: &Arc<Self>,
        asker: Asker,
        request: ArchiveRequest,
    ) -> std::result::Result<Response, Refused> {
        let bucket = self.check_archive(&asker, &request)?;
        let (pieces, body) = mpsc::channel(PIECES_MAX);
        let name = archive_name(&request);
        let service = self.clone();
        tokio::spawn(async move {
            let archive = Archive {
                service: &service,
                asker: &asker,
                bucket,
                zip: ZipWriter::default(),
                pieces,
                missing: Missing::default(),
            };
            // Whoever stopped it was told.
            let _ = archive.run(&request).await;
        });
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/zip"));
        if let Ok(disposition) = HeaderValue::from_str(&name) {
            headers.insert(CONTENT_DISPOSITION, disposition);
        }
        Ok(with_headers(StatusCode::OK, headers, ResponseBody::pieces(body)))
    }

    /// Refuses what cannot be, or what the caller may not list.
    fn check_archive(&self, asker: &Asker, request: &ArchiveRequest) -> Result<BucketName> {
        let bucket = BucketName::parse(&request.bucket)?;
        if request.keys.is_empty() && request.folders.is_empty() {
            return Err(Error::request("Name a key or a folder at least."));
        }
        self.engine.metadata().bucket(bucket.as_str()).map_err(object::Error::from)?;
        for folder in &request.folders {
            let call = asker.call(self, Query::of([("prefix", folder.as_str())]));
            call.authorize(Action::ListBucket, Resource::Bucket(bucket.as_str()))?;
        }
        Ok(bucket)
    }
}

/// `attachment` with the name of the folder, or of the bucket.
fn archive_name(request: &ArchiveRequest) -> String {
    let folder = match request.folders.as_slice() {
        [only] if request.keys.is_empty() => only.as_str(),
        _ => request.prefix.as_str(),
    };
    let name = folder.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty());
    let name = name.unwrap_or(&request.bucket);
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    let mut encoded = Vec::new();
    encode_into(&mut encoded, name.as_bytes(), Slash::Encode);
    format!(
        "attachment; filename=\"{plain}.zip\"; filename*=UTF-8''{}.zip",
        String::from_utf8_lossy(&encoded)
    )
}

/// What could not be read.
#[derive(Debug, Default)]
struct Missing {
    lines: String,
    count: usize,
}

impl Missing {
    fn note(&mut self, key: &str, error: &Error) {
        self.count += 1;
        if self.count <= MISSING_MAX {
            self.lines.push_str(&format!("{}: {key:?}\r\n", error.code.describe().0));
        }
    }
}

struct Archive<'a> {
    service: &'a Service,
    asker: &'a Asker,
    bucket: BucketName,
    zip: ZipWriter,
    pieces: mpsc::Sender<Piece>,
    missing: Missing,
}

impl Archive<'_> {
    async fn run(mut self, request: &ArchiveRequest) -> std::result::Result<(), Stopped> {
        for key in &request.keys {
            self.add(key, &request.prefix).await?;
        }
        for folder in &request.folders {
            self.add_folder(folder, &request.prefix).await?;
        }
        if self.missing.count > 0 {
            let text = format!("Not in this archive: {}\r\n\r\n{}", self.missing.count, self.missing.lines);
            let bytes = self.zip.whole(MISSING, self.service.engine.now(), text.as_bytes());
            let bytes = self.or_cut(bytes).await?;
            self.send(bytes.into()).await?;
        }
        let Self { zip, pieces, .. } = self;
        pieces.send(Ok(zip.finish().into())).await.map_err(|_| Stopped)
    }

    async fn add_folder(&mut self, folder: &str, prefix: &str) -> std::result::Result<(), Stopped> {
        let mut after = String::new();
        loop {
            let request = ListRequest {
                bucket: self.bucket.clone(),
                prefix: folder.to_owned(),
                delimiter: None,
                after,
                max_keys: 1000,
            };
            let page = self.service.engine.list(request).await;
            let page = self.or_cut(page).await?;
            for entry in page.entries {
                if let ListEntry::Object(object) = entry {
                    self.add(&object.key, prefix).await?;
                }
            }
            match page.next {
                Some(next) => after = next,
                None => return Ok(()),
            }
        }
    }

    /// Adds an object, or says in the end why it could not.
    async fn add(&mut self, key: &str, prefix: &str) -> std::result::Result<(), Stopped> {
        let call = self.asker.call(self.service, Query::default());
        let opened = match open(&call, &self.bucket, key).await {
            Ok(opened) => opened,
            Err(error) => {
                self.missing.note(key, &error);
                return Ok(());
            }
        };
        let name = key.strip_prefix(prefix).filter(|name| !name.is_empty()).unwrap_or(key);
        let (mut stream, size, modified) = opened;
        if size <= WHOLE_BYTES_MAX {
            let mut whole = Vec::with_capacity(size as usize);
            while let Some(piece) = next(&mut stream).await {
                whole.extend_from_slice(&self.or_cut(piece).await?);
            }
            let bytes = self.zip.whole(name, modified, &whole);
            let bytes = self.or_cut(bytes).await?;
            return self.send(bytes.into()).await;
        }
        let head = self.zip.begin(name, modified, size);
        let head = self.or_cut(head).await?;
        self.send(head.into()).await?;
        while let Some(piece) = next(&mut stream).await {
            let piece = self.or_cut(piece).await?;
            self.zip.data(&piece);
            self.send(piece).await?;
        }
        let end = self.zip.end();
        self.send(end.into()).await
    }

    async fn send(&self, bytes: Bytes) -> std::result::Result<(), Stopped> {
        self.pieces.send(Ok(bytes)).await.map_err(|_| Stopped)
    }

    /// Cuts the answer where the archive cannot go on: a short one must not look whole.
    async fn or_cut<T, E: std::error::Error + Send + Sync + 'static>(
        &self,
        result: std::result::Result<T, E>,
    ) -> std::result::Result<T, Stopped> {
        match result {
            Ok(value) => Ok(value),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cut an archive");
                let _ = self.pieces.send(Err(Box::new(error))).await;
                Err(Stopped)
            }
        }
    }
}

/// The bytes of an object with their number and its age.
async fn open(
    call: &Call<'_>,
    bucket: &BucketName,
    key: &str,
) -> Result<(Option<ObjectStream>, u64, crate::types::Timestamp)> {
    let key: ObjectKey = parse_key(key)?;
    let object = call.open_object(Action::GetObject, (bucket, &key), None).await?;
    let (size, modified) = (object.info().size, object.info().modified);
    // Who encrypted it brings the key with each request, and there is none here.
    let object = object.with_customer_key(None).map_err(|_| Error::new(Code::AccessDenied))?;
    let stream = if size == 0 { None } else { Some(object.read(0..size).await?) };
    Ok((stream, size, modified))
}

async fn next(stream: &mut Option<ObjectStream>) -> Option<object::Result<Bytes>> {
    let stream = stream.as_mut()?;
    std::future::poll_fn(|cx| stream.poll_chunk(cx)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_named_by_its_folder_or_bucket() {
        let name = |prefix: &str, folders: &[&str]| {
            let folders = folders.iter().map(|folder| folder.to_string()).collect();
            archive_name(&ArchiveRequest {
                bucket: "photos".into(),
                prefix: prefix.into(),
                folders,
                keys: Vec::new(),
            })
        };
        assert!(name("", &["a/"]).contains("filename=\"a.zip\""));
        assert!(name("x/y/", &["x/y/a/", "x/y/b/"]).contains("filename=\"y.zip\""));
        assert!(name("", &["a/", "b/"]).contains("filename=\"photos.zip\""));
        assert!(
            name("", &["a\"\r\né/"])
                .ends_with("filename=\"a____.zip\"; filename*=UTF-8''a%22%0D%0A%C3%A9.zip")
        );
    }
}
