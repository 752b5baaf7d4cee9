//! `scan` and `classify`: every message of an exported mailbox.
//!
//! `scan` goes over the mailbox twice. The first pass looks at the headers of all messages, judges those that may
//! answer a send, and collects who answers whom; the second judges, with all that is known by then, only the messages
//! that were found to matter (or all, with `--all`), so a message whose parent comes later in the file is judged as if
//! it had come earlier.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::thread;

use answerback_reply::{Identity, Kind, Message, Policy, SendIndex, Verdict, explanation};

use crate::args::{Classify, Language, Rep, Scan};
use crate::input::{Batch, Mailbox, Position, read_all, read_at};
use crate::judging::{Case, header};
use crate::line::{self, Line};
use crate::ordered::ordered;
use crate::outcome::Outcome;
use crate::report::Report;
use crate::sends::Sends;
use crate::threads::{Lesson, Threaded, Threads};

/// Runs `scan`.
///
/// # Errors
/// The sends can't be read, or standard output can't be written to.
pub fn scan(args: &Scan) -> anyhow::Result<Outcome> {
    let sends = Sends::read(&args.sends)?;
    let mailbox = Mailbox::find(&args.mail);
    let passes = if args.all { 2 } else { 1 };
    let mut report = Report::new(passes * mailbox.total_size());
    sends.problems.iter().chain(&mailbox.problems).for_each(|problem| report.problem(problem));
    let me = identity(&args.rep, &sends.senders);
    let mut case = Case { me, sends: sends.index, policy: Policy::default() };

    let threaded = first_pass(&case, &mailbox, &mut report);
    learn(&mut case.sends, &threaded, &mailbox);
    let which = if args.all { Which::All } else { Which::These(&threaded.answers) };
    judge(
        &case,
        &mailbox,
        which,
        Print { json: args.output.json, explain: args.explain.explain },
        &mut report,
    )
}

/// Runs `classify`.
///
/// # Errors
/// Standard output can't be written to.
pub fn classify(args: &Classify) -> anyhow::Result<Outcome> {
    let mailbox = Mailbox::find(&args.mail);
    let mut report = Report::new(mailbox.total_size());
    mailbox.problems.iter().for_each(|problem| report.problem(problem));
    let case = Case { me: identity(&args.rep, &[]), sends: SendIndex::new(), policy: Policy::default() };
    judge(
        &case,
        &mailbox,
        Which::All,
        Print { json: args.output.json, explain: args.explain.explain },
        &mut report,
    )
}

fn identity(rep: &Rep, senders: &[String]) -> Identity {
    let mut me = Identity::from_addresses(if rep.me.is_empty() { senders.to_vec() } else { rep.me.clone() });
    if !rep.colleagues.is_empty() {
        me.colleagues.clone_from(&rep.colleagues);
    }
    me
}

fn first_pass(case: &Case, mailbox: &Mailbox, report: &mut Report) -> Threaded {
    let mut threads = Threads::default();
    ordered(
        workers(),
        |send| read_all(&mailbox.files, send),
        |batch: Batch| {
            let look = |item| batch.message(item).ok().and_then(|raw| case.first_look(item, &raw));
            (batch.items().iter().filter_map(look).collect::<Vec<_>>(), batch.read)
        },
        |(seen, read)| {
            seen.into_iter().for_each(|seen| threads.note(seen));
            report.advance(read);
            ControlFlow::Continue(())
        },
    );
    threads.finish()
}

/// Teaches the index the answers that were found, so that answers to those are found as well.
fn learn(sends: &mut SendIndex, threaded: &Threaded, mailbox: &Mailbox) {
    for lesson in &threaded.lessons {
        match lesson {
            Lesson::Chain(send, id) => sends.learn_chain(send, id),
            Lesson::Copy(copy) => sends.learn_copy(copy),
        }
    }
    let late: Vec<Position> = threaded.late.iter().map(|(at, _)| *at).collect();
    let mut whose = threaded.late.iter();
    let _all_read = read_at(&mailbox.files, &late, &mut |batch| {
        for (item, (_, send)) in batch.items().iter().zip(&mut whose) {
            if let Ok(raw) = batch.message(item)
                && let Some(id) = Message::from_header(header(&raw)).message_id
            {
                sends.learn_chain(send, &id);
            }
        }
        ControlFlow::Continue(())
    });
}

/// Which messages to judge and print.
#[derive(Clone, Copy, Debug)]
enum Which<'a> {
    All,
    These(&'a [Position]),
}

/// How to print.
#[derive(Clone, Copy, Debug)]
struct Print {
    json: bool,
    explain: Option<Language>,
}

fn explain(verdict: &Verdict, language: Language) -> String {
    verdict.explain(match language {
        Language::En => explanation::Language::English,
        Language::Es => explanation::Language::Spanish,
    })
}

/// What a thread made of a batch.
#[derive(Debug, Default)]
struct Judged {
    lines: Vec<u8>,
    problems: Vec<String>,
    kinds: BTreeMap<Kind, u64>,
    messages: u64,
    read: u64,
}

fn judge(
    case: &Case,
    mailbox: &Mailbox,
    which: Which<'_>,
    print: Print,
    report: &mut Report,
) -> anyhow::Result<Outcome> {
    let mut kinds: BTreeMap<Kind, u64> = BTreeMap::new();
    let (mut messages, mut printed) = (0, Ok(()));
    if !print.json {
        let mut headings = Vec::new();
        line::headings(&mut headings);
        report.print(&headings)?;
    }
    ordered(
        workers(),
        |send| match which {
            Which::All => read_all(&mailbox.files, send),
            Which::These(positions) => read_at(&mailbox.files, positions, send),
        },
        |batch| judge_batch(case, mailbox, which, print, &batch),
        |judged: Judged| {
            judged.problems.iter().for_each(|problem| report.problem(problem));
            judged.kinds.into_iter().for_each(|(kind, count)| *kinds.entry(kind).or_default() += count);
            messages += judged.messages;
            if matches!(which, Which::All) {
                report.advance(judged.read);
            }
            printed = report.print(&judged.lines);
            if printed.is_err() || report.is_closed() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        },
    );
    report.finish();
    printed.map_err(|error: io::Error| anyhow::Error::new(error).context("The results can't be written"))?;
    if !print.json && !report.is_closed() {
        report.note(&summary(mailbox, messages, &kinds));
    }
    Ok(Outcome::of(report.problems()))
}

fn judge_batch(case: &Case, mailbox: &Mailbox, which: Which<'_>, print: Print, batch: &Batch) -> Judged {
    let mut judged = Judged { read: batch.read, ..Judged::default() };
    for item in batch.items() {
        let Some(file) = mailbox.files.get(item.at.file as usize) else { continue };
        let path = file.path.to_string_lossy();
        let verdict = match batch.message(item) {
            Ok(raw) => case.verdict(file, &raw),
            Err(why) => {
                judged.problems.push(format!("{path}: {why}"));
                Verdict { kind: Kind::Unknown, error: Some(why.to_owned()), ..Verdict::default() }
            }
        };
        if matches!(which, Which::These(_)) && !is_attributed(&verdict) {
            continue;
        }
        judged.messages += 1;
        *judged.kinds.entry(verdict.kind).or_default() += 1;
        let explanation = print.explain.map(|language| explain(&verdict, language));
        let line = Line { path: &path, offset: item.at.offset, explanation, verdict: &verdict };
        if print.json { line.json(&mut judged.lines) } else { line.row(&mut judged.lines) }
    }
    judged
}

fn is_attributed(verdict: &Verdict) -> bool {
    verdict.send_id.is_some()
}

fn summary(mailbox: &Mailbox, messages: u64, kinds: &BTreeMap<Kind, u64>) -> String {
    let counts: Vec<String> =
        kinds.iter().map(|(kind, count)| format!("{count} {}", line::name(kind))).collect();
    let mut summary = match messages {
        0 => "no messages".to_owned(),
        1 => "1 message".to_owned(),
        many => format!("{many} messages"),
    };
    if !counts.is_empty() {
        summary.push_str(&format!(": {}", counts.join(", ")));
    }
    if mailbox.passed_over > 0 {
        summary.push_str(&format!(
            "; {} files that are neither .eml nor .mbox were passed over",
            mailbox.passed_over
        ));
    }
    summary
}

fn workers() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
