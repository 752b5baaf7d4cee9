//! Which way to sign in, by what the server offers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

use crate::{Error, ErrorKind};

/// A way to sign in with a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// NTLM, under this name. As `Negotiate` it is what a computer outside the domain sends in place of Kerberos ([MS-N2HT] 2.2).
    Ntlm(&'static str),
    /// The password with each request (RFC 7617).
    Basic,
}

impl Scheme {
    /// For people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ntlm(_) => "NTLM",
            Self::Basic => "Basic",
        }
    }
}

/// The ways that a refusal offers and we speak, best first: NTLM keeps the password secret, Basic does not.
pub(super) fn offered(headers: &HeaderMap) -> Vec<Scheme> {
    let ntlm = if offers(headers, "NTLM") {
        Some("NTLM")
    } else if offers(headers, "Negotiate") {
        Some("Negotiate")
    } else {
        None
    };
    let basic = offers(headers, "Basic").then_some(Scheme::Basic);
    ntlm.map(Scheme::Ntlm).into_iter().chain(basic).collect()
}

/// What the server says to an NTLM message that was sent under the name `scheme`.
pub(super) fn challenge(headers: &HeaderMap, scheme: &str) -> Option<Vec<u8>> {
    let message =
        schemes(headers).find_map(|(name, rest)| name.eq_ignore_ascii_case(scheme).then_some(rest))?;
    STANDARD.decode(message.trim()).ok().filter(|message| !message.is_empty())
}

/// The user name or the password is wrong.
pub(super) fn wrong_password(host: &str) -> Error {
    Error::new(ErrorKind::WrongPassword, format!("{host} did not accept the user name or password"))
}

/// None of what is offered is spoken here.
pub(super) fn unsupported(host: &str, headers: &HeaderMap) -> Error {
    if offers(headers, "Negotiate") || offers(headers, "Kerberos") {
        return only_kerberos(host);
    }
    let detail = if offers(headers, "Bearer") {
        format!("{host} takes no password for Exchange Web Services, only a sign-in through the browser")
    } else {
        format!("{host} offers no way to sign in with a password for Exchange Web Services")
    };
    Error::new(ErrorKind::Unsupported, detail)
}

/// Of Windows' own ways it takes only the one that needs a computer of the domain.
pub(super) fn only_kerberos(host: &str) -> Error {
    let detail =
        format!("{host} takes only Kerberos for Exchange Web Services, which Answerback does not speak");
    Error::new(ErrorKind::Unsupported, detail)
}

fn offers(headers: &HeaderMap, scheme: &str) -> bool {
    schemes(headers).any(|(name, _)| name.eq_ignore_ascii_case(scheme))
}

/// Name and what follows it. Each has a line of its own or they stand in one, after commas (RFC 9110 §11.6.1).
fn schemes(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(|part| {
        let part = part.trim();
        part.split_once(' ').unwrap_or((part, ""))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (WWW_AUTHENTICATE, line.parse().unwrap())).collect()
    }

    #[test]
    fn the_password_is_kept_secret_where_that_is_possible() {
        for (lines, expected) in [
            (&["Negotiate", "NTLM", "Basic realm=\"x\""][..], &[Scheme::Ntlm("NTLM"), Scheme::Basic][..]),
            (&["Negotiate, ntlm, basic realm=\"x\""], &[Scheme::Ntlm("NTLM"), Scheme::Basic]),
            (&["Basic realm=\"NTLM, or not\"", "Negotiate"], &[Scheme::Ntlm("Negotiate"), Scheme::Basic]),
            (&["Basic realm=\"x\""], &[Scheme::Basic]),
            (&["Bearer client_id=\"x\""], &[]),
            (&[], &[]),
        ] {
            assert_eq!(offered(&headers(lines)), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_challenge_is_what_follows_the_name() {
        assert_eq!(challenge(&headers(&["Negotiate", "NTLM TlRMTQ=="]), "NTLM").unwrap(), b"NTLM");
        for none in [&["NTLM"][..], &["Negotiate TlRMTQ=="], &["NTLM not base64"], &[]] {
            assert_eq!(challenge(&headers(none), "NTLM"), None, "{none:?}");
        }
    }

    #[test]
    fn it_is_said_what_is_missing() {
        for (lines, word) in [
            (&["Negotiate"][..], "Kerberos"),
            (&["Bearer client_id=\"x\""], "browser"),
            (&["Digest realm=\"x\""], "no way"),
        ] {
            let error = unsupported("mail.sales.example", &headers(lines));
            assert_eq!(error.kind, ErrorKind::Unsupported);
            assert!(error.detail.contains(word), "{error}");
        }
    }
}
