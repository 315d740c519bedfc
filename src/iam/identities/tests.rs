use std::sync::Arc;

use super::*;
use crate::metadata::IdentityKind;
use crate::types::{AccountId, Secret, StoredSecret, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1);
const READ: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}"#;
const TRUST: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}"#;

fn none() -> Identities {
    Identities::none(AccountId::from_number(1))
}

fn new_user(name: &str) -> NewUser<'_> {
    NewUser { name, path: "/", boundary: None, tags: &[] }
}

fn new_policy(name: &str) -> NewPolicy<'_> {
    NewPolicy { name, path: "/team/", document: READ, description: None, tags: &[] }
}

fn new_role(name: &str) -> NewRole<'_> {
    let (description, session_secs_max, boundary) = (None, None, None);
    NewRole { name, path: "/", trust: TRUST, description, session_secs_max, boundary, tags: &[] }
}

fn key(id: &str) -> AccessKey {
    AccessKey {
        id: id.into(),
        secret: StoredSecret::Plain(Secret::new("hush")),
        active: true,
        created: NOW,
        service: None,
        last_use: None,
    }
}

/// A state with the user `Anna` in the group `readers`.
fn some() -> Identities {
    let mut state = none();
    state.create_user(&new_user("Anna"), NOW).unwrap();
    state.create_group("readers", "/", NOW).unwrap();
    state.add_to_group("Readers", "anna").unwrap();
    state
}

#[test]
fn a_name_is_there_once_whatever_its_case() {
    let mut state = some();
    state.create_role(&new_role("worker"), NOW).unwrap();
    state.create_policy(&new_policy("own"), NOW).unwrap();
    let taken =
        |refused: IdentityError| assert!(matches!(refused, IdentityError::AlreadyExists(_)), "{refused}");
    taken(state.create_user(&new_user("ANNA"), NOW).unwrap_err());
    taken(state.create_group("READERS", "/", NOW).unwrap_err());
    taken(state.create_role(&new_role("Worker"), NOW).unwrap_err());
    taken(state.create_policy(&new_policy("OWN"), NOW).unwrap_err());
    state.create_user(&new_user("bert"), NOW).unwrap();
    taken(state.update_user("bert", Some("aNNa"), None).unwrap_err());
    assert_eq!(state.user("anna").unwrap().named.name, "Anna");
}

#[test]
fn what_still_has_something_is_not_removed() {
    let conflict =
        |refused: IdentityError| assert!(matches!(refused, IdentityError::DeleteConflict(_)), "{refused}");
    let mut state = some();
    conflict(state.delete_user("Anna").unwrap_err());
    conflict(state.delete_group("readers").unwrap_err());
    state.remove_from_group("readers", "Anna").unwrap();
    state.delete_group("readers").unwrap();
    state.put_inline(Holder::User("Anna"), "p", READ).unwrap();
    conflict(state.delete_user("Anna").unwrap_err());
    state.delete_inline(Holder::User("Anna"), "p").unwrap();
    state.add_key("Anna", key("K1")).unwrap();
    conflict(state.delete_user("Anna").unwrap_err());
    state.delete_key("Anna", "K1").unwrap();
    let own = policy_arn("000000000001", &state.create_policy(&new_policy("own"), NOW).unwrap().named);
    assert_eq!(own, "arn:aws:iam::000000000001:policy/team/own");
    state.attach(Holder::User("Anna"), &own).unwrap();
    conflict(state.delete_user("Anna").unwrap_err());
    conflict(state.delete_policy(&own).unwrap_err());
    state.detach(Holder::User("Anna"), &own).unwrap();
    state.set_boundary(Holder::User("Anna"), Some(&own)).unwrap();
    conflict(state.delete_policy(&own).unwrap_err());
    state.set_boundary(Holder::User("Anna"), None).unwrap();
    state.delete_policy(&own).unwrap();
    state.delete_user("Anna").unwrap();
    assert_eq!(state, none());
}

#[test]
fn there_are_limits() {
    let limit =
        |refused: IdentityError| assert!(matches!(refused, IdentityError::LimitExceeded(_)), "{refused}");
    let mut state = some();
    state.add_key("Anna", key("K1")).unwrap();
    state.add_key("Anna", key("K2")).unwrap();
    limit(state.add_key("Anna", key("K3")).unwrap_err());
    let own = policy_arn("000000000001", &state.create_policy(&new_policy("own"), NOW).unwrap().named);
    for number in 2..=5 {
        assert_eq!(state.add_version(&own, READ, (false, NOW)).unwrap().number, number);
    }
    limit(state.add_version(&own, READ, (false, NOW)).unwrap_err());
    state.delete_version(&own, "v2").unwrap();
    assert_eq!(state.add_version(&own, READ, (true, NOW)).unwrap().number, 6, "no number twice");
    for number in 0..10 {
        let arn = canned_policies().nth(number).unwrap().0;
        state.attach(Holder::User("Anna"), arn).unwrap();
    }
    limit(state.attach(Holder::User("Anna"), &own).unwrap_err());
    let long =
        READ.replace("\"Resource\":\"*\"", &format!("\"Resource\":\"arn:aws:s3:::{}\"", "x".repeat(2100)));
    limit(state.put_inline(Holder::User("Anna"), "p", &long).unwrap_err());
}

#[test]
fn a_renamed_group_keeps_its_users() {
    let mut state = some();
    state.update_group("readers", Some("writers"), Some("/all/")).unwrap();
    assert_eq!(state.users_in("writers").count(), 1);
    assert!(state.group("readers").is_err());
    state.update_user("Anna", Some("Anne"), None).unwrap();
    assert_eq!(state.users_in("Writers").next().unwrap().named.name, "Anne");
}

#[test]
fn policies_of_a_user_are_its_own_and_those_of_its_groups() {
    let mut state = some();
    let count = |state: &Identities| state.grants_of_user(state.user("anna").unwrap()).identity.len();
    assert_eq!(count(&state), 0);
    state.put_inline(Holder::User("anna"), "own", READ).unwrap();
    state.attach(Holder::User("anna"), "arn:aws:iam::aws:policy/readonly").unwrap();
    state.put_inline(Holder::Group("readers"), "theirs", READ).unwrap();
    state.attach(Holder::Group("readers"), "arn:aws:iam::aws:policy/writeonly").unwrap();
    assert_eq!(count(&state), 4);
    state.remove_from_group("readers", "anna").unwrap();
    assert_eq!(count(&state), 2);
}

#[test]
fn names_paths_tags_and_documents_are_checked() {
    let mut state = some();
    for bad in ["", "a b", "a/b", "é", &"a".repeat(65)] {
        assert!(matches!(state.create_user(&new_user(bad), NOW), Err(IdentityError::Invalid(_))), "{bad}");
    }
    for path in ["", "a", "/a", "a/", "//", "/a//b/", "/\u{e9}/"] {
        assert!(state.create_group("g", path, NOW).is_err(), "{path}");
    }
    for tag in ["", "aws:x", &"k".repeat(129)] {
        assert!(state.tag(Holder::User("anna"), &[(tag.to_owned(), String::new())]).is_err(), "{tag}");
    }
    let malformed =
        |refused: IdentityError| assert!(matches!(refused, IdentityError::Malformed(_)), "{refused}");
    malformed(state.put_inline(Holder::User("anna"), "p", "{}").unwrap_err());
    malformed(state.put_inline(Holder::User("anna"), "p", TRUST).unwrap_err());
    malformed(state.create_role(&NewRole { trust: READ, ..new_role("r") }, NOW).unwrap_err());
    let canned = "arn:aws:iam::aws:policy/readonly";
    assert!(matches!(state.delete_policy(canned), Err(IdentityError::Unmodifiable(_))));
    for missing in ["arn:aws:iam::aws:policy/none", "arn:aws:iam::000000000001:policy/own", "", "readonly"] {
        let refused = state.attach(Holder::User("anna"), missing).unwrap_err();
        assert!(matches!(refused, IdentityError::NoSuchEntity(_)), "{missing}");
    }
}

#[test]
fn only_what_changed_is_written_and_it_reads_back() {
    let before = some();
    let mut after = before.clone();
    after.add_key("anna", key("K1")).unwrap();
    after.create_policy(&new_policy("own"), NOW).unwrap();
    after.create_role(&new_role("worker"), NOW).unwrap();
    after.remove_from_group("readers", "anna").unwrap();
    after.delete_group("readers").unwrap();
    let (put, remove) = changes(&before, &after);
    let kinds: Vec<_> = put.iter().map(|row| (row.key.kind, row.key.name.as_str())).collect();
    let expected =
        [(IdentityKind::User, "anna"), (IdentityKind::Role, "worker"), (IdentityKind::Policy, "own")];
    assert_eq!(kinds, expected);
    assert_eq!(remove.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["readers"]);
    let mut read = none();
    for row in &put {
        insert(&mut read, row).unwrap();
    }
    assert_eq!(read, after);
    assert_eq!(changes(&after, &after.clone()), (Vec::new(), Vec::new()));
}

#[test]
fn a_trust_policy_means_whom_it_named_whoever_is_called_so_later() {
    let mut state = some();
    let account = state.account.clone();
    let arn = |name: &str| format!("arn:aws:iam::{account}:{name}");
    let trust = |names: &[String]| {
        let principal = serde_json::json!({"AWS": names});
        let statement =
            serde_json::json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"});
        serde_json::json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
    };
    let told = |state: &Identities| {
        let trust: serde_json::Value = serde_json::from_str(&state.role("worker").unwrap().trust).unwrap();
        let names = trust["Statement"][0]["Principal"]["AWS"].as_array().unwrap().clone();
        names.into_iter().map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    state.create_user(&new_user("bert"), NOW).unwrap();
    state.create_role(&new_role("leader"), NOW).unwrap();
    let elsewhere = "arn:aws:iam::000000000009:user/bert".to_owned();
    let named = trust(&[arn("user/bert"), arn("role/leader"), arn("root"), elsewhere.clone()]);
    state.create_role(&NewRole { trust: &named, ..new_role("worker") }, NOW).unwrap();
    let untouched = state.role("leader").unwrap().clone();
    state.update_user("bert", Some("Berta"), Some("/staff/")).unwrap();
    assert_eq!(told(&state), [arn("user/staff/Berta"), arn("role/leader"), arn("root"), elsewhere.clone()]);
    assert!(
        Arc::ptr_eq(&untouched, state.role("leader").unwrap()),
        "a role that names nobody is the same row"
    );
    let (user, role) = (state.user("berta").unwrap().named.id.clone(), untouched.named.id.clone());
    state.delete_user("berta").unwrap();
    state.delete_role("leader").unwrap();
    assert_eq!(told(&state), [user, role, arn("root"), elsewhere]);
    let kept = state.role("worker").unwrap().trust.clone();
    state.create_user(&NewUser { path: "/staff/", ..new_user("Berta") }, NOW).unwrap();
    state.set_trust("worker", &kept).unwrap();
    assert_eq!(state.role("worker").unwrap().trust, kept, "what is shown may be given back");
}

#[test]
fn a_policy_is_found_whatever_the_case_of_its_name_and_has_one_arn() {
    let mut state = some();
    let own = policy_arn("000000000001", &state.create_policy(&new_policy("Boundary"), NOW).unwrap().named);
    let other = own.replace("Boundary", "BOUNDARY");
    assert_eq!(state.stored_arn(&other).unwrap(), own);
    let canned = "arn:aws:iam::aws:policy/readonly";
    assert_eq!(state.stored_arn(canned).unwrap(), canned);
    assert!(state.stored_arn(&own.replace("/team/", "/")).is_err(), "the path is part of it");
    let anna = Holder::User("Anna");
    state.attach(anna, &other).unwrap();
    state.set_boundary(anna, Some(&other)).unwrap();
    assert_eq!(state.attached_to(&own).users, [&state.user("anna").unwrap().named]);
    assert_eq!((state.bounded_by(&own).count(), state.attached_to(&other).count()), (1, 0));
    state.detach(anna, &other).unwrap();
    assert!(state.permissions(anna).unwrap().attached.is_empty());
    assert!(matches!(state.detach(anna, &own), Err(IdentityError::NoSuchEntity(_))));
}

#[test]
fn a_tag_is_removed_whatever_the_case_of_its_key() {
    let (mut state, anna) = (some(), Holder::User("Anna"));
    let tags = ["Team", "cost"].map(|key| (key.to_owned(), "x".to_owned()));
    state.tag(anna, &tags).unwrap();
    state.untag(anna, &["TEAM".to_owned()]).unwrap();
    assert_eq!(state.user("anna").unwrap().tags.keys().collect::<Vec<_>>(), ["cost"]);
}

#[test]
fn a_policy_with_a_typing_error_is_refused_when_it_is_new_and_read_where_it_is_kept() {
    let mut state = some();
    let mistyped = READ.replace("s3:Get*", "Get*");
    let refused = state.put_inline(Holder::User("Anna"), "p", &mistyped).unwrap_err();
    assert!(matches!(refused, IdentityError::Malformed(_)), "{refused}");
    state.put_inline(Holder::User("Anna"), "p", READ).unwrap();
    let (rows, _) = changes(&none(), &state);
    let mut kept = rows.into_iter().find(|row| row.key.kind == IdentityKind::User).unwrap();
    kept.document = kept.document.replace("s3:Get*", "Get*");
    let mut read = none();
    insert(&mut read, &kept).unwrap();
    assert_eq!(read.user("Anna").unwrap().permissions.inline("p").unwrap().text(), mistyped);
}

#[test]
fn a_trust_policy_is_about_taking_roles_alone() {
    let mut state = some();
    state.create_role(&new_role("worker"), NOW).unwrap();
    let refused = state.set_trust("worker", &TRUST.replace("sts:AssumeRole", "s3:GetObject")).unwrap_err();
    let words = "AssumeRole policy may only specify STS AssumeRole actions.";
    assert_eq!(refused, IdentityError::Malformed(words.into()));
}
