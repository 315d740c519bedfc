//! The description of the admin API for programs (OpenAPI 3.1), made of the very types that the server reads and writes.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::actions::AdminAction;
use super::api::*;
use crate::types::ImportReport;

/// Makes the schema of a body.
type Body = fn(&mut SchemaGenerator) -> Schema;

/// An operation, as it is described.
struct Described {
    method: &'static str,
    path: &'static str,
    /// The action that a policy must allow; none for what needs no more than to be signed in, or not even that.
    action: Option<AdminAction>,
    summary: &'static str,
    request: Option<Body>,
    answer: Option<Body>,
    /// Parameters of the query, and what they mean.
    query: &'static [(&'static str, &'static str)],
}

fn of<T: JsonSchema>() -> Option<Body> {
    Some(|generator| generator.subschema_for::<T>())
}

/// An operation that reads.
fn get(
    path: &'static str,
    action: Option<AdminAction>,
    summary: &'static str,
    answer: Option<Body>,
) -> Described {
    Described { method: "get", path, action, summary, request: None, answer, query: &[] }
}

/// An operation that changes something.
fn post(
    path: &'static str,
    action: Option<AdminAction>,
    summary: &'static str,
    (request, answer): (Option<Body>, Option<Body>),
) -> Described {
    Described { method: "post", path, action, summary, request, answer, query: &[] }
}

/// All operations whose bodies are JSON.
fn operations() -> Vec<Described> {
    use AdminAction as Action;
    let change = |path, action, summary| post(path, Some(action), summary, (of::<Nothing>(), of::<Done>()));
    let plan = |path, action, summary, request| post(path, Some(action), summary, (request, of::<Plan>()));
    let key = |path, summary, request| {
        post(path, Some(Action::ChangeEncryptionKeys), summary, (request, of::<EncryptionKey>()))
    };
    vec![
        post("/session", None, "Signs in.", (of::<StartSession>(), of::<Session>())),
        post(
            "/session/ldap",
            None,
            "Signs in by a name and a password of the directory.",
            (of::<StartLdapSession>(), of::<Session>()),
        ),
        get("/session", None, "Who is signed in.", of::<Session>()),
        post("/session/renew", None, "Lets the session last longer.", (None, of::<Session>())),
        Described { method: "delete", ..get("/session", None, "Signs out.", None) },
        get("/sso", None, "Identity providers by whom people sign in.", of::<SsoProviders>()),
        post("/presign", None, "Makes a URL for somebody else.", (of::<Presign>(), of::<PresignedUrl>())),
        get("/usage", None, "The buckets that the caller may list.", of::<Usage>()),
        Described {
            query: &[("bucket", "Its bucket."), ("key", "Its key."), ("version_id", "A version of it.")],
            ..get("/objects", None, "Where the shards of an object are.", of::<ObjectPlaces>())
        },
        get("/status", Some(Action::Status), "Everything known of the deployment.", of::<Status>()),
        get("/drives", Some(Action::ListDrives), "All drives.", of::<DriveList>()),
        plan("/drives", Action::ChangeDrives, "Adds a drive.", of::<AddDrive>()),
        plan(
            "/drives/{slot}/drain",
            Action::ChangeDrives,
            "Moves a drive's shards away.",
            of::<ChangeDrive>(),
        ),
        plan("/drives/{slot}/remove", Action::ChangeDrives, "Takes a drive out.", of::<ChangeDrive>()),
        plan("/drives/{slot}/replace", Action::ChangeDrives, "Puts another drive in.", of::<ChangeDrive>()),
        get("/nodes", Some(Action::ListNodes), "All storage nodes.", of::<NodeList>()),
        plan("/nodes", Action::ChangeNodes, "Adds a node.", of::<AddNode>()),
        plan(
            "/nodes/{address}/drain",
            Action::ChangeNodes,
            "Moves a node's shards away.",
            of::<ChangeNode>(),
        ),
        plan("/nodes/{address}/remove", Action::ChangeNodes, "Takes a node out.", of::<ChangeNode>()),
        plan("/rebalance", Action::Rebalance, "Evens out how full drives are.", of::<Rebalance>()),
        plan("/scrub", Action::Scrub, "Reads every shard now.", of::<Scrub>()),
        plan("/heal", Action::Heal, "Rebuilds what is missing now, or pauses that.", of::<Heal>()),
        get(
            "/buckets",
            Some(Action::ListBuckets),
            "All buckets, and how they are encoded.",
            of::<BucketList>(),
        ),
        plan("/buckets/{name}/parity", Action::SetParity, "Gives a bucket a parity.", of::<SetParity>()),
        post(
            "/buckets/{name}/search",
            Some(Action::SetSearch),
            "Gives a bucket a search index, or takes it.",
            (of::<SetSearch>(), of::<SearchState>()),
        ),
        post(
            "/buckets/{name}/quota",
            Some(Action::SetQuota),
            "Bounds the bytes of a bucket, or bounds them no longer.",
            (of::<SetQuota>(), of::<QuotaState>()),
        ),
        get("/keyring", Some(Action::ListEncryptionKeys), "The named encryption keys.", of::<Keyring>()),
        key("/keyring", "Makes a named key.", of::<CreateEncryptionKey>()),
        key("/keyring/{id}/rotate", "Adds a version to a named key.", of::<Nothing>()),
        key("/keyring/{id}/enable", "Lets a named key be used.", of::<Nothing>()),
        key("/keyring/{id}/disable", "Lets a named key be used no longer.", of::<Nothing>()),
        key("/keyring/{id}/keep", "Has a named key not deleted after all.", of::<Nothing>()),
        key("/keyring/{id}/delete", "Has a named key deleted after some days.", of::<DeleteEncryptionKey>()),
        get("/accounts", Some(Action::ListAccounts), "All accounts.", of::<AccountList>()),
        post(
            "/accounts",
            Some(Action::ChangeAccounts),
            "Makes an account with its first access key.",
            (of::<AddAccount>(), of::<NewKey>()),
        ),
        change("/accounts/{id}/remove", Action::ChangeAccounts, "Removes an account that owns no bucket."),
        get("/keys", Some(Action::ListKeys), "The access keys of accounts' roots.", of::<KeyList>()),
        post("/keys", Some(Action::ChangeKeys), "Makes an access key.", (of::<AddKey>(), of::<NewKey>())),
        change("/keys/{key}/disable", Action::ChangeKeys, "Has an access key believed no longer."),
        change("/keys/{key}/enable", Action::ChangeKeys, "Has an access key believed again."),
        change("/keys/{key}/remove", Action::ChangeKeys, "Removes an access key."),
        get(
            "/events",
            Some(Action::ListEvents),
            "Who is told of changes, and how that goes.",
            of::<EventList>(),
        ),
        Described {
            query: &[("after", "The `next` of the page before."), ("max", "At most so many, up to 1000.")],
            ..get("/risk", Some(Action::ListRisk), "Objects that one more loss could cost.", of::<RiskPage>())
        },
        Described {
            query: &[
                ("after", "The `next` of an earlier page; without it the last ones."),
                ("limit", "At most so many, up to 1000; 100 if nothing is said."),
                ("status", "A status, or a class of them as 4xx."),
                ("operation", "As metrics name it."),
                ("bucket", "A bucket."),
                ("text", "A part of id, bucket, key, caller, address or code."),
            ],
            ..get("/requests", Some(Action::ListRequests), "The requests of late.", of::<RequestPage>())
        },
        get(
            "/requests/{id}",
            Some(Action::ListRequests),
            "One request, and why it was denied.",
            of::<RequestReport>(),
        ),
        get("/history", Some(Action::History), "How busy and how full it was.", of::<History>()),
        Described {
            query: &[("dry_run", "`true`: only tell what would be done.")],
            ..post(
                "/import/minio-iam",
                Some(Action::ImportIam),
                "Takes over the users, groups and policies that a MinIO server has exported, a ZIP.",
                (None, of::<ImportReport>()),
            )
        },
        get("/settings", Some(Action::Settings), "The settings that count.", of::<Settings>()),
    ]
}

/// The whole document.
pub(super) fn document() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations() {
        let described = describe(&operation, &mut generator);
        let path = paths.entry(format!("/api/v1{}", operation.path)).or_insert_with(|| json!({}));
        path[operation.method] = described;
    }
    bridges(&mut paths);
    let failure = generator.subschema_for::<Failure>();
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Holdfast admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Who calls is known by HTTP Basic authentication with an access key, or by the cookie of a session; \
                            then changes carry the session's `csrf` in the header `x-holdfast-csrf`."
        },
        "security": [{ "pair": [] }, { "session": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "pair": { "type": "http", "scheme": "basic" },
                "session": { "type": "apiKey", "in": "cookie", "name": super::caller::COOKIE_NAME }
            },
            "responses": {
                "Failure": { "description": "Why it was not done.", "content": content(&failure) }
            }
        }
    })
}

fn content(schema: &Schema) -> Value {
    json!({ "application/json": { "schema": schema } })
}

fn describe(operation: &Described, generator: &mut SchemaGenerator) -> Value {
    let in_path =
        operation.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let in_query = operation.query.iter().map(|(name, meaning)| {
        let required = operation.path == "/objects" && *name != "version_id";
        json!({ "name": name, "in": "query", "required": required, "description": meaning, "schema": { "type": "string" } })
    });
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    let done = match operation.answer {
        Some(answer) => json!({ "200": { "description": "Done.", "content": content(&answer(generator)) } }),
        None => json!({ "204": { "description": "Done." } }),
    };
    let mut described = json!({
        "operationId": name(operation),
        "summary": operation.summary,
        "responses": done,
    });
    described["responses"]["default"] = json!({ "$ref": "#/components/responses/Failure" });
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(request) = operation.request {
        described["requestBody"] = json!({ "required": true, "content": content(&request(generator)) });
    }
    match operation.action {
        Some(action) => described["x-action"] = action.name().into(),
        None if operation.path == "/sso" || (operation.path == "/session" && operation.method == "post") => {
            described["security"] = json!([])
        }
        None => {}
    }
    described
}

/// `post_drives_slot_drain`.
fn name(operation: &Described) -> String {
    let path = operation.path.replace(['{', '}'], "").replace('/', "_");
    format!("{}{path}", operation.method)
}

/// What is not JSON.
fn bridges(paths: &mut Map<String, Value>) {
    let form = json!({ "application/x-www-form-urlencoded": { "schema": { "type": "object" } } });
    let xml = json!({ "200": { "description": "As AWS answers.", "content": { "application/xml": {} } } });
    let all = "S3 in path style, without a signature: any method, any parameters.";
    let target =
        json!([{ "name": "target", "in": "path", "required": true, "schema": { "type": "string" } }]);
    let mut s3 = json!({ "parameters": target });
    for method in ["get", "head", "put", "post", "delete"] {
        s3[method] = json!({ "operationId": format!("{method}_s3"), "summary": all, "responses": xml });
    }
    paths.insert("/api/v1/s3/{target}".into(), s3);
    let archive = json!({ "type": "string", "contentMediaType": "application/zip" });
    let archive = json!({ "required": true, "content": { "application/zip": { "schema": archive } } });
    paths["/api/v1/import/minio-iam"]["post"]["requestBody"] = archive;
    let iam = "IAM and STS, without a signature.";
    let iam = json!({ "post": { "operationId": "post_iam", "summary": iam, "requestBody": { "content": form }, "responses": xml } });
    paths.insert("/api/v1/iam".into(), iam);
    let zip = json!({ "200": { "description": "The archive.", "content": { "application/zip": {} } } });
    let fields = json!({
        "type": "object",
        "required": ["bucket"],
        "properties": {
            "csrf": { "type": "string" },
            "bucket": { "type": "string" },
            "prefix": { "type": "string" },
            "key": { "type": "array", "items": { "type": "string" } },
            "folder": { "type": "array", "items": { "type": "string" } }
        }
    });
    let form = json!({ "application/x-www-form-urlencoded": { "schema": fields } });
    let summary = "Many objects as one ZIP.";
    let zip = json!({ "post": { "operationId": "post_zip", "summary": summary, "requestBody": { "content": form }, "responses": zip } });
    paths.insert("/api/v1/zip".into(), zip);
    for (step, summary) in [
        ("start", "Sends a browser to an identity provider."),
        ("callback", "Signs in who comes back from it."),
    ] {
        let id = json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }]);
        let sent = json!({ "302": { "description": "To the provider, or to the console." } });
        let get = json!({ "operationId": format!("get_sso_{step}"), "summary": summary, "security": [], "responses": sent });
        paths.insert(format!("/api/v1/sso/{{id}}/{step}"), json!({ "parameters": id, "get": get }));
    }
    let own = json!({ "200": { "description": "This document.", "content": { "application/json": {} } } });
    let own = json!({ "get": { "operationId": "get_openapi", "security": [], "responses": own } });
    paths.insert("/api/v1/openapi.json".into(), own);
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::super::route::Route;
    use super::*;

    #[test]
    fn what_is_described_is_there_under_the_action_that_is_named() {
        for operation in operations() {
            let elsewhere = operation.path.starts_with("/session")
                || ["/sso", "/usage", "/objects"].contains(&operation.path);
            if elsewhere {
                continue;
            }
            let path = format!("/api/v1{}", operation.path.replace("{slot}", "1").replace(['{', '}'], ""));
            let method = Method::from_bytes(operation.method.to_uppercase().as_bytes()).unwrap();
            let route = Route::parse(&method, &path, "").unwrap_or_else(|error| panic!("{path}: {error}"));
            assert_eq!(route.action(), operation.action, "{path}");
        }
    }

    #[test]
    fn every_action_is_described() {
        let described: Vec<_> = operations().iter().filter_map(|operation| operation.action).collect();
        for action in AdminAction::ALL {
            assert!(described.contains(&action), "{}", action.name());
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        let references = text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap());
        let mut count = 0;
        for reference in references {
            assert!(document.pointer(reference).is_some(), "{reference}");
            count += 1;
        }
        assert!(count > 50);
    }
}
