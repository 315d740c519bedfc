//! Request heads, signed ahead of time so that the generator spends no time on it while it measures.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

type HmacSha256 = Hmac<Sha256>;

const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// Signs for one key, one day and one host.
#[derive(Debug)]
pub struct Signer {
    access_key: String,
    host: String,
    date: String,
    scope: String,
    key: Vec<u8>,
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = HmacSha256::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Signer {
    /// `date` as in `20261121T040000Z`.
    pub fn new(access_key: &str, secret: &str, region: &str, host: &str, date: &str) -> Self {
        let day = &date[..8];
        let mut key = mac(format!("AWS4{secret}").as_bytes(), day.as_bytes());
        for part in [region, "s3", "aws4_request"] {
            key = mac(&key, part.as_bytes());
        }
        Self {
            access_key: access_key.into(),
            host: host.into(),
            date: date.into(),
            scope: format!("{day}/{region}/s3/aws4_request"),
            key,
        }
    }

    /// The head of a request; `query` must be in canonical order and encoding.
    pub fn head(&self, method: &str, path: &str, query: &str, length: usize) -> Vec<u8> {
        let (host, date) = (&self.host, &self.date);
        let canonical = format!(
            "{method}\n{path}\n{query}\nhost:{host}\nx-amz-content-sha256:{UNSIGNED}\nx-amz-date:{date}\n\n\
             host;x-amz-content-sha256;x-amz-date\n{UNSIGNED}"
        );
        let hash = hex(&Sha256::digest(canonical.as_bytes()));
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{}\n{hash}", self.scope);
        let signature = hex(&mac(&self.key, text.as_bytes()));
        let mark = if query.is_empty() { "" } else { "?" };
        let length = if method == "PUT" { format!("content-length: {length}\r\n") } else { String::new() };
        format!(
            "{method} {path}{mark}{query} HTTP/1.1\r\nhost: {host}\r\nx-amz-date: {date}\r\n\
             x-amz-content-sha256: {UNSIGNED}\r\n{length}authorization: AWS4-HMAC-SHA256 \
             Credential={}/{},SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature={signature}\r\n\r\n",
            self.access_key, self.scope
        )
        .into_bytes()
    }
}
