//! The readers of the node protocol as functions of bytes (see [`crate::parsers`]).

use bytes::Bytes;
use futures_util::FutureExt as _;

use super::wire::{Answer, Frame, Request, answer_of, reply_of};
use crate::shard_store::{DriveError, Op, Reply, ShardId, Usage};
use crate::types::{BlobId, DriveId, LogEntry, LogPosition, Parser};

pub(crate) const ALL: &[Parser] = &[Parser { name: "node-frame", run: frames, seeds }];

/// Frames that follow each other, each read as both sides would.
fn frames(mut bytes: &[u8]) -> Option<u16> {
    while let Some(Ok(Some(frame))) = Frame::receive(&mut bytes).now_or_never() {
        let _ = frame.head::<Request>();
        if let Ok(answer) = frame.head::<Answer>() {
            let _ = reply_of(answer, frame.payload.clone());
        }
    }
    None
}

fn seeds() -> Vec<Vec<u8>> {
    let (drive, blob) = (DriveId(7), BlobId(9));
    let path = "/srv/drive1".to_owned();
    let requests = [
        Request::Serve { drives: vec![(drive, path.clone())] },
        Request::Describe,
        Request::Look { path: path.clone() },
        Request::Open { path, drive },
        Request::Drive { drive, op: Op::Usage },
    ];
    let requests =
        requests.iter().map(|request| packed(&Frame::new(1, request, Bytes::from_static(b"payload"))));
    let entry = |index| LogEntry { position: LogPosition { epoch: 1, index }, payload: vec![3; 40].into() };
    let replies = [
        Ok(Reply::Done),
        Ok(Reply::Bytes(vec![1; 100].into())),
        Ok(Reply::Many(vec![Ok(vec![2; 10].into()), Err(DriveError::NotFound)])),
        Ok(Reply::Flags(vec![true, false])),
        Ok(Reply::Shards(vec![ShardId { blob, shard: 3 }])),
        Ok(Reply::Usage(Usage::default())),
        Ok(Reply::Log(vec![entry(1), entry(2)])),
        Err(DriveError::Corrupt("head".into())),
    ];
    let answers = replies.into_iter().map(|reply| {
        let (answer, payload) = answer_of(reply);
        packed(&Frame::new(2, &answer, payload))
    });
    requests.chain(answers).collect()
}

fn packed(frame: &Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    let sent = frame.send(&mut bytes).now_or_never();
    assert!(matches!(sent, Some(Ok(()))), "a vector takes all");
    bytes
}
