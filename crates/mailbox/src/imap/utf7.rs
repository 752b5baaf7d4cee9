//! Modified UTF-7 (RFC 3501 §5.1.3), in which servers without UTF8=ACCEPT name their folders.

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const MUTF7: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A folder's name for people. What isn't modified UTF-7 stays as it is: some servers send plain UTF-8.
pub(crate) fn decode(wire: &[u8]) -> String {
    let text = String::from_utf8_lossy(wire);
    let mut name = String::with_capacity(text.len());
    let mut rest: &str = &text;
    while let Some((before, after)) = rest.split_once('&') {
        name.push_str(before);
        match after.split_once('-') {
            Some(("", tail)) => {
                name.push('&');
                rest = tail;
            }
            Some((coded, tail)) => {
                match decode_run(coded) {
                    Some(run) => name.push_str(&run),
                    None => {
                        name.push('&');
                        name.push_str(coded);
                        name.push('-');
                    }
                }
                rest = tail;
            }
            None => {
                name.push('&');
                rest = after;
            }
        }
    }
    name.push_str(rest);
    name
}

fn decode_run(coded: &str) -> Option<String> {
    let bytes = MUTF7.decode(coded).ok()?;
    let units = bytes.chunks_exact(2).map(|pair| match pair {
        [high, low] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    });
    char::decode_utf16(units).collect::<Result<String, _>>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_names_are_decoded_for_people() {
        for (wire, name) in [
            ("INBOX", "INBOX"),
            ("R&-D", "R&D"),
            ("Entw&APw-rfe", "Entwürfe"),
            ("&ZeVnLIqe-", "日本語"),
            ("&U,BTFw-/&ZeVnLIqe-", "台北/日本語"),
            ("&2D3eAA-", "😀"),
            ("AT&T", "AT&T"),
            ("Entwürfe", "Entwürfe"),
            ("&!!-x", "&!!-x"),
        ] {
            assert_eq!(decode(wire.as_bytes()), name);
        }
    }
}
