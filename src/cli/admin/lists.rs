//! Drives, nodes, objects at risk and background work, as tables.

use super::arguments::{ChangeFlags, RiskArguments};
use super::status::{condition, work_line};
use super::{AdminClient, client, print_json};
use crate::admin::api::{
    BucketList, BucketReport, ClassReport, DriveList, EncryptionKey, EncryptionKeyState, EventList,
    EventTarget, Keyring, NodeList, RISK_PAGE_MAX, RiskPage, Status,
};
use crate::cli::figures::{bytes, percent, share};
use crate::cli::invocation::quote;
use crate::cli::terminal::{Line, Tone, columns, print};

/// Prints the drives.
pub(super) async fn print_drives(client: &AdminClient) -> Result<(), String> {
    let list: DriveList = client.get("/api/v1/drives").await?;
    let is_cluster = list.drives.iter().any(|drive| drive.node.is_some());
    let place: &[&str] = if is_cluster { &["NODE", "ZONE", "LOCATION"] } else { &["LOCATION"] };
    let head = [&["SLOT", "STATE", "USED", "FREE", "SIZE", "HELD"], place].concat();
    let head = head.into_iter().map(str::to_owned).collect();
    let or_dash = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
    let row = |drive: &crate::admin::api::DriveReport| {
        let used = drive.total_bytes.saturating_sub(drive.free_bytes);
        let mut row = vec![
            drive.slot.to_string(),
            condition(drive.up, drive.state).0.to_owned(),
            percent(share(used, drive.total_bytes)),
            bytes(drive.free_bytes),
            bytes(drive.total_bytes),
            drive.held_bytes.map_or_else(|| "-".to_owned(), bytes),
        ];
        if is_cluster {
            row.extend([or_dash(&drive.node), or_dash(&drive.zone)]);
        }
        row.push(drive.label.clone());
        row
    };
    print_table(std::iter::once(head).chain(list.drives.iter().map(row)).collect());
    Ok(())
}

/// Prints the nodes.
pub(super) async fn print_nodes(client: &AdminClient) -> Result<(), String> {
    let list: NodeList = client.get("/api/v1/nodes").await?;
    let head = ["NODE", "ZONE", "STATE", "FREE", "SIZE", "SLOTS"].map(str::to_owned).to_vec();
    let row = |node: &crate::admin::api::NodeReport| {
        let slots: Vec<String> = node.slots.iter().map(u16::to_string).collect();
        vec![
            if node.address.is_empty() { "(this machine)".to_owned() } else { node.address.clone() },
            node.zone.clone().unwrap_or_else(|| "-".to_owned()),
            condition(node.up, node.state).0.to_owned(),
            bytes(node.free_bytes),
            bytes(node.total_bytes),
            slots.join(" "),
        ]
    };
    print_table(std::iter::once(head).chain(list.nodes.iter().map(row)).collect());
    Ok(())
}

/// Prints the buckets.
pub(super) async fn print_buckets(client: &AdminClient) -> Result<(), String> {
    let list: BucketList = client.get("/api/v1/buckets").await?;
    let head = ["BUCKET", "OBJECTS", "BYTES", "QUOTA", "PARITY", "TO RECODE"].map(str::to_owned).to_vec();
    let row = |bucket: &BucketReport| {
        vec![
            bucket.name.clone(),
            bucket.objects.to_string(),
            bytes(bucket.bytes),
            quota(bucket),
            parity(bucket),
            if bucket.to_recode.objects == 0 { "-".to_owned() } else { bytes(bucket.to_recode.bytes) },
        ]
    };
    print_table(std::iter::once(head).chain(list.buckets.iter().map(row)).collect());
    Ok(())
}

/// Prints the named encryption keys.
pub(super) async fn print_keys(client: &AdminClient) -> Result<(), String> {
    let keyring: Keyring = client.get("/api/v1/keyring").await?;
    if keyring.locked {
        let remedy = "start the server with the key that was in encryption.key, by --encryption-key-file";
        print(&[Line::default().with(Tone::Bad, "The keyring is locked: "), Line::of(remedy)]);
    }
    print_key_table(&keyring.keys);
    Ok(())
}

/// Prints some named keys.
pub(super) fn print_key_table(keys: &[EncryptionKey]) {
    let head = ["KEY", "STATE", "VERSIONS", "CREATED", "ROTATED"].map(str::to_owned).to_vec();
    let row = |key: &EncryptionKey| {
        vec![
            key.id.clone(),
            key_state(key),
            key.versions.to_string(),
            key.created.clone().unwrap_or_else(|| "-".to_owned()),
            key.rotated.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    };
    print_table(std::iter::once(head).chain(keys.iter().map(row)).collect());
}

fn key_state(key: &EncryptionKey) -> String {
    match key.state {
        EncryptionKeyState::Enabled => "enabled".to_owned(),
        EncryptionKeyState::Disabled => "disabled".to_owned(),
        EncryptionKeyState::PendingDeletion => {
            format!("deleted on {}", key.deletion.as_deref().unwrap_or("-"))
        }
        EncryptionKeyState::Deleted => "deleted".to_owned(),
        EncryptionKeyState::Unknown => "unknown".to_owned(),
    }
}

/// Prints who is told of changes, and how that goes.
pub(super) async fn print_events(client: &AdminClient) -> Result<(), String> {
    let list: EventList = client.get("/api/v1/events").await?;
    if list.targets.is_empty() {
        print(&[Line::of("Nobody is told of changes; name a webhook with --webhook ID=URL at the start.")]);
        return Ok(());
    }
    let head = ["TARGET", "WAITING", "FOR", "DELIVERED", "DROPPED", "STATE"].map(str::to_owned).to_vec();
    let row = |target: &EventTarget| {
        let state = match (&target.error, target.configured) {
            (_, false) => "no such webhook is configured".to_owned(),
            (Some(error), true) => format!("failing: {error}"),
            (None, true) => "good".to_owned(),
        };
        vec![
            target.arn.clone(),
            target.pending.to_string(),
            format!("{} s", target.lag_seconds),
            target.delivered.to_string(),
            target.dropped.to_string(),
            state,
        ]
    };
    print_table(std::iter::once(head).chain(list.targets.iter().map(row)).collect());
    Ok(())
}

/// A bucket's quota, and how much of it is used.
fn quota(bucket: &BucketReport) -> String {
    let Some(quota) = bucket.quota else { return "-".to_owned() };
    let percent = (bucket.stored_bytes as f64 / quota.max(1) as f64 * 100.0).floor();
    format!("{} ({percent} % used)", bytes(quota))
}

/// A bucket's parity as `parity` takes it, whether that is the deployment's, and that of classes which have another.
fn parity(bucket: &BucketReport) -> String {
    let Some((data, parity)) = bucket.data_shards.zip(bucket.parity_shards) else { return "-".to_owned() };
    let own = if bucket.own_parity { "" } else { " (default)" };
    let class =
        |class: &ClassReport| format!("; {} {}+{}", class.class, class.data_shards, class.parity_shards);
    let classes: String = bucket.classes.iter().map(class).collect();
    format!("{data}+{parity}{own}{classes}")
}

/// Prints a page of the objects at risk, and how to get the next.
pub(super) async fn print_risk(client: &AdminClient, asked: &RiskArguments) -> Result<(), String> {
    let mut page = RiskPage { objects: Vec::new(), next: asked.after.clone() };
    loop {
        let left = asked.max.saturating_sub(page.objects.len()).clamp(1, RISK_PAGE_MAX);
        let after = client::segment(page.next.as_deref().unwrap_or(""));
        let more: RiskPage = client.get(&format!("/api/v1/risk?after={after}&max={left}")).await?;
        page.objects.extend(more.objects);
        page.next = more.next;
        if page.next.is_none() || page.objects.len() >= asked.max {
            break;
        }
    }
    if asked.json {
        print_json(&serde_json::to_value(&page).expect("plain fields serialize"));
        return Ok(());
    }
    print_risk_page(&page);
    Ok(())
}

fn print_risk_page(page: &RiskPage) {
    if page.objects.is_empty() {
        print(&[Line::of("No object is at risk: each could bear the loss of one more drive.")]);
        return;
    }
    let head = ["MARGIN", "BYTES", "OBJECT"].map(str::to_owned).to_vec();
    let row = |object: &crate::admin::api::ObjectAtRisk| {
        let margin = if object.margin < 0 { "unreadable".to_owned() } else { object.margin.to_string() };
        vec![margin, bytes(object.bytes), format!("{}/{}", object.bucket, object.key)]
    };
    print_table(std::iter::once(head).chain(page.objects.iter().map(row)).collect());
    if let Some(next) = &page.next {
        print(&[Line::of(format!("There are more: holdfast admin risk --after {}", quote(next)))]);
    }
}

/// Tells how far background work is.
pub(super) async fn print_work(client: &AdminClient, name: &str, flags: &ChangeFlags) -> Result<(), String> {
    if flags.dry_run || flags.wait {
        return Err("--dry-run and --wait go with --now; without it nothing is changed".into());
    }
    let status: Status = client.get("/api/v1/status").await?;
    let work = status.work.iter().find(|work| work.name == name);
    let work =
        work.ok_or(format!("this server tells nothing of {name}; update it to a version that does"))?;
    if flags.json {
        print_json(&serde_json::to_value(work).expect("plain fields serialize"));
    } else {
        print(&[work_line(work)]);
    }
    Ok(())
}

pub(super) fn print_table(rows: Vec<Vec<String>>) {
    print(&columns(&rows).into_iter().map(Line::of).collect::<Vec<_>>());
}
