//! Lines of text/plain: quote marks, and format=flowed (RFC 3676).

use std::borrow::Cow;

use super::Flowed;
use super::line::{Line, Mark};

/// The lines of a text/plain part.
pub(super) fn lines(text: &str, flowed: Flowed) -> Vec<Line<'_>> {
    let raw = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    match flowed {
        Flowed::No => raw.map(fixed).collect(),
        _ => unflow(raw, flowed == Flowed::DelSp),
    }
}

fn fixed(line: &str) -> Line<'_> {
    let (depth, rest) = quote_depth(line);
    if depth > 0 && !is_no_quote(line) {
        Line::new(rest.trim_end(), Mark::Quoted)
    } else {
        Line::new(line.trim_end(), Mark::Own)
    }
}

/// Lines of the rendered text of HTML can bear quote marks as well (Hotmail did so).
pub(super) fn mark_quoted(text: String, mark: Mark) -> Line<'static> {
    if mark == Mark::Own && quote_depth(&text).0 > 0 && !is_no_quote(&text) {
        Line::new(text, Mark::Quoted)
    } else {
        Line::new(text, mark)
    }
}

/// How many `>` stand in front, with blanks between, and the rest.
fn quote_depth(line: &str) -> (usize, &str) {
    let mut rest = line;
    let mut depth = 0;
    loop {
        // Some clients indent the marks; four blanks and more are the author's code.
        let inner = rest.trim_start_matches(' ');
        match inner.strip_prefix('>') {
            Some(after) if rest.len() - inner.len() <= 2 => {
                depth += 1;
                rest = after;
            }
            _ => break,
        }
    }
    (depth, rest.strip_prefix(' ').unwrap_or(rest))
}

/// `> wrote:` or `>:` is no quote but the end of `On …, Name <address` that was wrapped before its bracket (Gmail), and
/// `>>> Name 12/5/2016 >>>` is GroupWise's separator.
fn is_no_quote(line: &str) -> bool {
    let Some(rest) = line.trim().strip_prefix('>') else { return false };
    if rest.starts_with(">> ") && rest.ends_with(" >>>") {
        return true;
    }
    let rest = rest.trim_start_matches('>').trim();
    rest == ":"
        || rest == "："
        || (rest.ends_with([':', '：'])
            && rest.len() <= 40
            && rest.split_whitespace().count() <= 3
            && line.starts_with('>'))
            && super::attribution::is_verb(rest)
}

/// RFC 3676 §4: joins what was wrapped, within one quote depth; the signature's mark never flows.
fn unflow<'a>(raw: impl Iterator<Item = &'a str>, delete_space: bool) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = Vec::new();
    let mut open: Option<usize> = None;
    for line in raw {
        let depth = line.bytes().take_while(|b| *b == b'>').count();
        let content = line.get(depth..).unwrap_or_default();
        // Space-stuffing (§4.4).
        let content = content.strip_prefix(' ').unwrap_or(content);
        let mark = if depth > 0 && !is_no_quote(line) { Mark::Quoted } else { Mark::Own };
        let content = if mark == Mark::Own && depth > 0 { line } else { content };
        let flows = content.ends_with(' ') && content != "-- ";
        let piece =
            if flows && delete_space { content.strip_suffix(' ').unwrap_or(content) } else { content };
        match (open, lines.last_mut()) {
            (Some(at), Some(last)) if at == depth && last.mark == mark && content != "-- " => {
                last.text.to_mut().push_str(piece);
            }
            _ => lines.push(Line::new(piece, mark)),
        }
        open = flows.then_some(depth);
    }
    for line in &mut lines {
        if line.text.as_ref() != "-- " {
            match &mut line.text {
                Cow::Borrowed(text) => *text = text.trim_end(),
                Cow::Owned(text) => text.truncate(text.trim_end().len()),
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, flowed: Flowed) -> Vec<(String, bool)> {
        lines(text, flowed).into_iter().map(|l| (l.text.into_owned(), l.mark == Mark::Quoted)).collect()
    }

    #[test]
    fn flowed_lines_are_joined_within_their_depth() {
        assert_eq!(
            shown("one \ntwo\n> quo \n> ted\n> \nthree \n-- \nsig", Flowed::Yes),
            [
                ("one two", false),
                ("quo ted", true),
                ("", true),
                ("three", false),
                ("-- ", false),
                ("sig", false)
            ]
            .map(|(t, q)| (t.to_owned(), q))
        );
        assert_eq!(shown("日本 \n語", Flowed::DelSp), [("日本語".to_owned(), false)]);
        assert_eq!(shown(" >not a quote", Flowed::Yes), [(">not a quote".to_owned(), false)]);
    }

    #[test]
    fn a_bracket_wrapped_to_the_next_line_is_no_quote() {
        assert_eq!(shown("<a@b.example\n>:", Flowed::No)[1], (">:".to_owned(), false));
        assert_eq!(shown("<a@b.example\n> wrote:", Flowed::No)[1], ("> wrote:".to_owned(), false));
        assert_eq!(shown("> and then:", Flowed::No)[0], ("and then:".to_owned(), true));
    }
}
