//! `text`: the newly written text of one message.

use std::ops::ControlFlow;

use answerback_reply::{Message, text};
use anyhow::{Context, anyhow};
use serde::Serialize;

use crate::args::Text;
use crate::input::{Batch, Mailbox, read_all};
use crate::judging::header;
use crate::outcome::{Outcome, WrongUsage};
use crate::report::Report;

/// What `text --json` prints.
#[derive(Debug, Serialize)]
struct Line {
    path: String,
    offset: u64,
    message_id: Option<String>,
    text: String,
}

/// Runs `text`.
///
/// # Errors
/// The file can't be read, or holds not exactly one message that could be meant.
pub fn text(args: &Text) -> anyhow::Result<Outcome> {
    if args.path.is_dir() {
        return Err(WrongUsage(format!("{} is a folder; name one message", args.path.display())).into());
    }
    let mailbox = Mailbox::find(std::slice::from_ref(&args.path));
    if let Some(problem) = mailbox.problems.first() {
        return Err(anyhow!("{problem}"));
    }
    let line = find(args, &mailbox)?;
    let mut report = Report::new(0);
    let mut out = if args.output.json { serde_json::to_vec(&line)? } else { line.text.into_bytes() };
    if !out.is_empty() && out.last() != Some(&b'\n') {
        out.push(b'\n');
    }
    report.print(&out).context("The text can't be written")?;
    Ok(Outcome::Done)
}

fn find(args: &Text, mailbox: &Mailbox) -> anyhow::Result<Line> {
    let (mut found, mut count, mut unreadable) = (None, 0_u64, None);
    let _all_read = read_all(&mailbox.files, &mut |batch: Batch| {
        for item in batch.items() {
            match batch.message(item) {
                Err(why) => unreadable = Some(why.to_owned()),
                Ok(raw) => {
                    count += 1;
                    if args.offset.is_none_or(|offset| offset == item.at.offset) && found.is_none() {
                        let id = Message::from_header(header(&raw)).message_id;
                        found = Some(Line {
                            path: args.path.to_string_lossy().into_owned(),
                            offset: item.at.offset,
                            message_id: id.map(|id| id.to_string()),
                            text: text::newly_written(&raw),
                        });
                    }
                }
            }
        }
        // Two are enough to know that there are too many.
        let known = if args.offset.is_some() { found.is_some() } else { count > 1 };
        if known { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let path = args.path.display();
    match (found, args.offset) {
        (None, _) if unreadable.is_some() => Err(anyhow!("{path}: {}", unreadable.unwrap_or_default())),
        (None, Some(offset)) => Err(WrongUsage(format!("{path} has no message at offset {offset}")).into()),
        (None, None) => Err(anyhow!("{path}: holds no message")),
        (Some(_), None) if count > 1 => {
            let which = "say which with --offset; `answerbackctl classify` prints where each begins";
            Err(WrongUsage(format!("{path} holds more than one message; {which}")).into())
        }
        (Some(line), _) => Ok(line),
    }
}
