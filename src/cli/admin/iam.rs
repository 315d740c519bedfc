//! IAM by way of the admin API: a form asks, a document answers.

use hyper::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use super::AdminClient;

/// Pages of one list; more are a server that never ends.
const PAGES_MAX: usize = 10_000;

/// An element of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Reads a document.
    fn parse(document: &[u8]) -> Option<Self> {
        let mut reader = Reader::from_reader(document);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => {
                    let name = start.local_name().as_ref().to_owned();
                    open.push(Self { name, ..Self::default() });
                }
                Event::End(_) => {
                    let ended = open.pop()?;
                    open.last_mut()?.children.push(ended);
                }
                Event::Empty(empty) => {
                    let name = empty.local_name().as_ref().to_owned();
                    open.last_mut()?.children.push(Self { name, ..Self::default() });
                }
                Event::Text(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let letter = reference.resolve_char_ref().ok()?.map(String::from);
                    let named =
                        || quick_xml::escape::resolve_predefined_entity(&reference).map(str::to_owned);
                    open.last_mut()?.text.push_str(&letter.or_else(named)?);
                }
                Event::Eof => return open.pop()?.children.pop(),
                _ => {}
            }
        }
    }

    /// The text of the first element of this name, however deep; empty where there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.find(name).map_or("", |found| found.text.as_str())
    }

    /// The first element of this name, however deep.
    pub(super) fn find(&self, name: &str) -> Option<&Self> {
        let own = self.children.iter().find(|child| child.name == name);
        own.or_else(|| self.children.iter().find_map(|child| child.find(name)))
    }

    /// The members of a list.
    pub(super) fn members(&self, list: &str) -> Vec<Self> {
        self.find(list).map(|found| found.children.clone()).unwrap_or_default()
    }

    /// As JSON, in the words of IAM.
    pub(super) fn to_json(&self) -> Value {
        let children = self.children.iter();
        match self.children.first() {
            None => self.text.clone().into(),
            Some(first) if first.name == "member" => children.map(Self::to_json).collect(),
            Some(_) => children.map(|child| (child.name.clone(), child.to_json())).collect(),
        }
    }

    /// The text itself.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// Asks for one operation.
pub(super) async fn ask(
    client: &AdminClient,
    action: &str,
    parameters: &[(&str, &str)],
) -> Result<Element, String> {
    let mut form = format!("Action={action}&Version=2010-05-08");
    for (name, value) in parameters {
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
        form.push_str(&format!("&{name}={value}"));
    }
    let kind = "application/x-www-form-urlencoded";
    let answer = client.send_as(Method::POST, "/api/v1/iam", (kind, form.into())).await?;
    let document = Element::parse(&answer.body).unwrap_or_default();
    match answer.status {
        StatusCode::OK => Ok(document),
        status if document.get("Message").is_empty() => Err(client.not_understood(status)),
        _ => Err(format!("{}: {}", document.get("Code"), document.get("Message"))),
    }
}

/// All members of a list, page by page.
pub(super) async fn list(
    client: &AdminClient,
    (action, name): (&str, &str),
    parameters: &[(&str, &str)],
) -> Result<Vec<Element>, String> {
    let (mut found, mut marker) = (Vec::new(), String::new());
    for _ in 0..PAGES_MAX {
        let mut asked = parameters.to_vec();
        if !marker.is_empty() {
            asked.push(("Marker", &marker));
        }
        let page = ask(client, action, &asked).await?;
        found.extend(page.members(name));
        if page.get("IsTruncated") != "true" {
            break;
        }
        marker = page.get("Marker").to_owned();
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_with_its_lists() {
        let document = b"<R xmlns=\"x\"><Us><member><N>a&lt;&#65;</N></member><member><N>b</N></member></Us><T>true</T></R>";
        let read = Element::parse(document).unwrap();
        let names: Vec<_> = read.members("Us").iter().map(|member| member.get("N").to_owned()).collect();
        assert_eq!(
            (names, read.get("T"), read.get("Z")),
            (vec!["a<A".to_owned(), "b".to_owned()], "true", "")
        );
        let json = serde_json::json!({"Us": [{"N": "a<A"}, {"N": "b"}], "T": "true"});
        assert_eq!(read.to_json(), json);
        assert_eq!(Element::parse(b"<a><b></a>"), None);
        assert_eq!(Element::parse(b"nothing"), None);
    }
}
