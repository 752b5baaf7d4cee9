//! Attribution, against threads: some authors of an archive are taken for the rep, and their messages for tracked
//! sends; the others' messages are judged with headers intact, degraded and falsified.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::{self, Write},
    path::Path,
};

use answerback_reply::{
    Action, Fingerprint, Identity, Judge, Kind, Message, MessageId, Policy, Rung, SendIndex, TrackedSend,
    Verdict, phrases::normalise_subject,
};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::{kinds::ratio, mail};

/// What is done to a message's threading fields before it is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    Intact,
    NoInReplyTo,
    NoReferences,
    /// Neither In-Reply-To nor References; Thread-Index stays.
    Neither,
    /// Not Thread-Index either.
    Nothing,
    /// Both replaced by ids that nobody knows.
    Foreign,
}

impl Mode {
    const ALL: [Self; 6] =
        [Self::Intact, Self::NoInReplyTo, Self::NoReferences, Self::Neither, Self::Nothing, Self::Foreign];

    fn apply(self, message: &Message) -> Message {
        let mut message = message.clone();
        if matches!(self, Self::NoInReplyTo | Self::Neither | Self::Nothing) {
            message.in_reply_to.clear();
        }
        if matches!(self, Self::NoReferences | Self::Neither | Self::Nothing) {
            message.references.clear();
        }
        if self == Self::Nothing {
            message.thread_index = None;
        }
        if self == Self::Foreign {
            let foreign = MessageId::new(&format!("{}.degraded@gateway.invalid", message.key()));
            message.in_reply_to = foreign.iter().cloned().collect();
            message.references = foreign.into_iter().collect();
        }
        message
    }
}

struct Entry {
    name: String,
    message: Message,
    author: String,
    /// The nearest ancestors that are in the archive, nearest first.
    ancestors: Vec<usize>,
    root: usize,
}

/// How many messages of a folder answer another one there.
pub fn answers(folder: &Path) -> anyhow::Result<usize> {
    Ok(read(folder)?.iter().filter(|entry| !entry.ancestors.is_empty()).count())
}

/// Counts of one mode.
#[derive(Clone, Default)]
struct Tally {
    /// Answers to a tracked send, and answers to those.
    answers: usize,
    direct: usize,
    stopped: usize,
    direct_stopped: usize,
    asked: usize,
    /// Attributed to a send that is no ancestor.
    wrong_send: usize,
    wrong_thread: usize,
    unrelated: usize,
    /// Answers by subject that bear no threading field themselves: their headers don't know what they answer.
    unlabelled: usize,
    false_stops: usize,
    false_asks: usize,
    /// Unrelated by its headers, but in the thread of the send that it was attributed to.
    thread_stops: usize,
    /// By confidence and evidence of the content rung: right, wrong.
    cells: BTreeMap<(String, String), [usize; 2]>,
    worst: Vec<String>,
}

/// What was found in all archives.
pub struct Report {
    modes: BTreeMap<Mode, Tally>,
    /// Whether the rep's own copies teach the index their text.
    pub with_text: bool,
}

impl Report {
    /// Nothing found yet.
    pub fn new(with_text: bool) -> Self {
        Self { modes: Mode::ALL.into_iter().map(|mode| (mode, Tally::default())).collect(), with_text }
    }

    /// Judges an archive once for each seed, with a tenth of its authors as the rep.
    pub fn add(&mut self, folder: &Path, seeds: u32) -> anyhow::Result<()> {
        let archive = read(folder)?;
        for seed in 0..seeds {
            self.judge(&archive, seed);
        }
        Ok(())
    }

    fn judge(&mut self, archive: &[Entry], seed: u32) {
        let is_rep = |entry: &Entry| {
            let digest = Sha256::digest(format!("{seed} {}", entry.author).as_bytes());
            digest.first().is_some_and(|byte| *byte < 26)
        };
        let reps: HashSet<&str> =
            archive.iter().filter(|entry| is_rep(entry)).map(|entry| entry.author.as_str()).collect();
        let me = Identity {
            addresses: reps
                .iter()
                .filter(|author| author.contains('@'))
                .map(|author| (*author).to_owned())
                .collect(),
            colleagues: Vec::new(),
        };
        let mut base = SendIndex::new();
        let mut tracked = HashSet::new();
        for (n, entry) in archive.iter().enumerate().filter(|(_, entry)| reps.contains(entry.author.as_str()))
        {
            let Some(send) = send(n, &entry.message) else { continue };
            base.insert(&send);
            tracked.insert(n);
            for thread in entry.message.threads() {
                base.learn_thread(&send.id, thread);
            }
            if self.with_text
                && let Some(text) = Fingerprint::of(&entry.message)
            {
                base.learn_text(&send.id, &text);
            }
        }
        let policy = Policy::default();
        for (mode, tally) in &mut self.modes {
            let mut sends = base.clone();
            let incoming = archive.iter().filter(|entry| !reps.contains(entry.author.as_str()));
            for entry in incoming {
                let message = mode.apply(&entry.message);
                let judge = Judge { me: &me, sends: &sends, policy: &policy };
                let verdict = judge.verdict(&message);
                tally.count(archive, entry, &tracked, &verdict);
                if let (Some(send), Some(id)) = (&verdict.send_id, &message.message_id)
                    && !verdict.actions.contains(&Action::Ask)
                {
                    sends.learn_chain(send, id);
                }
            }
        }
    }

    /// Recall and false stops of each mode; the content rung's cells.
    pub fn write_table(&self, out: &mut impl Write, worst: usize) -> io::Result<()> {
        let text = if self.with_text { "with" } else { "without" };
        writeln!(out, "\nattribution, {text} the sends' own text")?;
        writeln!(
            out,
            "  {:<14}{:>9}{:>9}{:>9}{:>8}{:>8}{:>8}{:>11}{:>8}{:>8}{:>12}",
            "mode",
            "answers",
            "recall",
            "direct",
            "asked",
            "sibling",
            "wrong",
            "unrelated",
            "stops",
            "asks",
            "same thread"
        )?;
        for (mode, tally) in &self.modes {
            writeln!(
                out,
                "  {:<14}{:>9}{:>9.4}{:>9.4}{:>8.4}{:>8}{:>8}{:>11}{:>8}{:>8}{:>12}",
                format!("{mode:?}"),
                tally.answers,
                ratio(tally.stopped, tally.answers),
                ratio(tally.direct_stopped, tally.direct),
                ratio(tally.asked, tally.answers),
                tally.wrong_send,
                tally.wrong_thread,
                tally.unrelated,
                tally.false_stops,
                tally.false_asks,
                tally.unlabelled
            )?;
        }
        for mode in [Mode::Nothing] {
            let Some(tally) = self.modes.get(&mode) else { continue };
            writeln!(out, "  content rung, {mode:?}: confidence, signals, right, wrong, precision")?;
            for ((confidence, signals), [right, wrong]) in tally.cells.iter().rev() {
                writeln!(
                    out,
                    "    {confidence}  {signals:<48}{right:>7}{wrong:>7}{:>9.4}",
                    ratio(*right, right + wrong)
                )?;
            }
            for wrong in tally.worst.iter().take(worst) {
                writeln!(out, "    {wrong}")?;
            }
        }
        Ok(())
    }

    /// The same as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        let modes = self.modes.iter().map(|(mode, tally)| {
            let row = serde_json::json!({
                "answers": tally.answers, "recall": ratio(tally.stopped, tally.answers),
                "direct": tally.direct, "direct_recall": ratio(tally.direct_stopped, tally.direct),
                "asked": ratio(tally.asked, tally.answers), "sibling": tally.wrong_send, "wrong_thread": tally.wrong_thread,
                "unrelated": tally.unrelated, "false_stops": tally.false_stops, "false_asks": tally.false_asks,
                "false_stops_per_10000": 10_000.0 * ratio(tally.false_stops, tally.unrelated.max(1)),
                "same_thread": tally.thread_stops, "unlabelled": tally.unlabelled,
            });
            (format!("{mode:?}"), row)
        });
        serde_json::json!({ "own_text": self.with_text, "modes": modes.collect::<BTreeMap<_, _>>() })
    }
}

impl Tally {
    fn count(&mut self, archive: &[Entry], entry: &Entry, tracked: &HashSet<usize>, verdict: &Verdict) {
        // People's answers only: what is automatic stops nothing by itself.
        if !matches!(verdict.kind, Kind::Reply | Kind::Bulk) {
            return;
        }
        let found = verdict.send_id.as_deref().and_then(|id| id.strip_prefix('m')?.parse::<usize>().ok());
        let asks = verdict.actions.contains(&Action::Ask);
        let is_answer = entry.ancestors.iter().any(|ancestor| tracked.contains(ancestor));
        let is_direct = entry.ancestors.first().is_some_and(|parent| tracked.contains(parent));
        let right = found.is_some_and(|found| entry.ancestors.contains(&found));
        let same_thread =
            found.and_then(|found| archive.get(found)).is_some_and(|send| send.root == entry.root);
        if let Some(evidence) = verdict.evidence.first().filter(|evidence| evidence.rung == Rung::Content) {
            let cell =
                self.cells.entry((format!("{:.3}", verdict.confidence), evidence.value.clone())).or_default();
            let is_labelled = is_answer || !found.is_some_and(|found| is_unlabelled(archive, entry, found));
            if let Some(count) = cell.get_mut(usize::from(!(right || same_thread))).filter(|_| is_labelled) {
                *count += 1;
            }
        }
        let stops = found.is_some() && !asks;
        if is_answer {
            self.answers += 1;
            self.direct += usize::from(is_direct);
            let found_right = right || (stops && same_thread);
            self.stopped += usize::from(stops && found_right);
            self.direct_stopped += usize::from(is_direct && stops && found_right);
            self.asked += usize::from(asks && found_right);
            self.wrong_send += usize::from(stops && !right && same_thread);
            self.wrong_thread += usize::from(stops && !same_thread && !right);
        } else if found.is_some_and(|found| is_unlabelled(archive, entry, found)) {
            self.unlabelled += 1;
        } else {
            self.unrelated += 1;
            self.thread_stops += usize::from(stops && same_thread);
            self.false_stops += usize::from(stops && !same_thread);
            self.false_asks += usize::from(asks && !same_thread);
        }
        let is_labelled = is_answer || !found.is_some_and(|found| is_unlabelled(archive, entry, found));
        if found.is_some() && !right && !same_thread && is_labelled {
            let send = found.and_then(|found| archive.get(found)).map_or("", |send| send.name.as_str());
            let evidence = verdict.evidence.first().map_or("", |evidence| evidence.value.as_str());
            self.worst
                .push(format!("{:.3} {evidence}: {} as answer to {send}", verdict.confidence, entry.name));
        }
    }
}

/// An answer without any threading field, under the subject of the send that it was attributed to.
fn is_unlabelled(archive: &[Entry], entry: &Entry, found: usize) -> bool {
    let subject = |message: &Message| message.subject.as_deref().map(normalise_subject);
    !entry.message.is_threaded()
        && archive.get(found).is_some_and(|send| subject(&send.message) == subject(&entry.message))
}

fn send(n: usize, message: &Message) -> Option<TrackedSend> {
    Some(TrackedSend {
        id: format!("m{n}"),
        message_ids: message.message_id.iter().cloned().collect(),
        marker: None,
        from: message.from.clone(),
        to: message.to.clone(),
        cc: message.cc.clone(),
        bcc: Vec::new(),
        subject: message.subject.clone(),
        sent_at: message.date?,
        track_until: None,
        campaign: None,
        prospect: None,
    })
}

/// The archive's messages in the order of their dates, with their ancestors by the headers.
fn read(folder: &Path) -> anyhow::Result<Vec<Entry>> {
    let mut mails: Vec<(String, Message)> = Vec::new();
    let mut known = HashSet::new();
    for mail in mail::read_all(folder)? {
        let message = Message::parse(&mail.raw);
        // Of copies of one message the first counts.
        if known.insert(message.key()) {
            mails.push((mail.name, message));
        }
    }
    mails.sort_by_key(|(_, message)| message.date.unwrap_or(Timestamp::MIN));
    let by_id: HashMap<MessageId, usize> = mails
        .iter()
        .enumerate()
        .filter_map(|(n, (_, message))| Some((message.message_id.clone()?, n)))
        .collect();
    let parents: Vec<Option<usize>> = mails
        .iter()
        .enumerate()
        .map(|(n, (_, message))| {
            let first = message.in_reply_to.first();
            let nearest = message.references.iter().rev();
            let rest = message.in_reply_to.iter().skip(1);
            first
                .into_iter()
                .chain(nearest)
                .chain(rest)
                .find_map(|id| by_id.get(id).copied())
                .filter(|parent| *parent != n)
        })
        .collect();
    let entries = mails.iter().enumerate().map(|(n, (name, message))| {
        let mut ancestors = Vec::new();
        let mut at = parents.get(n).copied().flatten();
        while let Some(parent) = at.filter(|parent| *parent != n && !ancestors.contains(parent)) {
            ancestors.push(parent);
            at = parents.get(parent).copied().flatten();
        }
        let root = ancestors.last().copied().unwrap_or(n);
        let listed = message
            .references
            .iter()
            .rev()
            .filter_map(|id| by_id.get(id).copied())
            .filter(|other| *other != n);
        for other in listed.collect::<Vec<_>>() {
            if !ancestors.contains(&other) {
                ancestors.push(other);
            }
        }
        Entry { name: name.clone(), message: message.clone(), author: author(message), ancestors, root }
    });
    Ok(entries.collect())
}

/// The address; where a list wrote itself into From ("Kevin Flynn via arcade"), the name.
fn author(message: &Message) -> String {
    let name = message.from_name.as_deref().unwrap_or_default();
    match name.split_once(" via ") {
        Some((name, _)) => format!("name:{}", name.trim_matches(['"', '\'']).to_lowercase()),
        None => message.from.clone().unwrap_or_default(),
    }
}
