//! One message, as it is printed.

use answerback_reply::{Action, Intent, Kind, Reason, Relation, Rung, Verdict};
use serde::Serialize;

/// A line of `scan` and `classify`: where the message is, and its verdict.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    /// The file, as it was given or found.
    pub path: &'a str,
    /// Where in the file the message begins, in bytes: at its `From ` line in an mbox, 0 for a file of its own.
    pub offset: u64,
    /// The same in a sentence, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// What was decided.
    #[serde(flatten)]
    pub verdict: &'a Verdict,
}

/// Heads the columns of [`Line::columns`].
pub const HEADINGS: [&str; 8] = ["KIND", "SEND", "RELATION", "ACTIONS", "FROM", "DATE", "BECAUSE", "WHERE"];

/// Columns are at least this wide; the last is as wide as it needs to be.
const WIDTHS: [usize; 7] = [17, 12, 26, 19, 32, 17, 40];

impl Line<'_> {
    /// As JSON, with a line break.
    pub fn json(&self, into: &mut Vec<u8>) {
        let start = into.len();
        if serde_json::to_writer(&mut *into, self).is_err() {
            into.truncate(start);
        }
        into.push(b'\n');
    }

    /// As a row of a table, with a line break.
    pub fn row(&self, into: &mut Vec<u8>) {
        row(&self.columns(), into);
    }

    fn columns(&self) -> [String; 8] {
        let verdict = self.verdict;
        let kind = match (verdict.kind, verdict.intent) {
            (Kind::Reply, Intent::OptOut) => "reply (opt-out)".to_owned(),
            (kind, _) => name(&kind),
        };
        [
            kind,
            verdict.send_id.clone().unwrap_or_else(|| "-".to_owned()),
            verdict.relation.map_or_else(|| "-".to_owned(), |relation: Relation| name(&relation)),
            list(verdict.actions.iter().map(|action: &Action| name(action))),
            verdict.from.clone().unwrap_or_else(|| "-".to_owned()),
            verdict.date.map_or_else(|| "-".to_owned(), |date| date.strftime("%Y-%m-%d %H:%M").to_string()),
            self.because(),
            format!("{}:{}", self.path, self.offset),
        ]
    }

    fn because(&self) -> String {
        if let Some(explanation) = &self.explanation {
            return explanation.clone();
        }
        let verdict = self.verdict;
        let mut reasons = Vec::new();
        match (verdict.evidence.first(), &verdict.because) {
            (Some(evidence), _) => {
                let rung: &Rung = &evidence.rung;
                reasons.push(format!("{} {}", name(rung), evidence.value));
            }
            (None, because) => reasons.extend(because.as_ref().map(reason)),
        }
        if let Some(bounce) = &verdict.bounce {
            let status = bounce.status.as_deref().unwrap_or_default();
            reasons.push(
                format!("{} {} {status}", name(&bounce.class), name(&bounce.reason)).trim_end().to_owned(),
            );
        }
        reasons.extend(verdict.returns_on.map(|date| format!("returns {date}")));
        reasons.extend(verdict.partstat.clone());
        reasons.extend(verdict.error.clone());
        list(reasons.into_iter())
    }
}

fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Header { name, value } => format!("{name}: {value}"),
        Reason::Part { media, value } => format!("{media} {value}"),
        Reason::Subject { phrase } => format!("subject {phrase:?}"),
        Reason::Text { phrase } => format!("text {phrase:?}"),
        Reason::Sender { address } => format!("from {address}"),
    }
}

/// The table's first row.
pub fn headings(into: &mut Vec<u8>) {
    row(&HEADINGS.map(ToOwned::to_owned), into);
}

fn row(columns: &[String; 8], into: &mut Vec<u8>) {
    let mut row = String::new();
    for (column, width) in columns.iter().zip(WIDTHS.into_iter().chain([0])) {
        let shown: String = column.chars().map(printable).collect();
        row.push_str(&format!("{shown:<width$} "));
    }
    into.extend_from_slice(row.trim_end().as_bytes());
    into.push(b'\n');
}

/// A stranger's header must not move the cursor or change the colours of a terminal, nor reverse the text.
pub fn printable(c: char) -> char {
    match c {
        c if c.is_control() => '\u{fffd}',
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c => c,
    }
}

/// The name that JSON has for it.
pub fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    let list = items.collect::<Vec<_>>().join(", ");
    if list.is_empty() { "-".to_owned() } else { list }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_never_reach_the_terminal() {
        let mut row_bytes = Vec::new();
        let columns = ["a\u{1b}[31m", "b\r", "c\u{202e}", "-", "-", "-", "-", "w:0"].map(ToOwned::to_owned);
        row(&columns, &mut row_bytes);
        let shown = String::from_utf8(row_bytes).unwrap();
        assert!(shown.ends_with(" w:0\n") && shown.starts_with("a\u{fffd}[31m"));
        assert!(!shown.trim_end().contains(|c: char| c.is_control()), "{shown:?}");
    }
}
