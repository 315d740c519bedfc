//! The node protocol: frames over TCP, many requests under way on each connection.
//!
//! | bytes | field |
//! |---|---|
//! | 4 | length of what follows, little endian like all numbers |
//! | 8 | request id, chosen by the gateway; an answer repeats it |
//! | 4 | length h of the head |
//! | h | head: [`Request`] or [`Answer`], postcard |
//! | rest | payload: the bytes of a shard, of log entries, of a piece of a snapshot |
//!
//! A connection begins with a handshake in which each side proves that it knows the cluster secret:
//! node: magic, version, nonce (32 bytes); gateway: nonce, its instance id (16 bytes), HMAC-SHA-256(secret,
//! "gateway" nonces id); node: one byte, 1 if it is free for this instance, and HMAC-SHA-256(secret, "node"
//! nonces id). A node serves one gateway instance at a time: two writers of one metadata log would part.
//! Shards and log entries carry checksums of their own that are verified at both ends; the connection is not
//! encrypted, so nodes belong on a network that is trusted.

use bytes::{BufMut, Bytes, BytesMut};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::runtime::{PageBuffer, random_bytes};
use crate::shard_store::{DriveError, DriveFormat, DriveState, Op, Reply, ShardId, Usage};
use crate::types::{DriveId, LogBounds, LogEntry, LogPosition};

/// Magic and version of the protocol.
const HELLO: [u8; 8] = *b"HFnode\x00\x03";
/// Longest frame: a log read's 4 MiB and what one large entry adds.
const FRAME_BYTES_MAX: usize = 64 << 20;
const NONCE_BYTES: usize = 32;
const PROOF_BYTES: usize = 32;
const INSTANCE_BYTES: usize = 16;
/// Both nonces and the gateway's instance id: what the proofs are over.
const TRANSCRIPT_BYTES: usize = 2 * NONCE_BYTES + INSTANCE_BYTES;

/// What a gateway asks. Paths are absolute; the node need not list them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// Are you there, and do you serve these drives? Those that are not open are opened meanwhile.
    Serve { drives: Vec<(DriveId, String)> },
    /// What stands at the places that you list?
    Describe,
    /// What stands at this path?
    Look { path: String },
    /// Format what must be blank, and open it.
    Format { path: String, format: DriveFormat },
    /// Open this drive, if it is not.
    Open { path: String, drive: DriveId },
    /// An operation on a drive.
    Drive { drive: DriveId, op: Op },
}

/// What stands at a path of a node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Seen {
    /// The path, absolute.
    pub(super) path: String,
    /// What is there, and how much room.
    pub(super) found: Result<(DriveState, Usage), DriveError>,
}

/// What a node answers; bytes travel as payload.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// Which node this is, under whatever address, its zone, and of each drive asked for whether it is served.
    Serving {
        node: u128,
        zone: String,
        drives: Vec<bool>,
    },
    Places(Vec<Seen>),
    Done,
    Bytes,
    /// Lengths of pieces that follow each other.
    Many(Vec<Result<u32, DriveError>>),
    Flags(Vec<bool>),
    Shards(Vec<ShardId>),
    Usage(Usage),
    LogBounds(LogBounds),
    /// Positions and payload lengths of the entries whose payloads follow each other.
    Log(Vec<(LogPosition, u32)>),
    Snapshot(Option<u64>),
    Failed(DriveError),
}

/// Splits a drive's reply in head and payload.
pub(super) fn answer_of(reply: Result<Reply, DriveError>) -> (Answer, Bytes) {
    let plain = |answer| (answer, Bytes::new());
    match reply {
        Err(error) => plain(Answer::Failed(error)),
        Ok(Reply::Done) => plain(Answer::Done),
        Ok(Reply::Bytes(bytes)) => (Answer::Bytes, bytes),
        Ok(Reply::Many(many)) => {
            let len =
                |one: &Result<Bytes, DriveError>| one.as_ref().map(|b| b.len() as u32).map_err(Clone::clone);
            let payload: Vec<&[u8]> = many.iter().flatten().map(|bytes| &bytes[..]).collect();
            (Answer::Many(many.iter().map(len).collect()), payload.concat().into())
        }
        Ok(Reply::Flags(flags)) => plain(Answer::Flags(flags)),
        Ok(Reply::Shards(ids)) => plain(Answer::Shards(ids)),
        Ok(Reply::Usage(usage)) => plain(Answer::Usage(usage)),
        Ok(Reply::LogBounds(bounds)) => plain(Answer::LogBounds(bounds)),
        Ok(Reply::Snapshot(index)) => plain(Answer::Snapshot(index)),
        Ok(Reply::Log(entries)) => {
            let heads = entries.iter().map(|entry| (entry.position, entry.payload.len() as u32)).collect();
            let payload: Vec<u8> = entries.iter().flat_map(|entry| entry.payload.iter().copied()).collect();
            (Answer::Log(heads), payload.into())
        }
    }
}

/// Puts head and payload of an answer together again.
pub(super) fn reply_of(answer: Answer, mut payload: Bytes) -> Result<Reply, DriveError> {
    match answer {
        Answer::Done => Ok(Reply::Done),
        Answer::Bytes => Ok(Reply::Bytes(payload)),
        Answer::Many(lens) => {
            let mut piece = |len: u32| {
                let whole = payload.len() >= len as usize;
                let short = || DriveError::Protocol("payload too short".into());
                whole.then(|| payload.split_to(len as usize)).ok_or_else(short)
            };
            Ok(Reply::Many(lens.into_iter().map(|len| len.and_then(&mut piece)).collect()))
        }
        Answer::Flags(flags) => Ok(Reply::Flags(flags)),
        Answer::Shards(ids) => Ok(Reply::Shards(ids)),
        Answer::Usage(usage) => Ok(Reply::Usage(usage)),
        Answer::LogBounds(bounds) => Ok(Reply::LogBounds(bounds)),
        Answer::Snapshot(index) => Ok(Reply::Snapshot(index)),
        Answer::Failed(error) => Err(error),
        Answer::Serving { .. } | Answer::Places(_) => {
            Err(DriveError::Protocol("an answer to another question".into()))
        }
        Answer::Log(heads) => {
            let mut entries = Vec::with_capacity(heads.len());
            for (position, len) in heads {
                if payload.len() < len as usize {
                    return Err(DriveError::Protocol("log payload too short".into()));
                }
                entries.push(LogEntry { position, payload: payload.split_to(len as usize) });
            }
            Ok(Reply::Log(entries))
        }
    }
}

/// One frame, its head still packed.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) id: u64,
    head: Bytes,
    pub(super) payload: Bytes,
}

impl Frame {
    /// Packs a head.
    pub(super) fn new<T: Serialize>(id: u64, head: &T, payload: Bytes) -> Self {
        let head = postcard::to_stdvec(head).expect("plain data serializes").into();
        Self { id, head, payload }
    }

    /// Unpacks the head.
    pub(super) fn head<T: for<'a> Deserialize<'a>>(&self) -> Result<T, DriveError> {
        postcard::from_bytes(&self.head).map_err(|error| DriveError::Protocol(error.to_string()))
    }

    /// Sends the frame; small ones are joined, large payloads are not copied.
    pub(super) async fn send(&self, stream: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
        let mut prefix = BytesMut::with_capacity(16 + self.head.len());
        prefix.put_u32_le((12 + self.head.len() + self.payload.len()) as u32);
        prefix.put_u64_le(self.id);
        prefix.put_u32_le(self.head.len() as u32);
        prefix.extend_from_slice(&self.head);
        stream.write_all(&prefix).await?;
        stream.write_all(&self.payload).await
    }

    /// Receives a frame; `None` at a clean end.
    pub(super) async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Option<Self>> {
        let malformed = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned());
        let mut prefix = [0; 4];
        match stream.read_exact(&mut prefix).await {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        };
        let len = u32::from_le_bytes(prefix) as usize;
        if !(12..=FRAME_BYTES_MAX).contains(&len) {
            return Err(malformed("frame length"));
        }
        let (id, head_len) = (stream.read_u64_le().await?, stream.read_u32_le().await? as usize);
        let payload_len = (len - 12).checked_sub(head_len).ok_or_else(|| malformed("head length"))?;
        let mut head = vec![0; head_len];
        stream.read_exact(&mut head).await?;
        // A drive writes what begins at a page as it is.
        let mut payload = PageBuffer::with_room(payload_len);
        while payload.len() < payload_len {
            let mut next = payload.next(payload_len - payload.len());
            if stream.read_buf(&mut next).await? == 0 {
                return Err(malformed("frame cut short"));
            }
        }
        Ok(Some(Self { id, head: head.into(), payload: payload.freeze() }))
    }
}

fn mac(secret: &[u8], role: &str, transcript: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any key length will do");
    mac.update(role.as_bytes());
    mac.update(transcript);
    mac
}

fn refused(what: &'static str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::PermissionDenied, what)
}

/// Why a node cannot be used now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeTrouble {
    /// There is no way to it.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// Something else answers there.
    #[error("it is no Holdfast node of this protocol version")]
    Stranger,
    /// It does not know the secret.
    #[error("it has another cluster secret")]
    Secret,
    /// It serves somebody else.
    #[error("another gateway is using it")]
    InUse,
}

impl From<std::io::Error> for NodeTrouble {
    fn from(error: std::io::Error) -> Self {
        Self::Unreachable(error.to_string())
    }
}

/// The node's side of the handshake. `claim` tells whether the node is free for a gateway instance.
pub(super) async fn accept<T>(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    secret: &[u8],
    claim: impl FnOnce(u128) -> Option<T>,
) -> std::io::Result<T> {
    let mut transcript = [0; TRANSCRIPT_BYTES];
    transcript[..NONCE_BYTES].copy_from_slice(&random_bytes::<NONCE_BYTES>());
    stream.write_all(&[&HELLO[..], &transcript[..NONCE_BYTES]].concat()).await?;
    let mut proof = [0; PROOF_BYTES];
    stream.read_exact(&mut transcript[NONCE_BYTES..]).await?;
    stream.read_exact(&mut proof).await?;
    let verified = mac(secret, "gateway", &transcript).verify_slice(&proof);
    verified.map_err(|_| refused("the gateway has another cluster secret"))?;
    let mut instance = [0; INSTANCE_BYTES];
    instance.copy_from_slice(&transcript[2 * NONCE_BYTES..]);
    let claimed = claim(u128::from_be_bytes(instance));
    stream.write_all(&[u8::from(claimed.is_some())]).await?;
    stream.write_all(&mac(secret, "node", &transcript).finalize().into_bytes()).await?;
    claimed.ok_or_else(|| refused("another gateway is using this node"))
}

/// The gateway's side of the handshake.
pub(super) async fn introduce(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    secret: &[u8],
    instance: u128,
) -> Result<(), NodeTrouble> {
    let mut greeting = [0; 8 + NONCE_BYTES];
    stream.read_exact(&mut greeting).await?;
    if greeting[..8] != HELLO {
        return Err(NodeTrouble::Stranger);
    }
    let mut transcript = [0; TRANSCRIPT_BYTES];
    transcript[..NONCE_BYTES].copy_from_slice(&greeting[8..]);
    transcript[NONCE_BYTES..2 * NONCE_BYTES].copy_from_slice(&random_bytes::<NONCE_BYTES>());
    transcript[2 * NONCE_BYTES..].copy_from_slice(&instance.to_be_bytes());
    let proof = mac(secret, "gateway", &transcript).finalize().into_bytes();
    stream.write_all(&[&transcript[NONCE_BYTES..], &proof].concat()).await?;
    let mut answer = [0; 1 + PROOF_BYTES];
    // A node that does not accept the proof says nothing and closes the connection.
    stream.read_exact(&mut answer).await.map_err(|_| NodeTrouble::Secret)?;
    let verified = mac(secret, "node", &transcript).verify_slice(&answer[1..]);
    verified.map_err(|_| NodeTrouble::Secret)?;
    if answer[0] == 1 { Ok(()) } else { Err(NodeTrouble::InUse) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_sides_must_know_the_secret_and_the_node_must_be_free() {
        for (node, gateway, free, said) in [
            ("a", "a", true, Ok(())),
            ("a", "b", true, Err(NodeTrouble::Secret)),
            ("a", "a", false, Err(NodeTrouble::InUse)),
        ] {
            let (mut near, mut far) = tokio::io::duplex(1024);
            let served = tokio::spawn(async move {
                let accepted = accept(&mut near, node.as_bytes(), |id| (free && id == 7).then_some(())).await;
                drop(near);
                accepted
            });
            assert_eq!(introduce(&mut far, gateway.as_bytes(), 7).await, said);
            assert_eq!(served.await.unwrap().is_ok(), said.is_ok());
        }
    }

    #[tokio::test]
    async fn frames_survive_the_wire() {
        let (mut near, mut far) = tokio::io::duplex(1 << 20);
        let payload = Bytes::from(vec![7; 100_000]);
        Frame::new(9, &Answer::Flags(vec![true]), payload.clone()).send(&mut near).await.unwrap();
        drop(near);
        let frame = Frame::receive(&mut far).await.unwrap().unwrap();
        assert_eq!((frame.id, &frame.payload), (9, &payload));
        assert!(matches!(frame.head::<Answer>().unwrap(), Answer::Flags(flags) if flags == [true]));
        assert!(Frame::receive(&mut far).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn silly_lengths_are_refused() {
        for bytes in [&[0xff; 64][..], &[0, 0, 0, 0, 1], &[20, 0, 0, 0, 1, 2]] {
            assert!(Frame::receive(&mut &bytes[..]).await.is_err());
        }
    }
}
