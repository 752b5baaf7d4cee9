//! The signature of a webhook: HMAC-SHA256 over id, time and body, so that the receiver knows who sent it, and when.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use uuid::Uuid;

const PREFIX: &str = "whsec_";

/// A new secret: 32 bytes, 244 of their bits random from the operating system.
pub fn new_secret() -> String {
    let key = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
    format!("{PREFIX}{}", STANDARD.encode(key))
}

/// The value of `webhook-signature`: one signature for each secret that is good now, parted by blanks.
pub fn header<'a>(
    secrets: impl IntoIterator<Item = &'a str>,
    id: &str,
    at: Timestamp,
    body: &[u8],
) -> Option<String> {
    let signatures: Option<Vec<String>> =
        secrets.into_iter().map(|secret| sign(secret, id, at, body)).collect();
    signatures.map(|all| all.join(" "))
}

fn sign(secret: &str, id: &str, at: Timestamp, body: &[u8]) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{}.", at.as_second()).as_bytes());
    mac.update(body);
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_specification() {
        // The example of the specification's reference libraries.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            header([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body).unwrap(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn while_a_secret_is_rotated_both_sign() {
        let (old, new) = (new_secret(), new_secret());
        let at = Timestamp::UNIX_EPOCH;
        let both = header([new.as_str(), old.as_str()], "id", at, b"{}").unwrap();
        let alone: Vec<String> =
            [new, old].iter().filter_map(|s| header([s.as_str()], "id", at, b"{}")).collect();
        assert_eq!(both.split(' ').collect::<Vec<_>>(), alone);
    }

    #[test]
    fn a_secret_has_the_length_that_the_specification_asks_for() {
        let key = STANDARD.decode(new_secret().strip_prefix(PREFIX).unwrap()).unwrap();
        assert_eq!(key.len(), 32);
    }
}
