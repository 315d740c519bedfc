//! What buckets are configured with.
//!
//! What requests need to know of it is kept in memory, read once, so that they look up nothing. The rows lead:
//! whatever changes one has the bucket's read again.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use serde::de::DeserializeOwned;

use super::api::{Error, Result};
use super::engine::Engine;
use crate::metadata::{MetadataError, Mutation, Store};
use crate::types::{
    BucketName, ConfigurationKey, ConfigurationKind, Cors, Lifecycle, LogTarget, Logging, Notification,
    Website,
};

/// What requests and background work go by in one bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
            notification: parsed(store, bucket, ConfigurationKind::Notification)?,
            logging: parsed(store, bucket, ConfigurationKind::Logging)?,
            website: parsed(store, bucket, ConfigurationKind::Website)?,
            search: parsed::<serde_json::Value>(store, bucket, ConfigurationKind::Search)?.is_some(),
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

/// The rules of all buckets that have any.
#[derive(Debug)]
pub(super) struct Configurations(RwLock<HashMap<String, Arc<BucketRules>>>);

impl Configurations {
    /// Reads the rules of all buckets.
    pub(super) fn open(store: &Store) -> Result<Self> {
        let mut rules = HashMap::new();
        for bucket in store.configured_buckets()? {
            rules.extend(BucketRules::read(store, &bucket)?.map(|read| (bucket, read)));
        }
        Ok(Self(RwLock::new(rules)))
    }

    fn lock(&self) -> RwLockWriteGuard<'_, HashMap<String, Arc<BucketRules>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a bucket's rules again. The map stays locked meanwhile, so that the last to change a row is the last to
    /// be noted.
    pub(super) fn renew(&self, store: &Store, bucket: &str) -> Result<()> {
        let mut rules = self.lock();
        match BucketRules::read(store, bucket)? {
            Some(read) => rules.insert(bucket.to_owned(), read),
            None => rules.remove(bucket),
        };
        Ok(())
    }

    /// The rules of all buckets that have any.
    pub(super) fn all(&self) -> Vec<(String, Arc<BucketRules>)> {
        let rules = self.0.read().unwrap_or_else(PoisonError::into_inner);
        rules.iter().map(|(bucket, rules)| (bucket.clone(), rules.clone())).collect()
    }

    pub(super) fn of(&self, bucket: &str) -> Option<Arc<BucketRules>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(bucket).cloned()
    }
}

impl Engine {
    /// What requests go by in a bucket; `None` for most buckets, and for those that are not there.
    pub fn bucket_rules(&self, bucket: &BucketName) -> Option<Arc<BucketRules>> {
        self.configurations.of(bucket.as_str())
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
