//! Speed beside mail-parser on the same bytes in the same run, and the memory of a large index.

use std::{
    fs, hint,
    io::{self, Write},
    path::PathBuf,
    time::Instant,
};

use answerback_reply::{Identity, Judge, Message, Policy, SendIndex, TrackedSend};
use mail_parser::MessageParser;

use crate::{kinds::ratio, mail};

/// Passes of which the median counts.
const PASSES: usize = 5;

/// What was measured.
pub struct Report {
    rows: Vec<Row>,
    index: Option<IndexRow>,
}

struct Row {
    what: &'static str,
    messages: usize,
    bytes: usize,
    seconds: f64,
}

struct IndexRow {
    sends: usize,
    kilobytes: usize,
    nanoseconds: f64,
}

impl Report {
    /// Times header blocks and whole messages, by us and by mail-parser alone, turn by turn.
    pub fn measure(folders: &[PathBuf], index: usize) -> anyhow::Result<Self> {
        let index = (index > 0).then(|| measure_index(index));
        let mut raws = Vec::new();
        for folder in folders {
            raws.extend(mail::read_all(folder)?.into_iter().map(|mail| mail.raw));
        }
        let heads: Vec<&[u8]> = raws.iter().map(|raw| header_block(raw)).collect();
        let wholes: Vec<&[u8]> = raws.iter().map(Vec::as_slice).collect();
        let sends = some_sends(10_000);
        let me = Identity {
            addresses: vec!["rep@sales.example".into()],
            colleagues: vec!["sales.example".into()],
        };
        let policy = Policy::default();
        let judge = Judge { me: &me, sends: &sends, policy: &policy };
        let parser = MessageParser::default();
        let mut rows = Vec::new();
        if !raws.is_empty() {
            rows.push(timed("header, mail-parser alone", &heads, |raw| {
                drop(hint::black_box(parser.parse_headers(raw)))
            }));
            rows.push(timed("header, read and triaged", &heads, |raw| {
                hint::black_box(judge.triage(&Message::from_header(raw)));
            }));
            rows.push(timed("whole, mail-parser alone", &wholes, |raw| {
                drop(hint::black_box(parser.parse(raw)))
            }));
            rows.push(timed("whole, read and judged", &wholes, |raw| {
                drop(hint::black_box(judge.verdict(&Message::parse(raw))));
            }));
        }
        Ok(Self { rows, index })
    }

    /// A table, each of our rows with its ratio to mail-parser's.
    pub fn write_table(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "{:<28}{:>10}{:>10}{:>14}{:>10}{:>8}",
            "what", "messages", "MB", "messages/s", "MB/s", "ratio"
        )?;
        for (n, row) in self.rows.iter().enumerate() {
            let alone = if n % 2 == 1 { self.rows.get(n - 1) } else { None };
            let relative = alone.map_or(String::new(), |alone| format!("{:.2}", alone.seconds / row.seconds));
            let megabytes = ratio(row.bytes, 1_000_000);
            writeln!(
                out,
                "{:<28}{:>10}{:>10.1}{:>14.0}{:>10.0}{:>8}",
                row.what,
                row.messages,
                megabytes,
                ratio(row.messages, 1) / row.seconds,
                megabytes / row.seconds,
                relative
            )?;
        }
        if let Some(index) = &self.index {
            let IndexRow { sends, kilobytes, nanoseconds } = index;
            writeln!(
                out,
                "index of {sends} sends: {:.0} MB, {nanoseconds:.0} ns to triage an answer by id",
                ratio(*kilobytes * 1024, 1_000_000)
            )?;
        }
        Ok(())
    }

    /// The same as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        let rows = self.rows.iter().map(|row| {
            serde_json::json!({ "what": row.what, "messages": row.messages, "bytes": row.bytes, "seconds": row.seconds })
        });
        let index = self.index.as_ref().map(|index| {
            serde_json::json!({ "sends": index.sends, "kilobytes": index.kilobytes, "nanoseconds": index.nanoseconds })
        });
        serde_json::json!({ "speed": rows.collect::<Vec<_>>(), "index": index })
    }
}

fn timed(what: &'static str, inputs: &[&[u8]], mut work: impl FnMut(&[u8])) -> Row {
    let mut passes: Vec<f64> = (0..PASSES)
        .map(|_| {
            let started = Instant::now();
            inputs.iter().for_each(|raw| work(raw));
            started.elapsed().as_secs_f64()
        })
        .collect();
    passes.sort_by(f64::total_cmp);
    let seconds = passes.get(PASSES / 2).copied().unwrap_or_default();
    Row { what, messages: inputs.len(), bytes: inputs.iter().map(|raw| raw.len()).sum(), seconds }
}

/// Up to and including the empty line.
fn header_block(raw: &[u8]) -> &[u8] {
    let end = raw
        .windows(2)
        .position(|pair| pair == b"\n\n" || pair == b"\n\r")
        .map_or(raw.len(), |at| (at + 3).min(raw.len()));
    raw.get(..end).unwrap_or(raw)
}

fn some_sends(count: usize) -> SendIndex {
    let mut sends = SendIndex::new();
    for n in 0..count {
        if let Ok(send) = send(n) {
            sends.insert(&send);
        }
    }
    sends
}

/// A send as long as a platform's: ids of 60 characters, one recipient, a person's name.
fn send(n: usize) -> serde_json::Result<TrackedSend> {
    serde_json::from_value(serde_json::json!({
        "id": format!("snd_{n:032x}"), "message_ids": [format!("<20261118080000.{n:024x}@mail.sales.example>")],
        "from": "rep@sales.example", "to": [format!("firstname.lastname{n}@company{}.example", n % 50_000)],
        "subject": format!("Arcade machines for company {}", n % 1000), "sent_at": "2026-11-18T08:00:00Z",
        "prospect": { "id": format!("p_{n}"), "email": format!("firstname.lastname{n}@company{}.example", n % 50_000), "name": "Firstname Lastname" },
    }))
}

/// Resident memory before and after, where the system says it, and the time of a lookup through a verdict.
fn measure_index(count: usize) -> IndexRow {
    let before = resident_kilobytes();
    let sends = some_sends(count);
    let kilobytes = resident_kilobytes().saturating_sub(before);
    let (me, policy) = (Identity::default(), Policy::default());
    let judge = Judge { me: &me, sends: &sends, policy: &policy };
    let answers: Vec<Message> = (0..1000)
        .map(|n| {
            let id = n * (count / 1000).max(1);
            Message::from_header(
                format!("In-Reply-To: <20261118080000.{id:024x}@mail.sales.example>\n").as_bytes(),
            )
        })
        .collect();
    let started = Instant::now();
    for answer in &answers {
        hint::black_box(judge.triage(answer));
    }
    IndexRow {
        sends: sends.len(),
        kilobytes,
        nanoseconds: started.elapsed().as_secs_f64() * 1e9 / ratio(answers.len(), 1),
    }
}

/// VmRSS on Linux, 0 elsewhere.
fn resident_kilobytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
