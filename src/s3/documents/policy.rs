//! `?policy`: the policy of a bucket. The language is `iam::policy`'s; here stands what S3 asks of one beyond it.

use crate::iam::policy::{Grammar, Pattern, Policy, PolicyError, Statement};

use super::super::actions::{Action, Level};
use super::super::condition_keys;
use super::super::error::{Code, Error, Result};

/// Reads a document that must be a policy of this bucket.
pub(in super::super) fn read_policy(document: &[u8], bucket: &str) -> Result<Policy> {
    let policy = Policy::parse(document, Grammar::Resource)?;
    policy.statements.iter().try_for_each(|statement| check(statement, bucket))?;
    Ok(policy)
}

impl From<PolicyError> for Error {
    fn from(error: PolicyError) -> Self {
        match error {
            PolicyError::TooLarge => Code::PolicyTooLarge.into(),
            PolicyError::Malformed { message, detail: None } => refused(message),
            PolicyError::Malformed { message, detail: Some(detail) } => {
                refused(message).detail("Detail", detail)
            }
        }
    }
}

/// `MalformedPolicy` in these words.
pub(in super::super) fn refused(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::with_message(Code::MalformedPolicy, message)
}

fn check(statement: &Statement, bucket: &str) -> Result<()> {
    let (actions, all_but_actions) = statement.actions();
    let known = |pattern: &Pattern| Action::ALL.iter().any(|action| pattern.fits_any_case(action.name()));
    if !actions.iter().all(known) {
        return Err(refused("Policy has invalid action"));
    }
    let (resources, all_but_resources) = statement.resources();
    let resources: Vec<String> = resources.iter().map(Pattern::outline).collect();
    if !resources.iter().all(|resource| is_of_bucket(resource, bucket)) {
        return Err(refused("Policy has invalid resource"));
    }
    if !statement.condition_keys().all(condition_keys::is_known) {
        return Err(refused("Policy has an invalid condition key"));
    }
    let on_one = |level| all_but_resources || resources.iter().any(|resource| is_of_level(resource, level));
    let applies = |pattern: &Pattern| {
        let named = Action::ALL.iter().filter(|action| pattern.fits_any_case(action.name()));
        named.into_iter().any(|action| on_one(action.level()))
    };
    if !all_but_actions && !actions.iter().all(applies) {
        return Err(refused("Action does not apply to any resource(s) in statement"));
    }
    let meant = |action: &Action| {
        on_one(action.level()) && actions.iter().any(|pattern| pattern.fits_any_case(action.name()))
    };
    let has_use = |key| all_but_actions || Action::ALL.iter().filter(|a| meant(a)).any(|a| says(key, *a));
    if !statement.condition_keys().all(has_use) {
        return Err(refused("Conditions do not apply to combination of actions and resources in statement"));
    }
    Ok(())
}

/// Whether requests for an action may have a value of a condition key. Of keys of which AWS does not say so clearly they may.
fn says(key: &str, action: Action) -> bool {
    use Action as A;
    let name = key.split_once('/').map_or(key, |(name, _)| name);
    match name {
        "s3:prefix" | "s3:delimiter" | "s3:max-keys" => {
            matches!(action, A::ListBucket | A::ListBucketVersions | A::ListBucketMultipartUploads)
        }
        "s3:x-amz-acl"
        | "s3:x-amz-grant-full-control"
        | "s3:x-amz-grant-read"
        | "s3:x-amz-grant-read-acp"
        | "s3:x-amz-grant-write"
        | "s3:x-amz-grant-write-acp" => matches!(
            action,
            A::PutObject | A::PutObjectAcl | A::PutObjectVersionAcl | A::CreateBucket | A::PutBucketAcl
        ),
        "s3:x-amz-copy-source"
        | "s3:x-amz-metadata-directive"
        | "s3:x-amz-storage-class"
        | "s3:x-amz-website-redirect-location"
        | "s3:objectcreationoperation"
        | "s3:existingobjecttag"
        | "s3:requestobjecttag"
        | "s3:requestobjecttagkeys"
        | "s3:versionid" => action.level() == Level::Object,
        _ => true,
    }
}

const ARN_PREFIX: &str = "arn:aws:s3:::";

/// `arn:aws:s3:::bucket`, or objects in it, with `*` and `?` for anything.
fn is_of_bucket(resource: &str, bucket: &str) -> bool {
    let Some(name) = resource.strip_prefix(ARN_PREFIX) else { return false };
    let name = name.split_once('/').map_or(name, |(name, _)| name);
    Pattern::wildcards(name).fits(bucket)
}

/// Whether it may be the bucket itself, or objects in it; a `*` may be either.
fn is_of_level(resource: &str, level: Level) -> bool {
    let name = resource.strip_prefix(ARN_PREFIX).unwrap_or_default();
    match level {
        Level::Service => false,
        Level::Bucket => !name.contains('/'),
        Level::Object => name.contains(['/', '*']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(document: &str) -> Option<Code> {
        read_policy(document.as_bytes(), "photos").err().map(|error| error.code)
    }

    const STATEMENT: &str = r#"{"Sid":"a","Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:List*"],
        "Resource":["arn:aws:s3:::photos","arn:aws:s3:::photos/*","arn:aws:s3:::ph*/x"],
        "Condition":{"StringLike":{"aws:Referer":["https://a/*"]},"Bool":{"aws:SecureTransport":true}}}"#;

    fn policy(statement: &str) -> String {
        format!(r#"{{"Version":"2012-10-17","Id":"p","Statement":[{statement}]}}"#)
    }

    #[test]
    fn policies_of_the_bucket_are_taken() {
        assert_eq!(outcome(&policy(STATEMENT)), None);
        assert_eq!(outcome(&format!(r#"{{"Statement":{STATEMENT}}}"#)), None);
        let principal = STATEMENT
            .replace(r#""*","Act"#, r#"{"AWS":["123456789012","arn:aws:iam::123456789012:root"]},"Act"#);
        assert_eq!(outcome(&policy(&principal)), None);
    }

    #[test]
    fn what_is_no_policy_of_the_bucket_is_malformed() {
        let deep = format!("{}1{}", "[".repeat(9), "]".repeat(9));
        for document in [
            "",
            "text",
            "[]",
            "{}",
            r#"{"Statement":[]}"#,
            r#"{"Statement":"all"}"#,
            &policy(STATEMENT).replace("2012-10-17", "2012-10-18"),
            &policy(STATEMENT).replace(r#""Id":"p""#, r#""Other":"p""#),
            &policy(&STATEMENT.replace("Allow", "allow")),
            &policy(&STATEMENT.replace(r#""Effect":"Allow","#, "")),
            &policy(&STATEMENT.replace(r#""Principal":"*","#, "")),
            &policy(&STATEMENT.replace(r#""Principal":"*""#, r#""Principal":"me""#)),
            &policy(&STATEMENT.replace("s3:GetObject", "ec2:Run")),
            &policy(&STATEMENT.replace("arn:aws:s3:::photos/*", "arn:aws:s3:::others/*")),
            &policy(&STATEMENT.replace("true", "{}")),
            &policy(&STATEMENT.replace("true", &deep)),
            &policy(&STATEMENT.replace("Sid", "Side")),
        ] {
            assert_eq!(outcome(document), Some(Code::MalformedPolicy), "{document}");
        }
        let long = policy(STATEMENT) + &" ".repeat(20 << 10);
        assert_eq!(outcome(&long), Some(Code::PolicyTooLarge));
    }

    #[test]
    fn actions_resources_and_conditions_must_go_together() {
        let message = |action: &str, resource: &str, key: &str| {
            let statement = format!(
                r#"{{"Effect":"Deny","Principal":"*",{action},{resource},"Condition":{{"Null":{{"{key}":"true"}}}}}}"#
            );
            read_policy(policy(&statement).as_bytes(), "photos").err().map(|error| error.message().to_owned())
        };
        const INVALID_ACTION: &str = "Policy has invalid action";
        const INVALID_RESOURCE: &str = "Policy has invalid resource";
        const APART: &str = "Action does not apply to any resource(s) in statement";
        const NO_USE: &str = "Conditions do not apply to combination of actions and resources in statement";
        const BUCKET: &str = r#""Resource":"arn:aws:s3:::photos""#;
        const OBJECTS: &str = r#""Resource":"arn:aws:s3:::photos/*""#;
        const INVALID_KEY: &str = "Policy has an invalid condition key";
        for (action, resource, key, expected) in [
            (r#""Action":"s3:GetObject""#, r#""Resource":"arn:aws:s3:::photos/*""#, "aws:Referer", None),
            (r#""Action":"s3:GetObject""#, r#""Resource":"arn:aws:s3:::photos*""#, "aws:Referer", None),
            (r#""Action":"s3:GetObject""#, r#""Resource":"arn:aws:s3:::photos""#, "aws:Referer", Some(APART)),
            (
                r#""Action":"s3:ListBucket""#,
                r#""Resource":"arn:aws:s3:::photos/*""#,
                "aws:Referer",
                Some(APART),
            ),
            (r#""Action":"s3:ListBucket""#, r#""Resource":"arn:aws:s3:::photos""#, "s3:prefix", None),
            (
                r#""Action":["s3:ListBucket","s3:GetObject"]"#,
                r#""Resource":"arn:aws:s3:::photos""#,
                "s3:prefix",
                Some(APART),
            ),
            (
                r#""Action":["s3:ListBucket","s3:GetObject"]"#,
                r#""Resource":["arn:aws:s3:::photos","arn:aws:s3:::photos/*"]"#,
                "s3:prefix",
                None,
            ),
            (r#""Action":"s3:*""#, r#""Resource":"arn:aws:s3:::photos""#, "s3:prefix", None),
            (
                r#""Action":"s3:ListAllMyBuckets""#,
                r#""Resource":"arn:aws:s3:::photos""#,
                "aws:Referer",
                Some(APART),
            ),
            (
                r#""Action":"s3:GetObjects""#,
                r#""Resource":"arn:aws:s3:::photos/*""#,
                "aws:Referer",
                Some(INVALID_ACTION),
            ),
            (
                r#""Action":"iam:*""#,
                r#""Resource":"arn:aws:s3:::photos/*""#,
                "aws:Referer",
                Some(INVALID_ACTION),
            ),
            (r#""NotAction":"s3:ListBucket""#, r#""Resource":"arn:aws:s3:::photos/*""#, "aws:Referer", None),
            (r#""Action":"s3:GetObject""#, r#""NotResource":"arn:aws:s3:::photos/a*""#, "aws:Referer", None),
            (r#""Action":"s3:GetObject""#, r#""Resource":"*""#, "aws:Referer", Some(INVALID_RESOURCE)),
            (r#""Action":"s3:GetObject""#, r#""Resource":"photos/*""#, "aws:Referer", Some(INVALID_RESOURCE)),
            (
                r#""Action":"s3:GetObject""#,
                r#""Resource":"arn:aws:s3:::photo/*""#,
                "aws:Referer",
                Some(INVALID_RESOURCE),
            ),
            (
                r#""Action":"s3:GetObject""#,
                r#""Resource":"arn:aws:s3:::photos/*""#,
                "s3:nothing",
                Some(INVALID_KEY),
            ),
            (
                r#""Action":"s3:GetObject""#,
                r#""Resource":"arn:aws:s3:::photos/*""#,
                "s3:ExistingObjectTag/a",
                None,
            ),
            (
                r#""Action":"s3:GetObject""#,
                r#""Resource":"arn:aws:s3:::photos/*""#,
                "sts:ExternalId",
                Some(INVALID_KEY),
            ),
            (r#""Action":"s3:GetObject""#, OBJECTS, "s3:prefix", Some(NO_USE)),
            (r#""Action":["s3:PutObject","s3:DeleteObject"]"#, OBJECTS, "s3:max-keys", Some(NO_USE)),
            (r#""Action":"s3:Get*""#, OBJECTS, "s3:x-amz-acl", Some(NO_USE)),
            (r#""Action":"s3:ListBucket""#, BUCKET, "s3:x-amz-grant-read", Some(NO_USE)),
            (r#""Action":"s3:ListBucket""#, BUCKET, "s3:ExistingObjectTag/a", Some(NO_USE)),
            (r#""Action":"s3:*""#, OBJECTS, "s3:prefix", Some(NO_USE)),
            (r#""Action":"s3:*""#, BUCKET, "s3:VersionId", Some(NO_USE)),
            (r#""Action":"s3:*""#, r#""Resource":"arn:aws:s3:::photos*""#, "s3:prefix", None),
            (r#""NotAction":"s3:ListBucket""#, OBJECTS, "s3:prefix", None),
            (r#""Action":["s3:PutObject","s3:GetObject"]"#, OBJECTS, "s3:x-amz-acl", None),
            (r#""Action":"s3:PutBucketAcl""#, BUCKET, "s3:x-amz-grant-write", None),
            (r#""Action":"s3:GetObject""#, OBJECTS, "s3:VersionId", None),
            (r#""Action":"s3:GetObject""#, OBJECTS, "s3:x-amz-server-side-encryption", None),
            (r#""Action":"s3:ListBucket""#, BUCKET, "s3:signatureversion", None),
            (r#""Action":"s3:GetBucketLocation""#, BUCKET, "aws:PrincipalTag/a", None),
        ] {
            assert_eq!(message(action, resource, key).as_deref(), expected, "{action} {resource} {key}");
        }
    }
}
