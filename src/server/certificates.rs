//! The certificates of this process: opened at the start, and looked after from then on.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::StartError;
use super::signals::Hangup;
use crate::config::Options;
use crate::http::tls::{Certificate, Certificates, Reload, TlsError};
use crate::runtime::{Clock, SystemClock};
use crate::telemetry::{GaugeKind, Metrics, Sample};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// A certificate that has no more than this left is told of in the log: it should have been renewed.
const RENEWAL: Duration = Duration::from_secs(14 * 24 * 3600);

/// Reads the certificates that the options name.
pub(super) fn open(options: &Options) -> Result<Option<Arc<Certificates>>, StartError> {
    let Some(files) = options.listen.tls.clone() else { return Ok(None) };
    let certificates = Certificates::open(files)?;
    tell(&certificates.all());
    Ok(Some(certificates))
}

/// Shows in the metrics until when each certificate is good.
pub(super) fn register(metrics: &Metrics, certificates: &Arc<Certificates>) {
    const HELP: &str = "When a certificate expires, in seconds of Unix time.";
    let certificates = certificates.clone();
    metrics.register("holdfast_certificate_expiry_timestamp_seconds", HELP, GaugeKind::Gauge, move || {
        let all = certificates.all();
        let sample = |certificate: &Certificate| {
            let file = certificate.path.display().to_string();
            Sample::labelled("file", &file, certificate.not_after_secs as f64)
        };
        all.iter().map(sample).collect()
    });
}

/// Takes new certificates whenever their files change and at every SIGHUP, for as long as the process lives.
pub(super) async fn look_after(certificates: Arc<Certificates>, mut hangup: Hangup) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let look = tokio::select! {
            () = hangup.next() => Certificates::reload,
            _ = looks.tick() => Certificates::reload_if_changed,
        };
        let certificates = certificates.clone();
        match tokio::task::spawn_blocking(move || look(&certificates)).await {
            Ok(outcome) => report(outcome),
            Err(error) => tracing::error!(%error, "look at certificates"),
        }
    }
}

fn report(outcome: Result<Reload, TlsError>) {
    match outcome {
        Ok(Reload::Unchanged) => {}
        Ok(Reload::Taken(certificates)) => {
            tracing::info!(
                certificates = certificates.len(),
                "new connections are shown the certificates read now"
            );
            tell(&certificates);
        }
        Err(error) => tracing::error!("the certificates stay as they were: {error}"),
    }
}

/// Warns of certificates that clients refuse, or will soon.
fn tell(certificates: &[Certificate]) {
    let now_secs = SystemClock.now().as_secs();
    for certificate in certificates {
        let path = certificate.path.display();
        if certificate.not_after_secs < now_secs {
            tracing::error!(%path, "the certificate has expired: clients refuse it");
        } else if certificate.not_after_secs < now_secs + RENEWAL.as_secs() {
            tracing::warn!(%path, "the certificate expires within two weeks");
        }
    }
}
