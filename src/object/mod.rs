//! The object engine: put, get, copy, list, delete and multipart, in terms of objects and blobs.
//!
//! It knows nothing of HTTP, XML or status codes; `s3` maps [`Error`] to AWS's codes.

mod api;
mod append;
mod audit;
mod body;
mod configurations;
mod copy;
mod domains;
mod drives;
mod encryption;
mod engine;
mod events;
mod expiry;
mod get;
mod guard;
mod heal;
mod heal_queue;
mod intake;
mod moves;
mod multipart;
mod nodes;
mod put;
mod quota;
mod readers;
mod rebuild;
mod reclaim;
mod recode;
mod redundancy;
mod refill;
mod rehearsal;
mod schemes;
mod search;
mod shards;
mod stripe_reader;
mod stripe_writer;
mod topology;
mod work;

pub use crate::metadata::{Label, LabelKind, RenameToken, SearchHit, SearchPage, SearchQuery};
pub use api::*;
pub use audit::{ScrubCursor, Scrubbed};
pub use configurations::{BucketAccess, BucketRules};
pub use domains::DomainSpare;
pub use drives::{DriveSet, DriveStatus};
pub use encryption::{CustomerKey, KeyInfo, Kms, KmsHealth, KmsLogin, KmsOptions, NewEncryption};
pub use engine::{Engine, Options};
pub use events::{
    Deliveries, Delivery, EventEnd, EventRow, OutboxRow, PENDING_MAX, TargetStatus, on_behalf_of,
};
pub use expiry::{Expired, Expiry, ExpiryCursor};
pub use get::{CopiedBody, ObjectStream, OpenObject};
pub use guard::GuardedDrive;
pub use heal::Healed;
pub use heal_queue::HealQueue;
pub use moves::Moved;
pub use readers::EndedGeneration;
pub use reclaim::Suspects;
pub use recode::{RecodeCursor, Recoding};
pub use redundancy::{ObjectAtRisk, Redundancy, RiskCursor, Tally};
pub use refill::Refill;
pub use schemes::{BucketEncoding, ClassEncoding};
pub use search::{IndexLag, SEARCH_TIME_MAX};
pub use shards::{HoldingDrive, ObjectShards, Piece};
pub use topology::{ChangeError, ChangePlan, Intent};
pub use work::{Activity, Bell, MoveBell, Work, WorkBoard, WorkState, WorkUnit};
