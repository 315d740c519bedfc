//! A directory that knows people by a name and a password (LDAP, RFC 4511 to 4513).
//!
//! An account of the operator's looks the name up; exactly one entry must have it. Then the password is shown to the directory
//! as that entry's, and the groups that have the entry as a member name its roles. Nothing is remembered: each login asks anew.
//!
//! An empty password never gets as far as the directory, which takes it for somebody who does not want to be known and
//! says yes (RFC 4513, section 5.1.2).

use std::sync::Arc;
use std::time::Duration;

use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchEntry, SearchOptions, ldap_escape,
};
use serde_json::{Map, json};
use tokio::sync::Semaphore;

use super::identity::{ProviderKind, WebIdentity};
use crate::http::tls::Trust;
use crate::types::Secret;

/// How long a login may take, with all that is asked for it.
const LOGIN_TIME_MAX: Duration = Duration::from_secs(15);

/// Logins under way at once, and so connections to the directory; others wait.
const LOGINS_AT_ONCE: usize = 16;

/// Bytes of a name and of a password at most.
const GIVEN_BYTES_MAX: usize = 1024;

/// Groups of one user at most.
const GROUPS_MAX: usize = 1000;

/// How the directory is called in ARNs and condition keys.
pub(super) const NAME: &str = "ldap";

/// Results of operations (RFC 4511, appendix A).
mod code {
    pub(super) const SUCCESS: u32 = 0;
    pub(super) const SIZE_LIMIT_EXCEEDED: u32 = 4;
    /// What a directory says to who is not let in: constraintViolation (a locked account, where a policy says so),
    /// noSuchObject, inappropriateAuthentication (an entry without a password), invalidCredentials, insufficientAccessRights,
    /// unwillingToPerform.
    pub(super) const NOT_LET_IN: [u32; 6] = [19, 32, 48, 49, 50, 53];
}

/// A directory, as the operator named it.
#[derive(Debug, Clone)]
pub struct LdapOptions {
    /// Where it is: a URL of `ldaps` or `ldap`.
    pub url: String,
    /// Whether TLS begins on a connection of `ldap` before anything else is said.
    pub starttls: bool,
    /// Who looks people up.
    pub bind_dn: String,
    /// And its password.
    pub bind_password: Secret,
    /// Below which entry people are.
    pub user_base: String,
    /// What finds the entry of one: `%s` stands for the name that was given.
    pub user_filter: String,
    /// The attribute with the name that one is called by afterwards.
    pub name_attribute: String,
    /// Below which entry groups are.
    pub group_base: String,
    /// What finds the groups of one: `%d` stands for the entry's own name, `%s` for that of `name_attribute`.
    pub group_filter: String,
    /// The attribute with a group's name.
    pub group_attribute: String,
    /// Which group has which role; where nothing is said each has the role that is called as the group is.
    pub roles: Vec<(String, String)>,
}

impl LdapOptions {
    /// Whether a filter is one, whatever stands in it for names.
    pub fn is_filter(text: &str) -> bool {
        ldap3::parse_filter(filled(text, "x", "cn=x")).is_ok()
    }
}

/// Why a login was not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefused {
    /// No directory is set up.
    #[error("no directory is set up here; the operator names one with --ldap-url")]
    NoDirectory,
    /// Too many were wrong; good again after so many seconds.
    #[error("too many passwords were wrong; try again in {0} seconds")]
    Throttled(u64),
    /// Nobody is called so, or the password is another.
    #[error("nobody has this user name in the directory, or the password is another; look for typing errors")]
    Wrong,
    /// The directory cannot be asked.
    #[error("the directory cannot be asked: {0}")]
    Unreachable(String),
}

/// A group, by its entry and by its name.
struct Group {
    dn: String,
    name: String,
}

/// A directory.
#[derive(Debug)]
pub(super) struct LdapProvider {
    options: LdapOptions,
    trust: Trust,
    at_once: Semaphore,
}

impl LdapProvider {
    pub(super) fn new(options: LdapOptions, trust: Trust) -> Self {
        Self { options, trust, at_once: Semaphore::new(LOGINS_AT_ONCE) }
    }

    /// Who has this name and this password.
    pub(super) async fn identify(
        self: &Arc<Self>,
        name: &str,
        password: &Secret,
    ) -> Result<WebIdentity, LoginRefused> {
        let is_given = |text: &str| (1..=GIVEN_BYTES_MAX).contains(&text.len());
        if !is_given(name) || !is_given(password.expose()) {
            return Err(LoginRefused::Wrong);
        }
        let (directory, name, password) = (self.clone(), name.to_owned(), password.clone());
        // In a task of its own: the library takes for granted that a directory sends entries as it should.
        let asked = tokio::spawn(async move {
            let asked = tokio::time::timeout(LOGIN_TIME_MAX, directory.ask(&name, &password)).await;
            asked.unwrap_or_else(|_| Err(unreachable("it does not answer in time")))
        });
        asked.await.unwrap_or_else(|_| Err(unreachable("it sends what is no LDAP")))
    }

    async fn ask(&self, name: &str, password: &Secret) -> Result<WebIdentity, LoginRefused> {
        let _permit = self.at_once.acquire().await.map_err(|error| unreachable(error.to_string()))?;
        let mut ldap = self.connect().await?;
        self.bind_to_look_up(&mut ldap).await?;
        let user = self.find_user(&mut ldap, name).await?;
        let bound = ldap.simple_bind(&user.dn, password.expose()).await.map_err(failed)?;
        match bound.rc {
            code::SUCCESS => {}
            rc if code::NOT_LET_IN.contains(&rc) => {
                tracing::info!(user = user.dn, rc, said = bound.text, "the directory does not let a user in");
                return Err(LoginRefused::Wrong);
            }
            _ => return Err(failed(bound.into())),
        }
        let name = value(&user, &self.options.name_attribute).unwrap_or(name);
        let groups = self.find_groups(&mut ldap, name, &user.dn).await?;
        // It is said for the directory's sake: who was meant is known by now.
        let _ = ldap.unbind().await;
        Ok(self.identity(name, &user.dn, &groups))
    }

    async fn connect(&self) -> Result<Ldap, LoginRefused> {
        let settings = LdapConnSettings::new();
        let settings = settings.set_config(self.trust.client_config()).set_starttls(self.options.starttls);
        let connected = LdapConnAsync::with_settings(settings, &self.options.url).await;
        let (connection, ldap) = connected.map_err(failed)?;
        // Ends with the connection, whose failure is told to who waits for an answer.
        tokio::spawn(connection.drive());
        Ok(ldap)
    }

    async fn bind_to_look_up(&self, ldap: &mut Ldap) -> Result<(), LoginRefused> {
        let LdapOptions { bind_dn, bind_password, .. } = &self.options;
        let bound = ldap.simple_bind(bind_dn, bind_password.expose()).await.map_err(failed)?;
        bound.success().map(drop).map_err(|error| unreachable(format!("it refuses {bind_dn}: {error}")))
    }

    /// The one entry that has the name.
    async fn find_user(&self, ldap: &mut Ldap, name: &str) -> Result<SearchEntry, LoginRefused> {
        let LdapOptions { user_base, user_filter, name_attribute, .. } = &self.options;
        let filter = filled(user_filter, name, "");
        let mut found = search(ldap, user_base, &filter, name_attribute, 2).await?;
        match (found.pop(), found.is_empty()) {
            (Some(one), true) if !one.dn.is_empty() => Ok(one),
            (None | Some(_), true) => Err(LoginRefused::Wrong),
            (_, false) => {
                tracing::warn!(
                    name,
                    user_filter,
                    "a name is that of several entries; have the filter find one"
                );
                Err(LoginRefused::Wrong)
            }
        }
    }

    async fn find_groups(&self, ldap: &mut Ldap, name: &str, dn: &str) -> Result<Vec<Group>, LoginRefused> {
        let LdapOptions { group_base, group_filter, group_attribute, .. } = &self.options;
        // The rights to read groups are those of who looks up, not the user's.
        self.bind_to_look_up(ldap).await?;
        let filter = filled(group_filter, name, dn);
        let found = search(ldap, group_base, &filter, group_attribute, GROUPS_MAX + 1).await?;
        if found.len() > GROUPS_MAX {
            return Err(unreachable(format!(
                "{dn} is in more than {GROUPS_MAX} groups; have the group filter find fewer"
            )));
        }
        let groups = found.into_iter().filter_map(|group| {
            let name = value(&group, group_attribute)?.to_owned();
            Some(Group { dn: group.dn, name })
        });
        Ok(groups.collect())
    }

    fn identity(&self, name: &str, dn: &str, groups: &[Group]) -> WebIdentity {
        let dns: Vec<_> = groups.iter().map(|group| group.dn.as_str()).collect();
        let mut claims = Map::new();
        claims.insert("username".into(), json!(name));
        claims.insert("user".into(), json!(dn));
        claims.insert("groups".into(), json!(dns));
        let (kind, roles) = (ProviderKind::Ldap, self.roles(groups));
        let (provider, subject, nonce, source_identity) = (NAME.into(), name.to_owned(), None, None);
        WebIdentity { kind, provider, subject, nonce, source_identity, roles, claims }
    }

    /// In the order in which the operator names them, else by name.
    fn roles(&self, groups: &[Group]) -> Vec<String> {
        if self.options.roles.is_empty() {
            let mut names: Vec<_> = groups.iter().map(|group| group.name.clone()).collect();
            names.sort();
            return names;
        }
        let has = |name: &str| groups.iter().any(|group| group.name.eq_ignore_ascii_case(name));
        let roles = self.options.roles.iter().filter(|(group, _)| has(group));
        roles.map(|(_, role)| role.clone()).collect()
    }
}

/// Entries that a filter finds, with one attribute, no more of them than `max`.
async fn search(
    ldap: &mut Ldap,
    base: &str,
    filter: &str,
    attribute: &str,
    max: usize,
) -> Result<Vec<SearchEntry>, LoginRefused> {
    let limit = i32::try_from(max).unwrap_or(i32::MAX);
    let found = ldap.with_search_options(SearchOptions::new().sizelimit(limit));
    let found = found.search(base, Scope::Subtree, filter, [attribute]).await.map_err(failed)?;
    match found.1.rc {
        code::SUCCESS => {}
        // The limit is ours, and who asks looks at how many there are.
        code::SIZE_LIMIT_EXCEEDED if found.0.len() >= max => {}
        _ => return Err(unreachable(format!("searching {base} for {filter}: {}", found.1))),
    }
    Ok(found.0.into_iter().take(max).map(SearchEntry::construct).collect())
}

/// The first value of an attribute; names of attributes are the same in upper and lower case.
fn value<'a>(entry: &'a SearchEntry, attribute: &str) -> Option<&'a str> {
    let named = entry.attrs.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute));
    named.and_then(|(_, values)| values.first()).map(String::as_str).filter(|value| !value.is_empty())
}

/// A filter with names in it, which mean nothing but themselves there (RFC 4515). In one pass: what a name has of `%d` is
/// nobody's entry.
fn filled(filter: &str, name: &str, dn: &str) -> String {
    let mut parts = filter.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.chars().next() {
            Some('s') => out.extend([&ldap_escape(name), &part[1..]]),
            Some('d') => out.extend([&ldap_escape(dn), &part[1..]]),
            _ => out.extend(["%", part]),
        }
    }
    out
}

fn failed(error: LdapError) -> LoginRefused {
    unreachable(error.to_string())
}

fn unreachable(why: impl Into<String>) -> LoginRefused {
    LoginRefused::Unreachable(why.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> LdapOptions {
        LdapOptions {
            url: "ldap://127.0.0.1:1".into(),
            starttls: false,
            bind_dn: "cn=holdfast".into(),
            bind_password: Secret::new("x"),
            user_base: "ou=people".into(),
            user_filter: "(uid=%s)".into(),
            name_attribute: "uid".into(),
            group_base: "ou=groups".into(),
            group_filter: "(member=%d)".into(),
            group_attribute: "cn".into(),
            roles: Vec::new(),
        }
    }

    fn groups(names: &[&str]) -> Vec<Group> {
        names.iter().map(|name| Group { dn: format!("cn={name}"), name: (*name).to_owned() }).collect()
    }

    fn directory(roles: &[(&str, &str)]) -> Arc<LdapProvider> {
        let roles = roles.iter().map(|(group, role)| ((*group).to_owned(), (*role).to_owned())).collect();
        Arc::new(LdapProvider::new(LdapOptions { roles, ..options() }, Trust::of(None, None).unwrap()))
    }

    #[test]
    fn a_name_in_a_filter_means_nothing_but_itself() {
        assert_eq!(filled("(uid=%s)", "anna", ""), "(uid=anna)");
        assert_eq!(filled("(uid=%s)", "*)(uid=*", ""), "(uid=\\2a\\29\\28uid=\\2a)");
        assert_eq!(
            filled("(|(member=%d)(memberUid=%s))", "%d", "cn=a\\,b"),
            "(|(member=cn=a\\5c,b)(memberUid=%d))"
        );
        assert_eq!(filled("(a=%)(b=100%x)%", "n", "d"), "(a=%)(b=100%x)%");
        assert_eq!(filled("(uid=%s)", "nul\0", ""), "(uid=nul\\00)");
    }

    #[test]
    fn filters_are_told_from_what_is_none() {
        for good in ["(uid=%s)", "uid=%s", "(&(objectClass=person)(|(uid=%s)(mail=%s)))"] {
            assert!(LdapOptions::is_filter(good), "{good}");
        }
        for bad in ["", "(uid=%s", "uid", "(uid=%s))"] {
            assert!(!LdapOptions::is_filter(bad), "{bad}");
        }
    }

    #[test]
    fn groups_name_roles_or_are_given_them_in_the_operators_order() {
        let found = groups(&["writers", "Admins", "readers"]);
        assert_eq!(directory(&[]).roles(&found), ["Admins", "readers", "writers"]);
        let given = directory(&[("readers", "look"), ("none", "nothing"), ("admins", "all")]);
        assert_eq!(given.roles(&found), ["look", "all"]);
        assert!(given.roles(&groups(&["writers"])).is_empty(), "a group that is given no role has none");
    }

    #[test]
    fn conditions_see_who_is_let_in_and_its_groups() {
        let who = directory(&[]).identity("anna", "uid=anna,ou=people", &groups(&["a", "b"]));
        assert_eq!((who.full_name().as_str(), who.session_name().as_str()), ("ldap:anna", "anna"));
        let keys: Vec<_> = who.condition_keys().collect();
        let key = |name: &str, value: &str| (format!("ldap:{name}"), value.to_owned());
        let (a, b) = (key("groups", "cn=a"), key("groups", "cn=b"));
        assert_eq!(keys, [a, b, key("user", "uid=anna,ou=people"), key("username", "anna")]);
    }

    #[test]
    fn names_of_attributes_are_the_same_in_upper_and_lower_case() {
        let attrs = [("UID".to_owned(), vec!["anna".to_owned()]), ("mail".to_owned(), vec![String::new()])];
        let user = SearchEntry { dn: "uid=anna".into(), attrs: attrs.into(), bin_attrs: Default::default() };
        assert_eq!(
            (value(&user, "uid"), value(&user, "mail"), value(&user, "cn")),
            (Some("anna"), None, None)
        );
    }

    #[tokio::test]
    async fn an_empty_name_or_password_is_wrong_before_a_directory_is_asked() {
        let directory = directory(&[]);
        for (name, password) in [("anna", ""), ("", "secret"), ("anna", &"x".repeat(GIVEN_BYTES_MAX + 1))] {
            let refused = directory.identify(name, &Secret::new(password)).await;
            assert_eq!(refused, Err(LoginRefused::Wrong));
        }
        let refused = directory.identify("anna", &Secret::new("secret")).await;
        assert!(matches!(refused, Err(LoginRefused::Unreachable(_))), "{refused:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_directory_that_says_nothing_is_given_up() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        for (scheme, starttls) in [("ldap", false), ("ldap", true), ("ldaps", false)] {
            let silent = LdapOptions { url: format!("{scheme}://{address}"), starttls, ..options() };
            let directory = Arc::new(LdapProvider::new(silent, Trust::of(None, None).unwrap()));
            let refused = directory.identify("anna", &Secret::new("secret")).await;
            assert_eq!(refused, Err(unreachable("it does not answer in time")), "{scheme} {starttls}");
            assert_eq!(directory.at_once.available_permits(), LOGINS_AT_ONCE);
        }
    }
}
