//! `holdfast admin`: a client of the admin API.

mod accounts;
mod arguments;
mod changes;
mod client;
mod iam;
mod identities;
mod identity_arguments;
mod import;
mod lists;
mod live;
mod status;

pub(super) use arguments::Admin;
pub(super) use client::AdminClient;

use arguments::{AdminCommand, BucketCommand, DriveCommand, KeyringCommand, NodeCommand, Switch};
use changes::{Change, carry_out};
use serde_json::json;

use crate::admin::api::{QuotaState, SearchState};
use crate::cli::figures::bytes;
use crate::cli::terminal::{Line, print};

/// Does what was asked; an error is the one sentence to print.
pub(super) fn run(admin: Admin) -> Result<(), String> {
    let client = AdminClient::find(admin.connection.settings())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|error| format!("cannot start the runtime: {error}; raise the limits of this user"))?;
    runtime.block_on(async {
        match admin.command {
            AdminCommand::Status { json: true, .. } => print_answer(&client, "/api/v1/status").await,
            AdminCommand::Status { once, .. } => live::run(&client, once).await,
            AdminCommand::Drive { command } => drive(&client, command).await,
            AdminCommand::Node { command } => node(&client, command).await,
            AdminCommand::Bucket { command } => bucket(&client, command).await,
            AdminCommand::Keyring { command } => keyring(&client, command).await,
            AdminCommand::Account { command } => accounts::account(&client, command).await,
            AdminCommand::Key { command } => accounts::key(&client, command).await,
            AdminCommand::User { command } => identities::user(&client, command).await,
            AdminCommand::Group { command } => identities::group(&client, command).await,
            AdminCommand::Policy { command } => identities::policy(&client, command).await,
            AdminCommand::Why { request_id, json } => identities::why(&client, &request_id, json).await,
            AdminCommand::Import { command } => import::run(&client, command).await,
            AdminCommand::Rebalance { stop, flags } => {
                let title = if stop { "stop rebalancing" } else { "rebalance" };
                let change = Change::new(title, "/api/v1/rebalance").watching(&["rebalance"]);
                carry_out(&client, change.with(json!({ "stop": stop })), flags).await
            }
            AdminCommand::Scrub { now: true, flags } => {
                let change = Change::new("scrub now", "/api/v1/scrub").watching(&["scrub"]);
                carry_out(&client, change, flags).await
            }
            AdminCommand::Scrub { now: false, flags } => lists::print_work(&client, "scrub", &flags).await,
            AdminCommand::Heal { now: false, pause: None, flags } => {
                lists::print_work(&client, "heal", &flags).await
            }
            AdminCommand::Heal { pause, flags, .. } => {
                let change = match pause {
                    Some(_) => Change::new("pause healing", "/api/v1/heal"),
                    None => Change::new("heal now", "/api/v1/heal").watching(&["heal"]),
                };
                let seconds = pause.unwrap_or(0) * 60;
                carry_out(&client, change.with(json!({ "pause_seconds": seconds })), flags).await
            }
            AdminCommand::Events { json: true } => print_answer(&client, "/api/v1/events").await,
            AdminCommand::Events { .. } => lists::print_events(&client).await,
            AdminCommand::Risk(risk) => lists::print_risk(&client, &risk).await,
        }
    })
}

async fn drive(client: &AdminClient, command: DriveCommand) -> Result<(), String> {
    match command {
        DriveCommand::List { json: true } => print_answer(client, "/api/v1/drives").await,
        DriveCommand::List { .. } => lists::print_drives(client).await,
        DriveCommand::Add { location, flags } => {
            let change = Change::new(format!("add drive {location}"), "/api/v1/drives");
            let change = change.watching(&["rebalance"]).with(json!({ "location": location }));
            carry_out(client, change, flags).await
        }
        DriveCommand::Drain { slot, flags } => {
            let change = Change::new(format!("drain drive {slot}"), format!("/api/v1/drives/{slot}/drain"));
            carry_out(client, change.watching(&["drain"]).of_drive(slot), flags).await
        }
        DriveCommand::Remove { slot, flags } => {
            let change = Change::new(format!("remove drive {slot}"), format!("/api/v1/drives/{slot}/remove"));
            carry_out(client, change.watching(&["drain", "heal"]).of_drive(slot), flags).await
        }
        DriveCommand::Replace { slot, location, flags } => {
            let title = format!("replace drive {slot} by {location}");
            let change = Change::new(title, format!("/api/v1/drives/{slot}/replace"));
            let change = change.watching(&["heal"]).of_drive(slot).with(json!({ "location": location }));
            carry_out(client, change, flags).await
        }
    }
}

async fn node(client: &AdminClient, command: NodeCommand) -> Result<(), String> {
    match command {
        NodeCommand::List { json: true } => print_answer(client, "/api/v1/nodes").await,
        NodeCommand::List { .. } => lists::print_nodes(client).await,
        NodeCommand::Add { address, flags } => {
            let change = Change::new(format!("add node {address}"), "/api/v1/nodes");
            let change = change.watching(&["rebalance"]).with(json!({ "address": address }));
            carry_out(client, change, flags).await
        }
        NodeCommand::Drain { address, flags } => {
            let path = format!("/api/v1/nodes/{}/drain", client::segment(&address));
            let change = Change::new(format!("drain node {address}"), path);
            carry_out(client, change.watching(&["drain"]).of_node(&address), flags).await
        }
        NodeCommand::Remove { address, flags } => {
            let path = format!("/api/v1/nodes/{}/remove", client::segment(&address));
            let change = Change::new(format!("remove node {address}"), path);
            carry_out(client, change.watching(&["drain", "heal"]), flags).await
        }
    }
}

async fn bucket(client: &AdminClient, command: BucketCommand) -> Result<(), String> {
    match command {
        BucketCommand::List { json: true } => print_answer(client, "/api/v1/buckets").await,
        BucketCommand::List { .. } => lists::print_buckets(client).await,
        BucketCommand::Search { bucket, searched } => {
            let path = format!("/api/v1/buckets/{}/search", client::segment(&bucket));
            let state: SearchState =
                client.post(&path, &json!({ "enabled": searched == Switch::On })).await?;
            let tells = if state.enabled {
                "can be searched; its index is being built"
            } else {
                "has no search index"
            };
            print(&[Line::of(format!("The bucket {} {tells}.", state.bucket))]);
            Ok(())
        }
        BucketCommand::Quota { bucket, quota } => {
            let path = format!("/api/v1/buckets/{}/quota", client::segment(&bucket));
            let state: QuotaState = client.post(&path, &json!({ "bytes": quota.0 })).await?;
            let tells = match state.bytes {
                Some(quota) => format!("may hold {}", bytes(quota)),
                None => "may hold any number of bytes".to_owned(),
            };
            print(&[Line::of(format!(
                "The bucket {} {tells}, and holds {}.",
                state.bucket,
                bytes(state.used)
            ))]);
            Ok(())
        }
        BucketCommand::Parity { bucket, parity, flags } => {
            let path = format!("/api/v1/buckets/{}/parity", client::segment(&bucket));
            let change = Change::new(format!("give bucket {bucket} the parity {parity}"), path);
            carry_out(client, change.watching(&["recode"]).with(json!({ "parity": parity })), flags).await
        }
    }
}

async fn keyring(client: &AdminClient, command: KeyringCommand) -> Result<(), String> {
    let (path, body) = match command {
        KeyringCommand::List { json: true } => return print_answer(client, "/api/v1/keyring").await,
        KeyringCommand::List { .. } => return lists::print_keys(client).await,
        KeyringCommand::Create { id } => ("/api/v1/keyring".to_owned(), json!({ "id": id })),
        KeyringCommand::Rotate { id } => (key_path(&id, "rotate"), json!({})),
        KeyringCommand::Enable { id } => (key_path(&id, "enable"), json!({})),
        KeyringCommand::Disable { id } => (key_path(&id, "disable"), json!({})),
        KeyringCommand::Delete { id, days } => (key_path(&id, "delete"), json!({ "days": days })),
        KeyringCommand::Keep { id } => (key_path(&id, "keep"), json!({})),
    };
    let key = client.post(&path, &body).await?;
    lists::print_key_table(std::slice::from_ref(&key));
    Ok(())
}

fn key_path(id: &str, verb: &str) -> String {
    format!("/api/v1/keyring/{}/{verb}", client::segment(id))
}

/// Prints what the server says, all of it, for programs.
async fn print_answer(client: &AdminClient, path: &str) -> Result<(), String> {
    let answer: serde_json::Value = client.get(path).await?;
    print_json(&answer);
    Ok(())
}

fn print_json(value: &serde_json::Value) {
    use std::io::Write;
    let text = serde_json::to_string_pretty(value).expect("values serialize");
    // A reader that has gone away wants no more of it.
    let _ = writeln!(std::io::stdout(), "{text}");
}
