//! What the admin API can do, one method an operation.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Refusal;
use super::api::{
    AddDrive, AddNode, BucketList, ChangeDrive, ChangeNode, DriveCondition, DriveList, EventList,
    EventTarget, Heal, NodeList, NodeReport, ObjectAtRisk, Plan, QuotaState, Rebalance, RiskPage, RiskQuery,
    Scrub, SearchState, SetParity, SetQuota, SetSearch,
};
use super::status::{bucket_reports, drive_reports};
use crate::jobs::rehearse_moves;
use crate::metadata::{DrivePhase, Margin};
use crate::object::{self, ChangeError, ChangePlan, Engine, Intent, RiskCursor};
use crate::types::{BucketName, BucketQuota, DriveSlot, Scheme};

type Result<T> = std::result::Result<T, Refusal>;

/// Longest pause of healing, so that none is forgotten.
const PAUSE_SECONDS_MAX: u64 = 86_400;

/// Carries out what root asks for. Knows no HTTP: requests come in as values, refusals are meanings.
#[derive(Debug)]
pub(super) struct Operations {
    pub(super) engine: Arc<Engine>,
}

impl Operations {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }

    /// Every drive.
    pub(super) async fn drives(&self) -> Result<DriveList> {
        let counts = self.engine.redundancy().map_err(unreadable)?;
        Ok(DriveList { drives: drive_reports(&self.engine, &counts) })
    }

    /// Who is told of changes, and how that goes.
    pub(super) async fn events(&self) -> Result<EventList> {
        let targets = self.engine.event_targets().map_err(unreadable)?;
        let report = |target: object::TargetStatus| {
            let delivery = target.delivery.clone().unwrap_or_default();
            EventTarget {
                arn: target.outbox.target,
                configured: target.delivery.is_some(),
                endpoint: delivery.endpoint,
                pending: target.outbox.pending,
                delivered: target.outbox.delivered,
                dropped: target.outbox.dropped,
                failures: delivery.failures,
                lag_seconds: target.lag_seconds,
                error: delivery.error,
            }
        };
        Ok(EventList { pending_max: object::PENDING_MAX, targets: targets.into_iter().map(report).collect() })
    }

    /// Takes one more drive into the deployment.
    pub(super) async fn add_drive(&self, request: AddDrive) -> Result<Plan> {
        let intent = intent(request.dry_run);
        self.moving_plan(self.engine.add_drive(&request.location, intent).await, intent).await
    }

    /// Moves all shards of a drive to others.
    pub(super) async fn drain_drive(&self, slot: DriveSlot, request: ChangeDrive) -> Result<Plan> {
        let intent = intent(request.dry_run);
        self.moving_plan(self.engine.drain_drive(slot, intent).await, intent).await
    }

    /// Takes a drive out of the deployment; its shards are rebuilt on others.
    pub(super) async fn remove_drive(&self, slot: DriveSlot, request: ChangeDrive) -> Result<Plan> {
        let intent = intent(request.dry_run);
        self.moving_plan(self.engine.remove_drive(slot, intent).await, intent).await
    }

    /// Puts another drive in a slot.
    pub(super) async fn replace_drive(
        &self,
        slot: DriveSlot,
        location: String,
        request: ChangeDrive,
    ) -> Result<Plan> {
        let intent = intent(request.dry_run);
        self.moving_plan(self.engine.replace_drive(slot, &location, intent).await, intent).await
    }

    /// Every storage node; the empty address is this machine.
    pub(super) async fn nodes(&self) -> Result<NodeList> {
        let mut nodes: BTreeMap<String, NodeReport> = BTreeMap::new();
        for drive in self.engine.drives().status() {
            let address = drive.node.clone();
            let node = nodes.entry(drive.node).or_insert_with(|| NodeReport {
                address,
                zone: Some(drive.zone).filter(|zone| !zone.is_empty()),
                up: false,
                slots: Vec::new(),
                state: None,
                total_bytes: 0,
                free_bytes: 0,
            });
            node.up |= drive.up;
            if drive.phase == DrivePhase::Draining {
                node.state = Some(DriveCondition::Draining);
            }
            node.slots.push(drive.slot.0);
            node.total_bytes += drive.total;
            node.free_bytes += drive.free;
        }
        Ok(NodeList { nodes: nodes.into_values().collect() })
    }

    /// Takes the drives of one more node into the deployment.
    pub(super) async fn add_node(&self, request: AddNode) -> Result<Plan> {
        let intent = intent(request.dry_run);
        self.moving_plan(self.engine.add_node(&request.address, intent).await, intent).await
    }

    /// Moves all shards of a node to others.
    pub(super) async fn drain_node(&self, address: String, request: ChangeNode) -> Result<Plan> {
        let intent = intent(request.dry_run);
        self.moving_plan(self.engine.drain_node(&address, intent).await, intent).await
    }

    /// Takes a node's drives out of the deployment.
    pub(super) async fn remove_node(&self, address: String, request: ChangeNode) -> Result<Plan> {
        let intent = intent(request.dry_run);
        self.moving_plan(self.engine.remove_node(&address, intent).await, intent).await
    }

    /// Evens out how full the drives are, or ends that.
    pub(super) async fn rebalance(&self, request: Rebalance) -> Result<Plan> {
        let intent = intent(request.dry_run || request.stop);
        if request.stop && !request.dry_run {
            self.engine.end_rebalance().await.map_err(unreadable)?;
        }
        self.moving_plan(self.engine.rebalance(intent).await, intent).await
    }

    /// Reads every shard now.
    pub(super) async fn scrub(&self, request: Scrub) -> Result<Plan> {
        let counts = self.engine.redundancy().map_err(unreadable)?;
        let bytes: u64 = counts.held.values().sum();
        if !request.dry_run {
            self.engine.ask_scrub();
        }
        Ok(Plan {
            now: counts.sentence(),
            during: "unchanged: healthy data is only read".into(),
            after: "what is found bad is rebuilt".into(),
            started: !request.dry_run,
            notes: vec![format!("{bytes} bytes are to be read")],
            ..Plan::default()
        })
    }

    /// Heals now, or pauses healing.
    pub(super) fn heal(&self, request: Heal) -> Result<Plan> {
        let Heal { pause_seconds, dry_run } = request;
        if pause_seconds > PAUSE_SECONDS_MAX {
            return Err(Refusal::BadRequest(format!("pause_seconds is at most {PAUSE_SECONDS_MAX}")));
        }
        let counts = self.engine.redundancy().map_err(unreadable)?;
        if !dry_run {
            self.engine.heals().pause(Duration::from_secs(pause_seconds));
        }
        let (during, after) = match pause_seconds {
            0 => (
                "what is missing is rebuilt",
                "every object has its full redundancy, as far as there are drives",
            ),
            _ => (
                "what is missing stays so, unless an object could not bear another loss",
                "healing goes on by itself; a restart or `holdfast admin heal --now` ends the pause",
            ),
        };
        Ok(Plan {
            now: counts.sentence(),
            during: during.into(),
            after: after.into(),
            started: !dry_run,
            notes: vec![format!("{} shards wait to be rebuilt", counts.shards_to_heal)],
            ..Plan::default()
        })
    }

    /// Every bucket.
    pub(super) async fn buckets(&self) -> Result<BucketList> {
        Ok(BucketList { buckets: bucket_reports(&self.engine).map_err(unreadable)? })
    }

    /// Gives a bucket a parity of its own, or the deployment's.
    pub(super) async fn set_parity(&self, bucket: &str, request: SetParity) -> Result<Plan> {
        let intent = intent(request.dry_run);
        let scheme = parity(&request.parity)?;
        let plan = plan(self.engine.set_bucket_scheme(bucket, scheme, intent).await, intent)?;
        Ok(Plan {
            seconds: self.engine.seconds_to_recode(plan.bytes_to_move),
            started: plan.started && plan.shards_to_move > 0,
            ..plan
        })
    }

    /// Makes a bucket searchable, or ends that.
    pub(super) async fn set_search(&self, bucket: &str, request: SetSearch) -> Result<SearchState> {
        let set = self.engine.set_search(&bucket_name(bucket)?, request.enabled).await;
        set.map_err(|error| of_bucket(bucket, error))?;
        Ok(SearchState { bucket: bucket.to_owned(), enabled: request.enabled })
    }

    /// Bounds the bytes of a bucket, or bounds them no longer.
    pub(super) async fn set_quota(&self, bucket: &str, request: SetQuota) -> Result<QuotaState> {
        if request.bytes == Some(0) {
            let sentence = "a quota is at least 1 byte; `null` is for any number";
            return Err(Refusal::BadRequest(sentence.into()));
        }
        let (name, quota) = (bucket_name(bucket)?, request.bytes.map(|bytes| BucketQuota { bytes }));
        let set = self.engine.set_quota(&name, quota).await;
        set.map_err(|error| of_bucket(bucket, error))?;
        let now = self.engine.head_bucket(&name).await.map_err(|error| of_bucket(bucket, error))?;
        let used = now.bytes + now.version_bytes;
        Ok(QuotaState { bucket: bucket.to_owned(), bytes: request.bytes, used })
    }

    /// Objects that one more loss could cost.
    pub(super) async fn risk(&self, query: RiskQuery) -> Result<RiskPage> {
        let cursor = RiskCursor::parse(&query.after)
            .ok_or_else(|| Refusal::BadRequest("`after` is not the `next` of an earlier page".into()))?;
        let (objects, next) = self.engine.at_risk(&cursor, query.max).map_err(unreadable)?;
        let margin = |margin| match margin {
            Margin::Unreadable => -1,
            Margin::Zero => 0,
            Margin::Reduced(spare) => i32::from(spare),
            Margin::Full => i32::from(self.engine.drives().scheme().parity),
        };
        let object = |object: object::ObjectAtRisk| ObjectAtRisk {
            margin: margin(object.margin),
            bucket: object.bucket,
            key: object.key,
            bytes: object.bytes,
        };
        let objects = objects.into_iter().map(object).collect();
        Ok(RiskPage { objects, next: next.map(|next| next.to_text()) })
    }

    /// A plan with the time that it takes; where that is all that is asked for, at the pace that copies of some shards move now.
    async fn moving_plan(
        &self,
        planned: std::result::Result<ChangePlan, ChangeError>,
        intent: Intent,
    ) -> Result<Plan> {
        let plan = plan(planned, intent)?;
        if intent == Intent::Plan && plan.bytes_to_move > 0 {
            let rehearsed = rehearse_moves(&self.engine).await;
            rehearsed.unwrap_or_else(|error| tracing::warn!(%error, "how fast shards move is only guessed"));
        }
        Ok(Plan { seconds: self.engine.seconds_to_move(plan.bytes_to_move), ..plan })
    }
}

fn plan(planned: std::result::Result<ChangePlan, ChangeError>, intent: Intent) -> Result<Plan> {
    let plan = planned.map_err(|error| match error {
        ChangeError::Refused(sentence) => Refusal::Conflict(sentence),
        ChangeError::Malformed(sentence) => Refusal::BadRequest(sentence),
        ChangeError::NotNow(sentence) => Refusal::Unavailable(sentence),
        ChangeError::NoSuchDrive(_) | ChangeError::NoSuchNode(_) | ChangeError::NoSuchBucket(_) => {
            Refusal::NotFound(error.to_string())
        }
        ChangeError::Engine(error) => unreadable(error),
    })?;
    Ok(Plan {
        bytes_to_move: plan.bytes,
        shards_to_move: plan.shards,
        seconds: 0,
        now: plan.now,
        during: plan.during,
        after: plan.after,
        started: intent == Intent::Do,
        notes: plan.notes,
    })
}

fn intent(dry_run: bool) -> Intent {
    if dry_run { Intent::Plan } else { Intent::Do }
}

/// Reads `K+M` or `default`.
fn parity(text: &str) -> Result<Option<Scheme>> {
    if text == "default" {
        return Ok(None);
    }
    let refusal = |error| {
        Refusal::BadRequest(format!("{text} is no parity: {error}, or `default` for the deployment's"))
    };
    text.parse().map(Some).map_err(refusal)
}

fn no_such_bucket(bucket: &str) -> Refusal {
    Refusal::NotFound(format!("there is no bucket {bucket}; `bucket list` shows them"))
}

fn bucket_name(bucket: &str) -> Result<BucketName> {
    BucketName::parse(bucket).map_err(|_| no_such_bucket(bucket))
}

/// Why a bucket could not be set up.
fn of_bucket(bucket: &str, error: object::Error) -> Refusal {
    match error {
        object::Error::NoSuchBucket => no_such_bucket(bucket),
        error => unreadable(error),
    }
}

fn unreadable(error: object::Error) -> Refusal {
    tracing::warn!(%error, "admin request failed");
    Refusal::Unavailable("the metadata cannot be used now; the log of the server says why".into())
}
