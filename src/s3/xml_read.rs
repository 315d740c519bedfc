//! Reads the XML of requests: small documents, no DTD, bounded depth.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use super::error::{Code, Error, Result};

/// Elements within elements at most.
const DEPTH_MAX: usize = 32;

/// Elements in one document at most: 10,000 parts with all that can be said of one. Bounds the memory
/// that a document of empty elements takes.
const ELEMENTS_MAX: usize = 100_000;

/// An element: text or children. Namespaces, attributes and comments are dropped.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// Its name without a prefix.
    pub(super) name: String,
    /// Its text with references resolved; white space is kept.
    pub(super) text: String,
    /// Its elements in order.
    pub(super) children: Vec<Element>,
}

impl Element {
    /// Reads a document whose root must have this name.
    pub(super) fn parse(document: &[u8], root: &str) -> Result<Self> {
        parse(document).filter(|element| element.name == root).ok_or_else(|| Error::new(Code::MalformedXml))
    }

    /// The first child of this name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of this name.
    pub(super) fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }
}

fn parse(document: &[u8]) -> Option<Element> {
    // In no XML document, not even spelled out (XML 1.0, section 2.2): what is kept of one could not be given back.
    if document.contains(&0) {
        return None;
    }
    let mut reader = Reader::from_str(std::str::from_utf8(document).ok()?);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut elements = 0;
    loop {
        let event = reader.read_event().ok()?;
        elements += usize::from(matches!(event, Event::Start(_) | Event::Empty(_)));
        if elements > ELEMENTS_MAX {
            return None;
        }
        match event {
            Event::Start(start) => {
                if open.len() >= DEPTH_MAX || root.is_some() {
                    return None;
                }
                open.push(named(start.local_name().as_ref()));
            }
            Event::Empty(empty) => {
                let element = named(empty.local_name().as_ref());
                close(element, &mut open, &mut root)?;
            }
            Event::End(_) => close(open.pop()?, &mut open, &mut root)?,
            Event::Text(text) => append(&mut open, &text.xml10_content())?,
            Event::CData(text) => append(&mut open, &text.xml10_content())?,
            Event::GeneralRef(reference) => append(&mut open, &resolve(&reference)?)?,
            Event::DocType(_) => return None,
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => return if open.is_empty() { root } else { None },
        }
    }
}

fn named(name: &str) -> Element {
    Element { name: name.to_owned(), ..Element::default() }
}

/// Hands a complete element to its parent, or makes it the root if there is none yet.
fn close(element: Element, open: &mut [Element], root: &mut Option<Element>) -> Option<()> {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None if root.is_none() => *root = Some(element),
        None => return None,
    }
    Some(())
}

/// Text belongs to the innermost open element; outside the root only white space may stand.
fn append(open: &mut [Element], text: &str) -> Option<()> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None => text.chars().all(|c| c.is_whitespace() || c == '\u{feff}').then_some(())?,
    }
    Some(())
}

/// The five references of XML itself, and characters by number; there is no DTD to define others.
fn resolve(reference: &BytesRef<'_>) -> Option<String> {
    if let Some(character) = reference.resolve_char_ref().ok()? {
        return Some(character.into());
    }
    quick_xml::escape::resolve_predefined_entity(reference).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn delete_document_is_read_with_references_and_namespace() {
        let document =
            br#"<?xml version="1.0"?><!-- c --><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
            <Object><Key>a &amp; b &#x41;&lt;</Key></Object><Quiet>true</Quiet></Delete>"#;
        let delete = Element::parse(document, "Delete").unwrap();
        assert_eq!(delete.child("Object").unwrap().child_text("Key"), Some("a & b A<"));
        assert_eq!(delete.child_text("Quiet"), Some("true"));
    }

    #[test]
    fn broken_documents_are_refused() {
        let deep = format!("{}{}", "<a>".repeat(33), "</a>".repeat(33));
        for document in [
            "",
            "text",
            "<Delete>",
            "<Delete></Other>",
            "<Other/>",
            "<Delete/><Delete/>",
            "<Delete/>tail",
            "<!DOCTYPE x [<!ENTITY e \"x\">]><Delete>&e;</Delete>",
            "<Delete>&unknown;</Delete>",
            "<Delete>&#xFFFFFFFF;</Delete>",
            &deep,
        ] {
            assert!(Element::parse(document.as_bytes(), "Delete").is_err(), "{document}");
        }
        assert!(Element::parse(b"<Delete>\xff</Delete>", "Delete").is_err());
    }

    #[test]
    fn documents_of_too_many_elements_are_refused() {
        let document = |count: usize| format!("<Delete>{}</Delete>", "<a/>".repeat(count));
        assert!(Element::parse(document(ELEMENTS_MAX - 1).as_bytes(), "Delete").is_ok());
        assert!(Element::parse(document(ELEMENTS_MAX).as_bytes(), "Delete").is_err());
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_markup_panics(text in "[<>/a&;#x!\\[\\]CDAT -]{0,80}") {
            let _ = parse(text.as_bytes());
        }
    }
}
