//! Header and body of any message.
#![no_main]

use answerback_reply::Message;

libfuzzer_sys::fuzz_target!(|raw: &[u8]| {
    assert_eq!(Message::parse(raw).key(), Message::from_header(raw).key());
});
