//! Tracked sends from a file: JSON Lines or CSV.

use std::io::BufRead;

use answerback_reply::MessageId;
use answerback_reply::send::{Campaign, Prospect, TrackedSend};
use serde::Deserialize;

use crate::store::sends::{CheckedSend, IncomingSend};

/// A line that can't be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// What a file holds.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// The sends.
    pub sends: Vec<CheckedSend>,
    /// The lines that are none.
    pub bad: Vec<BadLine>,
}

/// Reads tracked sends of a rep: one JSON object a line, or, where the first line does not begin with `{`, CSV with a header line.
///
/// CSV columns: `id` and `sent_at`, and optionally `message_ids`, `to`, `cc`, `bcc` (several values parted by blanks),
/// `marker`, `from`, `subject`, `track_until`, `campaign_id`, `campaign_name`, `step`, `prospect_id`, `prospect_email`,
/// `prospect_name`. Others are ignored.
pub fn read(mut file: impl BufRead, rep: &str) -> std::io::Result<Import> {
    let mut import = Import::default();
    let start = file.fill_buf()?;
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    if start.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{') {
        for (line, text) in (1..).zip(file.lines()) {
            let text = text?;
            let text = text.trim_start_matches('\u{feff}').trim();
            if !text.is_empty() {
                import.take(line, serde_json::from_str(text).map_err(|e| e.to_string()), rep);
            }
        }
    } else {
        let mut rows = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(file);
        let headers = rows.headers()?.clone();
        for row in rows.into_records() {
            let row = row?;
            let line = row.position().map_or(0, csv::Position::line);
            let send = row.deserialize::<Row>(Some(&headers)).map_err(|e| e.to_string()).and_then(Row::send);
            import.take(line, send, rep);
        }
    }
    Ok(import)
}

impl Import {
    fn take(&mut self, line: u64, send: Result<TrackedSend, String>, rep: &str) {
        let incoming = send.map(|send| IncomingSend { rep: Some(rep.to_owned()), send });
        match incoming.and_then(|incoming| incoming.check().map_err(str::to_owned)) {
            Ok(send) => self.sends.push(send),
            Err(reason) => self.bad.push(BadLine { line, reason }),
        }
    }
}

/// A line of CSV: empty means absent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Row {
    id: String,
    message_ids: String,
    marker: Option<String>,
    from: Option<String>,
    to: String,
    cc: String,
    bcc: String,
    subject: Option<String>,
    sent_at: String,
    track_until: Option<String>,
    campaign_id: Option<String>,
    campaign_name: Option<String>,
    step: Option<u32>,
    prospect_id: Option<String>,
    prospect_email: Option<String>,
    prospect_name: Option<String>,
}

impl Row {
    fn send(self) -> Result<TrackedSend, String> {
        let list =
            |text: &str| text.split([' ', ';', ',']).filter(|s| !s.is_empty()).map(str::to_owned).collect();
        let time = |text: &str| {
            text.parse().map_err(|_| format!("{text:?} is not a time such as 2026-11-18T08:00:00Z"))
        };
        Ok(TrackedSend {
            id: self.id,
            message_ids: self.message_ids.split([' ', ';', ',']).filter_map(MessageId::new).collect(),
            marker: self.marker,
            from: self.from,
            to: list(&self.to),
            cc: list(&self.cc),
            bcc: list(&self.bcc),
            subject: self.subject,
            sent_at: time(&self.sent_at)?,
            track_until: self.track_until.as_deref().map(time).transpose()?,
            campaign: self.campaign_id.map(|id| Campaign { id, name: self.campaign_name, step: self.step }),
            prospect: self.prospect_id.map(|id| Prospect {
                id,
                email: self.prospect_email,
                name: self.prospect_name,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_and_json_lines_give_the_same_sends() {
        let json = "{\"id\":\"snd_1\",\"message_ids\":[\"<s1@sales.example>\"],\"to\":[\"flynn@flynnsarcade.com\"],\
                    \"subject\":\"Space Paranoids, again\",\"sent_at\":\"2026-11-18T08:00:00Z\",\
                    \"campaign\":{\"id\":\"cmp_1\",\"step\":1},\"prospect\":{\"id\":\"p_1\"}}\n\n";
        let csv = "\u{feff}id,message_ids,to,subject,sent_at,campaign_id,step,prospect_id,owner\n\
                   snd_1,<s1@sales.example>,flynn@flynnsarcade.com,\"Space Paranoids, again\",2026-11-18T08:00:00Z,cmp_1,1,p_1,x\n";
        let from_json = read(json.as_bytes(), "Rep@sales.example").unwrap();
        let from_csv = read(csv.as_bytes(), "rep@sales.example").unwrap();
        assert_eq!(from_json.sends, from_csv.sends);
        assert_eq!((from_json.sends.len(), from_json.bad, from_csv.bad), (1, vec![], vec![]));
    }

    #[test]
    fn a_bad_line_is_named_and_the_others_are_read() {
        let csv = "id,message_ids,sent_at\nsnd_1,<s1@x>,yesterday\nsnd_2,<s2@x>,2026-11-18T08:00:00Z\nsnd_3,,2026-11-18T08:00:00Z\n";
        let import = read(csv.as_bytes(), "rep@sales.example").unwrap();
        assert_eq!(import.sends.len(), 1);
        assert_eq!(import.bad.iter().map(|b| b.line).collect::<Vec<_>>(), [2, 4]);
        assert!(import.bad[0].reason.contains("yesterday"), "{:?}", import.bad);
    }
}
