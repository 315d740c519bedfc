//! XML of answers, as a tree.

use quick_xml::escape::escape;

/// An element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// With text in it.
    Text(&'static str, String),
    /// With others in it.
    Elements(&'static str, Vec<Node>),
}

/// An element with text in it.
pub(super) fn text(name: &'static str, text: impl Into<String>) -> Node {
    Node::Text(name, text.into())
}

/// A list, whose members are these elements.
pub(super) fn members(name: &'static str, members: impl IntoIterator<Item = Vec<Node>>) -> Node {
    Node::Elements(name, members.into_iter().map(|member| Node::Elements("member", member)).collect())
}

/// A list of texts.
pub(super) fn texts(name: &'static str, members: impl IntoIterator<Item = String>) -> Node {
    Node::Elements(name, members.into_iter().map(|member| Node::Text("member", member)).collect())
}

/// Tags.
pub(super) fn tags<'a>(tags: impl IntoIterator<Item = (&'a String, &'a String)>) -> Node {
    members("Tags", tags.into_iter().map(|(key, value)| vec![text("Key", key), text("Value", value)]))
}

impl Node {
    /// Writes it behind what is there.
    pub(super) fn write(&self, out: &mut String) {
        let (Self::Text(name, _) | Self::Elements(name, _)) = self;
        out.push_str(&format!("<{name}>"));
        match self {
            Self::Text(_, text) => out.push_str(&escape(text.as_str())),
            Self::Elements(_, nodes) => nodes.iter().for_each(|node| node.write(out)),
        }
        out.push_str(&format!("</{name}>"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_lists_have_members() {
        let mut out = String::new();
        members("Users", [vec![text("UserName", "a<&>\"b")], vec![]]).write(&mut out);
        let expected =
            "<Users><member><UserName>a&lt;&amp;&gt;&quot;b</UserName></member><member></member></Users>";
        assert_eq!(out, expected);
    }
}
