//! A mutation fuzzer for the stable toolchain: no coverage to guide it, but the same entry points and seeds as the
//! cargo-fuzz targets in `crates/reply/fuzz`, a panic or a stall is a failure, and CI can run it anywhere.

use std::{
    fs,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use answerback_reply::{
    Fingerprint, Identity, Judge, Message, Policy, SendIndex, TrackedSend, absence, intent, phrases, text,
};
use anyhow::{Context as _, bail};
use clap::ValueEnum;

/// One input may take this long on a busy machine; the slowest seen takes a hundredth.
const STALL: Duration = Duration::from_secs(5);
/// Inputs grow no longer than this.
const MAX_LENGTH: usize = 1 << 20;

/// What is fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// Header and body of any message.
    Message,
    /// The machine-readable parts of reports.
    Report,
    /// Calendar parts.
    Calendar,
    /// Extraction of text, dates, contacts, intent.
    Text,
    /// Whole judgement against an index of sends.
    Scan,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Message, Self::Report, Self::Calendar, Self::Text, Self::Scan];

    fn run(self, input: &[u8], sends: &SendIndex) {
        match self {
            Self::Message => {
                let message = Message::parse(input);
                let header = Message::from_header(input);
                assert_eq!(message.key(), header.key(), "header and whole message have one key");
            }
            Self::Report => judge(
                &wrapped("multipart/report; report-type=delivery-status", "message/delivery-status", input),
                sends,
            ),
            Self::Calendar => judge(&wrapped("multipart/mixed", "text/calendar; method=REPLY", input), sends),
            Self::Text => {
                let decoded = String::from_utf8_lossy(input);
                let plain = text::from_plain(&decoded, text::Flowed::Yes);
                text::from_html(&decoded);
                text::newly_written(input);
                absence::signal(&decoded, &plain);
                absence::returns_on(&plain, jiff::civil::date(2026, 11, 20));
                absence::alternative_contact(&plain, None);
                intent::intent(&plain);
                phrases::normalise_subject(&decoded);
            }
            Self::Scan => judge(input, sends),
        }
    }
}

fn wrapped(multipart: &str, part: &str, input: &[u8]) -> Vec<u8> {
    let mut raw = format!("From: postmaster@x.example\nContent-Type: {multipart}; boundary=b\n\n--b\n\nhello\n--b\nContent-Type: {part}\n\n").into_bytes();
    raw.extend_from_slice(input);
    raw.extend_from_slice(b"\n--b--\n");
    raw
}

fn judge(raw: &[u8], sends: &SendIndex) {
    let (me, policy) =
        (Identity { addresses: vec!["rep@sales.example".into()], colleagues: vec![] }, Policy::default());
    let judge = Judge { me: &me, sends, policy: &policy };
    let message = Message::parse(raw);
    judge.triage(&message);
    judge.own_copy(&message);
    let _ = Fingerprint::of(&message);
    let verdict = judge.verdict(&message);
    assert!(verdict.send_id.is_some() || verdict.actions.is_empty(), "what answers nothing has no actions");
    assert!((0.0..=1.0).contains(&verdict.confidence), "confidence is a share");
}

/// Where inputs come from, where failing ones go, and for how long.
pub struct Plan {
    /// Where the mutations start.
    pub seeds: PathBuf,
    /// Where failing inputs are written.
    pub artifacts: PathBuf,
    /// How long each target is fed.
    pub duration: Duration,
    /// The same number gives the same inputs.
    pub seed: u64,
}

/// Feeds every target, `jobs` at a time; fails with the input that broke one.
pub fn run(targets: &[Target], jobs: usize, plan: &Plan) -> anyhow::Result<()> {
    let seeds = read_seeds(&plan.seeds)?;
    let sends = sends();
    std::panic::set_hook(Box::new(|_| {}));
    let next = Mutex::new(targets.iter().copied());
    let work = || -> anyhow::Result<()> {
        loop {
            let target = next.lock().ok().and_then(|mut next| next.next());
            let Some(target) = target else { return Ok(()) };
            feed(target, &seeds, &sends, plan)?;
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.clamp(1, targets.len().max(1))).map(|_| scope.spawn(work)).collect();
        // Every worker ends before the first failure is told.
        let results: Vec<_> = workers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        results
            .into_iter()
            .try_for_each(|result| result.unwrap_or_else(|_| bail!("A fuzzing thread ended early")))
    })
}

fn feed(target: Target, seeds: &[Vec<u8>], sends: &SendIndex, plan: &Plan) -> anyhow::Result<()> {
    let until = Instant::now() + plan.duration;
    let mut random = Random(plan.seed ^ 0x9e37_79b9_7f4a_7c15);
    let (mut runs, mut slowest) = (0_u64, Duration::ZERO);
    while Instant::now() < until {
        let input = mutated(seeds, &mut random);
        let started = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| target.run(&input, sends)));
        let took = started.elapsed();
        (runs, slowest) = (runs + 1, slowest.max(took));
        if outcome.is_err() || took > STALL {
            let path = keep(&plan.artifacts, target, &input)?;
            let what = if outcome.is_err() { "panicked" } else { "stalled" };
            bail!("{target:?} {what} after {took:?} on {}", path.display());
        }
    }
    writeln!(std::io::stdout(), "{target:?}: {runs} inputs, slowest {slowest:?}")?;
    Ok(())
}

fn read_seeds(folder: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("Cannot read the seeds in {}", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    paths.sort();
    let seeds: Vec<Vec<u8>> = paths.iter().map(fs::read).collect::<std::io::Result<_>>()?;
    if seeds.is_empty() {
        bail!("There is no seed in {}", folder.display());
    }
    Ok(seeds)
}

fn keep(artifacts: &Path, target: Target, input: &[u8]) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(artifacts)?;
    let path = artifacts.join(format!(
        "{target:?}-{:08x}",
        input.iter().fold(0_u32, |hash, byte| hash.rotate_left(5) ^ u32::from(*byte))
    ));
    fs::write(&path, input)?;
    Ok(path)
}

fn sends() -> SendIndex {
    let mut sends = SendIndex::new();
    let send: Result<TrackedSend, _> = serde_json::from_value(serde_json::json!({
        "id": "snd_1", "message_ids": ["<s1@sales.example>"], "marker": "ab1_9f3c77", "to": ["flynn@flynnsarcade.com"],
        "subject": "Space Paranoids", "sent_at": "2026-11-18T08:00:00Z",
    }));
    if let Ok(send) = send {
        sends.insert(&send);
    }
    sends
}

/// What parsers stumble over.
const TOKENS: &[&[u8]] = &[
    b"=?utf-8?B?",
    b"=?",
    b"?=",
    b"--b",
    b"\r\n--",
    b"boundary=",
    b"Content-Type: multipart/mixed; boundary=b\n\n",
    b"\n\n",
    b"\r",
    b"<",
    b">",
    b"((((",
    b"\"",
    b"\\",
    b"@",
    b":",
    b";",
    b"=\n",
    b"=3D",
    b"&#x",
    b"&lt;",
    b"<blockquote>",
    b"<div><div>",
    b"<!--",
    b"BEGIN:VCALENDAR\n",
    b"END:VEVENT\n",
    b"ATTENDEE;PARTSTAT=",
    b"Final-Recipient: rfc822;",
    b"Action: failed\n",
    b"Status: 5.1.1\n",
    b"In-Reply-To: <s1@sales.example>\n",
    b"References: ",
    b"\xff\xfe",
    b"\xf0\x9f\x98\x80",
    b"\xe2\x80\xae",
    b"\0",
    b"\x1b$B",
    b"+AGE-",
    b"> > > > ",
    b"On Mon, Jan 1, 2026 at 9:00 wrote:\n",
    b"ab1_9f3c77",
    b"9999999999999999999",
    b"-1",
    b"12/31/2026",
    b"Content-Transfer-Encoding: base64\n",
];

fn mutated(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = random.pick(seeds).cloned().unwrap_or_default();
    for _ in 0..=random.below(12) {
        let length = input.len();
        let (at, end) = (random.below(length + 1), random.below(length + 1));
        let (start, end) = (at.min(end), at.max(end));
        match random.below(8) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            1 => {
                let token = random.pick(TOKENS).copied().unwrap_or_default();
                input.splice(at..at, token.iter().copied());
            }
            2 => {
                let token = random.pick(TOKENS).copied().unwrap_or_default();
                let times = 1 << random.below(15);
                let room = MAX_LENGTH.saturating_sub(length) / token.len().max(1);
                input.splice(at..at, token.repeat(times.min(room)));
            }
            3 => drop(input.drain(start..end.min(start + 200))),
            4 => input.truncate(at),
            5 => {
                let piece = input.get(start..end.min(start + 2000)).unwrap_or_default().to_vec();
                input.splice(at..at, piece.repeat(1 + random.below(4)));
            }
            6 => {
                let other = random.pick(seeds).cloned().unwrap_or_default();
                let from = random.below(other.len() + 1);
                input.splice(at..at, other.get(from..).unwrap_or_default().iter().copied());
            }
            _ => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = u8::try_from(random.below(256)).unwrap_or_default();
                }
            }
        }
        input.truncate(MAX_LENGTH);
    }
    input
}

/// A small generator that gives the same inputs for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(1);
        usize::try_from(self.next() % bound).unwrap_or_default()
    }

    fn pick<'x, T>(&mut self, from: &'x [T]) -> Option<&'x T> {
        from.get(self.below(from.len()))
    }
}
