//! What is known of the deployment at this moment.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use hyper::http::uri::Authority;

use super::Health;
use super::api::{
    BucketReport, ClassReport, DriveCondition, DriveReport, Redundancy, Status, Tally, Work, WorkState,
};
use crate::metadata::DrivePhase;
use crate::object::{self, BucketEncoding, ClassEncoding, DomainSpare, DriveStatus, Engine, Error};
use crate::types::{DeploymentId, DriveSlot};

/// What does not change while the process runs.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Region that clients sign for.
    pub region: String,
    /// When this process started.
    pub started: Instant,
    /// Clients come by TLS.
    pub is_secure: bool,
    /// Where S3 is served.
    pub s3: S3Place,
}

/// Where S3 is served, beside the console.
#[derive(Debug, Clone)]
pub struct S3Place {
    /// What the operator says.
    pub public_url: Option<String>,
    /// The address that it listens on.
    pub address: SocketAddr,
    /// It speaks TLS.
    pub is_secure: bool,
}

impl S3Place {
    /// The URL for somebody who reached the console by this host.
    pub fn url_beside(&self, host: &str) -> String {
        if let Some(url) = &self.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let scheme = if self.is_secure { "https" } else { "http" };
        let ip = self.address.ip();
        let name = host.parse::<Authority>().ok().map(|authority| authority.host().to_owned());
        let is_reached = ip.is_unspecified() || (ip.is_loopback() && name.as_deref() == Some("localhost"));
        let name = name.filter(|_| is_reached).unwrap_or_else(|| match ip {
            ip if ip.is_unspecified() => "127.0.0.1".to_owned(),
            IpAddr::V6(ip) => format!("[{ip}]"),
            IpAddr::V4(ip) => ip.to_string(),
        });
        format!("{scheme}://{name}:{}", self.address.port())
    }
}

/// Asks the engine.
pub(super) async fn gather(engine: &Arc<Engine>, facts: &Facts) -> Result<Status, Error> {
    let scheme = engine.drives().scheme();
    let counts = engine.redundancy()?;
    Ok(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        deployment: facts.deployment.to_string(),
        region: facts.region.clone(),
        uptime_seconds: facts.started.elapsed().as_secs(),
        health: Health::of(engine),
        data_shards: scheme.data,
        parity_shards: scheme.parity,
        pending_heals: counts.shards_to_heal,
        drives: drive_reports(engine, &counts),
        buckets: bucket_reports(engine)?,
        redundancy: Some(redundancy_report(&counts, engine.domain_spare()?)),
        work: engine.work().all().into_iter().map(work_report).collect(),
    })
}

/// All drives of the deployment, missing ones too.
pub(super) fn drive_reports(engine: &Engine, counts: &object::Redundancy) -> Vec<DriveReport> {
    let known = engine.drives().status();
    let held = |slot: DriveSlot| Some(counts.held.get(&slot).copied().unwrap_or(0));
    let missing = engine.members().into_iter().filter(|m| known.iter().all(|drive| drive.slot != m.slot));
    let missing = missing.map(|member| DriveReport {
        slot: member.slot.0,
        label: member.location,
        up: false,
        total_bytes: 0,
        free_bytes: 0,
        drive_id: Some(member.drive.to_string()),
        state: Some(DriveCondition::Down),
        held_bytes: held(member.slot),
        node: None,
        zone: None,
    });
    let mut reports: Vec<DriveReport> = missing.collect();
    reports.extend(known.into_iter().map(|drive| {
        let held = held(drive.slot);
        drive_report(drive, held)
    }));
    reports.sort_by_key(|report| report.slot);
    reports
}

fn drive_report(drive: DriveStatus, held_bytes: Option<u64>) -> DriveReport {
    let state = match drive.phase {
        _ if !drive.up => DriveCondition::Down,
        DrivePhase::Active | DrivePhase::Removed => DriveCondition::Active,
        DrivePhase::Refilling => DriveCondition::Refilling,
        DrivePhase::Draining => DriveCondition::Draining,
    };
    DriveReport {
        slot: drive.slot.0,
        label: drive.label,
        up: drive.up,
        total_bytes: drive.total,
        free_bytes: drive.free,
        drive_id: Some(drive.id.to_string()),
        state: Some(state),
        held_bytes,
        node: Some(drive.node).filter(|node| !node.is_empty()),
        zone: Some(drive.zone).filter(|zone| !zone.is_empty()),
    }
}

fn redundancy_report(counts: &object::Redundancy, spare: Option<DomainSpare>) -> Redundancy {
    let tally = |tally: object::Tally| Tally { objects: tally.objects, bytes: tally.bytes };
    Redundancy {
        full: tally(counts.full),
        reduced: tally(counts.reduced),
        zero_margin: tally(counts.zero),
        unreadable: tally(counts.unreadable),
        metadata_spare: counts.metadata_spare.into(),
        nodes_that_may_fail: spare.map(|spare| spare.nodes),
        zones_that_may_fail: spare.and_then(|spare| spare.zones),
    }
}

fn work_report((name, work): (&'static str, object::Work)) -> Work {
    Work {
        name: name.to_owned(),
        state: match work.state {
            object::WorkState::Idle => WorkState::Idle,
            object::WorkState::Running => WorkState::Running,
            object::WorkState::Waiting => WorkState::Waiting,
            object::WorkState::Paused => WorkState::Paused,
        },
        done: work.done,
        total: work.total,
        unit: match work.unit {
            object::WorkUnit::Shards => "shards".to_owned(),
            object::WorkUnit::Bytes => "bytes".to_owned(),
            object::WorkUnit::Objects => "objects".to_owned(),
        },
        per_second: work.per_second,
        eta_seconds: work.eta_seconds(),
        found: work.found,
        detail: work.detail,
    }
}

/// All buckets, and how their objects are encoded.
pub(super) fn bucket_reports(engine: &Engine) -> Result<Vec<BucketReport>, Error> {
    let report = |bucket: BucketEncoding| BucketReport {
        objects: bucket.all.objects,
        bytes: bucket.all.bytes,
        stored_bytes: bucket.stored_bytes,
        quota: engine.quota(&bucket.name).map(|quota| quota.bytes),
        data_shards: Some(bucket.scheme.data),
        parity_shards: Some(bucket.scheme.parity),
        own_parity: bucket.is_own,
        to_recode: Tally { objects: bucket.waiting.objects, bytes: bucket.waiting.bytes },
        classes: bucket.classes.iter().map(class_report).collect(),
        name: bucket.name,
    };
    Ok(engine.bucket_encodings()?.into_iter().map(report).collect())
}

fn class_report(class: &ClassEncoding) -> ClassReport {
    ClassReport {
        class: class.class.name().to_owned(),
        data_shards: class.scheme.data,
        parity_shards: class.scheme.parity,
        objects: class.all.objects,
        bytes: class.all.bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_is_where_the_console_was_reached_or_where_the_operator_says() {
        let place = |address: &str, public: Option<&str>| S3Place {
            public_url: public.map(str::to_owned),
            address: address.parse().unwrap(),
            is_secure: false,
        };
        let everywhere = place("0.0.0.0:9000", None);
        assert_eq!(everywhere.url_beside("nas.lan:9001"), "http://nas.lan:9000");
        assert_eq!(everywhere.url_beside("[::1]:9001"), "http://[::1]:9000");
        assert_eq!(everywhere.url_beside(""), "http://127.0.0.1:9000");
        let here = place("127.0.0.1:9000", None);
        assert_eq!(here.url_beside("localhost:9001"), "http://localhost:9000");
        assert_eq!(here.url_beside("proxy.lan"), "http://127.0.0.1:9000");
        assert_eq!(place("10.0.0.7:9000", None).url_beside("nas.lan:9001"), "http://10.0.0.7:9000");
        let told = place("127.0.0.1:9000", Some("https://s3.example.com/"));
        assert_eq!(told.url_beside("nas.lan:9001"), "https://s3.example.com");
    }
}
