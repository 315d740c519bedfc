//! What the listings share: parameters, encoding, entries.

use crate::iam::Account;
use crate::object::{ListEntry, ListRequest, ListedObject};
use crate::types::BucketName;

use super::super::access::ListedOwners;
use super::super::auth::Call;
use super::super::checksums;
use super::super::error::{Error, Result};
use super::super::time::iso;
use super::super::xml_write::XmlWriter;

/// Entries in one page at most.
pub(super) const PAGE_MAX: u16 = 1000;

/// How keys stand in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyEncoding {
    /// As they are.
    Plain,
    /// Percent-encoded: `encoding-type=url`.
    Url,
}

impl KeyEncoding {
    /// Reads `encoding-type`.
    pub(super) fn of(call: &Call<'_>) -> Result<Self> {
        match call.query.get("encoding-type") {
            None | Some("") => Ok(Self::Plain),
            Some("url") => Ok(Self::Url),
            Some(other) => {
                Err(Error::argument("encoding-type", other, "Invalid Encoding Method specified in Request"))
            }
        }
    }

    /// Writes an element that holds a key or a piece of one.
    pub(super) fn element(self, xml: &mut XmlWriter, name: &str, key: &str) {
        match self {
            Self::Plain => xml.element(name, key),
            Self::Url => xml.element(name, &url_encoded(key)),
        }
    }

    /// Says which encoding is used, where one was asked for.
    pub(super) fn declare(self, xml: &mut XmlWriter) {
        if self == Self::Url {
            xml.element("EncodingType", "url");
        }
    }
}

/// Keys as AWS encodes them in listings: like a form, but slashes stay.
fn url_encoded(key: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(key.len() + 16);
    for byte in key.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' | b'/' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            _ => out.extend([
                '%',
                char::from(HEX[usize::from(byte >> 4)]),
                char::from(HEX[usize::from(byte & 15)]),
            ]),
        }
    }
    out
}

/// The part of a listing's request that all versions of it share.
pub(super) fn request(call: &Call<'_>, bucket: BucketName, after: String) -> Result<ListRequest> {
    Ok(ListRequest {
        bucket,
        prefix: call.query.get("prefix").unwrap_or_default().to_owned(),
        delimiter: call.query.get("delimiter").filter(|text| !text.is_empty()).map(str::to_owned),
        after,
        max_keys: call.query.page_size("max-keys", PAGE_MAX)?,
    })
}

/// Writes the objects, then the common prefixes.
pub(super) fn entries(
    xml: &mut XmlWriter,
    entries: &[ListEntry],
    encoding: KeyEncoding,
    mut object: impl FnMut(&mut XmlWriter, &ListedObject),
) {
    for entry in entries {
        if let ListEntry::Object(listed) = entry {
            object(xml, listed);
        }
    }
    for entry in entries {
        if let ListEntry::CommonPrefix(prefix) = entry {
            common_prefix(xml, prefix, encoding);
        }
    }
}

/// Writes one group of keys.
pub(super) fn common_prefix(xml: &mut XmlWriter, prefix: &str, encoding: KeyEncoding) {
    xml.open("CommonPrefixes");
    encoding.element(xml, "Prefix", prefix);
    xml.close("CommonPrefixes");
}

/// Writes `<Contents>` of one object.
pub(super) fn contents(
    xml: &mut XmlWriter,
    object: &ListedObject,
    encoding: KeyEncoding,
    shown_owners: Option<&ListedOwners<'_>>,
) {
    xml.open("Contents");
    encoding.element(xml, "Key", &object.key);
    xml.element("LastModified", &iso(object.modified));
    xml.etag(&object.etag);
    if let Some((algorithm, kind)) = object.checksum {
        xml.element("ChecksumAlgorithm", checksums::name(algorithm));
        xml.element("ChecksumType", checksums::kind_name(kind));
    }
    xml.number("Size", object.size);
    if let Some(owners) = shown_owners {
        owner(xml, "Owner", &owners.of(object.owner));
    }
    xml.element("StorageClass", object.class.name());
    xml.close("Contents");
}

/// Writes an account as `Owner` or `Initiator`.
pub(super) fn owner(xml: &mut XmlWriter, name: &str, account: &Account) {
    xml.open(name);
    xml.number("ID", account.canonical_id);
    xml.element("DisplayName", &account.name);
    xml.close(name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_encoded_as_aws_does() {
        assert_eq!(url_encoded("a b/c+d*e~f(é).txt"), "a+b/c%2Bd*e%7Ef%28%C3%A9%29.txt");
    }
}
