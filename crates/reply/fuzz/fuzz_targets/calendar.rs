//! A calendar part.
#![no_main]

use answerback_reply::{Identity, Message, kind::classify};

libfuzzer_sys::fuzz_target!(|part: &[u8]| {
    let mut raw = b"From: postmaster@x.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/calendar; method=REPLY\n\n".to_vec();
    raw.extend_from_slice(part);
    classify(&Message::parse(&raw), &Identity::default());
});
