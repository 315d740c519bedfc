//! `holdfast env`: what makes aws-cli and SDKs talk to this server.

use std::fmt::Write;

use super::invocation::quote;
use crate::config::{ClientHints, Credentials, Environment, Options, RoleName, Settings};

/// Prints the shell commands.
pub(super) fn run(settings: Settings) -> Result<(), String> {
    let environment: Environment = std::env::vars().collect();
    let text = render(settings, &environment)?;
    print!("{text}");
    Ok(())
}

fn render(flags: Settings, environment: &Environment) -> Result<String, String> {
    let (settings, _) = Settings::gather(flags, environment).map_err(|error| error.to_string())?;
    let state_named = settings.state.is_some() || !settings.drives.is_empty();
    let endpoint_named = settings.address.is_some() || settings.public_url.is_some();
    let region_named = settings.region.is_some();
    let mut options = Options::validate(RoleName::Serve, settings).map_err(|error| error.to_string())?;
    options.find_client_state(state_named);
    let credentials = options.client_credentials().map_err(|error| error.to_string())?;
    let hints = ClientHints::read(&options.state);
    let own = options.listen.endpoint(options.listen.address);
    let endpoint = hints.as_ref().filter(|_| !endpoint_named).map_or(own, |hints| hints.endpoint.clone());
    let region =
        hints.as_ref().filter(|_| !region_named).map_or(options.region, |hints| hints.region.clone());
    Ok(exports(&credentials, &endpoint, &region))
}

fn exports(credentials: &Credentials, endpoint: &str, region: &str) -> String {
    let mut text = String::new();
    let pairs = [
        ("AWS_ACCESS_KEY_ID", credentials.access_key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.expose()),
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_ENDPOINT_URL", endpoint),
    ];
    for (name, value) in pairs {
        let _ = writeln!(text, "export {name}={}", quote(value));
    }
    text.push_str("unset AWS_PROFILE AWS_SESSION_TOKEN\n");
    text.push_str("# Clients that ask: addressing style is path. aws-cli and SDKs choose it for IP addresses themselves.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CredentialsFile;

    fn at(folder: &std::path::Path) -> Settings {
        Settings { state: Some(folder.to_owned()), ..Settings::default() }
    }

    #[test]
    fn exports_point_clients_at_the_server_of_the_state_folder() {
        let folder = tempfile::tempdir().unwrap();
        let made = CredentialsFile::in_folder(folder.path()).create().unwrap();
        let hints = ClientHints {
            endpoint: "http://127.0.0.1:9555".into(),
            region: "eu-west-3".into(),
            address: "127.0.0.1:9555".into(),
            console: None,
            tls: None,
        };
        hints.write(folder.path()).unwrap();
        let text = render(at(folder.path()), &Environment::new()).unwrap();
        assert!(text.contains(&format!("export AWS_ACCESS_KEY_ID={}\n", made.access_key_id)), "{text}");
        assert!(text.contains("export AWS_ENDPOINT_URL=http://127.0.0.1:9555\n"), "{text}");
        assert!(text.contains("export AWS_REGION=eu-west-3\n"), "{text}");
    }

    #[test]
    fn without_credentials_there_is_a_sentence_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let sentence = render(at(folder.path()), &Environment::new()).unwrap_err();
        assert!(sentence.contains("start the server first"), "{sentence}");
    }
}
