//! Delivery reports that are no multipart/report: qmail, Exim, older Sendmail and Exchange, Notes, webmail providers.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::{
    Bounce, BounceClass, BounceReason, Kind,
    kind::classify::Reason,
    message::{Field, Message},
};

use super::{
    DeliveryAction, RecipientReport, Report,
    origin::{self, Origin},
    reason,
    report::{class_of_full_mailbox, truncated},
    status::{self, Status},
};

/// What is searched of a report's own words; the original message follows them.
const MAX_WORDS: usize = 16 * 1024;
/// Recipients read of one report.
const MAX_RECIPIENTS: usize = 50;

/// The delivery report that a message's words say it is.
pub(super) fn detect(message: &Message) -> Option<Report> {
    let origin = origin::of(message);
    if origin == Origin::Unknown {
        return None;
    }
    let subject = message.subject.as_deref().unwrap_or_default().to_lowercase();
    let delay = DELAY_SUBJECT.find(&subject);
    // "Delivery Status Notification (Delay)" says what sort; without it the rest may speak of a failure.
    let failure = match delay {
        Some(delay) => FAILURE_SUBJECT.find(&subject.replacen(delay, "", 1)),
        None => FAILURE_SUBJECT.find(&subject),
    };
    let is_report = message.content_type.report_type.as_deref() == Some("delivery-status");
    let whole = message.text();
    let words = own_words(&whole);
    let lower = words.to_lowercase();
    let reason = match (origin, failure.or(delay)) {
        (Origin::MailSystem(reason), Some(_)) => reason,
        (Origin::MailSystem(reason), None) if is_report || says_failure(&lower) => reason,
        // Without an author that only mail systems have, subject and text must both say it.
        (Origin::Automatic, Some(phrase)) if is_report || !message.has_body || says_failure(&lower) => {
            Reason::subject(phrase)
        }
        (Origin::Automatic, None) if is_report || is_bare_report(message, &lower) => {
            Reason::part("text/plain", "delivery failure")
        }
        _ => return None,
    };
    let kind = if is_delay(delay.is_some(), failure.is_some(), &lower) { Kind::Delay } else { Kind::Bounce };
    let recipients = recipients(message, words, kind);
    Some(Report { kind, recipients, reason })
}

fn says_failure(lower: &str) -> bool {
    FAILURE_TEXT.find(lower).or_else(|| DELAY_TEXT.find(lower)).is_some()
}

/// The words of the report, for a machine-readable part that says less than they do.
pub(super) fn fill_in(recipients: &mut [RecipientReport], message: &Message) {
    let needs_words = |recipient: &RecipientReport| {
        recipient.bounce.diagnostic.is_none() && recipient.bounce.reason == BounceReason::Other
    };
    if !recipients.iter().any(needs_words) {
        return;
    }
    let whole = message.text();
    let words = own_words(&whole);
    let Some(reason) = reason::of_text(words) else { return };
    for recipient in recipients.iter_mut().filter(|recipient| needs_words(recipient)) {
        let bounce = &mut recipient.bounce;
        bounce.reason = reason;
        bounce.diagnostic = diagnostic(words);
        let status = bounce.status.as_deref().and_then(Status::find);
        bounce.class = class_of_full_mailbox(status, reason).unwrap_or(bounce.class);
    }
}

/// A report without a telling subject: the null path, and an SMTP refusal in its words, or nobody as its author.
fn is_bare_report(message: &Message, lower: &str) -> bool {
    if message.from.is_none() && message.from_name.is_none() && message.return_path.as_deref() == Some("") {
        return FAILURE_TEXT.find(lower).is_some();
    }
    message.return_path.as_deref() == Some("")
        && !message.is_threaded()
        && FAILURE_TEXT.find(lower).is_some()
        && (Status::find(lower).is_some() || status::find_reply(lower).is_some())
}

/// "Warning: … delayed" is a delay unless the text says that it is over.
fn is_delay(subject_delay: bool, subject_failure: bool, lower: &str) -> bool {
    let text_delay = DELAY_TEXT.find(lower).is_some();
    let final_words = ["giving up", "gave up", "failed permanently", "permanent error", "permanent fatal"];
    let is_final = final_words.iter().any(|words| lower.contains(words));
    match (subject_delay, subject_failure) {
        (true, false) => true,
        (_, true) => text_delay && subject_delay && !is_final,
        (false, false) => text_delay && !is_final,
    }
}

/// What the reporter wrote before the original message or its header.
fn own_words(text: &str) -> &str {
    let window = floor(text, MAX_WORDS);
    let mut at = 0;
    for line in window.split_inclusive('\n') {
        if at > 0 && starts_original(line) {
            break;
        }
        at += line.len();
    }
    window.get(..at).unwrap_or(window)
}

/// A line that introduces the original, or is the first of its header.
fn starts_original(line: &str) -> bool {
    let line = line.trim();
    let lower = line.to_ascii_lowercase();
    const FIRST_FIELDS: &[&str] = &[
        "received:",
        "return-path:",
        "x-envelope-from:",
        "delivered-to:",
        "dkim-signature:",
        "mime-version:",
    ];
    if FIRST_FIELDS.iter().any(|field| lower.starts_with(field)) {
        return true;
    }
    const INTRODUCTIONS: &[&str] = &[
        "below this line is a copy",
        "this is a copy of the message",
        "copy of your message",
        "copy of the message",
        "original message follows",
        "original message header",
        "original message text",
        "original message",
        "header of the original",
        "message header follows",
        "message headers follow",
        "returned message follows",
        "start of returned message",
        "original mail",
        "the original message was",
        "unsent message",
        "text of your message",
        "unsent message below",
        "returned message",
        "contents of the message",
        "mensaje original",
        "message d'origine",
        "ursprüngliche nachricht",
        "die ursprüngliche",
        "original email",
        "nachrichtenkopf",
    ];
    // As a heading, not in a sentence: dashes around it, or a colon after it.
    let is_heading =
        line.starts_with(['-', '=', '*', '+', '<', '_']) || lower.ends_with(':') || lower.ends_with("---");
    is_heading && INTRODUCTIONS.iter().any(|words| lower.contains(words))
}

fn recipients(message: &Message, words: &str, kind: Kind) -> Vec<RecipientReport> {
    let action = if kind == Kind::Delay { DeliveryAction::Delayed } else { DeliveryAction::Failed };
    let mut blocks = blocks(message, words);
    let listed = message.sign(Field::FailedRecipients).unwrap_or_default();
    for address in listed.split([',', ' ', ';']).map(|address| address.trim().to_ascii_lowercase()) {
        if address.contains('@')
            && blocks.len() < MAX_RECIPIENTS
            && !blocks.iter().any(|block| block.address.as_deref() == Some(&address))
        {
            blocks.push(Block { address: Some(address), words });
        }
    }
    if blocks.is_empty() {
        blocks.push(Block { address: None, words });
    }
    blocks.into_iter().map(|block| block.report(action, words)).collect()
}

/// What a report says of one recipient: from its address to the next one's.
struct Block<'x> {
    address: Option<String>,
    words: &'x str,
}

impl Block<'_> {
    fn report(self, action: DeliveryAction, all: &str) -> RecipientReport {
        // Words after the address, else the whole report: Exchange and Notes write the reason first.
        let has_code = Status::find(self.words).is_some() || status::find_reply(self.words).is_some();
        let words = if has_code || reason::of_text(self.words).is_some() { self.words } else { all };
        let status = Status::find(words).filter(|status| status.class != 2);
        let reply = status::find_reply(words);
        let found = reason::decide(status, words);
        let class = class_of_full_mailbox(status.filter(|_| reply.is_none()), found)
            .filter(|_| status.is_none_or(Status::is_generic))
            .or_else(|| status.and_then(|status| status::class_of(status.class)))
            .or_else(|| status::class_of(u8::try_from(reply? / 100).ok()?))
            .unwrap_or_else(|| class_of_words(action, found, words));
        let bounce = Bounce {
            class,
            reason: found,
            status: status.map(|status| status.to_string()),
            recipient: self.address,
            diagnostic: diagnostic(words),
        };
        RecipientReport { action, original_recipient: None, bounce }
    }
}

/// Without any code: a delay, a full mailbox and a host that can't be reached may pass.
fn class_of_words(action: DeliveryAction, reason: BounceReason, words: &str) -> BounceClass {
    use BounceReason::{Expired, MailboxFull};
    let lower = words.to_lowercase();
    if action == DeliveryAction::Delayed
        || matches!(reason, MailboxFull | Expired)
        || lower.contains("temporar")
        || lower.contains("try again")
    {
        BounceClass::Transient
    } else {
        BounceClass::Permanent
    }
}

/// The line with the code, else the first line that names a reason.
fn diagnostic(words: &str) -> Option<String> {
    let mut lines = words.lines().map(str::trim).filter(|line| !line.is_empty());
    let coded = lines.clone().find(|line| Status::find(line).is_some() || status::find_reply(line).is_some());
    let line = coded.or_else(|| lines.find(|line| reason::of_text(line).is_some()))?;
    Some(truncated(line, 500))
}

/// Addresses at the beginning of a line open a block.
fn blocks<'x>(message: &Message, words: &'x str) -> Vec<Block<'x>> {
    let mut starts: Vec<(usize, String)> = Vec::new();
    let mut at = 0;
    for line in words.split_inclusive('\n') {
        if let Some(address) = leading_address(line)
            && !message.to.contains(&address)
            && starts.len() < MAX_RECIPIENTS
            && !starts.iter().any(|(_, known)| *known == address)
        {
            starts.push((at, address));
        }
        at += line.len();
    }
    if starts.is_empty() {
        let address =
            words.split_whitespace().filter_map(bare_address).find(|address| !message.to.contains(address));
        return address.into_iter().map(|address| Block { address: Some(address), words }).collect();
    }
    let ends: Vec<usize> =
        starts.iter().skip(1).map(|(start, _)| *start).chain(std::iter::once(words.len())).collect();
    starts
        .into_iter()
        .zip(ends)
        .map(|((start, address), end)| Block {
            address: Some(address),
            words: words.get(start..end).unwrap_or_default(),
        })
        .collect()
}

/// The address that a line begins with, behind blanks, brackets and the labels that reports use.
fn leading_address(line: &str) -> Option<String> {
    let mut line = line.trim_start_matches(|c: char| {
        c.is_whitespace() || matches!(c, '<' | '*' | '-' | '"' | '\'' | '>' | '|')
    });
    for label in [
        "to:",
        "recipient:",
        "recipient address:",
        "failed recipient:",
        "rcpt to:",
        "email address:",
        "address:",
        "mailto:",
        "user:",
        "final-recipient: rfc822;",
        "original-recipient: rfc822;",
        "for",
    ] {
        if line.get(..label.len()).is_some_and(|start| start.eq_ignore_ascii_case(label)) {
            line = line
                .get(label.len()..)
                .unwrap_or_default()
                .trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '<' | '"'));
            break;
        }
    }
    bare_address(line.split_whitespace().next()?)
}

/// The address in a word, in lower case, without brackets and punctuation around it.
fn bare_address(word: &str) -> Option<String> {
    let word = word.split(['<', '(', '[']).rfind(|part| part.contains('@')).unwrap_or(word);
    let word = word.split(['>', ')', ']', ',', ';', '"']).next()?;
    let word = word.trim_matches(|c: char| matches!(c, ':' | '.' | '\'' | '<' | '*'));
    // "[SMTP:flynn@flynnsarcade.com]" is MailEnable's.
    let scheme = ["mailto:", "smtp:"]
        .iter()
        .find(|scheme| word.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let word = word.get(scheme.map_or(0, |scheme| scheme.len())..).unwrap_or(word);
    let (local, domain) = word.rsplit_once('@')?;
    let plausible = !local.is_empty()
        && domain.contains('.')
        && domain.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
        && word.len() <= 254;
    plausible.then(|| word.to_lowercase())
}

fn floor(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}

/// A section of the phrase file, searched in one pass.
struct Phrases {
    automaton: Option<AhoCorasick>,
    phrases: Vec<&'static str>,
}

impl Phrases {
    fn of(section: &str) -> Self {
        let mut inside = false;
        let mut phrases = Vec::new();
        for line in include_str!("phrases.txt").lines().map(str::trim) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                inside = name == section;
            } else if inside && !line.is_empty() && !line.starts_with('#') {
                phrases.push(line);
            }
        }
        Self { automaton: AhoCorasick::new(&phrases).ok(), phrases }
    }

    fn find(&self, lower: &str) -> Option<&'static str> {
        let found = self.automaton.as_ref()?.find(lower)?;
        self.phrases.get(found.pattern().as_usize()).copied()
    }
}

static FAILURE_SUBJECT: LazyLock<Phrases> = LazyLock::new(|| Phrases::of("failure subject"));
static DELAY_SUBJECT: LazyLock<Phrases> = LazyLock::new(|| Phrases::of("delay subject"));
static FAILURE_TEXT: LazyLock<Phrases> = LazyLock::new(|| Phrases::of("failure text"));
static DELAY_TEXT: LazyLock<Phrases> = LazyLock::new(|| Phrases::of("delay text"));
