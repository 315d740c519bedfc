//! What waits to be done by the writer.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::log::Replica;
use super::model::{Applied, MetadataError, Mutation};
use super::readers::Complaint;
use crate::types::DriveSlot;

/// Most mutations in one entry of the log.
const BATCH_MUTATIONS_MAX: usize = 512;

/// How a mutation is answered.
pub(super) type Answer = oneshot::Sender<Result<Applied, MetadataError>>;

/// What the writer is asked to do.
#[derive(Debug)]
pub(super) enum Job {
    Commit(Box<Mutation>, Answer),
    CheckDatabase,
    Complaint(Complaint),
    AddReplica {
        replica: Arc<dyn Replica>,
        quorum: usize,
        database: Option<PathBuf>,
        done: oneshot::Sender<()>,
    },
    RemoveReplica {
        slot: DriveSlot,
        quorum: usize,
        location: Option<PathBuf>,
        done: oneshot::Sender<()>,
    },
    Stop,
}

/// What the writer does next.
#[derive(Debug)]
pub(super) enum Next {
    /// The mutations that wait, up to a batch, and who waits for them.
    Commit(Vec<Mutation>, Vec<Answer>),
    Other(Job),
}

/// Jobs in the order in which they came.
#[derive(Debug)]
pub(super) struct Queue {
    received: UnboundedReceiver<Job>,
    /// Came behind a batch that it is not part of.
    first: Option<Job>,
}

impl Queue {
    pub(super) fn new() -> (UnboundedSender<Job>, Self) {
        let (sender, received) = unbounded_channel();
        (sender, Self { received, first: None })
    }

    /// Waits for the next job; `None` when nobody is left to ask for one. May be given up while it waits.
    pub(super) async fn next(&mut self) -> Option<Next> {
        let job = match self.first.take() {
            Some(job) => job,
            None => self.received.recv().await?,
        };
        let Job::Commit(mutation, answer) = job else { return Some(Next::Other(job)) };
        let (mut mutations, mut answers) = (vec![*mutation], vec![answer]);
        while mutations.len() < BATCH_MUTATIONS_MAX {
            match self.received.try_recv() {
                Ok(Job::Commit(mutation, answer)) => {
                    mutations.push(*mutation);
                    answers.push(answer);
                }
                Ok(Job::CheckDatabase) => {}
                Ok(other) => {
                    self.first = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        Some(Next::Commit(mutations, answers))
    }
}
