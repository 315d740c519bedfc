//! The condition keys that a bucket's policy may name, and what a request says to them (AWS: "Condition keys for Amazon
//! S3", "AWS global condition context keys"). Those about the caller alone are `iam`'s.

use std::borrow::Cow;

use hyper::HeaderMap;

use crate::iam::RequestFacts;
use crate::iam::policy::ConditionKeys;
use crate::types::{AccountId, Civil, DAY_SECS, ObjectLock, Properties, Tags};

use super::auth::Call;
use super::headers::text;
use super::{lock, tags};

/// Keys of S3, in lower case.
const OF_S3: [&str; 52] = [
    "s3:accessgrantsinstancearn",
    "s3:accesspointnetworkorigin",
    "s3:accesspointtag",
    "s3:authtype",
    "s3:buckettag",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "s3:destinationregion",
    "s3:delimiter",
    "s3:existingobjecttag",
    "s3:if-match",
    "s3:if-none-match",
    "s3:inventoryaccessibleoptionalfields",
    "s3:isreplicationpauserequest",
    "s3:locationconstraint",
    "s3:max-keys",
    "s3:metadatatablebucketarn",
    "s3:object-lock-legal-hold",
    "s3:object-lock-mode",
    "s3:object-lock-remaining-retention-days",
    "s3:object-lock-retain-until-date",
    "s3:objectcreationoperation",
    "s3:prefix",
    "s3:requestobjecttag",
    "s3:requestobjecttagkeys",
    "s3:resourceaccount",
    "s3:signatureage",
    "s3:signatureversion",
    "s3:tlsversion",
    "s3:versionid",
    "s3:x-amz-acl",
    "s3:x-amz-content-sha256",
    "s3:x-amz-copy-source",
    "s3:x-amz-grant-full-control",
    "s3:x-amz-grant-read",
    "s3:x-amz-grant-read-acp",
    "s3:x-amz-grant-write",
    "s3:x-amz-grant-write-acp",
    "s3:x-amz-metadata-directive",
    "s3:x-amz-object-ownership",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:x-amz-server-side-encryption-customer-algorithm",
    "s3:x-amz-storage-class",
    "s3:x-amz-website-redirect-location",
    "s3:x-amz-tagging-directive",
    "s3:x-amz-bypass-governance-retention",
    "s3:x-amz-object-lock-mode",
    "s3:x-amz-object-lock-retain-until-date",
    "s3:x-amz-object-lock-legal-hold",
    "s3:x-amz-request-payer",
    "s3:x-amz-replication-time-control",
];

/// Keys of all services, in lower case.
const GLOBAL: [&str; 45] = [
    "aws:assumedroot",
    "aws:calledvia",
    "aws:calledviafirst",
    "aws:calledvialast",
    "aws:chatbotsourcearn",
    "aws:currenttime",
    "aws:ec2instancesourceprivateipv4",
    "aws:ec2instancesourcevpc",
    "aws:epochtime",
    "aws:federatedprovider",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:principaltag",
    "aws:principaltype",
    "aws:referer",
    "aws:requestedregion",
    "aws:requesttag",
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:resourceorgpaths",
    "aws:resourcetag",
    "aws:securetransport",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceidentity",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:tagkeys",
    "aws:tokenissuetime",
    "aws:useragent",
    "aws:userid",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
];

/// Further ones: who calls by name, and by which service.
const OF_CALLERS: [&str; 4] = ["aws:username", "aws:viaawsservice", "aws:vpcsourceip", "aws:sourceowner"];

/// Whether there is such a key; the part after a slash is the key of a tag.
pub(super) fn is_known(key: &str) -> bool {
    let name = key.split_once('/').map_or(key, |(name, _)| name);
    OF_S3.contains(&name) || GLOBAL.contains(&name) || OF_CALLERS.contains(&name)
}

/// What a request asks for, as far as condition keys tell it beside its query.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestContext<'r> {
    /// The headers; of a form its fields.
    pub(super) headers: &'r HeaderMap,
    /// The tags of the request's document.
    pub(super) tags: Option<&'r Tags>,
    /// The lock of the request's document.
    pub(super) lock: Option<ObjectLock>,
    /// Whether what comes of it is an object, where something is stored.
    pub(super) creates_object: Option<bool>,
    /// What it asks for of a new bucket.
    pub(super) new_bucket: Option<&'r NewBucket>,
}

/// What the document of a new bucket asks for.
#[derive(Debug, Default)]
pub(super) struct NewBucket {
    /// Where it shall be, as far as the document says so.
    pub(super) location: Option<String>,
    /// Its tags.
    pub(super) tags: Tags,
}

impl<'r> RequestContext<'r> {
    /// That of a request of which its headers tell all.
    pub(super) fn of_headers(headers: &'r HeaderMap) -> Self {
        Self { headers, tags: None, lock: None, creates_object: None, new_bucket: None }
    }
}

/// The condition keys of one request. Nothing is computed that no policy asks for.
pub(super) struct RequestKeys<'r, 'c> {
    pub(super) call: &'r Call<'c>,
    /// What it asks for.
    pub(super) context: RequestContext<'r>,
    /// The object that it is about, where that is there.
    pub(super) object: Option<&'r Properties>,
    /// The account of the bucket's owner.
    pub(super) resource_account: &'r dyn Fn() -> AccountId,
}

impl ConditionKeys for RequestKeys<'_, '_> {
    fn values(&self, key: &str) -> Vec<Cow<'_, str>> {
        if key == "s3:requestobjecttagkeys" {
            return self.request_tags().iter().map(|(name, _)| name.to_owned().into()).collect();
        }
        if key == "aws:tagkeys" {
            let tags = self.context.new_bucket.map(|bucket| &bucket.tags);
            return tags.into_iter().flat_map(Tags::iter).map(|(name, _)| name.into()).collect();
        }
        self.value(key).into_iter().collect()
    }
}

impl RequestKeys<'_, '_> {
    fn value(&self, key: &str) -> Option<Cow<'_, str>> {
        if let Some(name) = key.strip_prefix("s3:x-amz-") {
            return self.header(&format!("x-amz-{name}"));
        }
        if let Some(name) = key.strip_prefix("s3:existingobjecttag/") {
            return self.object?.tags.get(name).map(Cow::Borrowed);
        }
        if let Some(name) = key.strip_prefix("s3:requestobjecttag/") {
            return self.request_tags().get(name).map(|value| value.to_owned().into());
        }
        if let Some(name) = key.strip_prefix("aws:requesttag/") {
            return self.context.new_bucket?.tags.get(name).map(Cow::Borrowed);
        }
        let now = self.call.now().as_secs();
        match key {
            "s3:locationconstraint" => self.context.new_bucket?.location.as_deref().map(Cow::Borrowed),
            "aws:referer" => self.header("referer"),
            "aws:resourceaccount" | "s3:resourceaccount" => {
                Some((self.resource_account)().as_str().to_owned().into())
            }
            "s3:prefix" | "s3:delimiter" | "s3:max-keys" => self.parameter(key.strip_prefix("s3:")?),
            "s3:versionid" => self.parameter("versionId"),
            "s3:if-match" | "s3:if-none-match" => self.header(key.strip_prefix("s3:")?),
            "s3:object-lock-mode" | "s3:object-lock-legal-hold" | "s3:object-lock-retain-until-date" => {
                self.lock_value(&format!("x-amz-{}", key.strip_prefix("s3:")?))
            }
            "s3:object-lock-remaining-retention-days" => self.remaining_days(now),
            "s3:objectcreationoperation" => self.context.creates_object.map(|is| is.to_string().into()),
            "s3:authtype" => self.call.signature.map(|signature| signature.place.into()),
            "s3:signatureversion" => self.call.signature.map(|signature| signature.version.into()),
            "s3:signatureage" => {
                let age = now.saturating_sub(self.call.signature?.made_at?) * 1000;
                Some(age.to_string().into())
            }
            _ => self.facts().value(key),
        }
    }

    fn facts(&self) -> RequestFacts<'_> {
        RequestFacts {
            now: self.call.now(),
            peer: self.call.peer,
            is_secure: self.call.is_secure(),
            region: self.call.region(),
            user_agent: text(self.context.headers, "user-agent"),
        }
    }

    /// The tags that the request gives: those of its document, else of its header.
    fn request_tags(&self) -> Cow<'_, Tags> {
        match self.context.tags {
            Some(tags) => Cow::Borrowed(tags),
            None => Cow::Owned(tags::of_headers(self.context.headers).unwrap_or_default()),
        }
    }

    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        text(self.context.headers, name).map(Cow::Borrowed)
    }

    fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        self.call.query.get(name).map(Cow::Borrowed)
    }

    /// What the request asks for of a lock: by its document, else by the header of this name.
    fn lock_value(&self, header: &str) -> Option<Cow<'_, str>> {
        let Some(lock) = self.context.lock else { return self.header(header) };
        lock::value(&lock, header).map(Cow::Owned)
    }

    /// Days until the retention that the request asks for is over, a day that has begun counted.
    fn remaining_days(&self, now: u64) -> Option<Cow<'_, str>> {
        let until = match self.context.lock {
            Some(lock) => lock.retention?.until.as_secs(),
            None => Civil::parse_iso(text(self.context.headers, lock::UNTIL)?)?,
        };
        Some(until.saturating_sub(now).div_ceil(DAY_SECS).to_string().into())
    }
}
