//! From method, host, path and query to the operation that is meant.

use hyper::Method;

use crate::sigv4::decode_path;
use crate::types::{BucketName, ObjectKey};

use super::error::{Code, Error, Result};
use super::ops::parse_key;
use super::query::Query;

/// What a request is about and what it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operation {
    /// `GET /`.
    ListBuckets,
    /// Something with a bucket.
    Bucket(BucketName, BucketOperation),
    /// Something with an object.
    Object(BucketName, ObjectKey, ObjectOperation),
    /// A CORS preflight for a bucket or an object, as which type of resource AWS names it.
    Preflight(BucketName, &'static str),
}

impl Operation {
    /// The bucket that it is about.
    pub(super) fn bucket(&self) -> Option<&BucketName> {
        match self {
            Self::ListBuckets => None,
            Self::Bucket(bucket, _) | Self::Object(bucket, _, _) | Self::Preflight(bucket, _) => Some(bucket),
        }
    }
}

/// Operations on a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BucketOperation {
    /// `CreateBucket`.
    Create,
    /// `HeadBucket`.
    Head,
    /// `DeleteBucket`.
    Delete,
    /// `GetBucketLocation`.
    GetLocation,
    /// `ListObjects`.
    ListObjects,
    /// `ListObjectsV2`.
    ListObjectsV2,
    /// `ListObjectVersions`.
    ListVersions,
    /// `ListMultipartUploads`.
    ListUploads,
    /// A search: no operation of S3.
    Search,
    /// `DeleteObjects`.
    DeleteObjects,
    /// `PostObject`: a form.
    PostObject,
    /// A sub-resource that cannot be set here is read.
    Read(BucketAspect),
    /// It is removed; it was never there.
    Remove(BucketAspect),
    /// It is written.
    Write(BucketAspect),
    /// Known to S3, not to this server.
    NotImplemented,
}

/// Operations on an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectOperation {
    /// `PutObject`.
    Put,
    /// `CopyObject`.
    Copy,
    /// `RenameObject`.
    Rename,
    /// `GetObject`.
    Get,
    /// `HeadObject`.
    Head,
    /// `DeleteObject`.
    Delete,
    /// `GetObjectAttributes`.
    GetAttributes,
    /// `RestoreObject`.
    Restore,
    /// `CreateMultipartUpload`.
    CreateUpload,
    /// `UploadPart`.
    UploadPart,
    /// `UploadPartCopy`.
    UploadPartCopy,
    /// `CompleteMultipartUpload`.
    CompleteUpload,
    /// `AbortMultipartUpload`.
    AbortUpload,
    /// `ListParts`.
    ListParts,
    /// A sub-resource that cannot be set here is read.
    Read(ObjectAspect),
    /// It is removed; it was never there.
    Remove(ObjectAspect),
    /// It is written.
    Write(ObjectAspect),
    /// Known to S3, not to this server.
    NotImplemented,
}

macro_rules! aspects {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $parameter:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub(super) enum $name { $($variant),+ }

        impl $name {
            /// The parameter of the query that names it.
            pub(super) const fn parameter(self) -> &'static str {
                match self { $(Self::$variant => $parameter),+ }
            }

            fn find(query: &Query) -> Option<Self> {
                query.iter().find_map(|(name, _)| match name {
                    $($parameter => Some(Self::$variant),)+
                    _ => None,
                })
            }
        }
    };
}

aspects! {
    /// Sub-resources of a bucket that describe it.
    BucketAspect {
        Abac = "abac",
        Accelerate = "accelerate",
        Acl = "acl",
        Analytics = "analytics",
        Cors = "cors",
        Encryption = "encryption",
        IntelligentTiering = "intelligent-tiering",
        Inventory = "inventory",
        Lifecycle = "lifecycle",
        Logging = "logging",
        MetadataConfiguration = "metadataConfiguration",
        MetadataTable = "metadataTable",
        Metrics = "metrics",
        Notification = "notification",
        ObjectLock = "object-lock",
        OwnershipControls = "ownershipControls",
        Policy = "policy",
        PolicyStatus = "policyStatus",
        PublicAccessBlock = "publicAccessBlock",
        Replication = "replication",
        RequestPayment = "requestPayment",
        Tagging = "tagging",
        Versioning = "versioning",
        Website = "website",
    }
}

aspects! {
    /// Sub-resources of an object that describe it.
    ObjectAspect {
        Acl = "acl",
        Annotation = "annotation",
        Encryption = "encryption",
        LegalHold = "legal-hold",
        Retention = "retention",
        Tagging = "tagging",
        Torrent = "torrent",
    }
}

/// Sub-resources that name an action of S3 which this server does not have.
const BUCKET_ACTIONS: [&str; 4] =
    ["session", "metadataInventoryTable", "metadataJournalTable", "metadataAnnotationTable"];
const OBJECT_ACTIONS: [&str; 2] = ["select", "append"];

/// Sub-resources that go with one method alone. With another one they must not fall through to the
/// bucket or object itself: `DELETE /bucket?uploads` does not delete the bucket.
const BUCKET_METHODS: [(&str, Method); 5] = [
    ("search", Method::GET),
    ("delete", Method::POST),
    ("location", Method::GET),
    ("uploads", Method::GET),
    ("versions", Method::GET),
];
const OBJECT_METHODS: [(&str, Method); 4] = [
    ("attributes", Method::GET),
    ("renameObject", Method::PUT),
    ("restore", Method::POST),
    ("uploads", Method::POST),
];

/// The parts of a request that choose its operation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    /// The method.
    pub(super) method: &'a Method,
    /// The value of `Host`.
    pub(super) host: &'a str,
    /// The raw path.
    pub(super) path: &'a str,
    /// The decoded query.
    pub(super) query: &'a Query,
    /// The request has a copy source.
    pub(super) copies: bool,
}

/// Finds the operation. `domains` are the names under which a bucket may be the first label of the host.
pub(super) fn route(target: Target<'_>, domains: &[String]) -> Result<Operation> {
    let path = decode_path(target.path).ok_or_else(|| Error::new(Code::InvalidUri))?;
    let path = path.strip_prefix('/').ok_or_else(|| Error::new(Code::InvalidUri))?;
    let (bucket, key) = match bucket_of_host(target.host, domains) {
        Some(bucket) => (bucket, path),
        None => path.split_once('/').unwrap_or((path, "")),
    };
    if bucket.is_empty() {
        return match *target.method {
            Method::OPTIONS => Err(Code::AccessForbidden.into()),
            Method::GET if key.is_empty() => Ok(Operation::ListBuckets),
            _ => Err(not_allowed(target.method, "SERVICE")),
        };
    }
    let bucket_name = BucketName::parse(bucket)
        .map_err(|error| Error::from(error).detail("BucketName", bucket.to_owned()))?;
    if *target.method == Method::OPTIONS {
        return Ok(Operation::Preflight(bucket_name, if key.is_empty() { "BUCKET" } else { "OBJECT" }));
    }
    if key.is_empty() {
        let operation = bucket_operation(target.method, target.query)?;
        return Ok(Operation::Bucket(bucket_name, operation));
    }
    let key = parse_key(key)?;
    let operation = object_operation(target.method, target.query, target.copies)?;
    Ok(Operation::Object(bucket_name, key, operation))
}

/// `bucket` of `bucket.domain:port`; `None` for the domain itself and for any other host.
pub(super) fn bucket_of_host<'a>(host: &'a str, domains: &[String]) -> Option<&'a str> {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    domains.iter().find_map(|domain| {
        let cut = name.len().checked_sub(domain.len() + 1)?;
        let (bucket, rest) = (name.get(..cut)?, name.get(cut..)?);
        let matches = rest.starts_with('.') && rest[1..].eq_ignore_ascii_case(domain);
        (matches && !bucket.is_empty()).then_some(bucket)
    })
}

fn bucket_operation(method: &Method, query: &Query) -> Result<BucketOperation> {
    use BucketOperation as Op;
    if BUCKET_ACTIONS.iter().any(|name| query.has(name)) {
        return Ok(Op::NotImplemented);
    }
    if let Some(aspect) = BucketAspect::find(query) {
        return match *method {
            Method::GET => Ok(Op::Read(aspect)),
            Method::PUT | Method::POST => Ok(Op::Write(aspect)),
            Method::DELETE => Ok(Op::Remove(aspect)),
            _ => Err(not_allowed(method, "BUCKET")),
        };
    }
    if BUCKET_METHODS.iter().any(|(name, allowed)| query.has(name) && method != allowed) {
        return Err(not_allowed(method, "BUCKET"));
    }
    Ok(match *method {
        Method::GET if query.has("location") => Op::GetLocation,
        Method::GET if query.has("uploads") => Op::ListUploads,
        Method::GET if query.has("versions") => Op::ListVersions,
        Method::GET if query.has("search") => Op::Search,
        Method::GET if query.get("list-type") == Some("2") => Op::ListObjectsV2,
        Method::GET => Op::ListObjects,
        Method::PUT => Op::Create,
        Method::HEAD => Op::Head,
        Method::DELETE => Op::Delete,
        Method::POST if query.has("delete") => Op::DeleteObjects,
        Method::POST => Op::PostObject,
        _ => return Err(not_allowed(method, "BUCKET")),
    })
}

fn object_operation(method: &Method, query: &Query, copies: bool) -> Result<ObjectOperation> {
    use ObjectOperation as Op;
    if OBJECT_ACTIONS.iter().any(|name| query.has(name)) {
        return Ok(Op::NotImplemented);
    }
    if let Some(aspect) = ObjectAspect::find(query) {
        return match *method {
            Method::GET => Ok(Op::Read(aspect)),
            Method::PUT => Ok(Op::Write(aspect)),
            Method::DELETE => Ok(Op::Remove(aspect)),
            _ => Err(not_allowed(method, "OBJECT")),
        };
    }
    if OBJECT_METHODS.iter().any(|(name, allowed)| query.has(name) && method != allowed) {
        return Err(not_allowed(method, "OBJECT"));
    }
    let (upload, part) = (query.has("uploadId"), query.has("partNumber"));
    Ok(match *method {
        Method::GET if query.has("attributes") => Op::GetAttributes,
        Method::GET if upload => Op::ListParts,
        Method::GET => Op::Get,
        Method::HEAD => Op::Head,
        Method::PUT if upload && copies => Op::UploadPartCopy,
        Method::PUT if upload => Op::UploadPart,
        Method::PUT if part => {
            return Err(Error::argument("partNumber", "", "This operation does not accept a query-string."));
        }
        Method::PUT if query.has("renameObject") => Op::Rename,
        Method::PUT if copies => Op::Copy,
        Method::PUT => Op::Put,
        Method::POST if query.has("restore") => Op::Restore,
        Method::POST if query.has("uploads") => Op::CreateUpload,
        Method::POST if upload => Op::CompleteUpload,
        Method::DELETE if upload => Op::AbortUpload,
        Method::DELETE => Op::Delete,
        _ => return Err(not_allowed(method, "OBJECT")),
    })
}

fn not_allowed(method: &Method, resource: &'static str) -> Error {
    Error::new(Code::MethodNotAllowed)
        .detail("Method", method.as_str().to_owned())
        .detail("ResourceType", resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(method: Method, host: &str, uri: &str, copies: bool) -> Result<Operation> {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let query = Query::parse(query)?;
        let target = Target { method: &method, host, path, query: &query, copies };
        route(target, &["s3.example.com".into()])
    }

    fn object(method: Method, uri: &str) -> (String, ObjectOperation) {
        match routed(method, "localhost:9000", uri, false).unwrap() {
            Operation::Object(_, key, operation) => (key.as_str().to_owned(), operation),
            other => panic!("{other:?}"),
        }
    }

    fn bucket(method: Method, uri: &str) -> BucketOperation {
        match routed(method, "localhost", uri, false).unwrap() {
            Operation::Bucket(_, operation) => operation,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn buckets_are_found_in_path_and_in_host() {
        let expected = Operation::Object(
            BucketName::parse("photos").unwrap(),
            ObjectKey::parse("a/b").unwrap(),
            ObjectOperation::Get,
        );
        for (host, path) in [
            ("localhost:9000", "/photos/a/b"),
            ("s3.example.com", "/photos/a/b"),
            ("photos.s3.example.com", "/a/b"),
            ("photos.S3.Example.com:9000", "/a/b"),
        ] {
            assert_eq!(routed(Method::GET, host, path, false).unwrap(), expected, "{host}{path}");
        }
        assert_eq!(routed(Method::GET, "s3.example.com", "/", false).unwrap(), Operation::ListBuckets);
    }

    #[test]
    fn keys_are_decoded_once_and_never_normalized() {
        for (path, key) in [
            ("/bkt/a+b%20c%2B", "a+b c+"),
            ("/bkt//x//", "/x//"),
            ("/bkt/../.", "../."),
            ("/bkt/%252F", "%2F"),
            ("/bkt/a%2Fb", "a/b"),
            ("/bkt/d/", "d/"),
        ] {
            assert_eq!(object(Method::GET, path).0, key);
        }
        let error = routed(Method::GET, "localhost", "/bkt/%ff", false).unwrap_err();
        assert_eq!(error.code, Code::InvalidUri);
    }

    #[test]
    fn bucket_with_and_without_slash_is_the_bucket() {
        assert_eq!(bucket(Method::PUT, "/bkt"), BucketOperation::Create);
        assert_eq!(bucket(Method::PUT, "/bkt/"), BucketOperation::Create);
        assert_eq!(bucket(Method::GET, "/bkt/?list-type=2&prefix=a"), BucketOperation::ListObjectsV2);
        assert_eq!(bucket(Method::GET, "/bkt"), BucketOperation::ListObjects);
        assert_eq!(bucket(Method::GET, "/bkt?policy"), BucketOperation::Read(BucketAspect::Policy));
        assert_eq!(bucket(Method::DELETE, "/bkt?cors"), BucketOperation::Remove(BucketAspect::Cors));
        assert_eq!(bucket(Method::POST, "/bkt?delete"), BucketOperation::DeleteObjects);
    }

    #[test]
    fn sub_resources_never_fall_through_to_the_object() {
        for (method, uri, expected) in [
            (Method::PUT, "/b-k/k?acl", ObjectOperation::Write(ObjectAspect::Acl)),
            (Method::GET, "/b-k/k?tagging=", ObjectOperation::Read(ObjectAspect::Tagging)),
            (Method::DELETE, "/b-k/k?tagging", ObjectOperation::Remove(ObjectAspect::Tagging)),
            (Method::POST, "/b-k/k?uploads", ObjectOperation::CreateUpload),
            (Method::PUT, "/b-k/k?partNumber=1&uploadId=x", ObjectOperation::UploadPart),
            (Method::POST, "/b-k/k?uploadId=x", ObjectOperation::CompleteUpload),
            (Method::DELETE, "/b-k/k?uploadId=x", ObjectOperation::AbortUpload),
            (Method::GET, "/b-k/k?uploadId=x", ObjectOperation::ListParts),
            (Method::POST, "/b-k/k?restore", ObjectOperation::Restore),
            (Method::GET, "/b-k/k?partNumber=1", ObjectOperation::Get),
        ] {
            assert_eq!(object(method, uri).1, expected, "{uri}");
        }
        let error = routed(Method::PUT, "localhost", "/b-k/k?partNumber=1", false).unwrap_err();
        assert_eq!(error.code, Code::InvalidArgument);
    }

    #[test]
    fn copy_source_turns_puts_into_copies() {
        for (uri, expected) in [
            ("/b-k/k", ObjectOperation::Copy),
            ("/b-k/k?partNumber=1&uploadId=x", ObjectOperation::UploadPartCopy),
        ] {
            let routed = routed(Method::PUT, "localhost", uri, true).unwrap();
            assert!(matches!(routed, Operation::Object(_, _, operation) if operation == expected));
        }
    }

    #[test]
    fn bad_names_and_methods_get_their_codes() {
        for (method, path, code) in [
            (Method::GET, "/Bad_Name/k".to_owned(), Code::InvalidBucketName),
            (Method::PUT, format!("/bkt/{}", "k".repeat(1025)), Code::KeyTooLong),
            (Method::POST, "/bkt/k".to_owned(), Code::MethodNotAllowed),
            (Method::PUT, "/".to_owned(), Code::MethodNotAllowed),
            (Method::PATCH, "/bkt".to_owned(), Code::MethodNotAllowed),
            (Method::DELETE, "/bkt?uploads".to_owned(), Code::MethodNotAllowed),
            (Method::PUT, "/bkt?delete".to_owned(), Code::MethodNotAllowed),
            (Method::DELETE, "/bkt/k?uploads".to_owned(), Code::MethodNotAllowed),
            (Method::PUT, "/bkt/k?attributes".to_owned(), Code::MethodNotAllowed),
        ] {
            assert_eq!(routed(method, "localhost", &path, false).unwrap_err().code, code, "{path}");
        }
    }
}
