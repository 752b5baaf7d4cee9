//! Header text: unfolding, encoded words (RFC 2047) and bare 8-bit text, in time linear in its length.

use mail_parser::decoders::{base64::base64_decode, charsets::map::charset_decoder};
use memchr::memmem;

/// The readable text of an unstructured header value.
pub(crate) fn decode_text(raw: &[u8]) -> String {
    if memmem::find(raw, b"=?").is_none() {
        return unfold(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut pending = Pending::default();
    let mut rest = raw;
    while !rest.is_empty() {
        let start = memmem::find(rest, b"=?").unwrap_or(rest.len());
        let (before, from) = rest.split_at_checked(start).unwrap_or((rest, &[]));
        match EncodedWord::parse(from) {
            Some(word) => {
                // White space between two encoded words is not text (RFC 2047 §6.2).
                if !(pending.is_open() && before.trim_ascii().is_empty()) {
                    pending.flush(&mut text);
                    push_plain(&mut text, before);
                }
                pending.push(&word, &mut text);
                rest = from.get(word.length..).unwrap_or_default();
            }
            None => {
                pending.flush(&mut text);
                let literal = from.len().min(2);
                push_plain(&mut text, rest.get(..before.len() + literal).unwrap_or(rest));
                rest = from.get(literal..).unwrap_or_default();
            }
        }
    }
    pending.flush(&mut text);
    text.trim().to_owned()
}

/// Bytes in a charset, or in UTF-8 and else Windows-1252 where the charset is unknown or not named.
pub(crate) fn decode_charset(bytes: &[u8], charset: Option<&[u8]>) -> String {
    let decoder = charset
        .map(<[u8]>::trim_ascii)
        .filter(|name| !name.is_empty() && !is_utf8_subset(name))
        .and_then(charset_decoder);
    match decoder {
        Some(decode) => decode(bytes),
        None => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            // UTF-8 that was cut in the middle of a character stays UTF-8; undeclared 8-bit mail is nearly always
            // Windows-1252, which maps every byte.
            Err(error)
                if charset.is_some_and(is_utf8_subset)
                    || (error.error_len().is_none()
                        && !bytes.get(..error.valid_up_to()).is_none_or(<[u8]>::is_ascii)) =>
            {
                String::from_utf8_lossy(bytes).into_owned()
            }
            Err(_) => charset_decoder(b"windows-1252")
                .map_or_else(|| String::from_utf8_lossy(bytes).into_owned(), |decode| decode(bytes)),
        },
    }
}

fn is_utf8_subset(name: &[u8]) -> bool {
    [&b"utf-8"[..], b"utf8"].iter().any(|utf8| name.eq_ignore_ascii_case(utf8))
}

/// One `=?charset?encoding?data?=`.
struct EncodedWord<'x> {
    charset: &'x [u8],
    base64: bool,
    data: &'x [u8],
    length: usize,
}

impl<'x> EncodedWord<'x> {
    /// RFC 2047 allows 75 characters; real senders write a few hundred. A bound keeps hostile fields linear.
    const LONGEST: usize = 2048;

    fn parse(from: &'x [u8]) -> Option<Self> {
        let window = from.get(..from.len().min(Self::LONGEST))?;
        let after_start = window.get(2..)?;
        let charset_end = after_start.iter().take(64).position(|&byte| byte == b'?')?;
        let (charset, rest) = after_start.split_at_checked(charset_end)?;
        let (base64, rest) = match rest {
            [b'?', b'B' | b'b', b'?', rest @ ..] => (true, rest),
            [b'?', b'Q' | b'q', b'?', rest @ ..] => (false, rest),
            _ => return None,
        };
        let data_end = memmem::find(rest, b"?=")?;
        let data = rest.get(..data_end)?;
        // A language tag may follow the charset (RFC 2231 §5).
        let charset = charset.split(|&byte| byte == b'*').next().unwrap_or_default();
        Some(Self { charset, base64, data, length: 2 + charset_end + 3 + data_end + 2 })
    }
}

/// Encoded words of one charset in a row: some senders split a character over two of them, so their bytes are
/// decoded together.
#[derive(Default)]
struct Pending<'x> {
    charset: Option<&'x [u8]>,
    bytes: Vec<u8>,
}

impl<'x> Pending<'x> {
    const fn is_open(&self) -> bool {
        self.charset.is_some()
    }

    fn push(&mut self, word: &EncodedWord<'x>, text: &mut String) {
        if self.charset.is_some_and(|charset| !charset.eq_ignore_ascii_case(word.charset)) {
            self.flush(text);
        }
        self.charset = Some(word.charset);
        if word.base64 {
            self.bytes.extend(base64_decode(word.data).unwrap_or_default());
        } else {
            decode_q(word.data, &mut self.bytes);
        }
    }

    fn flush(&mut self, text: &mut String) {
        if let Some(charset) = self.charset.take() {
            text.push_str(&decode_charset(&self.bytes, Some(charset)).replace(['\r', '\n'], " "));
            self.bytes.clear();
        }
    }
}

/// The Q encoding (RFC 2047 §4.2); what is no valid escape stays as it is.
fn decode_q(data: &[u8], into: &mut Vec<u8>) {
    let mut rest = data;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match (byte, tail) {
            (b'_', _) => into.push(b' '),
            (b'=', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                into.push(hex(*high) << 4 | hex(*low));
                rest = tail;
            }
            _ => into.push(*byte),
        }
    }
}

const fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A') + 10,
    }
}

fn push_plain(text: &mut String, raw: &[u8]) {
    if raw.is_empty() {
        return;
    }
    let starts_blank = raw.first().is_some_and(u8::is_ascii_whitespace);
    let ends_blank = raw.last().is_some_and(u8::is_ascii_whitespace);
    let plain = unfold(raw);
    if starts_blank {
        text.push(' ');
    }
    text.push_str(&plain);
    if ends_blank && !plain.is_empty() {
        text.push(' ');
    }
}

/// Folded lines joined, blanks at both ends removed.
fn unfold(raw: &[u8]) -> String {
    let text = decode_charset(raw.trim_ascii(), None);
    if !text.contains(['\n', '\r']) {
        return text;
    }
    let mut unfolded = String::with_capacity(text.len());
    for line in text.split(['\n', '\r']) {
        let line = line.trim_matches([' ', '\t']);
        if !line.is_empty() {
            if !unfolded.is_empty() {
                unfolded.push(' ');
            }
            unfolded.push_str(line);
        }
    }
    unfolded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_text_is_decoded() {
        for (raw, text) in [
            ("Hello world", "Hello world"),
            ("Hello\r\n  world", "Hello world"),
            ("=?utf-8?B?UmU6IENhZsOp?=", "Re: Café"),
            ("=?iso-8859-1?Q?Caf=E9_au_lait?=", "Café au lait"),
            ("Re: =?utf-8?q?Caf=C3=A9?= noir", "Re: Café noir"),
            // Blanks between encoded words vanish, also where a character is split over two words.
            ("=?utf-8?q?Caf=C3?=\r\n =?utf-8?q?=A9?=", "Café"),
            ("=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?=", "テスト"),
            ("=?utf-8*en?q?tagged?=", "tagged"),
            // What is no encoded word stays as it is.
            ("=?broken", "=?broken"),
            ("1 =? 2", "1 =? 2"),
            ("=?x-unknown?q?abc?=", "abc"),
        ] {
            assert_eq!(decode_text(raw.as_bytes()), text, "{raw:?}");
        }
        assert_eq!(decode_text(b"Caf\xe9"), "Café");
    }

    #[test]
    fn a_field_full_of_openings_takes_linear_time() {
        let hostile = b"=?utf-8?q?".repeat(200_000);
        assert!(decode_text(&hostile).len() <= hostile.len());
    }
}
