//! Which servers a client believes: those whose certificate the system or a given file vouches for, and those
//! whose certificate is known byte for byte.

use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use super::{CertificateFiles, read_chain};

/// How a client opens TLS.
#[derive(Debug, Clone)]
pub struct Trust(Arc<ClientConfig>);

/// A server's own certificate that is known byte for byte needs nobody to vouch for it.
#[derive(Debug)]
struct Verifier {
    known: Vec<CertificateDer<'static>>,
    vouched: Option<Arc<WebPkiServerVerifier>>,
}

impl Trust {
    /// Believes the certificates of the file `ca`, those of a server's `own` files, and the system's.
    pub fn of(ca: Option<&Path>, own: Option<&CertificateFiles>) -> Result<Self, String> {
        let given = ca.map(read_chain).transpose().map_err(|error| error.to_string())?.unwrap_or_default();
        let mut roots = RootCertStore::empty();
        // A certificate of the system that cannot be read vouches for nothing; the others still do.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(given.iter().cloned());
        let provider = Arc::new(default_provider());
        let vouched = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
        let mut known = given;
        known.extend(own.into_iter().flat_map(own_certificates));
        let verifier = Verifier { known, vouched: vouched.ok() };
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| error.to_string())?;
        let verifier = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        Ok(Self(Arc::new(verifier.with_no_client_auth())))
    }

    /// The same, for a library that opens TLS by itself.
    pub fn client_config(&self) -> Arc<ClientConfig> {
        self.0.clone()
    }

    /// Opens TLS to `host` on a connection of the runtime.
    pub async fn open(
        &self,
        host: &str,
        stream: tokio::net::TcpStream,
    ) -> io::Result<tokio_rustls::client::TlsStream<tokio::net::TcpStream>> {
        TlsConnector::from(self.0.clone()).connect(name(host)?, stream).await
    }

    /// Opens TLS to `host` on a connection that blocks.
    pub fn open_blocking(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> io::Result<rustls::StreamOwned<ClientConnection, TcpStream>> {
        let connection = ClientConnection::new(self.0.clone(), name(host)?).map_err(io::Error::other)?;
        Ok(rustls::StreamOwned::new(connection, stream))
    }
}

/// The servers' own certificates of a server on this machine; one that cannot be read is not known.
fn own_certificates(files: &CertificateFiles) -> Vec<CertificateDer<'static>> {
    let pairs = files.pairs().unwrap_or_default();
    pairs.iter().filter_map(|pair| read_chain(&pair.certificate).ok()?.into_iter().next()).collect()
}

fn name(host: &str) -> io::Result<ServerName<'static>> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(bare.to_owned()).map_err(io::Error::other)
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.known.iter().any(|known| known == end_entity) {
            return Ok(ServerCertVerified::assertion());
        }
        let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let vouched = self.vouched.as_ref().ok_or(unknown)?;
        vouched.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}
