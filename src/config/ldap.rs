//! The directory: where it is, who looks people up in it, and how they and their groups are found.

use hyper::Uri;

use super::options::{bad, switch, text_or_file};
use super::{ConfigError, Settings};
use crate::iam::federation::LdapOptions;

const USER_FILTER_DEFAULT: &str = "(uid=%s)";
const NAME_ATTRIBUTE_DEFAULT: &str = "uid";
const GROUP_FILTER_DEFAULT: &str = "(member=%d)";
const GROUP_ATTRIBUTE_DEFAULT: &str = "cn";

/// Validates the settings that begin with `ldap`; none of a deployment without a directory.
pub(super) fn ldap(settings: &Settings) -> Result<Option<LdapOptions>, ConfigError> {
    let Some(url) = &settings.ldap_url else {
        return match is_anything_said(settings) {
            true => {
                Err(ConfigError::Missing("the settings of a directory need its address: give --ldap-url"))
            }
            false => Ok(None),
        };
    };
    let is_plain = switch("ldap_plain", settings.ldap_plain.as_deref())?;
    let starttls = !is_ldaps(url, is_plain)? && !is_plain;
    let filters = [
        ("ldap_user_filter", settings.ldap_user_filter.as_deref(), USER_FILTER_DEFAULT),
        ("ldap_group_filter", settings.ldap_group_filter.as_deref(), GROUP_FILTER_DEFAULT),
    ];
    let [user_filter, group_filter] = filters.map(|(name, text, default)| filter(name, text, default));
    let text = |given: &Option<String>, default: &str| given.as_deref().unwrap_or(default).to_owned();
    let password = text_or_file(
        "ldap_bind_password",
        settings.ldap_bind_password.clone(),
        settings.ldap_bind_password_file.as_deref(),
    )?;
    Ok(Some(LdapOptions {
        url: url.clone(),
        starttls,
        bind_dn: needed(
            &settings.ldap_bind_dn,
            "a directory needs to know who looks people up: give --ldap-bind-dn",
        )?,
        bind_password: password.filter(|password| !password.expose().is_empty()).ok_or(
            ConfigError::Missing(
                "who looks people up in a directory needs a password: give --ldap-bind-password-file",
            ),
        )?,
        user_base: needed(
            &settings.ldap_user_base,
            "a directory needs an entry below which people are: give --ldap-user-base",
        )?,
        user_filter: user_filter?,
        name_attribute: text(&settings.ldap_name_attribute, NAME_ATTRIBUTE_DEFAULT),
        group_base: needed(
            &settings.ldap_group_base,
            "a directory needs an entry below which groups are, which name roles: give --ldap-group-base",
        )?,
        group_filter: group_filter?,
        group_attribute: text(&settings.ldap_group_attribute, GROUP_ATTRIBUTE_DEFAULT),
        roles: settings.ldap_role.iter().map(|text| role(text)).collect::<Result<_, _>>()?,
    }))
}

fn is_anything_said(settings: &Settings) -> bool {
    let texts = [
        &settings.ldap_plain,
        &settings.ldap_bind_dn,
        &settings.ldap_user_base,
        &settings.ldap_user_filter,
        &settings.ldap_name_attribute,
        &settings.ldap_group_base,
        &settings.ldap_group_filter,
        &settings.ldap_group_attribute,
    ];
    texts.into_iter().any(Option::is_some)
        || settings.ldap_bind_password.is_some()
        || settings.ldap_bind_password_file.is_some()
        || !settings.ldap_role.is_empty()
}

/// Whether the whole connection is TLS.
fn is_ldaps(url: &str, is_plain: bool) -> Result<bool, ConfigError> {
    const EXPECTED: &str = "an ldaps or ldap URL of a host, like ldaps://ldap.example.com";
    let parsed = url.parse::<Uri>().ok().filter(|url| {
        let authority = url.authority().map(|authority| authority.as_str()).unwrap_or_default();
        let is_host = !authority.contains('@') && !url.host().unwrap_or_default().is_empty();
        is_host && matches!(url.path(), "" | "/") && url.query().is_none()
    });
    match parsed.as_ref().and_then(Uri::scheme_str) {
        Some("ldaps") if is_plain => Err(bad("ldap_url", url, "an ldap URL, since --ldap-plain is on")),
        Some("ldaps") => Ok(true),
        Some("ldap") => Ok(false),
        _ => Err(bad("ldap_url", url, EXPECTED)),
    }
}

fn filter(name: &str, text: Option<&str>, default: &str) -> Result<String, ConfigError> {
    let text = text.unwrap_or(default);
    // A filter that is the same for everybody would let in whoever knows the password of one.
    if !LdapOptions::is_filter(text) || !["%s", "%d"].iter().any(|names| text.contains(names)) {
        return Err(bad(name, text, "an LDAP filter with %s for the user name or %d for the user's DN"));
    }
    // Whose entry it is, is what the first is to find out.
    if name == "ldap_user_filter" && !text.contains("%s") {
        return Err(bad(name, text, "an LDAP filter with %s for the user name, like (uid=%s)"));
    }
    Ok(text.to_owned())
}

fn needed(given: &Option<String>, missing: &'static str) -> Result<String, ConfigError> {
    given.clone().filter(|text| !text.is_empty()).ok_or(ConfigError::Missing(missing))
}

fn role(text: &str) -> Result<(String, String), ConfigError> {
    let pair = text.split_once('=').filter(|(group, role)| !group.is_empty() && !role.is_empty());
    let (group, role) = pair.ok_or_else(|| {
        bad("ldap_role", text, "the name of a group, = and that of a role, like staff=readers")
    })?;
    Ok((group.to_owned(), role.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::Secret;

    fn settings(url: &str) -> Settings {
        Settings {
            ldap_url: Some(url.into()),
            ldap_bind_dn: Some("cn=holdfast,dc=example,dc=com".into()),
            ldap_bind_password: Some(Secret::new("secret")),
            ldap_user_base: Some("ou=people,dc=example,dc=com".into()),
            ldap_group_base: Some("ou=groups,dc=example,dc=com".into()),
            ..Settings::default()
        }
    }

    fn refused(settings: &Settings) -> String {
        ldap(settings).unwrap_err().to_string()
    }

    #[test]
    fn a_directory_is_spoken_to_by_tls_unless_it_is_said_otherwise() {
        assert!(ldap(&Settings::default()).unwrap().is_none());
        let found = ldap(&settings("ldaps://ldap.example.com")).unwrap().unwrap();
        assert!(!found.starttls);
        assert_eq!((found.user_filter.as_str(), found.group_filter.as_str()), ("(uid=%s)", "(member=%d)"));
        assert_eq!((found.name_attribute.as_str(), found.group_attribute.as_str()), ("uid", "cn"));
        assert!(ldap(&settings("ldap://ldap.example.com:1389")).unwrap().unwrap().starttls);
        let plain = |url| Settings { ldap_plain: Some("on".into()), ..settings(url) };
        assert!(!ldap(&plain("ldap://ldap.example.com")).unwrap().unwrap().starttls);
        assert!(refused(&plain("ldaps://ldap.example.com")).contains("ldap_url"));
    }

    #[test]
    fn what_a_directory_needs_is_asked_for_by_its_flag() {
        let good = settings("ldaps://ldap.example.com");
        let without = [
            (Settings { ldap_url: None, ..good.clone() }, "--ldap-url"),
            (Settings { ldap_bind_dn: None, ..good.clone() }, "--ldap-bind-dn"),
            (Settings { ldap_bind_password: None, ..good.clone() }, "--ldap-bind-password-file"),
            (
                Settings { ldap_bind_password: Some(Secret::new("")), ..good.clone() },
                "--ldap-bind-password-file",
            ),
            (Settings { ldap_user_base: None, ..good.clone() }, "--ldap-user-base"),
            (Settings { ldap_group_base: None, ..good.clone() }, "--ldap-group-base"),
            (Settings { ldap_role: vec!["a=b".into()], ..Settings::default() }, "--ldap-url"),
        ];
        for (settings, flag) in without {
            assert!(refused(&settings).contains(flag), "{flag}");
        }
    }

    #[test]
    fn values_that_make_no_sense_are_refused_by_name() {
        for url in [
            "ldap.example.com",
            "http://x",
            "ldaps://u:p@x",
            "ldap://x/dc=example",
            "ldap://x?y",
            "ldapi:///x",
            "ldap://",
        ] {
            assert!(refused(&settings(url)).contains("ldap_url"), "{url}");
        }
        let good = || settings("ldaps://x");
        for filter in ["(uid=anna)", "(uid=%d)", "(uid=%s", ""] {
            let settings = Settings { ldap_user_filter: Some(filter.into()), ..good() };
            assert!(refused(&settings).contains("ldap_user_filter"), "{filter}");
        }
        let settings = Settings { ldap_group_filter: Some("(cn=all)".into()), ..good() };
        assert!(refused(&settings).contains("ldap_group_filter"));
        for role in ["a", "=b", "a="] {
            let settings = Settings { ldap_role: vec![role.into()], ..good() };
            assert!(refused(&settings).contains("ldap_role"), "{role}");
        }
    }
}
