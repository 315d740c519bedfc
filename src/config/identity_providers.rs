//! Identity providers: where they are, and what this deployment is to them.

use std::path::Path;

use hyper::Uri;

use super::options::{bad, is_web_url, text_or_file};
use super::{ConfigError, Settings};
use crate::iam::federation::ProviderOptions;

const ROLES_CLAIM_DEFAULT: &str = "roles";
const SCOPES_DEFAULT: &str = "profile email";

/// Validates the settings that begin with `oidc`.
pub(super) fn identity_providers(settings: &Settings) -> Result<Vec<ProviderOptions>, ConfigError> {
    let mut providers: Vec<ProviderOptions> = Vec::new();
    for text in &settings.oidc {
        let expected =
            "a name of letters, digits, - and _, and a URL, like sso=https://id.example.com/realms/staff";
        let (id, issuer) =
            text.split_once('=').filter(|(id, _)| is_name(id)).ok_or_else(|| bad("oidc", text, expected))?;
        let issuer = issuer.trim_end_matches('/');
        if !is_issuer(issuer) {
            return Err(bad("oidc", text, expected));
        }
        if providers.iter().any(|other| other.id == id || other.issuer == issuer) {
            return Err(bad("oidc", text, "a name and a URL that no other identity provider has"));
        }
        providers.push(provider(settings, id, issuer)?);
    }
    let lists = [
        ("oidc_client", &settings.oidc_client),
        ("oidc_secret_file", &settings.oidc_secret_file),
        ("oidc_roles_claim", &settings.oidc_roles_claim),
        ("oidc_scopes", &settings.oidc_scopes),
    ];
    for (name, list) in lists {
        let known = |text: &&String| {
            text.split_once('=').is_some_and(|(id, _)| providers.iter().any(|of| of.id == id))
        };
        if let Some(stray) = list.iter().find(|text| !known(text)) {
            return Err(bad(
                name,
                stray,
                "the name of an identity provider that --oidc names, = and a value",
            ));
        }
    }
    Ok(providers)
}

fn provider(settings: &Settings, id: &str, issuer: &str) -> Result<ProviderOptions, ConfigError> {
    let client_id = of(&settings.oidc_client, id).ok_or(ConfigError::Missing(
        "an identity provider needs to know this deployment by a name: give --oidc-client ID=CLIENT_ID",
    ))?;
    let secret = of(&settings.oidc_secret_file, id).map(|file| {
        let secret = text_or_file("oidc_secret", None, Some(Path::new(file)))?;
        secret.ok_or_else(|| bad("oidc_secret_file", file, "a file with a secret in one line"))
    });
    Ok(ProviderOptions {
        id: id.to_owned(),
        issuer: issuer.to_owned(),
        client_id: client_id.to_owned(),
        client_secret: secret.transpose()?,
        roles_claim: of(&settings.oidc_roles_claim, id).unwrap_or(ROLES_CLAIM_DEFAULT).to_owned(),
        scopes: of(&settings.oidc_scopes, id)
            .map_or(SCOPES_DEFAULT.to_owned(), |scopes| scopes.replace('+', " ")),
    })
}

fn of<'a>(list: &'a [String], id: &str) -> Option<&'a str> {
    list.iter().filter_map(|text| text.split_once('=')).find(|(name, _)| *name == id).map(|(_, value)| value)
}

fn is_name(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&id.len()) && id.bytes().all(plain)
}

fn is_issuer(text: &str) -> bool {
    text.parse::<Uri>().is_ok_and(|url| is_web_url(&url) && url.query().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(oidc: &[&str], client: &[&str]) -> Settings {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Settings { oidc: owned(oidc), oidc_client: owned(client), ..Settings::default() }
    }

    #[test]
    fn a_provider_has_a_url_and_a_name_for_this_deployment() {
        let found = identity_providers(&settings(&["a=https://id.example.com/"], &["a=holdfast"])).unwrap();
        assert_eq!(
            (found[0].issuer.as_str(), found[0].client_id.as_str()),
            ("https://id.example.com", "holdfast")
        );
        assert_eq!((found[0].roles_claim.as_str(), found[0].scopes.as_str()), ("roles", "profile email"));
        let scopes =
            Settings { oidc_scopes: vec!["a=groups+email".into()], ..settings(&["a=http://x"], &["a=b"]) };
        assert_eq!(identity_providers(&scopes).unwrap()[0].scopes, "groups email");
    }

    #[test]
    fn providers_that_make_no_sense_are_refused_by_name() {
        let refused = |settings: &Settings| identity_providers(settings).unwrap_err().to_string();
        for oidc in ["https://x", "a=ftp://x", "a b=https://x", "a=https://u:p@x", "a=https://x?y", "="] {
            assert!(refused(&settings(&[oidc], &["a=b"])).contains("oidc"), "{oidc}");
        }
        assert!(refused(&settings(&["a=https://x"], &[])).contains("--oidc-client"));
        assert!(refused(&settings(&["a=https://x", "b=https://x/"], &["a=b", "b=b"])).contains("no other"));
        assert!(refused(&settings(&["a=https://x"], &["a=b", "c=d"])).contains("oidc_client"));
    }
}
