//! What buckets are configured with.
//!
//! What requests need to know of it is kept in memory, read once, so that they look up nothing. The rows lead:
//! whatever changes one has the bucket's read again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::api::{Error, NewEncryption, Result};
use super::engine::Engine;
use crate::iam::policy::{Grammar, Policy};
use crate::metadata::{MetadataError, Mutation, Store};
use crate::types::{
    Acl, BucketEncryption, BucketName, BucketQuota, CanonicalId, ConfigurationKey, ConfigurationKind, Cors,
    Lifecycle, LogTarget, Logging, Notification, Ownership, OwnershipControls, PublicAccessBlock, Website,
};

/// What requests and background work go by in one bucket.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BucketRules {
    /// Which web pages may use it.
    pub cors: Option<Cors>,
    /// What happens to its objects and uploads as they age.
    pub lifecycle: Option<Lifecycle>,
    /// Who is told of changes.
    pub notification: Option<Notification>,
    /// Where the log of requests goes.
    pub logging: Option<Logging>,
    /// How it is served as a website.
    pub website: Option<Website>,
    /// It can be searched.
    pub search: bool,
    /// How many bytes it may hold.
    pub quota: Option<BucketQuota>,
    /// How new objects are encrypted.
    pub encryption: Option<BucketEncryption>,
    /// Who may use it.
    pub access: BucketAccess,
}

/// Who may use a bucket; by default its owner alone, which is the deployment's first account.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BucketAccess {
    /// The account that owns it; `None` for the deployment's first.
    pub owner: Option<CanonicalId>,
    /// Its policy.
    pub policy: Option<Policy>,
    /// Its ACL; `None` for one that grants its owner alone.
    pub acl: Option<Acl>,
    /// What policy and ACL may not open.
    pub block: PublicAccessBlock,
    /// Who owns what others store in it.
    pub ownership: Ownership,
    /// Other accounts must say that they pay.
    pub requester_pays: bool,
}

impl BucketAccess {
    fn read(store: &Store, bucket: &str) -> Result<Self> {
        let owner = match store.bucket(bucket) {
            Ok(row) => row.owner,
            Err(MetadataError::NoSuchBucket) => return Ok(Self::default()),
            Err(error) => return Err(error.into()),
        };
        let ownership: Option<OwnershipControls> =
            parsed(store, bucket, ConfigurationKind::OwnershipControls)?;
        let block = parsed(store, bucket, ConfigurationKind::PublicAccessBlock)?;
        let payment: Option<RequestPayment> = parsed(store, bucket, ConfigurationKind::RequestPayment)?;
        Ok(Self {
            owner,
            policy: read_policy(store, bucket)?,
            acl: parsed(store, bucket, ConfigurationKind::Acl)?,
            block: block.unwrap_or_default(),
            ownership: ownership.map_or(Ownership::default(), |controls| controls.0),
            requester_pays: payment.is_some_and(|payment| payment.payer == "Requester"),
        })
    }
}

/// Who pays for requests, as it is kept.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RequestPayment {
    payer: String,
}

/// The bucket's policy. One that cannot be read denies everything: it may have been there to deny something.
fn read_policy(store: &Store, bucket: &str) -> Result<Option<Policy>> {
    let document = store.configuration(bucket, &ConfigurationKind::Policy.into())?;
    Ok(document.map(|document| {
        Policy::parse(document.as_bytes(), Grammar::Resource).unwrap_or_else(|error| {
            tracing::error!(bucket, %error, "unreadable policy; it denies everything");
            Policy::deny_all()
        })
    }))
}

impl BucketRules {
    /// Where the log of requests goes; `None` where they are not logged.
    pub fn log_target(&self) -> Option<&LogTarget> {
        self.logging.as_ref()?.logging_enabled.as_ref()
    }

    /// Reads them; `None` if nothing is configured that they tell.
    fn read(store: &Store, bucket: &str) -> Result<Option<Arc<Self>>> {
        let rules = Self {
            cors: parsed(store, bucket, ConfigurationKind::Cors)?,
            lifecycle: parsed(store, bucket, ConfigurationKind::Lifecycle)?,
            encryption: parsed(store, bucket, ConfigurationKind::Encryption)?,
            access: BucketAccess::read(store, bucket)?,
            notification: parsed(store, bucket, ConfigurationKind::Notification)?,
            logging: parsed(store, bucket, ConfigurationKind::Logging)?,
            website: parsed(store, bucket, ConfigurationKind::Website)?,
            search: parsed::<serde_json::Value>(store, bucket, ConfigurationKind::Search)?.is_some(),
            quota: parsed(store, bucket, ConfigurationKind::Quota)?,
        };
        Ok((rules != Self::default()).then(|| Arc::new(rules)))
    }
}

/// A configuration as a value. One that cannot be read does nothing, which is said in the log.
fn parsed<T: DeserializeOwned>(store: &Store, bucket: &str, kind: ConfigurationKind) -> Result<Option<T>> {
    let document = match store.configuration(bucket, &kind.into()) {
        Ok(document) => document,
        Err(MetadataError::NoSuchBucket) => None,
        Err(error) => return Err(error.into()),
    };
    let Some(document) = document else { return Ok(None) };
    Ok(serde_json::from_str(&document)
        .inspect_err(|error| tracing::error!(bucket, kind = kind.name(), %error, "unreadable configuration"))
        .ok())
}

/// The rules of all buckets that have any. To look one up writes nothing, so that requests on several processors do not
/// wait for each other; a change puts another map in place of this one.
#[derive(Debug)]
pub(super) struct Configurations {
    rules: ArcSwap<HashMap<Arc<str>, Arc<BucketRules>>>,
    /// Held while a bucket's rules are read again, so that the last to change a row is the last to be noted.
    renewing: Mutex<()>,
}

impl Configurations {
    /// Reads the rules of all buckets.
    pub(super) fn open(store: &Store) -> Result<Self> {
        let mut rules = HashMap::new();
        for bucket in store.configured_buckets()? {
            rules.extend(BucketRules::read(store, &bucket)?.map(|read| (bucket.into(), read)));
        }
        Ok(Self { rules: ArcSwap::from_pointee(rules), renewing: Mutex::default() })
    }

    /// Reads a bucket's rules again.
    pub(super) fn renew(&self, store: &Store, bucket: &str) -> Result<()> {
        let _renewing = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        let read = BucketRules::read(store, bucket)?;
        if read.is_none() && !self.rules.load().contains_key(bucket) {
            return Ok(());
        }
        let mut rules = HashMap::clone(&self.rules.load());
        match read {
            Some(read) => rules.insert(bucket.into(), read),
            None => rules.remove(bucket),
        };
        self.rules.store(Arc::new(rules));
        Ok(())
    }

    /// The rules of all buckets that have any.
    pub(super) fn all(&self) -> Vec<(String, Arc<BucketRules>)> {
        self.rules.load().iter().map(|(bucket, rules)| (bucket.to_string(), rules.clone())).collect()
    }

    pub(super) fn of(&self, bucket: &str) -> Option<Arc<BucketRules>> {
        self.rules.load().get(bucket).cloned()
    }
}

impl Engine {
    /// What requests go by in a bucket; `None` for most buckets, and for those that are not there.
    pub fn bucket_rules(&self, bucket: &BucketName) -> Option<Arc<BucketRules>> {
        self.configurations.of(bucket.as_str())
    }

    /// How a bucket encrypts what is written without a word about that.
    pub(super) fn default_encryption(&self, bucket: &BucketName) -> Option<NewEncryption> {
        let rules = self.bucket_rules(bucket)?;
        let (default, bucket_key) = rules.encryption.as_ref()?.by_default()?;
        Some(match default.algorithm.as_str() {
            "aws:kms" | "aws:kms:dsse" => NewEncryption::Kms {
                key_id: default.key_id.clone(),
                context: None,
                bucket_key,
                dual_layer: default.algorithm == "aws:kms:dsse",
            },
            _ => NewEncryption::S3,
        })
    }

    /// The same by a name that may be none of a bucket.
    pub fn rules_of(&self, bucket: &str) -> Option<Arc<BucketRules>> {
        self.configurations.of(bucket)
    }

    /// One configuration of a bucket as JSON.
    pub fn configuration(&self, bucket: &BucketName, key: &ConfigurationKey) -> Result<Option<String>> {
        Ok(self.store.configuration(bucket.as_str(), key)?)
    }

    /// Configurations of one kind with ids behind `after`, in order of their ids: id and JSON.
    pub fn list_configurations(
        &self,
        bucket: &BucketName,
        kind: ConfigurationKind,
        after: &str,
        max: usize,
    ) -> Result<Vec<(String, String)>> {
        Ok(self.store.configurations(bucket.as_str(), kind, (after, max))?)
    }

    /// Configures a bucket, in place of what was there under this key.
    pub async fn put_configuration(
        &self,
        bucket: &BucketName,
        key: ConfigurationKey,
        document: String,
    ) -> Result<()> {
        self.configure(bucket, Mutation::PutConfiguration { bucket: bucket.to_string(), key, document }).await
    }

    /// Removes a configuration; true if there was one.
    pub async fn remove_configuration(&self, bucket: &BucketName, key: ConfigurationKey) -> Result<bool> {
        let there = self.store.configuration(bucket.as_str(), &key)?.is_some();
        if there {
            let remove = Mutation::RemoveConfiguration { bucket: bucket.to_string(), key };
            self.configure(bucket, remove).await?;
        }
        Ok(there)
    }

    async fn configure(&self, bucket: &BucketName, mutation: Mutation) -> Result<()> {
        let committed = self.store.commit(mutation).await;
        // Also after a failure: what was not acknowledged may be there.
        let renewed = self.configurations.renew(&self.store, bucket.as_str());
        committed.map(drop).map_err(Error::from).and(renewed)
    }
}
