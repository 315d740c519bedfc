use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::super::identities::{
    AccessKey, Holder, Identities, NewPolicy, NewUser, PolicyText, ServiceKey, User, policy_arn,
};
use super::ImportOptions;
use super::documents::{Converted, canned_arn, converted, is_canned};
use super::minio::{AccountEntry, Export, GroupEntry, MappingEntry, SessionPolicy, UserEntry};
use crate::types::{ImportItem, ImportKind, ImportOutcome, StoredSecret};

/// What is said of an entry that MinIO would not write.
const NOT_UNDERSTOOD: &str = "its entry is not of the form that MinIO writes";

/// The longest access key.
const KEY_BYTES_MAX: usize = 128;

/// What is taken over, and what must be known for it.
pub(super) struct Source<'a> {
    pub(super) export: &'a Export,
    /// Secrets as they are kept, by access key.
    pub(super) sealed: &'a BTreeMap<&'a str, StoredSecret>,
    /// Access keys of the archive that somebody has who is not a user of the account.
    pub(super) taken: &'a HashSet<String>,
    pub(super) options: ImportOptions<'a>,
}

/// What came of something.
enum Came {
    /// It is here now, but for what it lacks.
    New {
        lacks: Vec<String>,
    },
    /// It was here, and lacks this of what the archive says.
    Before {
        lacks: Vec<String>,
    },
    Not(String),
}

/// Takes everything over that can be, and tells of all.
pub(super) fn take_over(identities: &mut Identities, source: &Source<'_>) -> Vec<ImportItem> {
    let export = source.export;
    let keys =
        identities.users.values().flat_map(|user| user.keys.iter().map(|key| key.id.clone())).collect();
    let users_before = identities.users.keys().cloned().collect();
    let groups_before = identities.groups.keys().cloned().collect();
    let (arns, users) = (BTreeMap::new(), BTreeSet::new());
    let mut to = Target { identities, source, keys, users_before, groups_before, arns, users };
    let mut items = Items::default();
    export.policies.iter().for_each(|(name, it)| items.add(ImportKind::Policy, name, to.policy(name, it)));
    export.users.iter().for_each(|(name, it)| items.add(ImportKind::User, name, to.user(name, it.as_ref())));
    export
        .groups
        .iter()
        .for_each(|(name, it)| items.add(ImportKind::Group, name, to.group(name, it.as_ref())));
    export
        .accounts
        .iter()
        .for_each(|(key, it)| items.add(ImportKind::ServiceAccount, key, to.account(key, it.as_ref())));
    mappings(export).for_each(|(name, why)| items.refuse(ImportKind::Mapping, name, why));
    export.unknown.iter().for_each(|name| items.refuse(ImportKind::File, name, "this file is not known"));
    items.0
}

/// Policies of those who are neither users nor groups of the archive, and why they are not taken over.
fn mappings(export: &Export) -> impl Iterator<Item = (&String, &'static str)> {
    const NOBODY: &str = "the archive has nobody of this name; who comes from LDAP or another identity provider takes roles here";
    const OTHERS: &str =
        "this is somebody whom LDAP or another identity provider vouches for; give a role these policies";
    let of_users = export.of_users.keys().filter(|name| !export.users.contains_key(*name));
    let of_groups = export.of_groups.keys().filter(|name| !export.groups.contains_key(*name));
    let nobody = of_users.chain(of_groups).map(|name| (name, NOBODY));
    nobody.chain(export.of_others.keys().map(|name| (name, OTHERS)))
}

/// What is told.
#[derive(Default)]
struct Items(Vec<ImportItem>);

impl Items {
    fn add(&mut self, kind: ImportKind, name: &str, came: Came) {
        let (outcome, notes) = match came {
            Came::New { lacks } if lacks.is_empty() => (ImportOutcome::Imported, lacks),
            Came::New { lacks } => (ImportOutcome::ImportedInPart, lacks),
            Came::Before { lacks } => (ImportOutcome::Present, lacks),
            Came::Not(why) => (ImportOutcome::Refused, vec![why]),
        };
        self.0.push(ImportItem { kind, name: name.to_owned(), outcome, notes });
    }

    fn refuse(&mut self, kind: ImportKind, name: &str, why: &str) {
        self.add(kind, name, Came::Not(why.to_owned()));
    }
}

/// Where everything is taken over into.
struct Target<'a> {
    identities: &'a mut Identities,
    source: &'a Source<'a>,
    /// All access keys of the account's users.
    keys: HashSet<String>,
    users_before: BTreeSet<String>,
    groups_before: BTreeSet<String>,
    /// Policies of the archive: their ARNs here, or why there is none.
    arns: BTreeMap<&'a str, Result<String, String>>,
    /// Users of the archive that are here now or were before, as the archive writes them.
    users: BTreeSet<&'a str>,
}

impl<'a> Target<'a> {
    fn policy(&mut self, name: &'a str, document: &Value) -> Came {
        let (arn, came) = match converted(document, self.source.options.admin_actions) {
            Ok(document) => self.converted_policy(name, document),
            Err(why) => (Err(why.clone()), Came::Not(why)),
        };
        self.arns.insert(name, arn);
        came
    }

    fn converted_policy(&mut self, name: &str, document: Converted) -> (Result<String, String>, Came) {
        let before = || Came::Before { lacks: Vec::new() };
        if let Some(arn) = canned_arn(name).filter(|_| is_canned(name, &document.value)) {
            return (Ok(arn), before());
        }
        let account = self.identities.account.to_string();
        if let Some(known) = self.identities.policies.get(&name.to_ascii_lowercase()) {
            let says = known.document().and_then(|known| serde_json::from_str::<Value>(known.text()).ok());
            if says.as_ref() == Some(&document.value) {
                return (Ok(policy_arn(&account, &known.named)), before());
            }
            let why = "a policy of this name is here that says something else".to_owned();
            return (Err(why.clone()), Came::Before { lacks: vec![why] });
        }
        let new = NewPolicy { name, path: "/", document: document.text.text(), description: None, tags: &[] };
        match self.identities.create_policy(&new, self.source.options.now) {
            Ok(made) => (Ok(policy_arn(&account, &made.named)), Came::New { lacks: document.lacks }),
            Err(error) => (Err(error.to_string()), Came::Not(error.to_string())),
        }
    }

    fn user(&mut self, name: &'a str, entry: Option<&UserEntry>) -> Came {
        let Some(entry) = entry else { return Came::Not(NOT_UNDERSTOOD.into()) };
        let mapped = policies_of(&self.source.export.of_users, name);
        let policies = entry.policy.iter().flat_map(|names| split(names)).chain(mapped);
        let policies: Vec<_> = policies.collect();
        if self.users_before.contains(&name.to_ascii_lowercase()) {
            self.users.insert(name);
            return Came::Before { lacks: self.lacking(Holder::User(name), &policies) };
        }
        let made = self.key(name, entry.is_on(), None).and_then(|key| {
            let new = NewUser { name, path: "/", boundary: None, tags: &[] };
            let made = self.identities.create_user(&new, self.source.options.now);
            made.and_then(|_| self.identities.add_key(name, key)).map_err(|error| error.to_string())
        });
        if let Err(why) = made {
            return Came::Not(why);
        }
        self.keys.insert(name.to_owned());
        self.users.insert(name);
        Came::New { lacks: self.attach(Holder::User(name), &policies) }
    }

    fn group(&mut self, name: &str, entry: Option<&GroupEntry>) -> Came {
        let Some(entry) = entry else { return Came::Not(NOT_UNDERSTOOD.into()) };
        let policies: Vec<_> = policies_of(&self.source.export.of_groups, name).collect();
        let members = entry.members.as_deref().unwrap_or_default();
        if self.groups_before.contains(&name.to_ascii_lowercase()) {
            let mut lacks =
                if entry.is_on() { self.lacking(Holder::Group(name), &policies) } else { Vec::new() };
            let is_in =
                |member: &&String| self.identities.users_in(name).any(|user| user.named.name == **member);
            let others = members.iter().filter(|member| !is_in(member));
            lacks.extend(others.map(|member| format!("{member} is not put into it, for it was here before")));
            return Came::Before { lacks };
        }
        if let Err(error) = self.identities.create_group(name, "/", self.source.options.now) {
            return Came::Not(error.to_string());
        }
        let mut lacks: Vec<_> = members.iter().filter_map(|member| self.join(name, member)).collect();
        if entry.is_on() {
            lacks.extend(self.attach(Holder::Group(name), &policies));
        } else {
            let without =
                |policy| format!("the policy {policy} is not attached: the group is disabled there");
            lacks.extend(policies.into_iter().map(without));
        }
        Came::New { lacks }
    }

    /// Puts a user into a group that is new; answers why not.
    fn join(&mut self, group: &str, member: &str) -> Option<String> {
        let why = if self.users_before.contains(&member.to_ascii_lowercase()) {
            "that user was here before".to_owned()
        } else if !self.users.contains(member) {
            "there is no such user".to_owned()
        } else {
            self.identities.add_to_group(group, member).err()?.to_string()
        };
        Some(format!("{member} is not put into it: {why}"))
    }

    fn account(&mut self, key: &str, entry: Option<&AccountEntry>) -> Came {
        let Some(entry) = entry else { return Came::Not(NOT_UNDERSTOOD.into()) };
        let parent = entry.parent.as_str();
        let found = self.identities.user(parent).ok();
        let is_known = |user: &User| self.users.contains(parent) || user.named.name == parent;
        let Some(user) = found.filter(|user| is_known(user)).cloned() else {
            return Came::Not(format!(
                "its user {parent} is not here; if that is root there, make a user of this name and import again"
            ));
        };
        if user.keys.iter().any(|own| own.id == key && own.service.is_some()) {
            return Came::Before { lacks: Vec::new() };
        }
        let (service, mut lacks) = match self.service(entry) {
            Ok(service) => service,
            Err(why) => return Came::Not(why),
        };
        // MinIO lets them do nothing either while their user is disabled.
        let of_archive = self.source.export.users.get(parent).and_then(Option::as_ref);
        let parent_is_on = of_archive.is_none_or(UserEntry::is_on);
        if entry.is_on() && !parent_is_on {
            lacks.push(format!("it is switched off, because its user {parent} is disabled there"));
        }
        let made = self.key(key, entry.is_on() && parent_is_on, Some(service));
        let made =
            made.and_then(|made| self.identities.add_key(parent, made).map_err(|error| error.to_string()));
        if let Err(why) = made {
            return Came::Not(why);
        }
        self.keys.insert(key.to_owned());
        Came::New { lacks }
    }

    /// What makes an access key that of a service account, and what that lacks.
    fn service(&self, entry: &AccountEntry) -> Result<(ServiceKey, Vec<String>), String> {
        let expires = entry.end()?;
        if let Some(end) = expires.filter(|end| *end <= self.source.options.now) {
            return Err(format!("it ended on {}", end.iso()));
        }
        let (policy, lacks): (Option<PolicyText>, _) = match entry.session_policy() {
            SessionPolicy::Inherited => (None, Vec::new()),
            SessionPolicy::Missing => return Err("the policy that bounds it is not in the archive".into()),
            SessionPolicy::Own(document) => {
                let Converted { text, lacks, .. } = converted(document, self.source.options.admin_actions)?;
                (Some(text), lacks)
            }
        };
        let name = entry.name.clone().unwrap_or_default();
        let description = entry.description.as_deref().filter(|text| !text.is_empty());
        // Lines of a text are one here.
        let description = description.map(|text| text.replace(char::is_control, " "));
        Ok((ServiceKey { name, description, policy, expires }, lacks))
    }

    /// An access key with the secret that it has there.
    fn key(&self, id: &str, active: bool, service: Option<ServiceKey>) -> Result<AccessKey, String> {
        // What stands in an `Authorization` header must not end in it.
        let fits = |byte: u8| byte.is_ascii_graphic() && !b"/,=:;&\"'<>".contains(&byte);
        if !(3..=KEY_BYTES_MAX).contains(&id.len()) || !id.bytes().all(fits) {
            return Err(
                "it cannot be an access key here: 3 to 128 letters, digits and signs, without / , = : ;"
                    .into(),
            );
        }
        if self.keys.contains(id) || self.source.taken.contains(id) {
            return Err("somebody has this access key here".into());
        }
        let secret = self.source.sealed.get(id).cloned().ok_or("it has no secret in the archive")?;
        let created = self.source.options.now;
        Ok(AccessKey { id: id.to_owned(), secret, active, created, service, last_use: None })
    }

    /// Attaches policies by the names that the archive has; answers which not, and why.
    fn attach(&mut self, holder: Holder<'_>, policies: &[&str]) -> Vec<String> {
        let attach = |policy: &&str| {
            let arn = self.arn(policy);
            let done =
                arn.and_then(|arn| self.identities.attach(holder, &arn).map_err(|error| error.to_string()));
            done.err().map(|why| format!("the policy {policy} is not attached: {why}"))
        };
        policies.iter().filter_map(attach).collect()
    }

    /// The policies that somebody has there and not here, who was here before.
    fn lacking(&self, holder: Holder<'_>, policies: &[&str]) -> Vec<String> {
        let attached = self.identities.permissions(holder).map(|permissions| permissions.attached.clone());
        let attached = attached.unwrap_or_default();
        let lacks =
            policies.iter().filter(|policy| self.arn(policy).is_ok_and(|arn| !attached.contains(&arn)));
        lacks.map(|policy| format!("the policy {policy} is not attached, for it was here before")).collect()
    }

    fn arn(&self, policy: &str) -> Result<String, String> {
        let missing = || "the archive has no such policy".to_owned();
        let of_archive = self.arns.get(policy).cloned();
        of_archive.unwrap_or_else(|| canned_arn(policy).ok_or_else(missing))
    }
}

fn policies_of<'e>(
    mappings: &'e BTreeMap<String, Option<MappingEntry>>,
    name: &str,
) -> impl Iterator<Item = &'e str> {
    let mapping = mappings.get(name).and_then(Option::as_ref);
    mapping.into_iter().flat_map(|mapping| split(&mapping.policy))
}

fn split(names: &str) -> impl Iterator<Item = &str> {
    names.split(',').map(str::trim).filter(|name| !name.is_empty())
}
