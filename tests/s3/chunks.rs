//! Bodies in `aws-chunked` framing.

use sha2::{Digest, Sha256};

use holdfast::sigv4::{ChunkSignatures, hex};

fn digits(signature: [u8; 32]) -> String {
    String::from_utf8(hex(&signature).to_vec()).unwrap()
}

/// Signed chunks, and a signed trailer where a line of it is given.
pub fn signed(mut chain: ChunkSignatures, chunks: &[&[u8]], trailer: Option<&str>) -> Vec<u8> {
    let mut wire = Vec::new();
    for chunk in chunks.iter().chain([&&b""[..]]) {
        let signature = digits(chain.sign_chunk(&Sha256::digest(chunk).into()));
        wire.extend(format!("{:x};chunk-signature={signature}\r\n", chunk.len()).bytes());
        if !chunk.is_empty() {
            wire.extend_from_slice(chunk);
            wire.extend_from_slice(b"\r\n");
        }
    }
    if let Some(line) = trailer {
        let signature = digits(chain.sign_trailer(&Sha256::digest(format!("{line}\n")).into()));
        wire.extend(format!("{line}\r\nx-amz-trailer-signature:{signature}\r\n").bytes());
    }
    wire.extend_from_slice(b"\r\n");
    wire
}

/// Chunks without signatures, and a trailer of one line.
pub fn unsigned(chunks: &[&[u8]], trailer: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for chunk in chunks {
        wire.extend(format!("{:x}\r\n", chunk.len()).bytes());
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend(format!("0\r\n{trailer}\r\n\r\n").bytes());
    wire
}
