use serde_json::{Value, json};

use super::archive::zip;
use super::*;
use crate::iam::identities::{Holder, Identities};
use crate::types::{AccountId, ImportItem, ImportKind, ImportOutcome, StoredSecret};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn export(files: &[(&str, Value)]) -> Export {
    let files: Vec<_> =
        files.iter().map(|(name, value)| (format!("iam-assets/{name}.json"), value.to_string())).collect();
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    Export::read(&zip(&files)).unwrap()
}

/// Takes an archive over into a state, in which somebody else has the access key `taken-key`.
fn import(state: &mut Identities, files: &[(&str, Value)]) -> Vec<ImportItem> {
    let export = export(files);
    let sealed = export.sealed(|_, secret| Some(StoredSecret::Plain(secret.clone()))).unwrap();
    let taken = ["taken-key".to_owned()].into();
    let options = ImportOptions { dry_run: false, admin_actions: &["admin:Status"], now: NOW };
    take_over(state, &Source { export: &export, sealed: &sealed, taken: &taken, options })
}

fn none() -> Identities {
    Identities::none(AccountId::from_number(1))
}

fn allow(actions: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": ["arn:aws:s3:::*"]}]})
}

fn user(secret: &str) -> Value {
    json!({"secretKey": secret, "status": "enabled"})
}

fn find<'i>(items: &'i [ImportItem], kind: ImportKind, name: &str) -> &'i ImportItem {
    items.iter().find(|item| item.kind == kind && item.name == name).unwrap()
}

/// An archive with some of everything.
fn everything() -> Vec<(&'static str, Value)> {
    vec![
        ("policies", json!({"team": allow(json!(["s3:Get*"])), "readwrite": allow(json!(["s3:*"]))})),
        (
            "users",
            json!({"anna": user("hush-anna"), "bert": {"secretKey": "hush-bert", "status": "disabled"}}),
        ),
        ("groups", json!({"staff": {"version": 1, "status": "enabled", "members": ["anna", "bert"]}})),
        (
            "svcaccts",
            json!({
                "anna-job": {"parent": "anna", "accessKey": "anna-job", "secretKey": "hush-job", "status": "on", "groups": null,
                    "claims": {"sa-policy": "embedded-policy"}, "sessionPolicy": allow(json!(["s3:GetObject"])),
                    "name": "job", "description": "each\nnight", "expiration": "2030-01-31T00:00:00Z"},
                "bert-job": {"parent": "bert", "accessKey": "bert-job", "secretKey": "hush", "status": "on",
                    "claims": {"sa-policy": "inherited-policy"}, "sessionPolicy": null, "expiration": "1970-01-01T00:00:00Z"},
            }),
        ),
        (
            "user_mappings",
            json!({"anna": {"version": 1, "policy": "team, readonly", "updatedAt": "2024-01-01T00:00:00Z"}}),
        ),
        ("group_mappings", json!({"staff": {"policy": "readwrite"}})),
        ("stsuser_mappings", json!({})),
    ]
}

#[test]
fn users_groups_policies_and_service_accounts_are_here_as_they_were_there() {
    let mut state = none();
    let items = import(&mut state, &everything());
    let anna = state.user("anna").unwrap();
    assert_eq!((anna.keys[0].id.as_str(), anna.keys[0].active), ("anna", true));
    assert_eq!(anna.keys[0].secret, StoredSecret::Plain(crate::types::Secret::new("hush-anna")));
    let attached: Vec<_> = anna.permissions.attached.iter().map(String::as_str).collect();
    assert_eq!(attached, ["arn:aws:iam::000000000001:policy/team", "arn:aws:iam::aws:policy/readonly"]);
    let job = anna.keys[1].service.as_ref().unwrap();
    assert_eq!((job.name.as_str(), job.description.as_deref()), ("job", Some("each night")));
    assert!(job.policy.is_some() && job.expires.unwrap().iso().starts_with("2030-01-31"));
    let bert = state.user("bert").unwrap();
    assert!(!bert.keys[0].active && !bert.keys[1].active, "nor what is made for who is disabled");
    assert!(bert.keys[1].service.as_ref().unwrap().expires.is_none());
    assert_eq!(state.users_in("staff").count(), 2);
    let of_staff = &state.permissions(Holder::Group("staff")).unwrap().attached;
    assert_eq!(of_staff.iter().collect::<Vec<_>>(), ["arn:aws:iam::aws:policy/readwrite"]);
    assert_eq!(find(&items, ImportKind::Policy, "team").outcome, ImportOutcome::Imported);
    assert_eq!(find(&items, ImportKind::Policy, "readwrite").outcome, ImportOutcome::Present);
    assert_eq!(find(&items, ImportKind::User, "anna").outcome, ImportOutcome::Imported);
    assert_eq!(find(&items, ImportKind::ServiceAccount, "bert-job").outcome, ImportOutcome::ImportedInPart);
}

#[test]
fn an_archive_that_comes_twice_changes_nothing_more() {
    let mut state = none();
    import(&mut state, &everything());
    let before = state.clone();
    let items = import(&mut state, &everything());
    assert_eq!(state, before);
    assert!(
        items.iter().all(|item| item.outcome == ImportOutcome::Present && item.notes.is_empty()),
        "{items:?}"
    );
}

#[test]
fn what_was_here_is_left_alone_and_told_what_it_lacks() {
    let mut state = none();
    import(
        &mut state,
        &[("users", json!({"anna": user("her own")})), ("groups", json!({"staff": {"status": "enabled"}}))],
    );
    import(&mut state, &[("policies", json!({"team": allow(json!("s3:PutObject"))}))]);
    let anna = state.user("anna").unwrap().clone();
    let items = import(&mut state, &everything());
    let now = state.user("anna").unwrap();
    assert_eq!(
        (&now.keys[0], &now.permissions, &now.groups),
        (&anna.keys[0], &anna.permissions, &anna.groups)
    );
    let told = |kind, name| {
        let item = find(&items, kind, name);
        assert_eq!(item.outcome, ImportOutcome::Present);
        item.notes.join("; ")
    };
    assert!(told(ImportKind::Policy, "team").contains("something else"));
    assert!(told(ImportKind::User, "anna").contains("readonly"));
    assert!(told(ImportKind::Group, "staff").contains("anna is not put into it"));
    assert_eq!(state.users_in("staff").count(), 0);
}

#[test]
fn a_policy_that_says_something_else_here_is_given_to_nobody() {
    let mut state = none();
    import(&mut state, &[("policies", json!({"team": allow(json!("s3:*"))}))]);
    let items = import(&mut state, &everything());
    let anna = find(&items, ImportKind::User, "anna");
    assert_eq!(anna.outcome, ImportOutcome::ImportedInPart);
    assert!(anna.notes[0].contains("team is not attached"), "{anna:?}");
    assert!(!state.user("anna").unwrap().permissions.attached.iter().any(|arn| arn.ends_with("/team")));
}

#[test]
fn what_cannot_be_taken_over_is_told_with_its_reason() {
    let mut state = none();
    let statement = json!({"Effect": "Permit", "Action": "s3:*", "Resource": "*"});
    let items = import(
        &mut state,
        &[
            ("policies", json!({"bad": {"Version": "2012-10-17", "Statement": [statement]}, "none": "text"})),
            (
                "users",
                json!({"a b": user("x"), "no-secret": {"status": "enabled"}, "taken-key": user("x"), "odd": "hush",
                    "carl": user("x"), "CARL": user("y")}),
            ),
            (
                "svcaccts",
                json!({
                    "orphan": {"parent": "minioadmin", "secretKey": "x", "status": "on"},
                    "over": {"parent": "carl", "secretKey": "x", "status": "on", "expiration": "2001-01-01T00:00:00Z"},
                    "when": {"parent": "carl", "secretKey": "x", "status": "on", "expiration": "soon"},
                    "open": {"parent": "carl", "secretKey": "x", "status": "on", "claims": {"sa-policy": "embedded-policy"}},
                    "wild": {"parent": "carl", "secretKey": "x", "status": "on", "sessionPolicy": {"Version": "", "Statement": null}},
                }),
            ),
            (
                "user_mappings",
                json!({"CARL": {"policy": "bad,absent"}, "uid=x,dc=example": {"policy": "readonly"}}),
            ),
            ("stsuser_mappings", json!({"uid=y,dc=example": {"policy": "readonly"}})),
            ("groups", json!({"off": {"status": "disabled", "members": ["CARL", "nobody"]}})),
            ("group_mappings", json!({"off": {"policy": "readonly"}})),
        ],
    );
    let refused = |kind, name, why: &str| {
        let item = find(&items, kind, name);
        assert_eq!(item.outcome, ImportOutcome::Refused, "{item:?}");
        assert!(item.notes.join(" ").contains(why), "{item:?}");
    };
    refused(ImportKind::Policy, "bad", "Invalid effect");
    refused(ImportKind::Policy, "none", "no JSON object");
    refused(ImportKind::User, "a b", "access key");
    refused(ImportKind::User, "no-secret", "no secret");
    refused(ImportKind::User, "taken-key", "somebody has");
    refused(ImportKind::User, "odd", "form that MinIO writes");
    refused(ImportKind::User, "carl", "already exists");
    refused(ImportKind::ServiceAccount, "orphan", "minioadmin is not here");
    for (key, why) in
        [("over", "it ended"), ("when", "no time"), ("open", "not in the archive"), ("wild", "no policy")]
    {
        // Of two names that differ in case alone the first is there, and the other's keys are not given to it.
        refused(ImportKind::ServiceAccount, key, "carl is not here");
        let mut other = none();
        let files = [("users", json!({"carl": user("x")})), ("svcaccts", json!({key: svcacct(key)}))];
        let item = &import(&mut other, &files)[1];
        assert!(item.outcome == ImportOutcome::Refused && item.notes[0].contains(why), "{item:?}");
        assert_eq!(other.user("carl").unwrap().keys.len(), 1);
    }
    refused(ImportKind::Mapping, "uid=x,dc=example", "LDAP");
    refused(ImportKind::Mapping, "uid=y,dc=example", "LDAP");
    let upper = find(&items, ImportKind::User, "CARL");
    assert!(
        upper.notes[0].contains("bad is not attached: its document")
            && upper.notes[1].contains("no such policy")
    );
    let off = find(&items, ImportKind::Group, "off");
    assert!(off.notes[0].contains("nobody") && off.notes[1].contains("disabled"), "{off:?}");
    assert!(state.permissions(Holder::Group("off")).unwrap().attached.is_empty());
    assert!(!format!("{items:?}").contains("hush"));
}

fn svcacct(key: &str) -> Value {
    let mut account = json!({"parent": "carl", "secretKey": "x", "status": "on"});
    match key {
        "over" => account["expiration"] = "2001-01-01T00:00:00Z".into(),
        "when" => account["expiration"] = "soon".into(),
        "open" => account["claims"] = json!({"sa-policy": "embedded-policy"}),
        _ => account["sessionPolicy"] = json!({"Version": "", "Statement": null}),
    }
    account
}

#[test]
fn policies_about_the_server_are_read_as_minio_writes_them() {
    let mut state = none();
    let statement = json!({"Effect": "Allow", "Action": ["admin:ServerInfo", "admin:Stat*"]});
    let policy = json!({"ID": "", "Version": "", "Statement": [statement]});
    let of_ldap = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::${ldap:user}/*"});
    let changed = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"});
    let items = import(
        &mut state,
        &[(
            "policies",
            json!({
                "ops": policy, "dir": {"Version": "2012-10-17", "Statement": [of_ldap]},
                "readonly": {"Version": "2012-10-17", "Statement": [changed]},
            }),
        )],
    );
    let ops = find(&items, ImportKind::Policy, "ops");
    assert_eq!(ops.outcome, ImportOutcome::ImportedInPart);
    assert_eq!(ops.notes, ["there are no such actions here: admin:ServerInfo"]);
    assert!(find(&items, ImportKind::Policy, "dir").notes[0].contains("ldap:"));
    // One that is called like one of ours and says something else is one of the account's own.
    assert_eq!(find(&items, ImportKind::Policy, "readonly").outcome, ImportOutcome::Imported);
    assert!(state.policies.contains_key("readonly"));
}

#[test]
fn an_archive_that_is_none_is_told_so() {
    let good = zip(&[("iam-assets/users.json", br#"{"anna":{"secretKey":"hush-hush"}}"#)]);
    assert!(Export::read(&good).is_ok());
    assert!(matches!(Export::read(b""), Err(ArchiveError::Unreadable(_))));
    assert!(matches!(Export::read(b"no zip"), Err(ArchiveError::Unreadable(_))));
    for end in 0..good.len() {
        assert!(Export::read(&good[..end]).is_err(), "{end}");
    }
    let mut rotten = good.clone();
    rotten[60] ^= 1;
    assert!(Export::read(&rotten).is_err(), "its checksum is another");
    assert_eq!(Export::read(&zip(&[("users.json", b"{}")])).unwrap_err(), ArchiveError::Foreign);
    for bad in [&b"{"[..], b"[]", b"{\"a\":{},\"a\":{}}", b"\xff", b""] {
        let refused = Export::read(&zip(&[("iam-assets/users.json", bad)])).unwrap_err();
        assert_eq!(refused, ArchiveError::Json("users.json".into()));
    }
    let names: Vec<String> = (0..65).map(|number| format!("iam-assets/{number}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    assert_eq!(Export::read(&zip(&many)).unwrap_err(), ArchiveError::Entries);
    let crowd: serde_json::Map<_, _> = (0..50_001).map(|number| (number.to_string(), json!(0))).collect();
    let crowd = Value::Object(crowd).to_string();
    let crowd = zip(&[("iam-assets/users.json", crowd.as_bytes())]);
    assert_eq!(Export::read(&crowd).unwrap_err(), ArchiveError::Names);
    let bomb = vec![b' '; 9 << 20];
    let bomb = zip(&[("iam-assets/users.json", &bomb), ("iam-assets/groups.json", &bomb)]);
    assert!(bomb.len() < ARCHIVE_BYTES_MAX);
    assert_eq!(Export::read(&bomb).unwrap_err(), ArchiveError::Inflated);
}
