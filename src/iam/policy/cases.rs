//! What AWS's documentation says of the language, as tables: a row is a policy, a request and what comes of it.

use std::borrow::Cow;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::iam::{Account, Principal, Session, User};
use crate::types::{AccountId, CanonicalId, Timestamp};

/// Condition keys of a request, each with one value or several.
#[derive(Debug, Clone, Default)]
struct Keys(Vec<(String, Vec<String>)>);

impl Keys {
    /// `key=value` each; a key that is named again has several values.
    fn of(pairs: &[&str]) -> Self {
        let mut keys = Self::default();
        for pair in pairs {
            let (key, value) = pair.split_once('=').unwrap();
            let key = super::pattern::key_name(key);
            match keys.0.iter_mut().find(|(name, _)| *name == key) {
                Some((_, values)) => values.push(value.to_owned()),
                None => keys.0.push((key, vec![value.to_owned()])),
            }
        }
        keys
    }
}

impl ConditionKeys for Keys {
    fn values(&self, key: &str) -> Vec<Cow<'_, str>> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.into_iter().flat_map(|(_, values)| values.iter().map(|value| value.as_str().into())).collect()
    }
}

pub(super) const OWNER: u8 = 1;
pub(super) const OTHER: u8 = 2;

fn account(number: u8) -> Arc<Account> {
    Arc::new(Account {
        id: AccountId::from_number(u64::from(number) * 111_111_111_111),
        canonical_id: CanonicalId([number; 32]),
        name: format!("account{number}"),
        email: None,
    })
}

fn root(number: u8) -> Principal {
    Principal::Root(account(number))
}

fn tags_of(team: &str) -> std::collections::BTreeMap<String, String> {
    [("Team".to_owned(), team.to_owned())].into()
}

/// The user `anna` of an account, in `/staff/`.
pub(super) fn user(number: u8) -> Principal {
    let (id, path, name) = ("AIDAANNA".into(), "/staff/".into(), "anna".into());
    let (account, tags, token_issued) = (account(number), tags_of("red"), None);
    Principal::User(Arc::new(User { account, id, path, name, tags, token_issued }))
}

/// A session `job` of the role `worker` of an account.
pub(super) fn session(number: u8) -> Principal {
    Principal::Session(Arc::new(Session {
        account: account(number),
        role_id: "AROAWORKER".into(),
        role_path: "/".into(),
        role_name: "worker".into(),
        name: "job".into(),
        tags: tags_of("blue"),
        source_identity: Some("carla".into()),
        token_issued: Timestamp::from_millis(1_600_000_000_000),
    }))
}

fn resource_policy(statements: &str) -> Policy {
    let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    Policy::parse(document.as_bytes(), Grammar::Resource)
        .unwrap_or_else(|error| panic!("{error}: {document}"))
}

fn identity_policy(statements: &str) -> Policy {
    let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    Policy::parse(document.as_bytes(), Grammar::Identity)
        .unwrap_or_else(|error| panic!("{error}: {document}"))
}

fn asks<'a>(principal: &'a Principal, keys: &'a Keys) -> Request<'a> {
    const ID: &CanonicalId = &CanonicalId([OWNER; 32]);
    let resource = Resource::Object("photos", "2026/cat.jpg");
    Request { principal, action: "s3:GetObject", resource, bucket_owner: ID, owner: ID, keys }
}

/// Whether a bucket's policy of this one statement lets nobody in particular do it.
fn anybody_may(statement: &str, action: &str, resource: Resource<'_>, keys: &Keys) -> bool {
    let policy = resource_policy(statement);
    let request = Request { action, resource, ..asks(&Principal::Anonymous, keys) };
    decide(&request, &Policies { bucket: Some(&policy), ..Policies::default() }).allowed
}

#[test]
fn conditions_hold_as_the_reference_of_operators_says() {
    let rows: &[(&str, &[&str], bool)] = &[
        // Strings.
        (r#""StringEquals":{"aws:UserAgent":"curl"}"#, &["aws:UserAgent=curl"], true),
        (r#""StringEquals":{"aws:UserAgent":"curl"}"#, &["aws:UserAgent=Curl"], false),
        (r#""StringEquals":{"aws:UserAgent":"curl"}"#, &[], false),
        (r#""StringEquals":{"aws:UserAgent":"c*"}"#, &["aws:UserAgent=curl"], false),
        (r#""StringEquals":{"aws:UserAgent":"c*"}"#, &["aws:UserAgent=c*"], true),
        (r#""StringEquals":{"aws:UserAgent":["a","b"]}"#, &["aws:UserAgent=b"], true),
        (r#""StringEquals":{"aws:UserAgent":["a","b"]}"#, &["aws:UserAgent=c"], false),
        (r#""StringEquals":{"aws:UserAgent":[]}"#, &["aws:UserAgent=c"], false),
        (r#""StringEquals":{"AWS:USERAGENT":"curl"}"#, &["aws:UserAgent=curl"], true),
        (r#""stringequals":{"aws:UserAgent":"curl"}"#, &["aws:UserAgent=curl"], true),
        (r#""StringNotEquals":{"aws:UserAgent":"curl"}"#, &["aws:UserAgent=wget"], true),
        (r#""StringNotEquals":{"aws:UserAgent":"curl"}"#, &["aws:UserAgent=curl"], false),
        (r#""StringNotEquals":{"aws:UserAgent":"curl"}"#, &[], true),
        (r#""StringNotEquals":{"aws:UserAgent":["a","b"]}"#, &["aws:UserAgent=b"], false),
        (r#""StringNotEquals":{"aws:UserAgent":["a","b"]}"#, &["aws:UserAgent=c"], true),
        (r#""StringEqualsIgnoreCase":{"aws:UserAgent":"CURL"}"#, &["aws:UserAgent=curl"], true),
        (r#""StringEqualsIgnoreCase":{"aws:UserAgent":"ÉTÉ"}"#, &["aws:UserAgent=été"], true),
        (r#""StringEqualsIgnoreCase":{"aws:UserAgent":"CURL"}"#, &["aws:UserAgent=wget"], false),
        (r#""StringNotEqualsIgnoreCase":{"aws:UserAgent":"CURL"}"#, &["aws:UserAgent=curl"], false),
        (r#""StringNotEqualsIgnoreCase":{"aws:UserAgent":"CURL"}"#, &["aws:UserAgent=wget"], true),
        (r#""StringLike":{"aws:UserAgent":"cu*/8.?"}"#, &["aws:UserAgent=curl/8.5"], true),
        (r#""StringLike":{"aws:UserAgent":"cu*/8.?"}"#, &["aws:UserAgent=curl/8.15"], false),
        (r#""StringLike":{"aws:UserAgent":"*"}"#, &["aws:UserAgent="], true),
        (r#""StringLike":{"aws:UserAgent":"*"}"#, &[], false),
        (r#""StringLike":{"aws:UserAgent":"C*"}"#, &["aws:UserAgent=curl"], false),
        (r#""StringNotLike":{"aws:UserAgent":"cu*"}"#, &["aws:UserAgent=curl"], false),
        (r#""StringNotLike":{"aws:UserAgent":"cu*"}"#, &["aws:UserAgent=wget"], true),
        (r#""StringNotLike":{"aws:UserAgent":"cu*"}"#, &[], true),
        // Numbers.
        (r#""NumericEquals":{"s3:max-keys":"10"}"#, &["s3:max-keys=10"], true),
        (r#""NumericEquals":{"s3:max-keys":10}"#, &["s3:max-keys=10"], true),
        (r#""NumericEquals":{"s3:max-keys":"10"}"#, &["s3:max-keys=10.0"], true),
        (r#""NumericEquals":{"s3:max-keys":"10"}"#, &["s3:max-keys=11"], false),
        (r#""NumericEquals":{"s3:max-keys":"10"}"#, &["s3:max-keys=ten"], false),
        (r#""NumericNotEquals":{"s3:max-keys":"10"}"#, &["s3:max-keys=11"], true),
        (r#""NumericNotEquals":{"s3:max-keys":"10"}"#, &["s3:max-keys=10"], false),
        (r#""NumericNotEquals":{"s3:max-keys":"10"}"#, &[], true),
        (r#""NumericLessThan":{"s3:max-keys":"10"}"#, &["s3:max-keys=9"], true),
        (r#""NumericLessThan":{"s3:max-keys":"10"}"#, &["s3:max-keys=10"], false),
        (r#""NumericLessThanEquals":{"s3:max-keys":"10"}"#, &["s3:max-keys=10"], true),
        (r#""NumericLessThanEquals":{"s3:max-keys":"10"}"#, &["s3:max-keys=11"], false),
        (r#""NumericGreaterThan":{"s3:max-keys":"10"}"#, &["s3:max-keys=11"], true),
        (r#""NumericGreaterThan":{"s3:max-keys":"10"}"#, &["s3:max-keys=10"], false),
        (r#""NumericGreaterThanEquals":{"s3:max-keys":"10"}"#, &["s3:max-keys=10"], true),
        (r#""NumericGreaterThanEquals":{"s3:max-keys":"10"}"#, &["s3:max-keys=9"], false),
        (r#""NumericLessThan":{"s3:max-keys":"10"}"#, &[], false),
        // Dates.
        (
            r#""DateEquals":{"aws:CurrentTime":"2026-01-02T03:04:05Z"}"#,
            &["aws:CurrentTime=2026-01-02T03:04:05Z"],
            true,
        ),
        (
            r#""DateEquals":{"aws:CurrentTime":"2026-01-02T05:04:05+02:00"}"#,
            &["aws:CurrentTime=2026-01-02T03:04:05Z"],
            true,
        ),
        (
            r#""DateEquals":{"aws:CurrentTime":"2026-01-01T21:34:05.5-05:30"}"#,
            &["aws:CurrentTime=2026-01-02T03:04:05Z"],
            true,
        ),
        (r#""DateEquals":{"aws:CurrentTime":"1767323045"}"#, &["aws:CurrentTime=2026-01-02T03:04:05Z"], true),
        (
            r#""DateNotEquals":{"aws:CurrentTime":"2026-01-02"}"#,
            &["aws:CurrentTime=2026-01-03T00:00:00Z"],
            true,
        ),
        (
            r#""DateLessThan":{"aws:CurrentTime":"2026-01-03"}"#,
            &["aws:CurrentTime=2026-01-02T23:59:59Z"],
            true,
        ),
        (
            r#""DateLessThan":{"aws:CurrentTime":"2026-01-03"}"#,
            &["aws:CurrentTime=2026-01-03T00:00:00Z"],
            false,
        ),
        (
            r#""DateLessThanEquals":{"aws:CurrentTime":"2026-01-03"}"#,
            &["aws:CurrentTime=2026-01-03T00:00:00Z"],
            true,
        ),
        (
            r#""DateGreaterThan":{"aws:CurrentTime":"2026-01-03"}"#,
            &["aws:CurrentTime=2026-01-03T00:00:01Z"],
            true,
        ),
        (
            r#""DateGreaterThan":{"aws:CurrentTime":"2026-01-03"}"#,
            &["aws:CurrentTime=2026-01-03T00:00:00Z"],
            false,
        ),
        (r#""DateGreaterThanEquals":{"aws:EpochTime":"1767398400"}"#, &["aws:EpochTime=1767398400"], true),
        (r#""DateGreaterThanEquals":{"aws:EpochTime":"1767398400"}"#, &["aws:EpochTime=1767398399"], false),
        // Truth.
        (r#""Bool":{"aws:SecureTransport":"true"}"#, &["aws:SecureTransport=true"], true),
        (r#""Bool":{"aws:SecureTransport":true}"#, &["aws:SecureTransport=true"], true),
        (r#""Bool":{"aws:SecureTransport":"True"}"#, &["aws:SecureTransport=true"], true),
        (r#""Bool":{"aws:SecureTransport":"true"}"#, &["aws:SecureTransport=false"], false),
        (r#""Bool":{"aws:SecureTransport":"false"}"#, &["aws:SecureTransport=false"], true),
        (r#""Bool":{"aws:SecureTransport":"false"}"#, &[], false),
        // Bytes.
        (r#""BinaryEquals":{"s3:x":"QmluYXJ5"}"#, &["s3:x=QmluYXJ5"], true),
        (r#""BinaryEquals":{"s3:x":"QmluYXJ5"}"#, &["s3:x=AAAA"], false),
        (r#""BinaryEquals":{"s3:x":"QmluYXJ5"}"#, &[], false),
        // Addresses.
        (r#""IpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#, &["aws:SourceIp=203.0.113.7"], true),
        (r#""IpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#, &["aws:SourceIp=203.0.114.7"], false),
        (r#""IpAddress":{"aws:SourceIp":"203.0.113.7"}"#, &["aws:SourceIp=203.0.113.7"], true),
        (r#""IpAddress":{"aws:SourceIp":"203.0.113.7"}"#, &["aws:SourceIp=203.0.113.8"], false),
        (r#""IpAddress":{"aws:SourceIp":"0.0.0.0/0"}"#, &["aws:SourceIp=8.8.8.8"], true),
        (r#""IpAddress":{"aws:SourceIp":"0.0.0.0/0"}"#, &["aws:SourceIp=2001:db8::1"], false),
        (
            r#""IpAddress":{"aws:SourceIp":["10.0.0.0/8","2001:db8::/32"]}"#,
            &["aws:SourceIp=2001:db8:1::1"],
            true,
        ),
        (r#""IpAddress":{"aws:SourceIp":"2001:db8::/32"}"#, &["aws:SourceIp=2001:db9::1"], false),
        (r#""IpAddress":{"aws:SourceIp":"::/0"}"#, &["aws:SourceIp=2001:db9::1"], true),
        (r#""IpAddress":{"aws:SourceIp":"127.0.0.0/8"}"#, &["aws:SourceIp=::ffff:127.0.0.1"], true),
        (r#""IpAddress":{"aws:SourceIp":"127.0.0.0/8"}"#, &[], false),
        (r#""NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#, &["aws:SourceIp=10.1.2.3"], false),
        (r#""NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#, &["aws:SourceIp=11.1.2.3"], true),
        (r#""NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#, &[], true),
        (r#""NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","11.0.0.0/8"]}"#, &["aws:SourceIp=11.1.2.3"], false),
        // ARNs: a wildcard does not pass a colon, but in the last part.
        (
            r#""ArnEquals":{"aws:SourceArn":"arn:aws:s3:::photos"}"#,
            &["aws:SourceArn=arn:aws:s3:::photos"],
            true,
        ),
        (r#""ArnEquals":{"aws:SourceArn":"arn:aws:s3:::p*"}"#, &["aws:SourceArn=arn:aws:s3:::photos"], true),
        (r#""ArnLike":{"aws:SourceArn":"arn:aws:*:::photos"}"#, &["aws:SourceArn=arn:aws:s3:::photos"], true),
        (r#""ArnLike":{"aws:SourceArn":"arn:*:photos"}"#, &["aws:SourceArn=arn:aws:s3:::photos"], false),
        (
            r#""ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:a*z"}"#,
            &["aws:SourceArn=arn:aws:sns:eu:1:a:b:z"],
            true,
        ),
        (r#""ArnLike":{"aws:SourceArn":"arn:aws:s3:::photos"}"#, &["aws:SourceArn=photos"], false),
        (r#""ArnLike":{"aws:SourceArn":"arn:aws:s3:::photos"}"#, &[], false),
        (
            r#""ArnNotEquals":{"aws:SourceArn":"arn:aws:s3:::p*"}"#,
            &["aws:SourceArn=arn:aws:s3:::photos"],
            false,
        ),
        (r#""ArnNotLike":{"aws:SourceArn":"arn:aws:s3:::p*"}"#, &["aws:SourceArn=arn:aws:s3:::x"], true),
        (r#""ArnNotLike":{"aws:SourceArn":"arn:aws:s3:::p*"}"#, &[], true),
        // Whether a key is there.
        (r#""Null":{"aws:Referer":"true"}"#, &[], true),
        (r#""Null":{"aws:Referer":"true"}"#, &["aws:Referer=x"], false),
        (r#""Null":{"aws:Referer":"false"}"#, &["aws:Referer=x"], true),
        (r#""Null":{"aws:Referer":false}"#, &[], false),
        // IfExists.
        (r#""StringEqualsIfExists":{"aws:Referer":"x"}"#, &[], true),
        (r#""StringEqualsIfExists":{"aws:Referer":"x"}"#, &["aws:Referer=x"], true),
        (r#""StringEqualsIfExists":{"aws:Referer":"x"}"#, &["aws:Referer=y"], false),
        (r#""StringNotEqualsIfExists":{"aws:Referer":"x"}"#, &[], true),
        (r#""StringNotEqualsIfExists":{"aws:Referer":"x"}"#, &["aws:Referer=x"], false),
        (r#""BoolIfExists":{"aws:SecureTransport":"false"}"#, &[], true),
        (r#""NumericLessThanIfExists":{"s3:max-keys":"10"}"#, &["s3:max-keys=11"], false),
        (r#""IpAddressIfExists":{"aws:SourceIp":"10.0.0.0/8"}"#, &[], true),
        (r#""ArnLikeIfExists":{"aws:SourceArn":"arn:aws:s3:::a"}"#, &[], true),
        (r#""DateLessThanIfExists":{"aws:CurrentTime":"2026-01-03"}"#, &[], true),
        // Keys with several values.
        (
            r#""ForAllValues:StringEquals":{"s3:RequestObjectTagKeys":["a","b"]}"#,
            &["s3:RequestObjectTagKeys=a"],
            true,
        ),
        (
            r#""ForAllValues:StringEquals":{"s3:RequestObjectTagKeys":["a","b"]}"#,
            &["s3:RequestObjectTagKeys=a", "s3:RequestObjectTagKeys=b"],
            true,
        ),
        (
            r#""ForAllValues:StringEquals":{"s3:RequestObjectTagKeys":["a","b"]}"#,
            &["s3:RequestObjectTagKeys=a", "s3:RequestObjectTagKeys=c"],
            false,
        ),
        (r#""ForAllValues:StringEquals":{"s3:RequestObjectTagKeys":["a","b"]}"#, &[], true),
        (
            r#""ForAnyValue:StringEquals":{"s3:RequestObjectTagKeys":["a","b"]}"#,
            &["s3:RequestObjectTagKeys=c", "s3:RequestObjectTagKeys=b"],
            true,
        ),
        (
            r#""ForAnyValue:StringEquals":{"s3:RequestObjectTagKeys":["a","b"]}"#,
            &["s3:RequestObjectTagKeys=c"],
            false,
        ),
        (r#""ForAnyValue:StringEquals":{"s3:RequestObjectTagKeys":["a","b"]}"#, &[], false),
        (
            r#""ForAnyValue:StringNotEquals":{"s3:RequestObjectTagKeys":"a"}"#,
            &["s3:RequestObjectTagKeys=b"],
            true,
        ),
        (
            r#""ForAnyValue:StringNotEquals":{"s3:RequestObjectTagKeys":"a"}"#,
            &["s3:RequestObjectTagKeys=a", "s3:RequestObjectTagKeys=b"],
            true,
        ),
        (
            r#""ForAllValues:StringNotEquals":{"s3:RequestObjectTagKeys":"a"}"#,
            &["s3:RequestObjectTagKeys=a", "s3:RequestObjectTagKeys=b"],
            false,
        ),
        (
            r#""ForAnyValue:StringLike":{"s3:RequestObjectTagKeys":"a*"}"#,
            &["s3:RequestObjectTagKeys=ab"],
            true,
        ),
        // Several conditions must all hold.
        (
            r#""StringEquals":{"aws:UserAgent":"a","aws:Referer":"b"}"#,
            &["aws:UserAgent=a", "aws:Referer=b"],
            true,
        ),
        (r#""StringEquals":{"aws:UserAgent":"a","aws:Referer":"b"}"#, &["aws:UserAgent=a"], false),
        (
            r#""StringEquals":{"aws:UserAgent":"a"},"Bool":{"aws:SecureTransport":"true"}"#,
            &["aws:UserAgent=a", "aws:SecureTransport=false"],
            false,
        ),
        // Keys of tags are told apart by case, what stands before them is not.
        (r#""StringEquals":{"S3:ExistingObjectTag/Team":"a"}"#, &["s3:ExistingObjectTag/Team=a"], true),
        (r#""StringEquals":{"s3:ExistingObjectTag/team":"a"}"#, &["s3:ExistingObjectTag/Team=a"], false),
        // Variables.
        (r#""StringEquals":{"s3:prefix":"${aws:Referer}/"}"#, &["s3:prefix=x/", "aws:Referer=x"], true),
        (r#""StringEquals":{"s3:prefix":"${aws:Referer}/"}"#, &["s3:prefix=/"], false),
        (r#""StringLike":{"s3:prefix":"${aws:Referer}*"}"#, &["s3:prefix=xyz", "aws:Referer=x*z"], false),
        (r#""StringLike":{"s3:prefix":"${aws:Referer, 'home'}/*"}"#, &["s3:prefix=home/a"], true),
        (r#""StringLike":{"s3:prefix":"a${*}*"}"#, &["s3:prefix=a*b"], true),
        (r#""StringLike":{"s3:prefix":"a${*}*"}"#, &["s3:prefix=axb"], false),
        (r#""StringNotEquals":{"s3:prefix":"${aws:Referer}"}"#, &["s3:prefix=x"], true),
        (r#""StringEquals":{"aws:principaltype":"Anonymous"}"#, &[], true),
        (r#""StringEquals":{"aws:userid":"anonymous"}"#, &[], true),
        (r#""Null":{"aws:PrincipalArn":"true"}"#, &[], true),
        (r#""Null":{"aws:username":"true"}"#, &[], true),
    ];
    for (condition, keys, expected) in rows {
        let statement = format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{{{condition}}}}}"#
        );
        let allowed =
            anybody_may(&statement, "s3:GetObject", Resource::Object("photos", "k"), &Keys::of(keys));
        assert_eq!(allowed, *expected, "{condition} {keys:?}");
    }
}

#[test]
fn actions_and_resources_fit_as_their_patterns_say() {
    use Resource::{Bucket, Object, Service};
    let photo = Object("photos", "2026/cat.jpg");
    for (action, resource, asked, on, expected) in [
        (r#""Action":"s3:GetObject""#, r#""Resource":"arn:aws:s3:::photos/*""#, "s3:GetObject", photo, true),
        (r#""Action":"S3:getobject""#, r#""Resource":"arn:aws:s3:::photos/*""#, "s3:GetObject", photo, true),
        (
            r#""Action":"s3:GetObject""#,
            r#""Resource":"arn:aws:s3:::photos/*""#,
            "s3:GetObjectVersion",
            photo,
            false,
        ),
        (
            r#""Action":"s3:GetObject*""#,
            r#""Resource":"arn:aws:s3:::photos/*""#,
            "s3:GetObjectVersion",
            photo,
            true,
        ),
        (r#""Action":"s3:*Object""#, r#""Resource":"arn:aws:s3:::photos/*""#, "s3:PutObject", photo, true),
        (r#""Action":"s3:?etObject""#, r#""Resource":"arn:aws:s3:::photos/*""#, "s3:GetObject", photo, true),
        (r#""Action":"*""#, r#""Resource":"*""#, "s3:GetObject", photo, true),
        (r#""Action":["s3:PutObject","s3:GetObject"]"#, r#""Resource":"*""#, "s3:GetObject", photo, true),
        (r#""NotAction":"s3:GetObject""#, r#""Resource":"*""#, "s3:GetObject", photo, false),
        (r#""NotAction":"s3:GetObject""#, r#""Resource":"*""#, "s3:PutObject", photo, true),
        (r#""NotAction":["s3:Get*","s3:Put*"]"#, r#""Resource":"*""#, "s3:PutObject", photo, false),
        (r#""Action":"s3:*""#, r#""Resource":"arn:aws:s3:::photos""#, "s3:GetObject", photo, false),
        (
            r#""Action":"s3:*""#,
            r#""Resource":"arn:aws:s3:::photos""#,
            "s3:ListBucket",
            Bucket("photos"),
            true,
        ),
        (
            r#""Action":"s3:*""#,
            r#""Resource":"arn:aws:s3:::photos/*""#,
            "s3:ListBucket",
            Bucket("photos"),
            false,
        ),
        (
            r#""Action":"s3:*""#,
            r#""Resource":"arn:aws:s3:::photos*""#,
            "s3:ListBucket",
            Bucket("photos"),
            true,
        ),
        (r#""Action":"s3:*""#, r#""Resource":"arn:aws:s3:::photos*""#, "s3:GetObject", photo, true),
        (r#""Action":"s3:*""#, r#""Resource":"arn:aws:s3:::*/2026/*""#, "s3:GetObject", photo, true),
        (r#""Action":"s3:*""#, r#""Resource":"arn:aws:s3:::photos/2025/*""#, "s3:GetObject", photo, false),
        (
            r#""Action":"s3:*""#,
            r#""Resource":"arn:aws:s3:::photos/202?/cat.jpg""#,
            "s3:GetObject",
            photo,
            true,
        ),
        (
            r#""Action":"s3:*""#,
            r#""Resource":"arn:aws:s3:::photos/202?/CAT.jpg""#,
            "s3:GetObject",
            photo,
            false,
        ),
        (
            r#""Action":"s3:*""#,
            r#""Resource":["arn:aws:s3:::a","arn:aws:s3:::photos/*"]"#,
            "s3:GetObject",
            photo,
            true,
        ),
        (r#""Action":"s3:*""#, r#""NotResource":"arn:aws:s3:::photos/2026/*""#, "s3:GetObject", photo, false),
        (r#""Action":"s3:*""#, r#""NotResource":"arn:aws:s3:::photos/2025/*""#, "s3:GetObject", photo, true),
        (
            r#""Action":"s3:*""#,
            r#""Resource":"arn:aws:s3:::photos/${aws:username}/*""#,
            "s3:GetObject",
            photo,
            false,
        ),
        (
            r#""Action":"s3:*""#,
            r#""Resource":"arn:aws:s3:::photos/${aws:userid}/*""#,
            "s3:GetObject",
            Object("photos", "anonymous/x"),
            true,
        ),
        (
            r#""Action":"s3:*""#,
            r#""Resource":"arn:aws:s3:::photos/a:b*""#,
            "s3:GetObject",
            Object("photos", "a:b:c"),
            true,
        ),
        (
            r#""Action":"s3:*""#,
            r#""Resource":"arn:aws:s3:::photos/${*}""#,
            "s3:GetObject",
            Object("photos", "*"),
            true,
        ),
        (r#""Action":"s3:*""#, r#""Resource":"arn:aws:s3:::photos/${*}""#, "s3:GetObject", photo, false),
        (r#""Action":"s3:ListAllMyBuckets""#, r#""Resource":"*""#, "s3:ListAllMyBuckets", Service, true),
        (
            r#""Action":"s3:ListAllMyBuckets""#,
            r#""Resource":"arn:aws:s3:::*""#,
            "s3:ListAllMyBuckets",
            Service,
            true,
        ),
    ] {
        let statement = format!(r#"{{"Effect":"Allow","Principal":"*",{action},{resource}}}"#);
        assert_eq!(
            anybody_may(&statement, asked, on, &Keys::default()),
            expected,
            "{action} {resource} {asked}"
        );
    }
}

#[test]
fn principals_are_met_by_those_whom_they_name() {
    const NONE: Option<Named> = None;
    let canonical =
        |number: u8| format!(r#""Principal":{{"CanonicalUser":"{}"}}"#, CanonicalId([number; 32]));
    let (owners, others) = (canonical(OWNER), canonical(OTHER));
    let rows: Vec<(&str, Principal, Option<Named>)> = vec![
        (r#""Principal":"*""#, Principal::Anonymous, Some(Named::Everybody)),
        (r#""Principal":"*""#, root(OTHER), Some(Named::Everybody)),
        (r#""Principal":{"AWS":"*"}"#, Principal::Anonymous, Some(Named::Everybody)),
        (r#""Principal":{"AWS":["*"]}"#, user(OTHER), Some(Named::Everybody)),
        (r#""Principal":{"AWS":"111111111111"}"#, root(OWNER), Some(Named::Account)),
        (r#""Principal":{"AWS":"111111111111"}"#, user(OWNER), Some(Named::Account)),
        (r#""Principal":{"AWS":"111111111111"}"#, session(OWNER), Some(Named::Account)),
        (r#""Principal":{"AWS":"111111111111"}"#, root(OTHER), NONE),
        (r#""Principal":{"AWS":"111111111111"}"#, Principal::Anonymous, NONE),
        (r#""Principal":{"AWS":"arn:aws:iam::222222222222:root"}"#, root(OTHER), Some(Named::Account)),
        (r#""Principal":{"AWS":"arn:aws:iam::222222222222:root"}"#, user(OTHER), Some(Named::Account)),
        (r#""Principal":{"AWS":"arn:aws:iam::222222222222:root"}"#, user(OWNER), NONE),
        (
            r#""Principal":{"AWS":"arn:aws:iam::111111111111:user/staff/anna"}"#,
            user(OWNER),
            Some(Named::Exactly),
        ),
        (r#""Principal":{"AWS":"arn:aws:iam::111111111111:user/anna"}"#, user(OWNER), NONE),
        (r#""Principal":{"AWS":"arn:aws:iam::111111111111:user/staff/anna"}"#, root(OWNER), NONE),
        (r#""Principal":{"AWS":"arn:aws:iam::111111111111:user/staff/anna"}"#, user(OTHER), NONE),
        (r#""Principal":{"AWS":"arn:aws:iam::111111111111:role/worker"}"#, session(OWNER), Some(Named::Role)),
        (r#""Principal":{"AWS":"arn:aws:iam::111111111111:role/other"}"#, session(OWNER), NONE),
        (
            r#""Principal":{"AWS":"arn:aws:sts::111111111111:assumed-role/worker/job"}"#,
            session(OWNER),
            Some(Named::Exactly),
        ),
        (r#""Principal":{"AWS":"arn:aws:sts::111111111111:assumed-role/worker/x"}"#, session(OWNER), NONE),
        (
            r#""Principal":{"AWS":["222222222222","arn:aws:iam::111111111111:user/staff/anna"]}"#,
            user(OWNER),
            Some(Named::Exactly),
        ),
        (&owners, root(OWNER), Some(Named::Account)),
        (&owners, user(OWNER), Some(Named::Account)),
        (&others, root(OWNER), NONE),
        (r#""Principal":{"Service":"logging.s3.amazonaws.com"}"#, root(OWNER), NONE),
        (r#""Principal":{"Federated":"accounts.google.com"}"#, user(OWNER), NONE),
        (r#""Principal":{"Service":"x.amazonaws.com","AWS":"*"}"#, root(OTHER), Some(Named::Everybody)),
        (r#""NotPrincipal":{"AWS":"111111111111"}"#, root(OWNER), NONE),
        (r#""NotPrincipal":{"AWS":"111111111111"}"#, user(OWNER), NONE),
        (r#""NotPrincipal":{"AWS":"111111111111"}"#, root(OTHER), Some(Named::Everybody)),
        (r#""NotPrincipal":{"AWS":"111111111111"}"#, Principal::Anonymous, Some(Named::Everybody)),
        (
            r#""NotPrincipal":{"AWS":["arn:aws:iam::111111111111:user/staff/anna","111111111111"]}"#,
            user(OWNER),
            NONE,
        ),
        (r#""NotPrincipal":"*""#, root(OTHER), NONE),
    ];
    for (principal, caller, expected) in rows {
        let policy =
            resource_policy(&format!(r#"{{"Effect":"Allow",{principal},"Action":"s3:*","Resource":"*"}}"#));
        let keys = Keys::default();
        let request = asks(&caller, &keys);
        let asked =
            matching::Asked { request: &request, resource: request.resource.arn(), caller: caller.arn() };
        assert_eq!(policy.statements[0].applies(&asked), expected, "{principal} {caller:?}");
    }
}

/// Statements for the rows below.
pub(super) const ALLOW: &str = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
pub(super) const DENY: &str = r#"{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}"#;
pub(super) const ELSE: &str = r#"{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}"#;
pub(super) const TO_ALL: &str = r#"{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}"#;
pub(super) const TO_OWNER: &str =
    r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"s3:*","Resource":"*"}"#;
pub(super) const TO_OTHER: &str =
    r#"{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"s3:*","Resource":"*"}"#;
pub(super) const TO_ANNA: &str = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/staff/anna"},"Action":"s3:*","Resource":"*"}"#;
pub(super) const TO_ROLE: &str = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/worker"},"Action":"s3:*","Resource":"*"}"#;
pub(super) const TO_JOB: &str = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:sts::111111111111:assumed-role/worker/job"},"Action":"s3:*","Resource":"*"}"#;
pub(super) const NOT_TO_ALL: &str = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}"#;
const NOT_BUT_OWNER: &str =
    r#"{"Effect":"Deny","NotPrincipal":{"AWS":"111111111111"},"Action":"s3:*","Resource":"*"}"#;

/// What has a say in a row; an empty text is no policy.
#[derive(Default)]
pub(super) struct Say {
    pub(super) identity: &'static str,
    pub(super) boundary: &'static str,
    pub(super) session: &'static str,
    pub(super) bucket: &'static str,
    pub(super) acl: Option<Named>,
    pub(super) restricted: bool,
    /// The object is the other account's.
    pub(super) foreign_object: bool,
}

pub(super) fn decided(principal: &Principal, action: &str, say: &Say) -> (bool, String) {
    let identity_of = |statements: &str| (!statements.is_empty()).then(|| identity_policy(statements));
    let (identity, boundary, session) =
        (identity_of(say.identity), identity_of(say.boundary), identity_of(say.session));
    let bucket = (!say.bucket.is_empty()).then(|| resource_policy(say.bucket));
    let policies = Policies {
        identity: &identity.iter().collect::<Vec<_>>(),
        boundary: boundary.as_ref(),
        session: &session.iter().collect::<Vec<_>>(),
        bucket: bucket.as_ref(),
        bucket_is_restricted: say.restricted,
        acl: say.acl,
    };
    let keys = Keys::default();
    let owner = if say.foreign_object { CanonicalId([OTHER; 32]) } else { CanonicalId([OWNER; 32]) };
    let decision = decide(&Request { action, owner: &owner, ..asks(principal, &keys) }, &policies);
    let reason = match decision.reason {
        Reason::Root => "root".to_owned(),
        Reason::Acl => "acl".to_owned(),
        Reason::Allowed(source, _) => format!("allowed by {source:?}"),
        Reason::Denied(source, _) => format!("denied by {source:?}"),
        Reason::NotAllowed(source) => format!("not allowed by {source:?}"),
    };
    (decision.allowed, reason)
}

#[test]
fn all_policies_have_their_say_in_the_documented_order() {
    let rows: Vec<(Principal, Say, &str)> = vec![
        // The owner's root.
        (root(OWNER), Say::default(), "root"),
        (root(OWNER), Say { bucket: TO_OTHER, ..Say::default() }, "root"),
        (root(OWNER), Say { bucket: NOT_TO_ALL, ..Say::default() }, "denied by Resource"),
        (root(OWNER), Say { bucket: NOT_BUT_OWNER, ..Say::default() }, "root"),
        (root(OWNER), Say { bucket: TO_ALL, restricted: true, ..Say::default() }, "root"),
        // Nobody in particular.
        (Principal::Anonymous, Say::default(), "not allowed by Resource"),
        (Principal::Anonymous, Say { bucket: TO_ALL, ..Say::default() }, "allowed by Resource"),
        (Principal::Anonymous, Say { bucket: TO_OWNER, ..Say::default() }, "not allowed by Resource"),
        (
            Principal::Anonymous,
            Say { bucket: NOT_TO_ALL, acl: Some(Named::Everybody), ..Say::default() },
            "denied by Resource",
        ),
        (Principal::Anonymous, Say { acl: Some(Named::Everybody), ..Say::default() }, "acl"),
        (
            Principal::Anonymous,
            Say { bucket: TO_ALL, restricted: true, ..Say::default() },
            "not allowed by Resource",
        ),
        (
            Principal::Anonymous,
            Say { bucket: TO_ALL, foreign_object: true, ..Say::default() },
            "not allowed by Resource",
        ),
        (
            Principal::Anonymous,
            Say { acl: Some(Named::Everybody), foreign_object: true, ..Say::default() },
            "acl",
        ),
        // Another account's root: its own side allows all, the bucket's must too.
        (root(OTHER), Say::default(), "not allowed by Resource"),
        (root(OTHER), Say { bucket: TO_OTHER, ..Say::default() }, "allowed by Resource"),
        (root(OTHER), Say { bucket: TO_OWNER, ..Say::default() }, "not allowed by Resource"),
        (root(OTHER), Say { bucket: TO_ALL, ..Say::default() }, "allowed by Resource"),
        (root(OTHER), Say { acl: Some(Named::Account), ..Say::default() }, "acl"),
        (
            root(OTHER),
            Say { bucket: NOT_BUT_OWNER, acl: Some(Named::Account), ..Say::default() },
            "denied by Resource",
        ),
        (root(OTHER), Say { bucket: TO_ALL, restricted: true, ..Say::default() }, "not allowed by Resource"),
        // Objects of another account than the bucket's.
        (root(OTHER), Say { foreign_object: true, ..Say::default() }, "root"),
        (root(OWNER), Say { foreign_object: true, ..Say::default() }, "not allowed by Resource"),
        (
            root(OWNER),
            Say { foreign_object: true, bucket: TO_OWNER, ..Say::default() },
            "not allowed by Resource",
        ),
        (root(OWNER), Say { foreign_object: true, acl: Some(Named::Account), ..Say::default() }, "acl"),
        (
            root(OTHER),
            Say { foreign_object: true, bucket: NOT_TO_ALL, ..Say::default() },
            "denied by Resource",
        ),
        (
            user(OWNER),
            Say { foreign_object: true, identity: ALLOW, ..Say::default() },
            "not allowed by Resource",
        ),
        (user(OTHER), Say { foreign_object: true, identity: ALLOW, ..Say::default() }, "allowed by Identity"),
        // A user of the bucket's account.
        (user(OWNER), Say::default(), "not allowed by Identity"),
        (user(OWNER), Say { identity: ALLOW, ..Say::default() }, "allowed by Identity"),
        (user(OWNER), Say { identity: ELSE, ..Say::default() }, "not allowed by Identity"),
        (user(OWNER), Say { identity: DENY, bucket: TO_ALL, ..Say::default() }, "denied by Identity"),
        (user(OWNER), Say { identity: ALLOW, bucket: NOT_TO_ALL, ..Say::default() }, "denied by Resource"),
        (user(OWNER), Say { identity: ALLOW, boundary: ELSE, ..Say::default() }, "not allowed by Boundary"),
        (user(OWNER), Say { identity: ALLOW, boundary: ALLOW, ..Say::default() }, "allowed by Identity"),
        (user(OWNER), Say { boundary: ALLOW, ..Say::default() }, "not allowed by Identity"),
        (user(OWNER), Say { identity: ALLOW, boundary: DENY, ..Say::default() }, "denied by Boundary"),
        (user(OWNER), Say { bucket: TO_ANNA, ..Say::default() }, "allowed by Resource"),
        (user(OWNER), Say { bucket: TO_ALL, ..Say::default() }, "allowed by Resource"),
        (user(OWNER), Say { bucket: TO_OWNER, ..Say::default() }, "not allowed by Identity"),
        (user(OWNER), Say { bucket: TO_OWNER, identity: ALLOW, ..Say::default() }, "allowed by Identity"),
        (user(OWNER), Say { bucket: TO_ANNA, boundary: ELSE, ..Say::default() }, "allowed by Resource"),
        (user(OWNER), Say { bucket: TO_ANNA, boundary: DENY, ..Say::default() }, "denied by Boundary"),
        (user(OWNER), Say { bucket: TO_ALL, restricted: true, ..Say::default() }, "allowed by Resource"),
        (user(OWNER), Say { acl: Some(Named::Account), ..Say::default() }, "not allowed by Identity"),
        (user(OWNER), Say { acl: Some(Named::Everybody), ..Say::default() }, "acl"),
        // A user of another account: both sides.
        (user(OTHER), Say { identity: ALLOW, ..Say::default() }, "not allowed by Resource"),
        (user(OTHER), Say { bucket: TO_OTHER, ..Say::default() }, "not allowed by Identity"),
        (user(OTHER), Say { bucket: TO_ALL, ..Say::default() }, "not allowed by Identity"),
        (user(OTHER), Say { identity: ALLOW, bucket: TO_OTHER, ..Say::default() }, "allowed by Resource"),
        (user(OTHER), Say { identity: ALLOW, bucket: TO_ALL, ..Say::default() }, "allowed by Resource"),
        (
            user(OTHER),
            Say { identity: ALLOW, boundary: ELSE, bucket: TO_OTHER, ..Say::default() },
            "not allowed by Boundary",
        ),
        (user(OTHER), Say { identity: DENY, bucket: TO_OTHER, ..Say::default() }, "denied by Identity"),
        (user(OTHER), Say { identity: ALLOW, acl: Some(Named::Account), ..Say::default() }, "acl"),
        (user(OTHER), Say { acl: Some(Named::Everybody), ..Say::default() }, "not allowed by Identity"),
        (
            user(OTHER),
            Say { identity: ALLOW, bucket: TO_ALL, restricted: true, ..Say::default() },
            "not allowed by Resource",
        ),
        // A session of a role.
        (session(OWNER), Say::default(), "not allowed by Identity"),
        (session(OWNER), Say { identity: ALLOW, ..Say::default() }, "allowed by Identity"),
        (session(OWNER), Say { identity: ALLOW, session: ALLOW, ..Say::default() }, "allowed by Identity"),
        (session(OWNER), Say { identity: ALLOW, session: ELSE, ..Say::default() }, "not allowed by Session"),
        (session(OWNER), Say { identity: ALLOW, session: DENY, ..Say::default() }, "denied by Session"),
        (session(OWNER), Say { session: ALLOW, ..Say::default() }, "not allowed by Identity"),
        (session(OWNER), Say { bucket: TO_ROLE, ..Say::default() }, "allowed by Resource"),
        (session(OWNER), Say { bucket: TO_ROLE, session: ELSE, ..Say::default() }, "not allowed by Session"),
        (
            session(OWNER),
            Say { bucket: TO_ROLE, boundary: ELSE, ..Say::default() },
            "not allowed by Boundary",
        ),
        (session(OWNER), Say { bucket: TO_JOB, session: ELSE, ..Say::default() }, "allowed by Resource"),
        (session(OWNER), Say { bucket: TO_JOB, boundary: ELSE, ..Say::default() }, "allowed by Resource"),
        (session(OWNER), Say { bucket: TO_JOB, session: DENY, ..Say::default() }, "denied by Session"),
        (session(OWNER), Say { bucket: TO_OWNER, ..Say::default() }, "not allowed by Identity"),
        (
            session(OTHER),
            Say { bucket: TO_OTHER, identity: ALLOW, session: ALLOW, ..Say::default() },
            "allowed by Resource",
        ),
        (
            session(OTHER),
            Say { bucket: TO_OTHER, identity: ALLOW, session: ELSE, ..Say::default() },
            "not allowed by Session",
        ),
    ];
    for (index, (principal, say, expected)) in rows.iter().enumerate() {
        let (allowed, reason) = decided(principal, "s3:GetObject", say);
        assert_eq!(reason, *expected, "row {index}: {principal:?}");
        assert_eq!(allowed, !expected.starts_with("denied") && !expected.starts_with("not"), "row {index}");
    }
}

#[test]
fn no_policy_locks_the_owners_root_out_of_the_policy_itself() {
    for (principal, action, expected) in [
        (root(OWNER), "s3:GetBucketPolicy", true),
        (root(OWNER), "s3:PutBucketPolicy", true),
        (root(OWNER), "s3:DeleteBucketPolicy", true),
        (root(OWNER), "s3:DeleteBucket", false),
        (root(OTHER), "s3:PutBucketPolicy", false),
        (user(OWNER), "s3:PutBucketPolicy", false),
    ] {
        let say = Say { identity: ALLOW, bucket: NOT_TO_ALL, ..Say::default() };
        let say = if matches!(principal, Principal::Root(_)) { Say { identity: "", ..say } } else { say };
        assert_eq!(decided(&principal, action, &say).0, expected, "{principal:?} {action}");
    }
}

#[test]
fn documents_that_are_no_policies_are_refused_in_the_words_of_aws() {
    let statement =
        r#""Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*""#;
    let with = |from: &str, to: &str| format!(r#"{{"Statement":[{{{}}}]}}"#, statement.replace(from, to));
    let principal = "Invalid principal in policy";
    let rows: Vec<(String, &str)> = vec![
        (String::new(), "Policies must be valid JSON and the first byte must be '{'"),
        ("[]".into(), "Policies must be valid JSON and the first byte must be '{'"),
        ("{".into(), "Policies must be valid JSON and the first byte must be '{'"),
        (
            with(r#""Effect""#, r#""Effect":"Deny","Effect""#),
            "Policies must be valid JSON and the first byte must be '{'",
        ),
        ("[".repeat(9000), "Policies must be valid JSON and the first byte must be '{'"),
        ("{}".into(), "Missing required field Statement"),
        (r#"{"Statement":[]}"#.into(), "Could not parse the policy: Statement is empty!"),
        (r#"{"Statement":"all"}"#.into(), "Could not parse the policy: Statement is empty!"),
        (r#"{"Statement":["all"]}"#.into(), "Statement is not an object"),
        (
            r#"{"Version":"2012-10-18","Statement":[{}]}"#.into(),
            "The policy must contain a valid version string",
        ),
        (r#"{"Version":5,"Statement":[{}]}"#.into(), "The policy must contain a valid version string"),
        (r#"{"Other":1,"Statement":[{}]}"#.into(), "Unknown field Other"),
        (with(r#""Effect""#, r#""Efect""#), "Unknown field Efect"),
        (with(r#""Effect":"Allow","#, ""), "Missing required field Effect"),
        (with(r#""Allow""#, r#""allow""#), "Invalid effect: allow"),
        (with(r#""Principal":"*","#, ""), "Missing required field Principal"),
        (
            with(r#""Principal":"*""#, r#""Principal":"*","NotPrincipal":"*""#),
            "Statement has both Principal and NotPrincipal",
        ),
        (with(r#""Principal":"*""#, r#""Principal":"me""#), principal),
        (with(r#""Principal":"*""#, r#""Principal":{}"#), principal),
        (with(r#""Principal":"*""#, r#""Principal":{"AWS":[]}"#), principal),
        (with(r#""Principal":"*""#, r#""Principal":{"AWS":"1"}"#), principal),
        (with(r#""Principal":"*""#, r#""Principal":{"AWS":"arn:aws:iam::*:root"}"#), principal),
        (with(r#""Principal":"*""#, r#""Principal":{"AWS":"arn:aws:iam::111111111111:user/a*"}"#), principal),
        (with(r#""Principal":"*""#, r#""Principal":{"AWS":"arn:aws:iam::111111111111:user/"}"#), principal),
        (with(r#""Principal":"*""#, r#""Principal":{"AWS":"arn:aws:iam::111111111111:group/a"}"#), principal),
        (with(r#""Principal":"*""#, r#""Principal":{"CanonicalUser":"12"}"#), principal),
        (with(r#""Principal":"*""#, r#""Principal":{"Anybody":"*"}"#), principal),
        (with(r#""Action":"s3:GetObject","#, ""), "Missing required field Action"),
        (with(r#""s3:GetObject""#, "[]"), "Policy has invalid action"),
        (with(r#""s3:GetObject""#, "5"), "Policy has invalid action"),
        (with(r#","Resource":"arn:aws:s3:::b/*""#, ""), "Missing required field Resource"),
        (with(r#""arn:aws:s3:::b/*""#, "{}"), "Policy has invalid resource"),
        (with(r#""Effect""#, r#""Sid":5,"Effect""#), "Statement IDs (SID) must be alpha-numeric."),
        (with(r#""Effect""#, r#""Condition":[],"Effect""#), "Conditions must be valid JSON objects"),
        (with(r#""Effect""#, r#""Condition":{"Bool":5},"Effect""#), "Conditions must be valid JSON objects"),
        (
            with(r#""Effect""#, r#""Condition":{"Bool":{"a":{}}},"Effect""#),
            "Conditions must be valid JSON objects",
        ),
        (
            with(r#""Effect""#, r#""Condition":{"StringIs":{"a":"b"}},"Effect""#),
            "Invalid Condition type : StringIs",
        ),
        (
            with(r#""Effect""#, r#""Condition":{"ForSome:Bool":{"a":"b"}},"Effect""#),
            "Invalid Condition type : ForSome:Bool",
        ),
        (
            with(r#""Effect""#, r#""Condition":{"NullIfExists":{"a":"true"}},"Effect""#),
            "Invalid Condition type : NullIfExists",
        ),
        (
            with(r#""Effect""#, r#""Condition":{"Bool":{"a":"maybe"}},"Effect""#),
            "Invalid value for Condition type : Bool",
        ),
        (
            with(r#""Effect""#, r#""Condition":{"IpAddress":{"a":"1.2.3.4/33"}},"Effect""#),
            "Invalid value for Condition type : IpAddress",
        ),
        (
            with(r#""Effect""#, r#""Condition":{"NumericEquals":{"a":"x"}},"Effect""#),
            "Invalid value for Condition type : NumericEquals",
        ),
        (
            with(r#""Effect""#, r#""Condition":{"DateEquals":{"a":"today"}},"Effect""#),
            "Invalid value for Condition type : DateEquals",
        ),
        (
            format!(r#"{{"Statement":[{{"Sid":"a",{statement}}},{{"Sid":"a",{statement}}}]}}"#),
            "Statement IDs (SID) in a single policy must be unique.",
        ),
    ];
    for (document, expected) in rows {
        let error = Policy::parse(document.as_bytes(), Grammar::Resource).expect_err(&document);
        assert_eq!(error.to_string(), expected, "{document}");
    }
    let long = with("", "") + &" ".repeat(20 << 10);
    assert_eq!(Policy::parse(long.as_bytes(), Grammar::Resource), Err(PolicyError::TooLarge));
    let named = Policy::parse(with("", "").as_bytes(), Grammar::Identity).unwrap_err();
    assert_eq!(named.to_string(), "Policy document should not specify a principal.");
}

#[test]
fn a_policy_is_public_unless_fixed_values_confine_it() {
    let everybody =
        r#""Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*""#;
    let confined = |condition: &str| format!(r#"{{{everybody},"Condition":{{{condition}}}}}"#);
    for (statement, expected) in [
        (format!("{{{everybody}}}"), true),
        (TO_ALL.into(), true),
        (TO_OTHER.into(), false),
        (TO_ANNA.into(), false),
        (NOT_TO_ALL.into(), false),
        (format!("{TO_OTHER},{TO_ALL}"), true),
        (TO_ALL.replace(r#""Principal":"*""#, r#""NotPrincipal":{"AWS":"111111111111"}"#), true),
        (confined(r#""StringEquals":{"aws:SourceVpc":"vpc-91237329"}"#), false),
        (confined(r#""StringLike":{"aws:SourceVpc":"vpc-*"}"#), true),
        (confined(r#""StringNotEquals":{"aws:SourceVpc":"vpc-1"}"#), true),
        (confined(r#""StringEqualsIfExists":{"aws:SourceVpc":"vpc-1"}"#), true),
        (confined(r#""ForAllValues:StringEquals":{"aws:SourceVpc":"vpc-1"}"#), true),
        (confined(r#""StringEquals":{"aws:SourceVpc":["vpc-1","${aws:Referer}"]}"#), true),
        (confined(r#""StringEquals":{"aws:UserAgent":"x"}"#), true),
        (confined(r#""StringEquals":{"aws:PrincipalOrgID":"o-1"}"#), false),
        (confined(r#""StringEquals":{"aws:SourceAccount":"111111111111"}"#), false),
        (confined(r#""ArnLike":{"aws:SourceArn":"arn:aws:sns:eu-west-1:111111111111:*"}"#), false),
        (confined(r#""ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:topic"}"#), true),
        (confined(r#""IpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#), false),
        (confined(r#""IpAddress":{"aws:SourceIp":"0.0.0.0/1"}"#), true),
        (confined(r#""IpAddress":{"aws:SourceIp":"2001:db8::/32"}"#), false),
        (confined(r#""IpAddress":{"aws:SourceIp":"2000::/3"}"#), true),
        (confined(r#""NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#), true),
        (confined(r#""StringLike":{"aws:userid":"AROAWORKER:*"}"#), true),
        (confined(r#""StringLike":{"aws:userid":"AIDAANNA"}"#), false),
        (confined(r#""StringEquals":{"s3:DataAccessPointArn":"arn:aws:s3:eu:1:accesspoint/a"}"#), false),
    ] {
        assert_eq!(resource_policy(&statement).is_public(), expected, "{statement}");
    }
}

#[test]
fn tokens_issued_before_a_moment_are_refused_as_aws_revokes_sessions() {
    let revoked = |until: &str| {
        identity_policy(&format!(
            r#"{{"Effect":"Allow","Action":"*","Resource":"*"}},{{"Effect":"Deny","Action":"*","Resource":"*",
                "Condition":{{"DateLessThan":{{"aws:TokenIssueTime":"{until}"}}}}}}"#
        ))
    };
    let may = |principal: &Principal, policy: &Policy| {
        let policies = Policies { identity: &[policy], ..Policies::default() };
        decide(&asks(principal, &Keys::default()), &policies).allowed
    };
    // The session is of 2020-09-13T12:26:40Z; an access key has no such time.
    assert!(!may(&session(OWNER), &revoked("2020-09-13T12:26:41Z")));
    assert!(may(&session(OWNER), &revoked("2020-09-13T12:26:40Z")));
    assert!(may(&user(OWNER), &revoked("2099-01-01T00:00:00Z")));
    let without_mfa = identity_policy(
        r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}"#,
    );
    assert!(may(&session(OWNER), &without_mfa) && !may(&user(OWNER), &without_mfa));
}

fn any_principal() -> impl Strategy<Value = Principal> {
    let accounts = prop_oneof![Just(OWNER), Just(OTHER)];
    (accounts, 0..4usize).prop_map(|(number, kind)| match kind {
        0 => Principal::Anonymous,
        1 => root(number),
        2 => user(number),
        _ => session(number),
    })
}

fn any_statement(named: bool) -> impl Strategy<Value = String> {
    let effect = proptest::sample::select(vec!["Allow", "Allow", "Deny"]);
    let principals = proptest::sample::select(vec![
        r#""Principal":"*""#,
        r#""Principal":{"AWS":"111111111111"}"#,
        r#""Principal":{"AWS":"222222222222"}"#,
        r#""Principal":{"AWS":"arn:aws:iam::111111111111:user/staff/anna"}"#,
        r#""Principal":{"AWS":"arn:aws:iam::222222222222:role/worker"}"#,
        r#""NotPrincipal":{"AWS":"111111111111"}"#,
    ]);
    let actions = proptest::sample::select(vec![
        r#""Action":"s3:GetObject""#,
        r#""Action":"s3:Put*""#,
        r#""NotAction":"s3:GetObject""#,
        r#""Action":"*""#,
    ]);
    let resources = proptest::sample::select(vec![
        r#""Resource":"*""#,
        r#""Resource":"arn:aws:s3:::photos/2026/*""#,
        r#""NotResource":"arn:aws:s3:::photos/*""#,
    ]);
    let conditions = proptest::sample::select(vec![
        "",
        r#","Condition":{"Null":{"aws:username":"false"}}"#,
        r#","Condition":{"StringEquals":{"aws:PrincipalType":"Account"}}"#,
    ]);
    (effect, principals, actions, resources, conditions).prop_map(
        move |(effect, principal, action, resource, condition)| {
            let principal = if named { format!("{principal},") } else { String::new() };
            format!(r#"{{"Effect":"{effect}",{principal}{action},{resource}{condition}}}"#)
        },
    )
}

/// Statements of the caller and of the bucket.
fn any_statements() -> impl Strategy<Value = (Vec<String>, Vec<String>)> {
    (
        proptest::collection::vec(any_statement(false), 0..4),
        proptest::collection::vec(any_statement(true), 0..4),
    )
}

fn may(principal: &Principal, own: &[String], bucket: &[String]) -> bool {
    let own = (!own.is_empty()).then(|| identity_policy(&own.join(",")));
    let bucket = (!bucket.is_empty()).then(|| resource_policy(&bucket.join(",")));
    let identity: Vec<&Policy> = own.iter().collect();
    let policies = Policies { identity: &identity, bucket: bucket.as_ref(), ..Policies::default() };
    decide(&asks(principal, &Keys::default()), &policies).allowed
}

proptest! {
    #[test]
    fn a_deny_always_wins(principal in any_principal(), (own, bucket) in any_statements()) {
        let mut with_deny = bucket.clone();
        with_deny.push(r#"{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"*"}"#.into());
        prop_assert!(!may(&principal, &own, &with_deny));
        let mut with_deny = own.clone();
        with_deny.push(r#"{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}"#.into());
        prop_assert!(!may(&principal, &with_deny, &bucket));
    }

    #[test]
    fn an_allow_more_never_takes_a_permission_away(
        principal in any_principal(), (own, bucket) in any_statements(), more in any_statement(true), mine in any_statement(false)
    ) {
        prop_assume!(more.contains("Allow") && mine.contains("Allow"));
        if may(&principal, &own, &bucket) {
            let (mut wider, mut own_wider) = (bucket.clone(), own.clone());
            wider.push(more);
            own_wider.push(mine);
            prop_assert!(may(&principal, &own, &wider));
            prop_assert!(may(&principal, &own_wider, &bucket));
        }
    }

    #[test]
    fn the_order_of_statements_says_nothing(principal in any_principal(), (own, bucket) in any_statements()) {
        let reversed: Vec<String> = bucket.iter().rev().cloned().collect();
        prop_assert_eq!(may(&principal, &own, &bucket), may(&principal, &own, &reversed));
    }

    #[test]
    fn no_document_makes_the_compiler_panic(text in r#"[\[\]{}":,*?$a-zA-Z0-9]{0,200}"#) {
        let _ = Policy::parse(text.as_bytes(), Grammar::Resource);
    }
}
