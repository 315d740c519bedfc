//! What it costs to find out who calls and whether that may, of a GET of 4 KiB: a signature of version 4, then the decision over
//! bucket, object and policies, with a thousand users and a hundred policies.
//!
//! `cargo bench --bench access`
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]

use std::borrow::Cow;
use std::hint::black_box;

use holdfast::iam::identities::{Holder, Identities, IdentityError, NewPolicy, NewUser};
use holdfast::iam::policy::{ConditionKeys, Policies, Policy, Request, Resource, decide};
use holdfast::iam::{Credentials, Iam, Secret};
use holdfast::sealing::RootKey;
use holdfast::server::{Tuning, open_drives};
use holdfast::sigv4::{self, AmzTime, Parts, Signer};
use holdfast::types::{ClassSchemes, Timestamp};
use hyper::HeaderMap;
use hyper::header::{HOST, HeaderValue};

const USERS: usize = 1000;
const POLICIES: usize = 100;
/// Managed policies that each user has, AWS's most.
const POLICIES_OF_USER: usize = 10;
/// Requests that are measured.
const REQUESTS: usize = 200_000;
/// When they come.
const NOW_SECS: u64 = 1_700_000_000;
/// The target, in microseconds of CPU.
const TARGET_MICROS: f64 = 10.0;

/// What this thread has had of a processor, which others at work on the machine do not change.
fn cpu_micros() -> f64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    schedstat.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e3
}

/// A request that says where it comes from.
struct FromHere;

impl ConditionKeys for FromHere {
    fn values(&self, key: &str) -> Vec<Cow<'_, str>> {
        if key == "aws:sourceip" { vec!["127.0.0.1".into()] } else { Vec::new() }
    }
}

fn document(number: usize) -> String {
    let allow = r#""Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"]"#;
    format!(
        r#"{{"Version":"2012-10-17","Statement":[
            {{{allow},"Resource":["arn:aws:s3:::bucket{number}","arn:aws:s3:::bucket{number}/${{aws:username}}/*"],
              "Condition":{{"IpAddress":{{"aws:SourceIp":["10.0.0.0/8","127.0.0.0/8"]}}}}}},
            {{"Effect":"Deny","Action":"s3:Delete*","Resource":"arn:aws:s3:::bucket{number}/archive/*"}}]}}"#
    )
}

/// A thousand users of a hundred policies; their access keys.
fn fill(iam: &Iam, identities: &mut Identities) -> Result<Vec<Credentials>, IdentityError> {
    let now = Timestamp::from_millis(NOW_SECS * 1000);
    let mut arns = Vec::new();
    for number in 0..POLICIES {
        let (name, document) = (format!("policy{number}"), document(number));
        let new = NewPolicy { name: &name, path: "/", document: &document, description: None, tags: &[] };
        identities.create_policy(&new, now)?;
        arns.push(format!("arn:aws:iam::{}:policy/{name}", iam.first().id));
    }
    let mut pairs = Vec::new();
    for number in 0..USERS {
        let name = format!("user{number}");
        identities.create_user(&NewUser { name: &name, path: "/", boundary: None, tags: &[] }, now)?;
        for at in 0..POLICIES_OF_USER {
            identities.attach(Holder::User(&name), &arns[(number + at * 7) % POLICIES])?;
        }
        let (pair, key) = iam.new_user_key(None, now).unwrap();
        identities.add_key(&name, key)?;
        pairs.push(pair);
    }
    Ok(pairs)
}

/// A signed GET of each user, for an object that the policy it got last allows.
fn requests(pairs: &[Credentials]) -> Vec<(String, HeaderMap)> {
    let payload = HeaderValue::from_static("UNSIGNED-PAYLOAD");
    let sign = |(number, pair): (usize, &Credentials)| {
        let bucket = (number + (POLICIES_OF_USER - 1) * 7) % POLICIES;
        let path = format!("/bucket{bucket}/user{number}/key");
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("127.0.0.1:9000"));
        let signer = Signer::new(pair.access_key.as_str(), pair.secret.expose(), "us-east-1");
        signer.sign("GET", &path, "", &mut headers, &payload, AmzTime::from_unix_secs(NOW_SECS));
        (path, headers)
    };
    pairs.iter().enumerate().map(sign).collect()
}

/// Who calls, and whether that may: what a request to S3 goes through before its object is opened.
fn let_in(iam: &Iam, path: &str, headers: &HeaderMap) -> bool {
    let now = Timestamp::from_millis(NOW_SECS * 1000);
    let parts = Parts { method: "GET", path, query: "", headers };
    let claim = sigv4::parse(parts).unwrap().unwrap();
    let identity = iam.find(&claim.access_key, now).unwrap();
    sigv4::verify(parts, &claim, &identity.secret, "us-east-1", AmzTime::from_unix_secs(NOW_SECS)).unwrap();
    let (bucket, key) = path[1..].split_once('/').unwrap();
    let policies: Vec<&Policy> = identity.grants.identity.iter().map(AsRef::as_ref).collect();
    let owner = &iam.first().canonical_id;
    let request = Request {
        principal: &identity.principal,
        action: "s3:GetObject",
        resource: Resource::Object(bucket, key),
        bucket_owner: owner,
        owner,
        keys: &FromHere,
    };
    decide(&request, &Policies { identity: &policies, ..Policies::default() }).allowed
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let tuning =
        Tuning { inline_bytes_max: 4096, lifecycle_day_secs: 86_400, classes: ClassSchemes::default() };
    let storage = open_drives(&[folder.path().join("drive")], tuning).await.unwrap();
    let root = Credentials { access_key: "root".into(), secret: Secret::new("secret") };
    let store = storage.engine.metadata();
    let iam = Iam::open(root, store, Some(&RootKey::new(&[7; 32]))).await.unwrap();
    let account = iam.first().id.clone();
    let pairs = iam.change_identities(store, &account, |identities| fill(&iam, identities)).await.unwrap();
    let requests = requests(&pairs);
    let run = |count: usize| {
        let allowed = requests
            .iter()
            .cycle()
            .take(count)
            .filter(|(path, headers)| black_box(let_in(&iam, path, headers)));
        assert_eq!(allowed.count(), count, "every one may");
    };
    // The signing key of each user is derived once a day.
    run(USERS);
    let begun = cpu_micros();
    run(REQUESTS);
    let micros = (cpu_micros() - begun) / REQUESTS as f64;
    println!("| users | policies | of each user | CPU us a request | target |\n|---|---|---|---|---|");
    println!("| {USERS} | {POLICIES} | {POLICIES_OF_USER} | {micros:.2} | {TARGET_MICROS:.0} |");
    storage.engine.close().await;
}
