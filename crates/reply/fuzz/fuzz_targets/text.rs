//! Extraction of text, dates, contacts and intent.
#![no_main]

use answerback_reply::{absence, intent, phrases, text};

libfuzzer_sys::fuzz_target!(|raw: &[u8]| {
    let decoded = String::from_utf8_lossy(raw);
    let plain = text::from_plain(&decoded, text::Flowed::Yes);
    text::from_html(&decoded);
    text::newly_written(raw);
    absence::signal(&decoded, &plain);
    absence::returns_on(&plain, jiff::civil::date(2026, 11, 20));
    absence::alternative_contact(&plain, None);
    intent::intent(&plain);
    phrases::normalise_subject(&decoded);
});
