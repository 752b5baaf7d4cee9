//! SCRAM-SHA-256 (RFC 5802, RFC 7677): proves that both sides know the password, and sends it to nobody.
//!
//! Pure: messages in, messages out. Channel binding is not offered, as few servers do and TLS is verified anyway.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::{digest, hmac, pbkdf2};
use zeroize::Zeroizing;

/// More than any server asks for (600,000 is OWASP's advice), and few enough not to stop a laptop.
const MOST_ITERATIONS: u32 = 1_000_000;

/// The beginning of every client's message without channel binding.
const NO_BINDING: &str = "n,,";

/// What the server sent is not SCRAM, or it could not prove that it knows the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Untrue;

/// The client's side before the server has said anything.
pub(crate) struct Exchange {
    password: Zeroizing<String>,
    nonce: String,
    /// The first message without its beginning; a part of what is signed.
    bare: String,
}

/// The client's answer, and what the server must prove afterwards.
pub(crate) struct Answer {
    pub(crate) message: String,
    pub(crate) proof: ServerProof,
}

/// The signature that only somebody who knows the password can give.
pub(crate) struct ServerProof {
    key: hmac::Key,
    signed: String,
}

impl Exchange {
    /// Begins with a fresh nonce. `None` when the system has no randomness to give.
    pub(crate) fn new(username: &str, password: &str) -> Option<Self> {
        let mut random = [0; 18];
        SystemRandom::new().fill(&mut random).ok()?;
        Some(Self::with_nonce(username, password, STANDARD.encode(random)))
    }

    fn with_nonce(username: &str, password: &str, nonce: String) -> Self {
        let name = prepared(username).replace('=', "=3D").replace(',', "=2C");
        Self { bare: format!("n={name},r={nonce}"), password: prepared(password), nonce }
    }

    /// The first message.
    pub(crate) fn first(&self) -> String {
        format!("{NO_BINDING}{}", self.bare)
    }

    /// Answers the server's first message.
    ///
    /// # Errors
    /// It isn't one, or another's nonce is in it.
    pub(crate) fn answer(self, server_first: &[u8]) -> Result<Answer, Untrue> {
        let server_first = std::str::from_utf8(server_first).map_err(|_| Untrue)?;
        let nonce = attribute(server_first, "r").ok_or(Untrue)?;
        if nonce.strip_prefix(self.nonce.as_str()).is_none_or(str::is_empty) {
            return Err(Untrue);
        }
        let salt = attribute(server_first, "s").and_then(|salt| STANDARD.decode(salt).ok()).ok_or(Untrue)?;
        let iterations = attribute(server_first, "i")
            .and_then(|count| count.parse::<u32>().ok())
            .filter(|count| *count <= MOST_ITERATIONS)
            .and_then(NonZeroU32::new)
            .ok_or(Untrue)?;
        let mut salted = Zeroizing::new([0; digest::SHA256_OUTPUT_LEN]);
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, self.password.as_bytes(), &mut *salted);
        let without_proof = format!("c={},r={nonce}", STANDARD.encode(NO_BINDING));
        let signed = format!("{},{server_first},{without_proof}", self.bare);
        let client_key = signature(&*salted, b"Client Key");
        let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
        let client_signature = signature(stored_key.as_ref(), signed.as_bytes());
        let proof: Vec<u8> =
            client_key.as_ref().iter().zip(client_signature.as_ref()).map(|(key, sign)| key ^ sign).collect();
        let server_key = signature(&*salted, b"Server Key");
        Ok(Answer {
            message: format!("{without_proof},p={}", STANDARD.encode(proof)),
            proof: ServerProof { key: hmac::Key::new(hmac::HMAC_SHA256, server_key.as_ref()), signed },
        })
    }
}

impl ServerProof {
    /// Whether the server's last message holds the proof.
    ///
    /// # Errors
    /// It does not: whoever answered does not know the password.
    pub(crate) fn check(&self, server_final: &[u8]) -> Result<(), Untrue> {
        let text = std::str::from_utf8(server_final).map_err(|_| Untrue)?;
        let given = attribute(text, "v").and_then(|given| STANDARD.decode(given).ok()).ok_or(Untrue)?;
        hmac::verify(&self.key, self.signed.as_bytes(), &given).map_err(|_| Untrue)
    }
}

fn signature(key: &[u8], text: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text)
}

/// `x` of `a=…,x=…,…`.
fn attribute<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

/// RFC 4013, so that a password typed in another Unicode form is the same one. What it forbids is taken as it is, since
/// the server that accepted it must have done so too.
fn prepared(text: &str) -> Zeroizing<String> {
    Zeroizing::new(stringprep::saslprep(text).map_or_else(|_| text.to_owned(), |text| text.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER_FIRST: &str =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    fn exchange() -> Exchange {
        Exchange::with_nonce("user", "pencil", "rOprNGfwEbeRWgbNEkqO".to_owned())
    }

    #[test]
    fn the_example_of_rfc_7677_comes_out() {
        assert_eq!(exchange().first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let answer = exchange().answer(SERVER_FIRST.as_bytes()).unwrap();
        assert_eq!(
            answer.message,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        answer.proof.check(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").unwrap();
    }

    #[test]
    fn a_server_that_does_not_know_the_password_is_found_out() {
        let answer = exchange().answer(SERVER_FIRST.as_bytes()).unwrap();
        for wrong in ["v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", "v=", "e=other-error", "", "v=####"] {
            assert_eq!(answer.proof.check(wrong.as_bytes()), Err(Untrue), "{wrong}");
        }
    }

    #[test]
    fn a_foreign_nonce_or_senseless_figures_are_refused() {
        for wrong in [
            SERVER_FIRST.replace("r=rOpr", "r=xOpr"),
            "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".to_owned(),
            SERVER_FIRST.replace("i=4096", "i=0"),
            SERVER_FIRST.replace("i=4096", "i=4294967295"),
            SERVER_FIRST.replace("s=W22", "s=*22"),
            String::new(),
        ] {
            assert!(exchange().answer(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_name_cannot_add_attributes_and_unicode_forms_are_one() {
        let first = Exchange::with_nonce("a,b=c", "x", "n".to_owned()).first();
        assert_eq!(first, "n,,n=a=2Cb=3Dc,r=n");
        assert_eq!(*prepared("pa\u{308}sswort"), "pässwort");
        assert_eq!(*prepared("\u{7}bell"), "\u{7}bell");
    }
}
