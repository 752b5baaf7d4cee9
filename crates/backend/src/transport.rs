//! The HTTP client: TLS by the platform's roots, no redirect to another host, and what its errors mean.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

use crate::{BackendError, Unreachable};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const REDIRECTS: usize = 5;

/// Checks a backend's URL: https, or http to this machine only.
pub fn base_url(url: &str) -> Result<Url, BackendError> {
    let invalid =
        || BackendError::Url("The backend's address is not a URL such as https://sales.example.com.".into());
    let mut url: Url = url.trim().parse().map_err(|_| invalid())?;
    let host = url.host_str().ok_or_else(invalid)?;
    let loopback = host == "localhost"
        || host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<std::net::IpAddr>()
            .is_ok_and(|a| a.is_loopback());
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        "http" => {
            return Err(BackendError::Url(
                "The backend's address must begin with https://: over plain http anybody on the way could read the \
                 replies and the token."
                    .into(),
            ));
        }
        _ => return Err(invalid()),
    }
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// A client that trusts the platform's roots and those of `ca_file`.
pub fn http_client(base: &Url, ca_file: Option<&Path>) -> Result<reqwest::Client, BackendError> {
    let tls = if base.scheme() == "https" { tls(ca_file)? } else { no_tls()? };
    let same_host = reqwest::redirect::Policy::custom(|attempt| {
        let same = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
        if same && attempt.previous().len() <= REDIRECTS { attempt.follow() } else { attempt.stop() }
    });
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(same_host)
        .referer(false)
        .user_agent(concat!("answerback/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|e| {
            BackendError::TlsSetup(format!("The connection to the backend could not be set up: {e}"))
        })
}

/// TLS that trusts the platform's roots and those of `ca_file`.
pub fn tls(ca_file: Option<&Path>) -> Result<ClientConfig, BackendError> {
    let (builder, provider) = builder()?;
    let verifier = Verifier::new_with_extra_roots(extra_roots(ca_file)?, provider).map_err(|e| {
        BackendError::TlsSetup(format!("The certificates that this system trusts could not be read: {e}"))
    })?;
    let mut tls =
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

/// For plain http: reading the system's certificates takes a while.
fn no_tls() -> Result<ClientConfig, BackendError> {
    Ok(builder()?.0.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>;

fn builder() -> Result<(Builder, Arc<rustls::crypto::CryptoProvider>), BackendError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| BackendError::TlsSetup(e.to_string()))?;
    Ok((builder, provider))
}

fn extra_roots(ca_file: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, BackendError> {
    let Some(path) = ca_file else { return Ok(Vec::new()) };
    let fail = |why: String| {
        BackendError::TlsSetup(format!("The root certificate {} can't be used: {why}.", path.display()))
    };
    let pem = std::fs::read(path).map_err(|e| fail(e.to_string()))?;
    let roots: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|_| fail("it is not a PEM file".into()))?;
    if roots.is_empty() { Err(fail("it holds no certificate".into())) } else { Ok(roots) }
}

/// No answer of a CRM is longer.
const MAX_ANSWER_BYTES: usize = 32 * 1024 * 1024;

/// The answer's JSON; `None` where it is none. One that breaks off is told apart from one that is something else.
pub async fn json_body(
    mut response: reqwest::Response,
    base: &Url,
) -> Result<Option<serde_json::Value>, BackendError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| classify(&e, base))? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    if body.is_empty() && response.status().is_success() {
        return Ok(Some(serde_json::Value::Null));
    }
    match serde_json::from_slice(&body) {
        Ok(json) => Ok(Some(json)),
        Err(e) if e.is_eof() && response.status().is_success() => {
            Err(BackendError::Unreachable { host: host_of(base), why: Unreachable::Broken })
        }
        Err(_) => Ok(None),
    }
}

/// Host and port, for messages.
pub fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// What a failed exchange means.
pub fn classify(error: &reqwest::Error, base: &Url) -> BackendError {
    let host = host_of(base);
    let unreachable = |why| BackendError::Unreachable { host: host.clone(), why };
    let mut source: Option<&(dyn Error + 'static)> = error.source();
    let mut certificate = None;
    let mut io_kind = None;
    while let Some(cause) = source {
        // An io::Error hides the TLS error that it carries from `source()`.
        let carried = cause.downcast_ref::<io::Error>().and_then(|e| {
            io_kind = io_kind.or(Some(e.kind()));
            e.get_ref().map(|inner| inner as &(dyn Error + 'static))
        });
        for tls in
            [Some(cause), carried].into_iter().flatten().filter_map(|e| e.downcast_ref::<rustls::Error>())
        {
            if let rustls::Error::InvalidCertificate(why) = tls {
                certificate = Some(why.to_string());
            }
        }
        source = carried.or_else(|| cause.source());
    }
    if let Some(why) = certificate {
        return BackendError::Certificate { host, why };
    }
    if error.is_dns() {
        return unreachable(Unreachable::UnknownHost);
    }
    match io_kind {
        Some(io::ErrorKind::ConnectionRefused) => unreachable(Unreachable::Refused),
        Some(
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown | io::ErrorKind::HostUnreachable,
        ) => unreachable(Unreachable::NoNetwork),
        Some(io::ErrorKind::TimedOut) => unreachable(Unreachable::Timeout),
        _ if error.is_timeout() => unreachable(Unreachable::Timeout),
        _ => unreachable(Unreachable::Broken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in
            ["https://sales.example", "http://127.0.0.1:8080", "http://localhost/", "http://[::1]:1/base"]
        {
            assert!(base_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://sales.example",
            "ftp://sales.example",
            "sales.example",
            "",
            "http://127.0.0.1.evil.example",
        ] {
            assert!(matches!(base_url(bad), Err(BackendError::Url(_))), "{bad}");
        }
        assert_eq!(
            base_url("https://sales.example/answerback?x#y").unwrap().as_str(),
            "https://sales.example/answerback/"
        );
    }

    #[test]
    fn a_root_certificate_that_is_none_is_named() {
        let base = base_url("https://sales.example").unwrap();
        let error = http_client(&base, Some(Path::new("Cargo.toml"))).unwrap_err();
        assert!(error.to_string().contains("Cargo.toml"), "{error}");
    }
}
