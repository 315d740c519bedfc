//! The key service outside: where it is, and how it knows this server.

use std::time::Duration;

use hyper::Uri;

use super::options::{bad, is_web_url};
use super::{ConfigError, Settings};
use crate::object::{KmsLogin, KmsOptions};

const MOUNT_DEFAULT: &str = "transit";
const KEY_DEFAULT: &str = "holdfast";
const REMEMBER_DEFAULT: Duration = Duration::from_secs(300);
/// Longer than this would keep a key in use long after it was withdrawn.
const REMEMBER_SECS_MAX: u64 = 86_400;

/// Validates the settings that begin with `kms`; none of a deployment without a service.
pub(super) fn key_service(settings: &Settings) -> Result<Option<KmsOptions>, ConfigError> {
    let Some(url) = &settings.kms_url else {
        let others = [
            settings.kms_token.is_some(),
            settings.kms_token_file.is_some(),
            settings.kms_role_id.is_some(),
            settings.kms_secret_id_file.is_some(),
            settings.kms_mount.is_some(),
            settings.kms_key.is_some(),
            settings.kms_remember.is_some(),
        ];
        return match others.contains(&true) {
            true => {
                Err(ConfigError::Missing("the settings of a key service need its address: give --kms-url"))
            }
            false => Ok(None),
        };
    };
    Ok(Some(KmsOptions {
        url: parse_url(url)?,
        mount: mount(settings.kms_mount.as_deref().unwrap_or(MOUNT_DEFAULT))?,
        default_key: settings.kms_key.clone().unwrap_or_else(|| KEY_DEFAULT.to_owned()),
        login: login(settings)?,
        remember: remember(settings.kms_remember.as_deref())?,
    }))
}

fn parse_url(text: &str) -> Result<Uri, ConfigError> {
    let url = text.parse::<Uri>().ok().filter(|url| is_web_url(url) && url.query().is_none());
    url.ok_or_else(|| bad("kms_url", text, "an http or https URL, like https://vault.example.com:8200"))
}

fn mount(text: &str) -> Result<String, ConfigError> {
    let text = text.trim_matches('/');
    let part = |part: &str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !part.is_empty() && part.bytes().all(known) && part.bytes().any(|byte| byte != b'.')
    };
    match text.split('/').all(part) {
        true => Ok(text.to_owned()),
        false => Err(bad("kms_mount", text, "the path of a transit engine, like transit")),
    }
}

/// One of a token, a file with it, and a role with the file of its secret.
fn login(settings: &Settings) -> Result<KmsLogin, ConfigError> {
    const ONE: &str = "a key service needs one of --kms-token-file, HOLDFAST_KMS_TOKEN, and --kms-role-id with --kms-secret-id-file";
    let token = settings.kms_token.clone().map(KmsLogin::Token);
    let file = settings.kms_token_file.clone().map(KmsLogin::TokenFile);
    let role = match (&settings.kms_role_id, &settings.kms_secret_id_file) {
        (Some(id), Some(file)) => Some(KmsLogin::Role { id: id.clone(), secret_file: file.clone() }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(ConfigError::Missing(ONE)),
    };
    let mut given = [token, file, role].into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) | (None, _) => Err(ConfigError::Missing(ONE)),
    }
}

fn remember(text: Option<&str>) -> Result<Duration, ConfigError> {
    let Some(text) = text else { return Ok(REMEMBER_DEFAULT) };
    let secs = text.parse().ok().filter(|secs| *secs <= REMEMBER_SECS_MAX);
    secs.map(Duration::from_secs)
        .ok_or_else(|| bad("kms_remember", text, "a number of seconds from 0 to 86400"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::Secret;

    fn with_token(url: &str) -> Settings {
        Settings { kms_url: Some(url.into()), kms_token: Some(Secret::new("t")), ..Settings::default() }
    }

    #[test]
    fn a_service_has_an_address_and_one_way_in() {
        assert!(key_service(&Settings::default()).unwrap().is_none());
        let found = key_service(&with_token("https://vault:8200")).unwrap().unwrap();
        assert_eq!((found.mount.as_str(), found.default_key.as_str()), ("transit", "holdfast"));
        assert_eq!(found.remember, REMEMBER_DEFAULT);
        let without_url = Settings { kms_url: None, ..with_token("") };
        let no_way_in = Settings { kms_token: None, ..with_token("http://v") };
        let two = Settings { kms_token_file: Some("f".into()), ..with_token("http://v") };
        let half = Settings { kms_role_id: Some("r".into()), ..no_way_in.clone() };
        for settings in [without_url, no_way_in, two, half] {
            assert!(matches!(key_service(&settings), Err(ConfigError::Missing(_))), "{settings:?}");
        }
    }

    #[test]
    fn values_that_make_no_sense_are_refused_by_name() {
        let refused = |settings: &Settings| key_service(settings).unwrap_err().to_string();
        for url in ["vault:8200", "ftp://v", "http://u:p@v", "http://v/?a"] {
            assert!(refused(&with_token(url)).contains("kms_url"), "{url}");
        }
        for mount in ["", "..", "a/../b", "a b", "a//b"] {
            let settings = Settings { kms_mount: Some(mount.into()), ..with_token("http://v") };
            assert!(refused(&settings).contains("kms_mount"), "{mount}");
        }
        let settings = Settings { kms_remember: Some("86401".into()), ..with_token("http://v") };
        assert!(refused(&settings).contains("kms_remember"));
    }
}
