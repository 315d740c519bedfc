//! The forms of documents: which elements stand where and what they hold, as tables.
//!
//! A document that has its form becomes JSON under the same names; the same table writes it again. What a form cannot
//! say is for the document's own check.

use serde_json::{Map, Value};

use crate::types::Civil;

use super::super::error::{Code, Result};
use super::super::time::iso_secs;
use super::super::xml_read::Element;
use super::super::xml_write::XmlWriter;

/// What an element holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// Any text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// An integer.
    Number,
    /// `true` or `false`.
    Flag,
    /// A point in time.
    Time,
    /// Elements.
    Group(&'static [Field]),
}

/// An element within a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    name: &'static str,
    form: Form,
    occurs: Occurs,
}

#[derive(Debug, Clone, Copy)]
enum Occurs {
    Once,
    Maybe,
    /// So many times; the JSON is a list, also of one.
    Between(usize, usize),
}

#[cfg(test)]
impl Field {
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }
}

/// An element that must be there.
pub(super) const fn once(name: &'static str, form: Form) -> Field {
    Field { name, form, occurs: Occurs::Once }
}

/// An element that may be there.
pub(super) const fn maybe(name: &'static str, form: Form) -> Field {
    Field { name, form, occurs: Occurs::Maybe }
}

/// An element that may be there up to so many times.
pub(super) const fn up_to(name: &'static str, form: Form, max: usize) -> Field {
    Field { name, form, occurs: Occurs::Between(0, max) }
}

/// An element that must be there, up to so many times.
pub(super) const fn one_up_to(name: &'static str, form: Form, max: usize) -> Field {
    Field { name, form, occurs: Occurs::Between(1, max) }
}

/// The JSON of a group of elements; `MalformedXML` for what does not have the form.
pub(super) fn read(element: &Element, fields: &[Field]) -> Result<Value> {
    let known = |child: &Element| fields.iter().any(|field| field.name == child.name);
    if !element.text.trim().is_empty() || !element.children.iter().all(known) {
        return Err(Code::MalformedXml.into());
    }
    let mut group = Map::new();
    for field in fields {
        let mut values = element.children.iter().filter(|child| child.name == field.name);
        let value = match field.occurs {
            Occurs::Once | Occurs::Maybe => {
                let value = values.next().map(|child| read_one(child, field.form)).transpose()?;
                if values.next().is_some() || (value.is_none() && matches!(field.occurs, Occurs::Once)) {
                    return Err(Code::MalformedXml.into());
                }
                value
            }
            Occurs::Between(min, max) => {
                let values = values.map(|child| read_one(child, field.form)).collect::<Result<Vec<_>>>()?;
                if values.len() < min || values.len() > max {
                    return Err(Code::MalformedXml.into());
                }
                (!values.is_empty()).then_some(Value::Array(values))
            }
        };
        group.extend(value.map(|value| (field.name.to_owned(), value)));
    }
    Ok(Value::Object(group))
}

fn read_one(element: &Element, form: Form) -> Result<Value> {
    if let Form::Group(fields) = form {
        return read(element, fields);
    }
    let text = element.text.trim();
    let value = match form {
        _ if !element.children.is_empty() => None,
        Form::Text => Some(element.text.as_str().into()),
        Form::Word(words) => words.contains(&text).then(|| text.into()),
        Form::Number => text.parse::<i64>().ok().map(Value::from),
        Form::Flag => match text {
            "true" | "TRUE" | "True" => Some(true.into()),
            "false" | "FALSE" | "False" => Some(false.into()),
            _ => None,
        },
        Form::Time => Civil::parse_iso(text).map(|secs| iso_secs(secs).into()),
        Form::Group(_) => None,
    };
    value.ok_or_else(|| Code::MalformedXml.into())
}

/// Writes a group again, in the order of its form.
pub(super) fn write(xml: &mut XmlWriter, group: &Value, fields: &[Field]) {
    for field in fields {
        match group.get(field.name) {
            None => {}
            Some(Value::Array(values)) => values.iter().for_each(|value| write_one(xml, value, field)),
            Some(value) => write_one(xml, value, field),
        }
    }
}

fn write_one(xml: &mut XmlWriter, value: &Value, field: &Field) {
    match (field.form, value) {
        (Form::Group(fields), _) => {
            xml.open(field.name);
            write(xml, value, fields);
            xml.close(field.name);
        }
        (_, Value::String(text)) => xml.element(field.name, text),
        (_, other) => xml.number(field.name, other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIELDS: &[Field] = &[
        once("Status", Form::Word(&["On", "Off"])),
        maybe("Days", Form::Number),
        maybe("When", Form::Time),
        maybe("Loud", Form::Flag),
        up_to("Name", Form::Text, 2),
        maybe("Inner", Form::Group(&[one_up_to("Tag", Form::Group(&[once("Key", Form::Text)]), 2)])),
    ];

    fn read_text(content: &str) -> Option<Value> {
        let document = format!("<Root>{content}</Root>");
        read(&Element::parse(document.as_bytes(), "Root").ok()?, FIELDS).ok()
    }

    #[test]
    fn a_document_comes_back_as_it_was_in_the_order_of_its_form() {
        let value = read_text(
            " <Inner> <Tag><Key>a &amp; b</Key></Tag> </Inner><Name> x </Name><Name/><Loud>true</Loud>
             <When>2030-01-02</When><Days> -3 </Days><Status>On</Status>",
        )
        .unwrap();
        let mut xml = XmlWriter::new(0);
        write(&mut xml, &value, FIELDS);
        let text = String::from_utf8(xml.finish()).unwrap();
        let expected = "<Status>On</Status><Days>-3</Days><When>2030-01-02T00:00:00.000Z</When><Loud>true</Loud>\
                        <Name> x </Name><Name></Name><Inner><Tag><Key>a &amp; b</Key></Tag></Inner>";
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn what_does_not_have_the_form_is_refused() {
        assert!(read_text("<Status>On</Status>").is_some());
        for content in [
            "",
            "<Status>on</Status>",
            "<Status>On</Status><Status>On</Status>",
            "<Status>On</Status><Other/>",
            "<Status>On</Status>text",
            "<Status><On/></Status>",
            "<Status>On</Status><Days>1.5</Days>",
            "<Status>On</Status><Days>9223372036854775808</Days>",
            "<Status>On</Status><When>tomorrow</When>",
            "<Status>On</Status><Loud>yes</Loud>",
            "<Status>On</Status><Name/><Name/><Name/>",
            "<Status>On</Status><Name><b/></Name>",
            "<Status>On</Status><Inner/>",
            "<Status>On</Status><Inner><Tag/></Inner>",
        ] {
            assert_eq!(read_text(content), None, "{content}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_reads_back_the_same(name in "[ -~é]{0,20}", days: i64, loud: bool) {
            let mut value = serde_json::json!({"Status": "Off", "Days": days, "Loud": loud, "Name": [name]});
            value["Inner"] = serde_json::json!({"Tag": [{"Key": "k"}]});
            let mut xml = XmlWriter::new(0);
            xml.open("Root");
            write(&mut xml, &value, FIELDS);
            xml.close("Root");
            let root = Element::parse(&xml.finish(), "Root").unwrap();
            prop_assert_eq!(read(&root, FIELDS).unwrap(), value);
        }
    }
}
