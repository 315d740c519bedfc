//! What any request says to conditions, whichever service it is for.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::types::Timestamp;

/// A request, as conditions see it (AWS: "Properties of the request", "Properties of the network").
#[derive(Debug, Clone, Copy)]
pub struct RequestFacts<'a> {
    /// When it came.
    pub now: Timestamp,
    /// From where.
    pub peer: IpAddr,
    /// By TLS.
    pub is_secure: bool,
    /// Which region it is for.
    pub region: &'a str,
    /// What the client says that it is.
    pub user_agent: Option<&'a str>,
}

impl<'a> RequestFacts<'a> {
    /// The value of a condition key, whose name is in lower case.
    pub fn value(&self, key: &str) -> Option<Cow<'a, str>> {
        match key {
            "aws:currenttime" => Some(self.now.iso().into()),
            "aws:epochtime" => Some(self.now.as_secs().to_string().into()),
            "aws:securetransport" => Some(self.is_secure.to_string().into()),
            "aws:sourceip" => Some(self.peer.to_canonical().to_string().into()),
            "aws:requestedregion" => Some(self.region.into()),
            "aws:useragent" => self.user_agent.map(Cow::Borrowed),
            "aws:principalisawsservice" | "aws:viaawsservice" => Some("false".into()),
            _ => None,
        }
    }
}
