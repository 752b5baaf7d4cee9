//! Rung 7: an answer without any id that names the send, recognised by who wrote it, what about, when, and what it
//! quotes. Above a measured confidence it may stop a campaign; below, the rep is asked.

use std::{borrow::Cow, collections::HashSet};

use crate::{
    Evidence, Kind, Rung, address, fingerprint,
    index::{Send, SendIndex},
    kind::Classification,
    message::Message,
    phrases, relation,
};

use super::is_in_time;

/// Clocks of two mail systems differ by at most this much.
const SKEW: i64 = 15 * 60;
/// A quote proves that the send came first, whatever a badly set clock says.
const QUOTED_SKEW: i64 = 24 * 3600;
/// An answer that comes later says too little without a quote.
const WINDOW: i64 = 60 * 24 * 3600;
/// Quoted sequences looked up.
const MAX_SEQUENCES: usize = 20_000;
/// Sends compared with one message.
const MAX_COMPARED: usize = 256;

/// What speaks for one send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signals {
    /// Word sequences of the send that the message quotes.
    pub quoted: usize,
    /// Of these, sequences that stand in no other send.
    pub unique: usize,
    /// The subject is the send's, prefixes aside.
    pub subject: bool,
    /// The subject begins as an answer's does.
    pub reply_prefix: bool,
    /// Who the author is to the send.
    pub author: Author,
    /// The text names the send's day and its time to the minute, as attribution lines do.
    pub dated: bool,
    /// The text names no time at all, so that nothing speaks against the send's.
    pub undated: bool,
    /// The text holds the address that the send is from, as attribution lines and quoted headers do.
    pub names_sender: bool,
    /// A recipient of the send, a mailing list for example, is a recipient of the message.
    pub common_recipient: bool,
    /// After the send, and within the window unless it is quoted.
    pub timely: bool,
    /// Another send fits as well but for what is quoted.
    pub rivals: bool,
}

/// Who the author is to a send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Author {
    /// Anybody.
    #[default]
    Other,
    /// At the organisation of a recipient.
    Organisation,
    /// The prospect by name.
    SamePerson,
    /// A recipient.
    Recipient,
}

impl Signals {
    /// The share of right attributions among messages with such signals, measured: see docs/detection.md.
    pub(crate) fn confidence(&self) -> f64 {
        let answers = self.subject && self.reply_prefix;
        let known = self.author >= Author::SamePerson;
        match self {
            // Before it was sent nothing answers it.
            Self { timely: false, .. } => 0.0,
            // A passage that only this send holds.
            Self { unique: 1.., subject: true, .. } => 0.999,
            // A passage of a template: subject and author tell whose.
            Self { quoted: 2.., subject: true, .. } if known => 0.998,
            Self { quoted: 2.., rivals: false, .. } if answers => 0.995,
            // A campaign goes to many within one minute: then the time says nothing about which of them.
            Self { dated: true, subject: true, rivals: false, .. } => 0.998,
            // The prospect answers under the same subject.
            _ if answers && self.author == Author::Recipient && !self.rivals => 0.995,
            // Somebody answers the rep under the same subject, and no date says that it was another mail of the rep's.
            _ if answers && self.names_sender && self.undated && !self.rivals => 0.992,
            _ if answers && self.author >= Author::Organisation && !self.rivals => 0.99,
            _ if answers && (known || (self.names_sender && !self.rivals)) => 0.95,
            Self { quoted: 1.., .. } if answers => 0.9,
            _ if answers && self.common_recipient => 0.8,
            _ if answers => 0.7,
            _ if self.subject && known => 0.6,
            _ => 0.0,
        }
    }

    fn describe(&self) -> String {
        let mut found = Vec::new();
        if self.quoted > 0 {
            found.push("quoted text");
        }
        if self.dated {
            found.push("quoted date");
        }
        if self.names_sender {
            found.push("quoted sender");
        }
        if self.subject {
            found.push("subject");
        }
        match self.author {
            Author::Recipient => found.push("recipient"),
            Author::SamePerson => found.push("name"),
            Author::Organisation => found.push("organisation"),
            Author::Other => {}
        }
        found.join(", ")
    }
}

/// Below this nobody is asked either.
const WORTH_ASKING: f64 = 0.5;

/// The send that the content speaks for, with the confidence in it.
pub(super) fn find<'x>(
    message: &Message,
    kind: &Classification,
    sends: &'x SendIndex,
) -> Option<(Send<'x>, f64, Evidence)> {
    if !matches!(kind.kind, Kind::Reply | Kind::AutoReply | Kind::CalendarResponse | Kind::Acknowledgement) {
        return None;
    }
    let (send, signals) = best(message, sends)?;
    let confidence = signals.confidence();
    (confidence >= WORTH_ASKING)
        .then(|| (send, confidence, Evidence { rung: Rung::Content, value: signals.describe() }))
}

/// The send that most speaks for, and what does.
pub(crate) fn best<'x>(message: &Message, sends: &'x SendIndex) -> Option<(Send<'x>, Signals)> {
    let subject = message.subject.as_deref().unwrap_or_default();
    let reply_prefix = phrases::is_answer(subject);
    let quoted = Quoted::of(message, sends);
    let mut candidates: Vec<Send<'x>> = Vec::new();
    let mut known = HashSet::new();
    let mut add = |found: &mut dyn Iterator<Item = Send<'x>>| {
        for send in found {
            if candidates.len() < MAX_COMPARED && known.insert(send.slot) {
                candidates.push(send);
            }
        }
    };
    add(&mut quoted.sends(sends));
    add(&mut sends.by_subject(subject));
    for author in message.from.iter().chain(&message.reply_to) {
        add(&mut sends.by_participant(author));
    }
    let times = quoted_times(message);
    let named = addresses(message);
    let mut compared: Vec<(Send<'x>, Signals)> = candidates
        .into_iter()
        .filter(|send| is_in_time(message, send))
        .map(|send| (send, compare(message, &send, sends, &quoted, &times, &named, reply_prefix)))
        .filter(|(_, signals)| signals.confidence() > 0.0)
        .collect();
    // The best; among equals the one whose recipient the author is, then the newest that is not newer than the message.
    let score = |signals: &Signals| (signals.unique, signals.quoted, signals.author);
    compared.sort_by(|(one, first), (other, second)| {
        second
            .confidence()
            .total_cmp(&first.confidence())
            .then(score(second).cmp(&score(first)))
            .then(other.sent_at.cmp(&one.sent_at))
    });
    let mut ranked = compared.into_iter();
    let (send, mut signals) = ranked.next()?;
    // Steps of one campaign share subject and recipient; whichever is meant, it is that prospect's answer.
    signals.rivals =
        ranked.take_while(|(_, other)| other.confidence() >= signals.confidence()).any(|(rival, other)| {
            score(&other) >= score(&signals) && !address::same_mailbox(rival.prospect, send.prospect)
        });
    Some((send, signals))
}

fn compare(
    message: &Message,
    send: &Send<'_>,
    sends: &SendIndex,
    quoted: &Quoted,
    times: &[QuotedTime],
    named: &[String],
    reply_prefix: bool,
) -> Signals {
    let age = message.sent_at().map(|at| at.as_second() - send.sent_at);
    let subject = message.subject.as_deref().is_some_and(|subject| sends.has_subject(send, subject));
    // Without quote marks nothing tells a quote from a footer that everybody's mail bears.
    let (quoted, unique) = if quoted.is_marked || subject { quoted.of_send(send, sends) } else { (0, 0) };
    Signals {
        quoted,
        unique,
        subject,
        reply_prefix,
        author: author(message, send),
        dated: times.iter().any(|time| time.fits(send.sent_at)),
        undated: times.is_empty(),
        names_sender: named.iter().any(|address| sends.is_from(send, address)),
        common_recipient: send
            .to()
            .any(|to| message.to.iter().chain(&message.cc).any(|other| address::same_mailbox(to, other))),
        timely: age.is_some_and(|age| {
            age >= if quoted > 0 { -QUOTED_SKEW } else { -SKEW } && (age <= WINDOW || quoted > 0)
        }),
        rivals: false,
    }
}

fn author(message: &Message, send: &Send<'_>) -> Author {
    let Some(from) = message.from.as_deref() else { return Author::Other };
    if send.participants().any(|known| address::same_mailbox(known, from)) {
        return Author::Recipient;
    }
    if relation::is_same_person(from, message.from_name.as_deref().unwrap_or_default(), send) {
        return Author::SamePerson;
    }
    match address::organisation(from) {
        Some(organisation)
            if send.participants().any(|known| address::organisation(known) == Some(organisation)) =>
        {
            Author::Organisation
        }
        _ => Author::Other,
    }
}

/// The word sequences of known sends that a message holds.
struct Quoted {
    hashes: Vec<u32>,
    /// They stand behind quote marks.
    is_marked: bool,
}

impl Quoted {
    fn of(message: &Message, sends: &SendIndex) -> Self {
        if !sends.has_fingerprints() {
            return Self { hashes: Vec::new(), is_marked: false };
        }
        let text = message.text();
        let quoted = quoted_part(&text);
        let is_marked = matches!(quoted, Cow::Owned(_));
        let mut hashes: Vec<u32> = fingerprint::sequences(&quoted)
            .take(MAX_SEQUENCES)
            .filter(|hash| sends.is_quoted(*hash) && !is_boilerplate(*hash, sends))
            .collect();
        hashes.sort_unstable();
        hashes.dedup();
        Self { hashes, is_marked }
    }

    fn sends<'x>(&self, sends: &'x SendIndex) -> impl Iterator<Item = Send<'x>> {
        self.hashes.iter().take(200).flat_map(|hash| sends.by_sequence(*hash).take(16))
    }

    fn of_send(&self, send: &Send<'_>, sends: &SendIndex) -> (usize, usize) {
        let Some(fingerprint) = sends.fingerprint(send) else { return (0, 0) };
        let quoted = self.hashes.iter().filter(|hash| fingerprint.contains(**hash));
        // One text to several prospects, or a passage of an earlier send that a later one repeats, is not unique.
        let is_unique = |hash: &&u32| sends.by_sequence(**hash).nth(1).is_none();
        (quoted.clone().count(), quoted.filter(is_unique).count())
    }
}

/// The lines behind quote marks where there are any, else the whole: what a list or a gateway adds to everybody's mail
/// stands outside the quote.
fn quoted_part(text: &str) -> Cow<'_, str> {
    let is_quoted = |line: &&str| line.trim_start().starts_with('>');
    if !text.lines().any(|line| is_quoted(&line)) {
        return Cow::Borrowed(text);
    }
    let mut quoted = String::with_capacity(text.len());
    for line in text.lines().filter(is_quoted) {
        quoted.push_str(line);
        quoted.push('\n');
    }
    Cow::Owned(quoted)
}

/// Words that stand under many subjects are a footer's or a signature's.
fn is_boilerplate(sequence: u32, sends: &SendIndex) -> bool {
    let mut subjects: Vec<u32> =
        sends.by_sequence(sequence).take(32).map(|send| send.subject_hash()).collect();
    subjects.sort_unstable();
    subjects.dedup();
    subjects.len() >= 3
}

/// The addresses in the text.
fn addresses(message: &Message) -> Vec<String> {
    const MAX_ADDRESSES: usize = 40;
    let text = message.text();
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '@');
    let words = text.split(|c: char| !is_part(c)).filter(|word| word.len() <= 254 && word.contains('@'));
    words.map(|word| word.trim_matches('.').to_lowercase()).take(MAX_ADDRESSES).collect()
}

/// A time of day and a day that a quote's attribution names.
struct QuotedTime {
    minute: i64,
    days: Vec<i64>,
    years: Vec<i64>,
}

impl QuotedTime {
    /// Time zones differ by whole or half hours, and by up to a day.
    fn fits(&self, sent_at: i64) -> bool {
        let Ok(sent) = jiff::Timestamp::from_second(sent_at) else { return false };
        let minute = sent_at.div_euclid(60).rem_euclid(60);
        let same_minute = self.minute == minute || (self.minute + 30) % 60 == minute;
        same_minute
            && (-1..=1).any(|offset: i64| {
                let Ok(shifted) = sent.checked_add(jiff::SignedDuration::from_hours(offset * 24)) else {
                    return false;
                };
                let date = shifted.to_zoned(jiff::tz::TimeZone::UTC).date();
                self.days.contains(&i64::from(date.day())) && self.years.contains(&i64::from(date.year()))
            })
    }
}

/// The times in attribution lines and quoted header blocks: `9:12` near a day and a year.
fn quoted_times(message: &Message) -> Vec<QuotedTime> {
    const MAX_TIMES: usize = 40;
    let text = message.text();
    let mut times = Vec::new();
    for line in text.lines().filter(|line| line.len() < 400) {
        if times.len() >= MAX_TIMES {
            break;
        }
        let Some(colon) = line.find(':').filter(|_| line.contains(|c: char| c.is_ascii_digit())) else {
            continue;
        };
        let _ = colon;
        let numbers: Vec<i64> = line
            .split(|c: char| !c.is_ascii_digit())
            .filter(|digits| !digits.is_empty() && digits.len() <= 4)
            .filter_map(|digits| digits.parse().ok())
            .collect();
        let years: Vec<i64> = numbers.iter().copied().filter(|year| (1980..2100).contains(year)).collect();
        if years.is_empty() {
            continue;
        }
        let days: Vec<i64> = numbers.iter().copied().filter(|day| (1..=31).contains(day)).collect();
        times.extend(minutes(line).map(|minute| QuotedTime {
            minute,
            days: days.clone(),
            years: years.clone(),
        }));
    }
    times
}

/// The minutes of every `h:mm` in a line.
fn minutes(line: &str) -> impl Iterator<Item = i64> + '_ {
    let bytes = line.as_bytes();
    memchr::memchr_iter(b':', bytes).filter_map(move |at| {
        let before = bytes.get(at.checked_sub(1)?)?;
        let [tens @ b'0'..=b'5', units @ b'0'..=b'9'] = bytes.get(at + 1..at + 3)? else { return None };
        let ends = bytes.get(at + 3).is_none_or(|byte| !byte.is_ascii_digit());
        (before.is_ascii_digit() && ends).then(|| i64::from(tens - b'0') * 10 + i64::from(units - b'0'))
    })
}
