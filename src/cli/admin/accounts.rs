//! Accounts and access keys.

use serde_json::{Value, json};

use super::arguments::{AccountCommand, KeyCommand};
use super::lists::print_table;
use super::{AdminClient, client, print_answer, print_json};
use crate::admin::api::{AccountList, AccountReport, Done, KeyList, KeyReport, NewKey};
use crate::cli::terminal::{Line, print};

/// Does what was asked about accounts.
pub(super) async fn account(client: &AdminClient, command: AccountCommand) -> Result<(), String> {
    match command {
        AccountCommand::List { json: true } => print_answer(client, "/api/v1/accounts").await,
        AccountCommand::List { .. } => print_accounts(client).await,
        AccountCommand::Add { name, email, json } => {
            let body = match email {
                Some(email) => json!({ "name": name, "email": email }),
                None => json!({ "name": name }),
            };
            new_key(client, "/api/v1/accounts", &body, json).await
        }
        AccountCommand::Remove { account } => {
            let path = format!("/api/v1/accounts/{}/remove", client::segment(&account));
            done(client, &path, &format!("Removed account {account}.")).await
        }
    }
}

/// Does what was asked about access keys.
pub(super) async fn key(client: &AdminClient, command: KeyCommand) -> Result<(), String> {
    let path = |key: &str, verb| format!("/api/v1/keys/{}/{verb}", client::segment(key));
    match command {
        KeyCommand::List { json: true } => print_answer(client, "/api/v1/keys").await,
        KeyCommand::List { .. } => print_keys(client).await,
        KeyCommand::Add { account, json } => {
            new_key(client, "/api/v1/keys", &json!({ "account": account }), json).await
        }
        KeyCommand::Disable { key } => {
            done(client, &path(&key, "disable"), &format!("Access key {key} is no longer believed.")).await
        }
        KeyCommand::Enable { key } => {
            done(client, &path(&key, "enable"), &format!("Access key {key} is believed again.")).await
        }
        KeyCommand::Remove { key } => {
            done(client, &path(&key, "remove"), &format!("Removed access key {key}.")).await
        }
    }
}

async fn print_accounts(client: &AdminClient) -> Result<(), String> {
    let list: AccountList = client.get("/api/v1/accounts").await?;
    let head = ["ACCOUNT", "NAME", "E-MAIL", "BUCKETS", "CANONICAL ID"].map(str::to_owned).to_vec();
    let row = |account: &AccountReport| {
        vec![
            account.id.clone(),
            account.name.clone(),
            account.email.clone().unwrap_or_else(|| "-".to_owned()),
            account.buckets.to_string(),
            account.canonical_id.clone(),
        ]
    };
    print_table(std::iter::once(head).chain(list.accounts.iter().map(row)).collect());
    Ok(())
}

async fn print_keys(client: &AdminClient) -> Result<(), String> {
    let list: KeyList = client.get("/api/v1/keys").await?;
    let head = ["ACCESS KEY", "ACCOUNT", "STATE"].map(str::to_owned).to_vec();
    let row = |key: &KeyReport| {
        let state = if key.active { "active" } else { "disabled" };
        vec![key.access_key.clone(), key.account.clone(), state.to_owned()]
    };
    print_table(std::iter::once(head).chain(list.keys.iter().map(row)).collect());
    Ok(())
}

/// Asks for a pair and shows it, the one time that the server does.
async fn new_key(client: &AdminClient, path: &str, body: &Value, json: bool) -> Result<(), String> {
    let answer: Value = client.post(path, body).await?;
    if json {
        print_json(&answer);
        return Ok(());
    }
    let key: NewKey = serde_json::from_value(answer).map_err(|error| {
        format!("the pair was made, and the server's answer is not understood: {error}; use the same version")
    })?;
    print(&[
        Line::of(format!("Account     {}", key.account)),
        Line::of(format!("Access key  {}", key.access_key)),
        Line::of(format!("Secret key  {}", key.secret_key.expose())),
        Line::of("Keep the secret key: it is not shown again."),
    ]);
    Ok(())
}

async fn done(client: &AdminClient, path: &str, sentence: &str) -> Result<(), String> {
    let _: Done = client.post(path, &json!({})).await?;
    print(&[Line::of(sentence.to_owned())]);
    Ok(())
}
