//! From marked lines to the newly written text.

use super::line::{Line, Mark};
use super::{attribution, header_block, signature};

/// Lines beyond this many are not looked at.
const MAX_LINES: usize = 10_000;
/// How often the result is looked at again: what a footer hid may be a signature.
const MAX_PASSES: usize = 8;

/// The author's lines, joined.
pub(super) fn newly_written(mut lines: Vec<Line<'_>>) -> String {
    lines.truncate(MAX_LINES);
    for _ in 0..MAX_PASSES {
        strip(&mut lines);
        // Lines that were apart now stand together, or something new stands last.
        let again = has_gap(&lines) || lines.iter().any(|line| line.mark == Mark::Dropped);
        lines = kept(lines);
        if !again {
            break;
        }
    }
    let texts: Vec<&str> = lines.iter().map(|line| line.text.trim_end()).collect();
    texts.join("\n")
}

/// Whether something was left out between the author's lines.
fn has_gap(lines: &[Line<'_>]) -> bool {
    let mut own =
        lines.iter().enumerate().filter(|(_, line)| line.is_own() && !line.is_blank()).map(|(at, _)| at);
    let Some(first) = own.next() else { return false };
    let last = own.next_back().unwrap_or(first);
    lines.get(first..last).unwrap_or_default().iter().any(|line| !line.is_own())
}

fn strip(lines: &mut Vec<Line<'_>>) {
    if let Some(rest) = lines.iter().position(|line| line.mark == Mark::Rest) {
        lines.truncate(rest);
    }
    signature::drop_banner(lines);
    drop_markers(lines);
    mark_quotes(lines);
    let mut start = 0;
    while start < lines.len() {
        let quoted = |line: &Line<'_>| matches!(line.mark, Mark::Quoted | Mark::Intro);
        let end = lines.iter().skip(start).position(quoted).map_or(lines.len(), |n| n + start);
        if let Some(section) = lines.get_mut(start..end) {
            signature::drop_end(section);
        }
        start = end + 1;
    }
}

/// OpenPGP's armour around clear-signed text (RFC 9580 §7).
fn drop_markers(lines: &mut [Line<'_>]) {
    let Some(begin) = lines
        .iter()
        .position(|line| line.is_own() && line.text.trim_end() == "-----BEGIN PGP SIGNED MESSAGE-----")
    else {
        return;
    };
    for line in lines.iter_mut().skip(begin).take_while(|line| !line.is_blank()) {
        line.mark = Mark::Dropped;
    }
}

/// Marks what introduces quotes, and quotes that bear no mark of their own.
fn mark_quotes(lines: &mut Vec<Line<'_>>) {
    let mut at = 0;
    while at < lines.len() {
        let Some(line) = lines.get(at) else { return };
        if line.mark != Mark::Own || line.is_blank() {
            at += 1;
            continue;
        }
        let introduced = lines
            .iter()
            .take(at)
            .rev()
            .find(|l| !l.is_blank())
            .is_some_and(|l| l.mark == Mark::Intro || l.is_rule());
        if let Some(end) = header_block::beginning_at(lines, at, introduced) {
            at = introduce(lines, at, end, false);
        } else if header_block::is_separator(lines, at) {
            at = introduce(lines, at, at + 1, false);
        } else if let Some(first) = attribution::ending_at(lines, at, quote_follows(lines, at)) {
            at = introduce(lines, first, at + 1, true);
        } else {
            if is_wrapped_quote(lines, at) {
                set(lines, at, at + 1, Mark::Quoted);
            }
            at += 1;
        }
    }
}

/// Marks an introduction. Where a quote with marks follows, the author may go on below it; else all that follows is the
/// message that is answered.
fn introduce(lines: &mut Vec<Line<'_>>, first: usize, end: usize, attribution: bool) -> usize {
    set(lines, first, end, Mark::Intro);
    let follows = lines.iter().skip(end).find(|l| !l.is_blank());
    let marked = follows.is_some_and(|l| l.mark == Mark::Quoted);
    let another = follows.is_some() && {
        let next = lines.iter().skip(end).position(|l| !l.is_blank()).map_or(end, |n| n + end);
        header_block::beginning_at(lines, next, true).is_some()
    };
    // An answer below, under an attribution that lost its quote but for the marked lines further down.
    let answered_below =
        || opens_message(lines, first) && lines.iter().skip(end).any(|l| l.mark == Mark::Quoted);
    if !(marked || another || attribution && answered_below()) {
        lines.truncate(end);
    }
    end
}

/// Nothing of the author's stands above.
fn opens_message(lines: &[Line<'_>], at: usize) -> bool {
    lines.iter().take(at).all(|line| line.is_blank() || !line.is_own())
}

fn quote_follows(lines: &[Line<'_>], at: usize) -> bool {
    lines.iter().skip(at + 1).find(|line| !line.is_blank()).is_some_and(|line| line.mark == Mark::Quoted)
}

/// The end of a quoted line that was wrapped again on its way, and so lost its mark.
fn is_wrapped_quote(lines: &[Line<'_>], at: usize) -> bool {
    let quoted = |line: Option<&Line<'_>>| line.is_some_and(|line| line.mark == Mark::Quoted);
    let (Some(line), Some(above)) = (lines.get(at), at.checked_sub(1).and_then(|up| lines.get(up))) else {
        return false;
    };
    let Some(first) = line.text.split_whitespace().next() else { return false };
    quoted(Some(above))
        && quoted(lines.get(at + 1))
        && above.text.chars().count() + first.chars().count() >= 66
        && !above.text.trim_end().ends_with(['.', '!', '?', ':'])
        && line.text.starts_with(|c: char| c.is_lowercase() || c.is_ascii_digit())
}

fn set(lines: &mut [Line<'_>], first: usize, end: usize, mark: Mark) {
    for line in lines.iter_mut().take(end).skip(first) {
        line.mark = mark;
    }
}

/// Only the author's lines, without blank ones at the ends, and with one blank one where something was left out.
fn kept(lines: Vec<Line<'_>>) -> Vec<Line<'_>> {
    let mut kept: Vec<Line<'_>> = Vec::with_capacity(lines.len());
    let mut gap = false;
    for line in lines {
        if !line.is_own() {
            gap = true;
        } else if line.is_blank() {
            if !kept.is_empty() && !gap {
                kept.push(Line::new("", Mark::Own));
            }
        } else {
            if gap {
                while kept.last().is_some_and(Line::is_blank) {
                    kept.pop();
                }
                if !kept.is_empty() {
                    kept.push(Line::new("", Mark::Own));
                }
            }
            gap = false;
            kept.push(line);
        }
    }
    while kept.last().is_some_and(Line::is_blank) {
        kept.pop();
    }
    kept
}
