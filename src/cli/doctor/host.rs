//! Clock, addresses, credentials, and the server that runs.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use super::drives::{deployment, on_storage_node};
use super::finding::Finding;
use super::look::{Facts, Listening, SeenAddress};
use crate::admin::Grade;
use crate::admin::api::Status;
use crate::cli::figures::{counted, duration};
use crate::config::ConfigError;
use crate::http::tls::{Certificate, TlsError};
use crate::object::KmsHealth;

/// How far ahead of the clock a change may lie: clocks are set by small steps.
const AHEAD_MAX: Duration = Duration::from_secs(5);

/// How long before its end a certificate should have been renewed: those that do it by themselves do it
/// weeks before.
const RENEWAL: Duration = Duration::from_secs(14 * 24 * 3600);

/// Judges what is not about one drive.
pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let served = facts.drives.iter().any(super::look::SeenDrive::is_served);
    let mut findings = Vec::new();
    let newest = facts.drives.iter().filter_map(|drive| drive.survey.as_ref()?.newest_change).max();
    if let Some(newest) = newest {
        findings.push(judge_clock(facts.now, newest));
    }
    findings.extend(judge_credentials(&facts.credentials));
    if !on_storage_node(&facts.drives) {
        let judge = |address| judge_address(address, served, facts.has_nodes());
        findings.extend(facts.addresses.iter().map(judge));
    }
    let certificates = facts.certificates.iter().map(|seen| judge_certificate(seen, facts.now));
    findings.extend(certificates);
    findings.extend(facts.nodes.iter().map(|(node, reached)| judge_node(node, reached)));
    findings.extend(facts.key_service.as_ref().map(|(url, health)| judge_key_service(url, health)));
    if let Some(status) = &facts.status {
        findings.push(judge_version(&status.version, env!("CARGO_PKG_VERSION")));
        findings.extend(judge_status(status));
        let own = deployment(&facts.drives).map(|(own, _)| own.to_string());
        if own.is_some_and(|own| own != status.deployment) {
            let sentence = format!(
                "serves another deployment ({}) than these drives are of; name its drives, or its addresses for these",
                status.deployment
            );
            findings.push(Finding::warning("server", "deployment", sentence));
        }
    }
    findings
}

fn judge_key_service(url: &str, health: &KmsHealth) -> Finding {
    let (check, lost) = ("kms", "objects under its keys can neither be written nor read");
    match health {
        KmsHealth::Good => Finding::fine(check, url, "the key service answers and knows this server"),
        KmsHealth::Unavailable(reason) => {
            let remedy = "start or unseal it, or give its address with --kms-url";
            Finding::problem(check, url, format!("{reason}: {lost}; {remedy}"))
        }
        KmsHealth::Denied(reason) => {
            let remedy = "give a token that is believed with --kms-token-file, or a role with --kms-role-id";
            Finding::problem(check, url, format!("{reason}: {lost}; {remedy}"))
        }
    }
}

fn judge_clock(now: SystemTime, newest: SystemTime) -> Finding {
    match newest.duration_since(now) {
        Ok(ahead) if ahead > AHEAD_MAX => {
            let sentence = format!(
                "it is {} behind the newest change on the drives: it was set back, and what is written now seems older \
                 than what is there; set it right, by NTP for instance",
                duration(ahead.as_secs())
            );
            Finding::problem("clock", "system clock", sentence)
        }
        _ => Finding::fine("clock", "system clock", "not behind the newest change on the drives"),
    }
}

fn judge_credentials(credentials: &Result<(), ConfigError>) -> Option<Finding> {
    let (check, subject) = ("access", "credentials");
    match credentials {
        Ok(()) => Some(Finding::fine(check, subject, "their owner's alone")),
        Err(ConfigError::NoCredentials { .. }) => {
            Some(Finding::fine(check, subject, "none yet; the first start makes them"))
        }
        Err(error) => Some(Finding::problem(check, subject, error.to_string())),
    }
}

fn judge_address(address: &SeenAddress, served: bool, has_nodes: bool) -> Finding {
    let (check, flag) = ("address", address.flag);
    let subject = address.address.to_string();
    let plain = |sentence: String| Finding::fine(check, &subject, sentence);
    match (&address.listening, served) {
        (Listening::Holdfast, true) => plain("a Holdfast server answers".into()),
        (Listening::Holdfast, false) if has_nodes => plain("a Holdfast gateway answers".into()),
        (Listening::Holdfast, false) => Finding::warning(
            check,
            &subject,
            format!(
                "a Holdfast server answers that does not use these drives; to start another, give {flag}"
            ),
        ),
        (Listening::Nobody, true) => Finding::warning(
            check,
            &subject,
            format!(
                "nobody answers although a server uses the drives; if it listens elsewhere, name that with {flag}"
            ),
        ),
        (Listening::Nobody, false) => plain("free".into()),
        (Listening::Other, _) => Finding::problem(
            check,
            &subject,
            format!(
                "taken by something that is not Holdfast; stop that, or choose another address with {flag}"
            ),
        ),
        (Listening::Impossible(reason), _) => {
            Finding::problem(check, &subject, format!("{reason}; choose another address with {flag}"))
        }
    }
}

fn judge_certificate(seen: &Result<Certificate, TlsError>, now: SystemTime) -> Finding {
    let check = "certificate";
    let certificate = match seen {
        Ok(certificate) => certificate,
        Err(error) => return Finding::problem(check, "tls", error.to_string()),
    };
    let subject = certificate.path.display().to_string();
    let now_secs = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    if now_secs < certificate.not_before_secs {
        let ahead = duration(certificate.not_before_secs - now_secs);
        let sentence =
            format!("good only in {ahead}: clients refuse it now; set the clock right, or replace it");
        return Finding::problem(check, &subject, sentence);
    }
    let Some(left_secs) = certificate.not_after_secs.checked_sub(now_secs) else {
        let since = duration(now_secs - certificate.not_after_secs);
        let sentence = format!(
            "expired {since} ago: clients refuse it; put a new one in its place, the server takes it by itself"
        );
        return Finding::problem(check, &subject, sentence);
    };
    let left = duration(left_secs);
    if left_secs < RENEWAL.as_secs() {
        let sentence =
            format!("expires in {left}; put a new one in its place, the server takes it by itself");
        return Finding::warning(check, &subject, sentence);
    }
    let names = match certificate.names.as_slice() {
        [] => "no host names".to_owned(),
        names => names.join(", "),
    };
    Finding::fine(check, &subject, format!("good for {left}, for {names}"))
}

fn judge_node(node: &str, reached: &Result<(), String>) -> Finding {
    match reached {
        Ok(()) => Finding::fine(
            "node",
            node,
            "takes connections; `holdfast doctor DRIVES` there looks at its drives",
        ),
        Err(reason) => {
            let sentence =
                format!("cannot be reached: {reason}; start `holdfast node` there, or check the network");
            Finding::problem("node", node, sentence)
        }
    }
}

fn judge_version(running: &str, own: &str) -> Finding {
    if running == own {
        return Finding::fine("version", "server", format!("{running}, as this program"));
    }
    let sentence = format!(
        "runs {running} and this program is {own}; restart the server to run what is installed, or call the program it runs"
    );
    Finding::warning("version", "server", sentence)
}

fn judge_status(status: &Status) -> Vec<Finding> {
    let health = &status.health;
    let mut findings = Vec::new();
    findings.push(match health.status {
        Grade::FullRedundancy => Finding::fine("server", "redundancy", "full"),
        Grade::Unavailable => Finding::problem(
            "server",
            "redundancy",
            format!(
                "{} of {} drives are up: requests cannot be served; bring drives back",
                health.drives_up, health.drives
            ),
        ),
        Grade::ReducedRedundancy | Grade::Unknown => Finding::warning(
            "server",
            "redundancy",
            format!(
                "reduced: {} of {} drives are up and {} wait to be rebuilt; `holdfast admin status` shows how far it is",
                health.drives_up,
                health.drives,
                counted(status.pending_heals, "shard")
            ),
        ),
    });
    let lost =
        status.redundancy.map(|redundancy| redundancy.unreadable.objects).filter(|objects| *objects > 0);
    if let Some(objects) = lost {
        let sentence = format!(
            "{} cannot be read with the drives that are up; bring drives back; `holdfast admin risk` lists them",
            counted(objects, "object")
        );
        findings.push(Finding::problem("server", "objects", sentence));
    }
    findings
}

/// An address by which a listener at `address` is reached from this machine.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip().is_unspecified() {
        true => SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, address.port())),
        false => address,
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_needs_action() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert_eq!(judge_clock(now, now + Duration::from_secs(2)).level, Level::Fine);
        assert_eq!(judge_clock(now, now - Duration::from_secs(9000)).level, Level::Fine);
        let behind = judge_clock(now, now + Duration::from_secs(7200));
        assert!(behind.level == Level::Problem && behind.sentence.contains("2 h behind"), "{behind:?}");
    }

    #[test]
    fn an_address_is_judged_by_who_answers_and_who_should() {
        let level = |listening, served| {
            let address = "127.0.0.1:9000".parse().unwrap();
            judge_address(&SeenAddress { address, flag: "--address", listening }, served, false).level
        };
        assert_eq!(level(Listening::Holdfast, true), Level::Fine);
        assert_eq!(level(Listening::Nobody, false), Level::Fine);
        assert_eq!(level(Listening::Holdfast, false), Level::Warning);
        assert_eq!(level(Listening::Nobody, true), Level::Warning);
        assert_eq!(level(Listening::Other, false), Level::Problem);
        assert_eq!(level(Listening::Impossible("x".into()), false), Level::Problem);
    }

    #[test]
    fn another_version_is_told() {
        assert_eq!(judge_version("1.0.0", "1.0.0").level, Level::Fine);
        assert!(judge_version("1.0.0", "1.1.0").sentence.contains("restart the server"));
    }

    #[test]
    fn credentials_are_asked_for_only_once_there_could_be_any() {
        assert_eq!(judge_credentials(&Ok(())).unwrap().level, Level::Fine);
        let none = ConfigError::NoCredentials { path: "c".into() };
        assert_eq!(judge_credentials(&Err(none)).unwrap().level, Level::Fine);
        let exposed = ConfigError::FileExposed { path: "c".into() };
        assert!(judge_credentials(&Err(exposed)).unwrap().sentence.contains("chmod 600"));
    }
}
