//! Enhanced status codes (RFC 3463) and SMTP replies (RFC 5321 §4.2) in reports and in text.

use std::fmt;

use crate::BounceClass;

/// An enhanced status code: class, subject, detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    pub class: u8,
    pub subject: u16,
    pub detail: u16,
}

impl Status {
    /// The first enhanced status code in a text. Longer dotted numbers (addresses, versions) are none.
    pub(crate) fn find(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(offset) = memchr::memchr(b'.', bytes.get(at..)?) {
            let dot = at + offset;
            at = dot + 1;
            let class = dot.checked_sub(1).and_then(|before| bytes.get(before)).copied()?;
            let before = dot.checked_sub(2).and_then(|before| bytes.get(before)).copied();
            if !matches!(class, b'2' | b'4' | b'5')
                || before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
            {
                continue;
            }
            let Some((subject, after)) = number(bytes, dot + 1) else { continue };
            if bytes.get(after) != Some(&b'.') {
                continue;
            }
            let Some((detail, after)) = number(bytes, after + 1) else { continue };
            let next = bytes.get(after).copied();
            let is_longer = next == Some(b'.') && bytes.get(after + 1).is_some_and(u8::is_ascii_digit);
            if is_longer || next.is_some_and(|byte| byte.is_ascii_alphanumeric()) {
                continue;
            }
            return Some(Self { class: class - b'0', subject, detail });
        }
        None
    }

    /// A code that says no more than its class.
    pub(crate) const fn is_generic(self) -> bool {
        self.subject == 0 && self.detail == 0
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// Up to three digits at `from`, and where they end.
fn number(bytes: &[u8], from: usize) -> Option<(u16, usize)> {
    let digits = bytes.get(from..)?.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > 3 {
        return None;
    }
    let value =
        bytes.get(from..from + digits)?.iter().fold(0, |value, digit| value * 10 + u16::from(digit - b'0'));
    Some((value, from + digits))
}

/// The first SMTP failure reply in a text: 4yz or 5yz with y at most 5 (RFC 5321 §4.2.1), where words or an enhanced
/// code follow.
pub(crate) fn find_reply(text: &str) -> Option<u16> {
    let bytes = text.as_bytes();
    let mut previous = b' ';
    for (at, &byte) in bytes.iter().enumerate() {
        let may_begin = matches!(byte, b'4' | b'5')
            && !previous.is_ascii_alphanumeric()
            && !matches!(previous, b'.' | b'@' | b'/');
        if may_begin
            && let Some((value, after)) = number(bytes, at)
            && (400..560).contains(&value)
            && after == at + 3
            && value / 10 % 10 <= 5
            && is_reply_end(bytes, after)
        {
            return Some(value);
        }
        previous = byte;
    }
    None
}

fn is_reply_end(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at) {
        None | Some(b'\r' | b'\n' | b'-' | b'_' | b':' | b')' | b';') => true,
        // "in 500 miles" and "within 450 KB" are no replies: a reply's text begins with a code, a capital letter, a
        // bracket or a hash in every server's catalogue, or with "sorry", "user", "unknown" in lower case.
        Some(b' ' | b'\t') => match bytes.get(at + 1..).unwrap_or_default() {
            [b'4' | b'5', b'.', ..] | [b'#' | b'<' | b'[' | b'(' | b'"' | b'\'' | b'*' | b'-', ..] => true,
            [first, ..] if first.is_ascii_uppercase() => true,
            rest => [
                &b"sorry"[..],
                b"user",
                b"unknown",
                b"no ",
                b"mailbox",
                b"recipient",
                b"relay",
                b"this",
                b"unable",
                b"message",
                b"too",
                b"over",
                b"address",
                b"account",
                b"invalid",
                b"permanent",
                b"requested",
                b"unrouteable",
                b"spam",
                b"blocked",
            ]
            .iter()
            .any(|word| rest.starts_with(word)),
        },
        Some(_) => false,
    }
}

/// The class that a code's first digit means.
pub(crate) const fn class_of(digit: u8) -> Option<BounceClass> {
    match digit {
        5 => Some(BounceClass::Permanent),
        4 => Some(BounceClass::Transient),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enhanced_codes_are_found_and_addresses_and_versions_are_not() {
        for (text, expected) in [
            ("550 5.1.1 <a@x.example>: User unknown", Some("5.1.1")),
            ("smtp;552-5.2.2 full", Some("5.2.2")),
            ("(#5.1.2)", Some("5.1.2")),
            ("host 5.1.1.7 said", None),
            ("Exim 4.92.3a", None),
            ("192.5.1.1", None),
            ("#< #5.7.1 smtp;550>", Some("5.7.1")),
            ("from 4.5.6.7: 4.4.7 timed out.", Some("4.4.7")),
            ("5.1.", None),
            (".", None),
        ] {
            assert_eq!(Status::find(text).map(|status| status.to_string()).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn smtp_replies_are_found_and_other_numbers_are_not() {
        for (text, expected) in [
            ("said: 550 5.1.1 no", Some(550)),
            ("said:\n    550-Mailbox unknown", Some(550)),
            ("smtp;450 4.2.1", Some(450)),
            ("Remote host said: 553 sorry, no mailbox", Some(553)),
            ("within 500 miles", None),
            ("id 4501234", None),
            ("1.2.3.450", None),
            ("call 555 1234", None),
            ("554 Message refused", Some(554)),
            ("status=550", Some(550)),
        ] {
            assert_eq!(find_reply(text), expected, "{text:?}");
        }
    }
}
