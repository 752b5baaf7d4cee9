//! What ties a sign-in to the TLS connection that it travels on, so that nobody in between can pass it on: the
//! `tls-server-end-point` channel binding (RFC 5929 §4). Exchange 2019 wants it since its update 14 (Extended Protection).

use ring::digest::{Algorithm, SHA256, SHA384, SHA512, digest};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::signature_algorithm::{RsaSsaPssParams, SignatureAlgorithm};
use x509_parser::x509::AlgorithmIdentifier;

/// The binding to a server with this certificate (DER). `None` where the certificate is signed in a way for which none is
/// defined, such as Ed25519.
pub(super) fn to_server(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let hash = digest(hash_of(&parsed.signature_algorithm)?, certificate);
    Some([b"tls-server-end-point:", hash.as_ref()].concat())
}

/// The hash function of the certificate's signature; SHA-256 in place of those that are too weak.
fn hash_of(signature: &AlgorithmIdentifier<'_>) -> Option<&'static Algorithm> {
    match SignatureAlgorithm::try_from(signature).ok()? {
        SignatureAlgorithm::RSASSA_PSS(parameters) => named(&pss_hash(&parameters)),
        _ => named(&signature.algorithm.to_id_string()),
    }
}

fn pss_hash(parameters: &RsaSsaPssParams<'_>) -> String {
    parameters.hash_algorithm_oid().to_id_string()
}

/// By the object identifier of a hash function, or of a signature that has one (RFC 8017 §A.2, RFC 5758 §3.2).
fn named(oid: &str) -> Option<&'static Algorithm> {
    match oid {
        // MD5 and SHA-1, with RSA and ECDSA, and SHA-256.
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.10045.4.1"
        | "1.3.14.3.2.26"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.3.2"
        | "2.16.840.1.101.3.4.2.1" => Some(&SHA256),
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" | "2.16.840.1.101.3.4.2.2" => Some(&SHA384),
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" | "2.16.840.1.101.3.4.2.3" => Some(&SHA512),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

    use super::*;

    #[test]
    fn it_is_hashed_as_the_certificate_is_signed() {
        for (algorithm, hash) in [
            (&PKCS_ECDSA_P256_SHA256, Some(&SHA256)),
            (&PKCS_ECDSA_P384_SHA384, Some(&SHA384)),
            (&PKCS_ED25519, None),
        ] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let params = CertificateParams::new(vec!["mail.sales.example".to_owned()]).unwrap();
            let certificate = params.self_signed(&key).unwrap();
            let expected = hash.map(|hash| {
                [&b"tls-server-end-point:"[..], digest(hash, certificate.der()).as_ref()].concat()
            });
            assert_eq!(to_server(certificate.der()), expected);
        }
        assert_eq!(to_server(b"no certificate"), None);
        assert_eq!(named("1.2.840.113549.1.1.5"), Some(&SHA256), "SHA-1 is too weak");
    }
}
