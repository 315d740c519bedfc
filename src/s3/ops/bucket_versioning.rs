//! `GET` and `PUT /bucket?versioning`: GetBucketVersioning and PutBucketVersioning.

use hyper::StatusCode;

use crate::types::{BucketName, ConfigurationKind, Versioning};

use super::super::auth::{Call, Upload};
use super::super::documents::Digest;
use super::super::error::{Code, Error, Result};
use super::super::response::{Response, empty, xml};
use super::super::xml_read::Element;
use super::super::xml_write::XmlWriter;
use super::{DOCUMENT_BYTES_MAX, read_document};

/// Answers whether a bucket keeps versions; an empty document for one that never did.
pub(super) async fn get(call: &Call<'_>, bucket: BucketName) -> Result<Response> {
    let versioning = call.engine().head_bucket(&bucket).await?.versioning;
    let mut document = XmlWriter::new(256);
    document.open_root("VersioningConfiguration");
    match versioning {
        Versioning::Unversioned => {}
        Versioning::Enabled => document.element("Status", "Enabled"),
        Versioning::Suspended => document.element("Status", "Suspended"),
    }
    document.close("VersioningConfiguration");
    Ok(xml(document.finish()))
}

/// Begins or suspends the keeping of versions.
pub(super) async fn put(call: &Call<'_>, upload: Upload, bucket: BucketName) -> Result<Response> {
    let document = read_document(call, upload, Digest::Optional, DOCUMENT_BYTES_MAX).await?;
    let versioning = parse(&document)?;
    let replicates = || call.engine().configuration(&bucket, &ConfigurationKind::Replication.into());
    if versioning == Versioning::Suspended && replicates()?.is_some() {
        return Err(Error::with_message(
            Code::InvalidBucketState,
            "A replication configuration is present on this bucket, so you cannot change the versioning state. \
             To change the versioning state, first delete the replication configuration.",
        ));
    }
    call.engine().set_versioning(&bucket, versioning).await?;
    Ok(empty(StatusCode::OK))
}

/// Reads the document.
pub(in crate::s3) fn parse(document: &[u8]) -> Result<Versioning> {
    let configuration = Element::parse(document, "VersioningConfiguration")?;
    match configuration.child_text("MfaDelete").or_else(|| configuration.child_text("MFADelete")) {
        None | Some("Disabled") => {}
        Some("Enabled") => {
            return Err(Error::with_message(
                Code::NotImplemented,
                "MFA Delete is not implemented; Object Lock protects versions from removal",
            ));
        }
        Some(_) => return Err(Code::MalformedXml.into()),
    }
    match configuration.child_text("Status") {
        Some("Enabled") => Ok(Versioning::Enabled),
        Some("Suspended") => Ok(Versioning::Suspended),
        None => Err(Error::with_message(Code::IllegalVersioning, "The Versioning element must be specified")),
        Some(_) => Err(Code::MalformedXml.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_words_are_taken() {
        for (inner, expected) in [
            ("<Status>Enabled</Status>", Ok(Versioning::Enabled)),
            ("<Status>Suspended</Status><MfaDelete>Disabled</MfaDelete>", Ok(Versioning::Suspended)),
            ("<Status>enabled</Status>", Err(Code::MalformedXml)),
            ("<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>", Err(Code::NotImplemented)),
            ("<Status>Enabled</Status><MfaDelete>yes</MfaDelete>", Err(Code::MalformedXml)),
            ("", Err(Code::IllegalVersioning)),
        ] {
            let document = format!("<VersioningConfiguration>{inner}</VersioningConfiguration>");
            assert_eq!(parse(document.as_bytes()).map_err(|error| error.code), expected, "{inner}");
        }
    }
}
