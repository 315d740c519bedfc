//! Lists in pages, as `Marker` and `MaxItems` ask for them.

use super::answer::{Node, text};
use super::error::{Error, Result};
use super::form::Form;

/// What a page has that does not say.
const ITEMS_DEFAULT: u64 = 100;

/// What a page has at most.
const ITEMS_MAX: u64 = 1000;

/// One page of what is given in the order of its keys, and the elements that say whether there is more.
pub(super) fn page<T>(
    form: &Form,
    items: impl IntoIterator<Item = (String, T)>,
) -> Result<(Vec<T>, Vec<Node>)> {
    let size = form.number("MaxItems")?.unwrap_or(ITEMS_DEFAULT);
    if !(1..=ITEMS_MAX).contains(&size) {
        return Err(Error::invalid(format!("MaxItems must be 1 to {ITEMS_MAX}.")));
    }
    let marker = form.get("Marker").unwrap_or_default();
    let mut left: Vec<_> =
        items.into_iter().filter(|(key, _)| marker.is_empty() || key.as_str() > marker).collect();
    let is_truncated = left.len() as u64 > size;
    left.truncate(size as usize);
    let mut nodes = vec![text("IsTruncated", is_truncated.to_string())];
    if let Some((last, _)) = left.last().filter(|_| is_truncated) {
        nodes.push(text("Marker", last.clone()));
    }
    Ok((left.into_iter().map(|(_, item)| item).collect(), nodes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_a_gap() {
        let items = || ["a", "b", "c"].map(|key| (key.to_owned(), key));
        let of = |form: &str| page(&Form::parse([form.as_bytes(), b""]).unwrap(), items());
        let (first, nodes) = of("MaxItems=2").unwrap();
        assert_eq!((first, nodes), (vec!["a", "b"], vec![text("IsTruncated", "true"), text("Marker", "b")]));
        let (second, nodes) = of("MaxItems=2&Marker=b").unwrap();
        assert_eq!((second, nodes), (vec!["c"], vec![text("IsTruncated", "false")]));
        assert!(of("MaxItems=0").is_err() && of("MaxItems=1001").is_err());
    }
}
