//! Tags in requests and answers.

use hyper::HeaderMap;

use crate::types::{InvalidTags, Tags};

use super::error::{Code, Error, Result};
use super::headers::text;
use super::query::Query;
use super::xml_read::Element;
use super::xml_write::XmlWriter;

/// The tags that `x-amz-tagging` gives an object, in the form of a query. An empty header gives none.
pub(super) fn of_headers(sent: &HeaderMap) -> Result<Tags> {
    const HEADER: &str = "x-amz-tagging";
    let Some(header) = text(sent, HEADER) else { return Ok(Tags::default()) };
    let invalid = || {
        Error::argument(
            HEADER,
            header,
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without \
             tag name duplicates.",
        )
    };
    let query = Query::parse(header).map_err(|_| invalid())?;
    let pairs = query.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    match Tags::new(pairs, Tags::OBJECT_MAX) {
        Err(InvalidTags::KeyTwice) => Err(invalid()),
        other => other.map_err(|error| refusal(error, Tags::OBJECT_MAX)),
    }
}

/// Reads `<Tagging>`, of an object or a bucket, of which there may be `max`.
pub(super) fn parse(document: &[u8], max: usize) -> Result<Tags> {
    let tagging = Element::parse(document, "Tagging")?;
    let malformed = || Error::new(Code::MalformedXml);
    let set = tagging.child("TagSet").ok_or_else(malformed)?;
    let tag = |tag: &Element| {
        let key = tag.child_text("Key").filter(|_| tag.name == "Tag")?;
        Some((key.to_owned(), tag.child_text("Value")?.to_owned()))
    };
    let pairs = set.children.iter().map(tag).collect::<Option<Vec<_>>>().ok_or_else(malformed)?;
    Tags::new(pairs, max).map_err(|error| refusal(error, max))
}

/// What AWS says of tags that are refused, of which there may be `max`.
pub(super) fn refusal(error: InvalidTags, max: usize) -> Error {
    match error {
        InvalidTags::TooMany if max == Tags::OBJECT_MAX => {
            Error::with_message(Code::BadRequest, format!("Object tags cannot be greater than {max}"))
        }
        InvalidTags::TooMany => {
            Error::with_message(Code::BadRequest, format!("Bucket tag count cannot be greater than {max}"))
        }
        InvalidTags::KeyTwice => {
            Error::with_message(Code::InvalidTag, "Cannot provide multiple Tags with the same key")
        }
        InvalidTags::Key(key) if key.starts_with("aws:") => {
            Error::with_message(Code::InvalidTag, "System tags cannot be added/updated by requester")
        }
        InvalidTags::Key(key) => {
            Error::with_message(Code::InvalidTag, "The TagKey you have provided is invalid")
                .detail("TagKey", key)
        }
        InvalidTags::Value(value) => {
            Error::with_message(Code::InvalidTag, "The TagValue you have provided is invalid")
                .detail("TagValue", value)
        }
    }
}

/// Writes `<Tagging>`.
pub(super) fn document(tags: &Tags) -> Vec<u8> {
    let mut xml = XmlWriter::new(256 + tags.len() * 128);
    xml.open_root("Tagging");
    xml.open("TagSet");
    for (key, value) in tags.iter() {
        xml.open("Tag");
        xml.element("Key", key);
        xml.element("Value", value);
        xml.close("Tag");
    }
    xml.close("TagSet");
    xml.close("Tagging");
    xml.finish()
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn header(text: &str) -> Result<Tags, Code> {
        let mut sent = HeaderMap::new();
        sent.insert("x-amz-tagging", HeaderValue::from_str(text).unwrap());
        of_headers(&sent).map_err(|error| error.code)
    }

    #[test]
    fn tags_stand_in_a_header_like_a_query() {
        let tags = header("a=1&b%20c=d%2Fe&flag").unwrap();
        assert_eq!(tags.iter().collect::<Vec<_>>(), [("a", "1"), ("b c", "d/e"), ("flag", "")]);
        assert_eq!(header(""), Ok(Tags::default()));
        assert_eq!(header("a=1&a=2"), Err(Code::InvalidArgument));
        assert_eq!(header("a=%ff"), Err(Code::InvalidArgument));
        assert_eq!(header("aws:a=1"), Err(Code::InvalidTag));
        let many = (0..11).map(|i| format!("k{i}=v")).collect::<Vec<_>>().join("&");
        assert_eq!(header(&many), Err(Code::BadRequest));
    }

    #[test]
    fn a_document_is_read_and_written_again() {
        let text = "<Tagging><TagSet><Tag><Key>a</Key><Value>1&amp;</Value></Tag></TagSet></Tagging>";
        assert!(parse(text.as_bytes(), 10).is_err(), "& is no letter of a tag");
        let tags = parse(text.replace("&amp;", "").as_bytes(), 10).unwrap();
        let written = String::from_utf8(document(&tags)).unwrap();
        assert!(written.ends_with("<TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>"));
        for (bad, code) in [
            ("<Tagging/>", Code::MalformedXml),
            ("<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>", Code::MalformedXml),
            ("<Tagging><TagSet><Key>a</Key></TagSet></Tagging>", Code::MalformedXml),
            (
                "<Tagging><TagSet><Tag><Key>a</Key><Value/></Tag><Tag><Key>a</Key><Value/></Tag></TagSet></Tagging>",
                Code::InvalidTag,
            ),
        ] {
            assert_eq!(parse(bad.as_bytes(), 10).unwrap_err().code, code, "{bad}");
        }
    }
}
