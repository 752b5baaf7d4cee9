//! Exchange's Thread-Index ([MS-OXOMSG] §2.2.1.3): 22 bytes that all messages of a conversation share, then five a
//! reply.

use std::fmt::Write;

use mail_parser::decoders::base64::base64_decode;

/// The root's length: a reserved byte, five of a FILETIME, a GUID.
const ROOT: usize = 22;

/// The conversation's root as `exchange:hex`; `None` for a value that is too short to be one.
///
/// Only the GUID is taken: clients disagree about the first bytes' time.
pub(crate) fn root(value: &[u8]) -> Option<String> {
    let bytes = base64_decode(value.get(..value.len().min(4096))?)?;
    let guid = bytes.get(6..ROOT)?;
    if guid.iter().all(|byte| *byte == 0) {
        return None;
    }
    let mut root = String::with_capacity(9 + 2 * guid.len());
    root.push_str("exchange:");
    for byte in guid {
        write!(root, "{byte:02x}").ok()?;
    }
    Some(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_and_the_answers_to_it_share_the_root() {
        let parent = b"AdIr6DNOpfxU/VmOTKyWJRRV0Ya9Og==";
        let answer = b"AdIr6DNOpfxU/VmOTKyWJRRV0Ya9OgAAeRiw";
        let expected = root(parent).unwrap();
        assert!(expected.starts_with("exchange:"));
        assert_eq!(root(answer), Some(expected.clone()));
        assert_ne!(root(b"AdIr6DNOpfxU/VmOTKyWJRRV0Ya8Og=="), Some(expected));
        for bad in [&b""[..], b"AdIr6DNO", b"!!", b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(root(bad), None);
        }
    }
}
