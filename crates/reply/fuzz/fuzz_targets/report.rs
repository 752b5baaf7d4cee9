//! The machine-readable part of a delivery report.
#![no_main]

use answerback_reply::{Identity, Message, kind::classify};

libfuzzer_sys::fuzz_target!(|part: &[u8]| {
    let mut raw = b"From: postmaster@x.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n".to_vec();
    raw.extend_from_slice(part);
    classify(&Message::parse(&raw), &Identity::default());
});
