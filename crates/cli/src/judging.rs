//! One message of an exported mailbox, from its bytes to a verdict, whatever it holds.

use std::panic::{AssertUnwindSafe, catch_unwind};

use answerback_reply::{Action, Identity, Judge, Kind, Message, Policy, SendIndex, Triage, Verdict};
use jiff::Timestamp;

use crate::input::mbox::is_header_field;
use crate::input::{Item, MailFile};
use crate::threads::Seen;

/// No header is longer than this; what is has something wrong with it.
const MAX_HEADER: usize = 256 * 1024;

/// Whose mailbox it is, what was sent and what is done about answers.
#[derive(Debug)]
pub struct Case {
    /// The rep.
    pub me: Identity,
    /// The tracked sends.
    pub sends: SendIndex,
    /// The default policy.
    pub policy: Policy,
}

impl Case {
    fn judge(&self) -> Judge<'_> {
        Judge { me: &self.me, sends: &self.sends, policy: &self.policy }
    }

    /// The verdict on a message; what can't be parsed is `unknown` and says why.
    pub fn verdict(&self, file: &MailFile, raw: &[u8]) -> Verdict {
        if let Err(why) = looks_like_mail(raw) {
            return unknown(why);
        }
        // Parsers of hostile input have had panics before; one message must not end the run.
        let judged = catch_unwind(AssertUnwindSafe(|| {
            let mut message = Message::parse(raw);
            message.received_at = delivery_time(file);
            message.thread_ids.extend(takeout_thread(header(raw)));
            self.judge().verdict(&message)
        }));
        judged.unwrap_or_else(|_| unknown("the parser failed on it"))
    }

    /// What a first look tells of the message's place in its thread; `None` where it can't be parsed.
    pub fn first_look(&self, item: &Item, raw: &[u8]) -> Option<Seen> {
        looks_like_mail(raw).ok()?;
        catch_unwind(AssertUnwindSafe(|| {
            let header = header(raw);
            let mut message = Message::from_header(header);
            message.thread_ids.extend(takeout_thread(header));
            let judge = self.judge();
            let (verdict, copy) = match judge.triage(&message) {
                Triage::Unrelated => (Verdict::default(), None),
                Triage::Own => {
                    let mut whole = Message::parse(raw);
                    whole.thread_ids.clone_from(&message.thread_ids);
                    (judge.verdict(&message), judge.own_copy(&whole))
                }
                Triage::Candidate => {
                    let mut whole = Message::parse(raw);
                    whole.thread_ids.clone_from(&message.thread_ids);
                    (judge.verdict(&whole), None)
                }
            };
            let is_asked = verdict.actions.contains(&Action::Ask);
            Seen { is_asked, ..Seen::new(item.at, &message, verdict.send_id, copy) }
        }))
        .ok()
    }
}

/// The header block with the empty line that ends it, as far as it is looked at.
pub fn header(raw: &[u8]) -> &[u8] {
    let mut end = 0;
    for line_break in memchr::memchr_iter(b'\n', raw.get(..MAX_HEADER).unwrap_or(raw)) {
        if matches!(raw.get(end..line_break), Some([] | [b'\r'])) {
            return raw.get(..=line_break).unwrap_or(raw);
        }
        end = line_break + 1;
    }
    raw.get(..MAX_HEADER).unwrap_or(raw)
}

/// Whether there is a header field at all: a photo with the name of a message has none.
fn looks_like_mail(raw: &[u8]) -> Result<(), &'static str> {
    if raw.trim_ascii().is_empty() {
        return Err("the message is empty");
    }
    let raw = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
    let mut lines = header(raw).split(|byte| *byte == b'\n');
    if lines.any(is_header_field) { Ok(()) } else { Err("no header field was found") }
}

fn unknown(why: &str) -> Verdict {
    Verdict { kind: Kind::Unknown, error: Some(why.to_owned()), ..Verdict::default() }
}

/// Gmail's exports carry its thread ids in a header field.
fn takeout_thread(header: &[u8]) -> Option<String> {
    const FIELD: &[u8] = b"X-GM-THRID:";
    let line = header
        .split(|byte| *byte == b'\n')
        .find(|line| line.get(..FIELD.len()).is_some_and(|name| name.eq_ignore_ascii_case(FIELD)))?;
    let id = std::str::from_utf8(line.get(FIELD.len()..)?).ok()?.trim();
    (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())).then(|| format!("gm:{id}"))
}

/// A Maildir names its files by the second of delivery: `1700000000.M20P3.host:2,S`.
fn delivery_time(file: &MailFile) -> Option<Timestamp> {
    let (seconds, rest) = file.path.file_name()?.to_str()?.split_once('.')?;
    // Nine or ten digits: 1973 to 2286.
    let is_time = (9..=10).contains(&seconds.len()) && rest.contains('.');
    Timestamp::from_second(seconds.parse().ok().filter(|_| is_time)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Format;

    #[test]
    fn the_header_ends_at_the_first_empty_line() {
        for (raw, expected) in [
            ("A: 1\nB: 2\n\nbody\n\nmore", "A: 1\nB: 2\n\n"),
            ("A: 1\r\n\r\nbody", "A: 1\r\n\r\n"),
            ("A: 1\n", "A: 1\n"),
            ("\nbody", "\n"),
            ("", ""),
        ] {
            assert_eq!(header(raw.as_bytes()), expected.as_bytes());
        }
    }

    #[test]
    fn what_is_no_mail_says_so() {
        assert!(looks_like_mail(b"Subject: x\n\nbody").is_ok());
        assert!(looks_like_mail(b"garbage\nSubject: x\n\nbody").is_ok());
        assert!(looks_like_mail(b"\xef\xbb\xbfSubject: x\n\nbody").is_ok());
        for no_mail in [&b""[..], b"\r\n\n", b"\x89PNG\r\n\x1a\n\0\0\0", b"only words\n\nSubject: x\n"] {
            assert!(looks_like_mail(no_mail).is_err(), "{no_mail:?}");
        }
    }

    #[test]
    fn gmails_thread_id_is_read_from_its_exports() {
        assert_eq!(takeout_thread(b"A: 1\r\nx-gm-thrid: 1779\r\n\r\n").as_deref(), Some("gm:1779"));
        assert_eq!(takeout_thread(b"X-GM-THRID: \n\n"), None);
        assert_eq!(takeout_thread(b"Subject: X-GM-THRID: 17\n\n"), None);
    }

    #[test]
    fn the_second_of_delivery_is_in_a_maildir_name_only() {
        let time = |name: &str| {
            delivery_time(&MailFile { path: format!("m/cur/{name}").into(), format: Format::Single, size: 0 })
        };
        assert_eq!(time("1700000000.M20P3.host:2,S").unwrap().as_second(), 1_700_000_000);
        assert_eq!(time("1.eml"), None);
        assert_eq!(time("1700000000.eml"), None);
    }
}
