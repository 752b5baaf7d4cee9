//! TLS, and certificate errors in words.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{NETWORK_TIMEOUT, Stream};
use crate::{Error, ErrorKind};

/// A secured stream, and how it is secured, for people.
pub(crate) struct Secured {
    pub(crate) stream: Box<dyn Stream>,
    pub(crate) description: String,
    /// What the server showed for itself, DER.
    pub(crate) certificate: Option<CertificateDer<'static>>,
}

/// Does the handshake with `host`, trusting the platform's roots and those in `ca_file`. TLS 1.2 at least. No ALPN: some
/// servers refuse a handshake that names a protocol they don't know (chatmail/core#5892).
pub(crate) async fn secure(
    stream: Box<dyn Stream>,
    host: &str,
    ca_file: Option<&Path>,
) -> Result<Secured, Error> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Error::new(ErrorKind::Settings, format!("{host} is not a host name")))?;
    let config = config(ca_file)?;
    let handshake = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let stream = match timeout(NETWORK_TIMEOUT, handshake).await {
        Err(_) => {
            return Err(Error::new(
                ErrorKind::TimedOut,
                format!("{host} did not finish the secure connection in time"),
            ));
        }
        Ok(Err(error)) => return Err(handshake_error(host, &error)),
        Ok(Ok(stream)) => stream,
    };
    let (_, connection) = stream.get_ref();
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS 1.3",
    };
    let certificate = connection.peer_certificates().and_then(<[_]>::first).cloned();
    Ok(Secured { stream: Box::new(stream), description: version.to_owned(), certificate })
}

/// TLS 1.2 at least, verified by the platform; the certificates of `ca_file` are trusted beside its own.
///
/// # Errors
/// The file can't be read, or the platform has no certificates.
pub fn config(ca_file: Option<&Path>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let own = match ca_file {
        Some(path) => read_certificates(path)?,
        None => Vec::new(),
    };
    let unusable =
        |_| Error::new(ErrorKind::Settings, "this system offers no usable root certificates".to_owned());
    let platform = if own.is_empty() {
        Verifier::new(Arc::clone(&provider)).map_err(unusable)?
    } else {
        Verifier::new_with_extra_roots(own.clone(), Arc::clone(&provider)).map_err(unusable)?
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::new(ErrorKind::Settings, "TLS can't be set up".to_owned()))?;
    // `dangerous` is how rustls names any verifier of one's own; this one accepts nothing that the platform
    // refuses, except a certificate that the rep named in full.
    let builder =
        builder.dangerous().with_custom_certificate_verifier(Arc::new(OwnOrPlatform { own, platform }));
    Ok(builder.with_no_client_auth())
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match found {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => {
            let detail = format!("the certificate file {} can't be read as PEM", path.display());
            Err(Error::new(ErrorKind::Settings, detail))
        }
    }
}

/// The platform's verifier; and where a server shows the very certificate that the rep put into the CA file, that one
/// too. Self-made certificates of small servers are often marked as a CA, which may not be a server's otherwise.
#[derive(Debug)]
struct OwnOrPlatform {
    own: Vec<CertificateDer<'static>>,
    platform: Verifier,
}

impl ServerCertVerifier for OwnOrPlatform {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict =
            self.platform.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match &verdict {
            Err(rustls::Error::InvalidCertificate(reason))
                if is_about_the_issuer(reason) && self.own.iter().any(|own| own == end_entity) =>
            {
                rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            _ => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.platform.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.platform.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.platform.supported_verify_schemes()
    }
}

/// Expired, revoked and misnamed certificates stay refused, named in full or not.
fn is_about_the_issuer(reason: &CertificateError) -> bool {
    matches!(reason, CertificateError::UnknownIssuer | CertificateError::Other(_))
}

/// What went wrong in a handshake. A captive portal shows here as a certificate for another name or an unknown
/// issuer, and never as a wrong password.
fn handshake_error(host: &str, error: &std::io::Error) -> Error {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let (kind, detail) = match tls {
        Some(rustls::Error::InvalidCertificate(reason)) => {
            (ErrorKind::Certificate, certificate_words(host, reason))
        }
        Some(rustls::Error::InvalidMessage(_)) => (
            ErrorKind::Tls,
            format!(
                "{host} does not speak TLS on this port; perhaps it wants STARTTLS, or a network login page is in the way"
            ),
        ),
        Some(rustls::Error::AlertReceived(_) | rustls::Error::PeerIncompatible(_)) => {
            (ErrorKind::Tls, format!("{host} offers no TLS version or cipher that is safe to use"))
        }
        Some(_) => (ErrorKind::Tls, format!("the secure connection to {host} failed")),
        None => (ErrorKind::Tls, format!("{host} broke off while the secure connection was made")),
    };
    Error::new(kind, detail)
}

fn certificate_words(host: &str, reason: &CertificateError) -> String {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("the certificate of {host} has expired (or this computer's clock is wrong)")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("the certificate of {host} is not valid yet (or this computer's clock is wrong)")
        }
        CertificateError::Revoked => format!("the certificate of {host} has been revoked"),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("the certificate belongs to another server than {host}")
        }
        CertificateError::UnknownIssuer => {
            format!("the certificate of {host} comes from an issuer that this computer does not trust")
        }
        _ => format!("the certificate of {host} is not acceptable"),
    }
}
