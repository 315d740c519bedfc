//! How nodes, and places on them, are written down: `HOST:PORT`, and `HOST:PORT:/FOLDER`.

/// Whether this names a node.
pub fn is_node_address(text: &str) -> bool {
    let parts = text.rsplit_once(':');
    parts.is_some_and(|(host, port)| {
        !host.is_empty() && !text.contains('/') && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

/// The node and the absolute path that a location names.
pub(super) fn parse_location(location: &str) -> Option<(&str, &str)> {
    let at = location.find(":/")?;
    let (address, path) = (&location[..at], &location[at + 1..]);
    is_node_address(address).then_some((address, path))
}

/// The location of a path on a node.
pub(super) fn location_on(address: &str, path: &str) -> String {
    format!("{address}:{path}")
}

/// The node that a location is on, if it is on one.
pub fn node_of(location: &str) -> Option<&str> {
    parse_location(location).map(|(address, _)| address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_node_and_an_absolute_path() {
        for (address, path) in [("n1:9100", "/mnt/d1"), ("[::1]:9100", "/"), ("10.0.0.1:1", "/a:/b")] {
            assert_eq!(parse_location(&location_on(address, path)), Some((address, path)));
        }
        for none in ["/mnt/d1", "n1:/mnt/d1", "n1:9100", "n1:9100:d1", ":9100:/d1", "n1:99999:/d1", "n1:0:/d"]
        {
            assert_eq!(parse_location(none), None, "{none}");
        }
    }
}
