use std::collections::BTreeMap;
use std::sync::Arc;

use super::canned::canned;
use super::checks::{check_description, check_length, new_named, put_tags, remove_tags};
use super::{Identities, IdentityError, ManagedPolicy, PolicyText, PolicyVersion, policy_arn};
use crate::types::Timestamp;

type Result<T> = std::result::Result<T, IdentityError>;

/// Managed policies of one account at most.
const POLICIES_MAX: usize = 1500;

/// Versions of one policy at most.
const VERSIONS_MAX: usize = 5;

/// Characters of a managed policy at most.
const CHARS_MAX: usize = 6144;

/// A managed policy to be made.
#[derive(Debug, Clone)]
pub struct NewPolicy<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its path.
    pub path: &'a str,
    /// Its first version.
    pub document: &'a str,
    /// What it is for.
    pub description: Option<&'a str>,
    /// Its tags.
    pub tags: &'a [(String, String)],
}

impl Identities {
    /// A managed policy, of this account or one that is there from the beginning.
    pub fn policy(&self, arn: &str) -> Result<&Arc<ManagedPolicy>> {
        let missing =
            || IdentityError::NoSuchEntity(format!("Policy {arn} does not exist or is not attachable."));
        if self.is_canned(arn) {
            return canned(arn).ok_or_else(missing);
        }
        let name = arn.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let found = self.policies.get(&name);
        // The path is part of the ARN.
        let is = |policy: &&Arc<ManagedPolicy>| {
            policy_arn(self.account.as_str(), &policy.named).eq_ignore_ascii_case(arn)
        };
        found.filter(is).ok_or_else(missing)
    }

    /// The ARN of a managed policy as it was made. Policies are found whatever the case of their names; what is decided, kept and
    /// shown of one goes by this ARN alone.
    pub fn stored_arn(&self, arn: &str) -> Result<String> {
        let policy = self.policy(arn)?;
        Ok(policy_arn(if self.is_canned(arn) { "aws" } else { self.account.as_str() }, &policy.named))
    }

    /// Whether an ARN is of those that are there from the beginning.
    fn is_canned(&self, arn: &str) -> bool {
        arn.starts_with("arn:aws:iam::aws:")
    }

    fn policy_mut(&mut self, arn: &str) -> Result<&mut ManagedPolicy> {
        if self.is_canned(arn) {
            return Err(IdentityError::Unmodifiable(format!("Policy {arn} is not modifiable.")));
        }
        let key = self.policy(arn)?.named.name.to_ascii_lowercase();
        let missing = || IdentityError::NoSuchEntity(format!("Policy {arn} was not found."));
        self.policies.get_mut(&key).map(Arc::make_mut).ok_or_else(missing)
    }

    /// Makes a managed policy.
    pub fn create_policy(&mut self, new: &NewPolicy<'_>, now: Timestamp) -> Result<Arc<ManagedPolicy>> {
        let named = new_named(("policyName", "ANPA"), new.name, new.path, now)?;
        let document = managed_text(new.document)?;
        check_description(new.description)?;
        let mut tags = BTreeMap::new();
        put_tags(&mut tags, new.tags)?;
        let key = new.name.to_ascii_lowercase();
        if self.policies.contains_key(&key) {
            return Err(IdentityError::AlreadyExists(format!(
                "A policy called {} already exists. Duplicate names are not allowed.",
                new.name
            )));
        }
        if self.policies.len() >= POLICIES_MAX {
            return Err(IdentityError::limit("PoliciesPerAccount", POLICIES_MAX));
        }
        let policy = Arc::new(ManagedPolicy {
            named,
            description: new.description.map(str::to_owned),
            tags,
            versions: vec![PolicyVersion { number: 1, document, created: now }],
            default: 1,
            next: 2,
            updated: now,
        });
        self.policies.insert(key, policy.clone());
        Ok(policy)
    }

    /// Removes a managed policy that nobody has, and of which one version is left.
    pub fn delete_policy(&mut self, arn: &str) -> Result<()> {
        let policy = self.policy_mut(arn)?;
        let (versions, key) = (policy.versions.len(), policy.named.name.to_ascii_lowercase());
        let arn = self.stored_arn(arn)?;
        if self.attached_to(&arn).count() + self.bounded_by(&arn).count() > 0 {
            let words = "Cannot delete a policy attached to entities.";
            return Err(IdentityError::DeleteConflict(words.into()));
        }
        if versions > 1 {
            let words = "This policy has more than one version. Before you delete a policy, you must delete the policy's \
                         versions. The default version is deleted with the policy.";
            return Err(IdentityError::DeleteConflict(words.into()));
        }
        self.policies.remove(&key);
        Ok(())
    }

    /// Adds a version to a managed policy; answers its number.
    pub fn add_version(
        &mut self,
        arn: &str,
        document: &str,
        (is_default, now): (bool, Timestamp),
    ) -> Result<PolicyVersion> {
        let document = managed_text(document)?;
        let policy = self.policy_mut(arn)?;
        if policy.versions.len() >= VERSIONS_MAX {
            return Err(IdentityError::LimitExceeded(format!(
                "A managed policy can have up to {VERSIONS_MAX} versions. Before you create a new version, you must delete an \
                 existing version."
            )));
        }
        let version = PolicyVersion { number: policy.next, document, created: now };
        policy.versions.push(version.clone());
        policy.next += 1;
        policy.updated = now;
        if is_default {
            policy.default = version.number;
        }
        Ok(version)
    }

    /// Removes a version that does not count.
    pub fn delete_version(&mut self, arn: &str, version: &str) -> Result<()> {
        let policy = self.policy_mut(arn)?;
        let number = find_version(policy, arn, version)?.number;
        if number == policy.default {
            let words = "Cannot delete the default version of a policy.";
            return Err(IdentityError::DeleteConflict(words.into()));
        }
        policy.versions.retain(|version| version.number != number);
        Ok(())
    }

    /// Has another version count.
    pub fn set_default_version(&mut self, arn: &str, version: &str, now: Timestamp) -> Result<()> {
        let policy = self.policy_mut(arn)?;
        policy.default = find_version(policy, arn, version)?.number;
        policy.updated = now;
        Ok(())
    }

    /// A version of a managed policy: `v1`.
    pub fn policy_version(&self, arn: &str, version: &str) -> Result<&PolicyVersion> {
        find_version(self.policy(arn)?, arn, version)
    }

    /// Tags a managed policy.
    pub fn tag_policy(&mut self, arn: &str, tags: &[(String, String)]) -> Result<()> {
        put_tags(&mut self.policy_mut(arn)?.tags, tags)
    }

    /// Removes tags of a managed policy.
    pub fn untag_policy(&mut self, arn: &str, keys: &[String]) -> Result<()> {
        remove_tags(&mut self.policy_mut(arn)?.tags, keys);
        Ok(())
    }
}

fn managed_text(document: &str) -> Result<PolicyText> {
    check_length(document, CHARS_MAX, "PolicySize")?;
    Ok(PolicyText::new(document)?)
}

fn find_version<'a>(policy: &'a ManagedPolicy, arn: &str, version: &str) -> Result<&'a PolicyVersion> {
    let number = version.strip_prefix('v').and_then(|number| number.parse().ok());
    let found = number.and_then(|number| policy.version(number));
    found.ok_or_else(|| {
        IdentityError::NoSuchEntity(format!(
            "Policy {arn} version {version} does not exist or is not attachable."
        ))
    })
}
