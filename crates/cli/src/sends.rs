//! The tracked sends, from a file of JSON Lines.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use answerback_reply::{SendIndex, TrackedSend};
use anyhow::Context;

/// The sends of a file, and what was wrong with it.
#[derive(Debug, Default)]
pub struct Sends {
    /// Found by what answers carry.
    pub index: SendIndex,
    /// The addresses that they were sent from.
    pub senders: Vec<String>,
    /// One for each line that could not be used, naming it.
    pub problems: Vec<String>,
}

impl Sends {
    /// Reads `path`, or standard input where it is `-`.
    ///
    /// # Errors
    /// Where the file can't be read, or not one of its lines is a tracked send.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let sends = if path == Path::new("-") {
            Self::parse("standard input", io::stdin().lock())
        } else {
            let file = File::open(path).with_context(|| format!("The sends can't be read from {name}"))?;
            Self::parse(&name, BufReader::new(file))
        };
        sends.with_context(|| format!("The sends can't be read from {name}"))
    }

    fn parse(name: &str, mut lines: impl BufRead) -> anyhow::Result<Self> {
        let mut sends = Self::default();
        let (mut line, mut number, mut good) = (Vec::new(), 0_u64, 0_u64);
        loop {
            line.clear();
            if lines.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            number += 1;
            let mut text = line.trim_ascii();
            if number == 1 {
                text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
            }
            if text.is_empty() {
                continue;
            }
            match tracked_send(text) {
                Ok(send) => {
                    good += 1;
                    sends.add(&send);
                }
                Err(wrong) => sends.problems.push(format!("{name}:{number}: {wrong}")),
            }
        }
        if good == 0 && !sends.problems.is_empty() {
            anyhow::bail!(
                "no line is a tracked send; the first says: {}",
                sends.problems.join("\n").lines().next().unwrap_or_default()
            );
        }
        Ok(sends)
    }

    fn add(&mut self, send: &TrackedSend) {
        self.index.insert(send);
        if let Some(from) = &send.from
            && !self.senders.iter().any(|known| known.eq_ignore_ascii_case(from))
        {
            self.senders.push(from.clone());
        }
    }
}

fn tracked_send(text: &[u8]) -> Result<TrackedSend, String> {
    let send: TrackedSend = serde_json::from_slice(text).map_err(|error| {
        // The position within the line is worth keeping; that it is line 1 of what was parsed is not.
        error.to_string().replace("at line 1 column", "at column")
    })?;
    if send.id.is_empty() {
        return Err("the id is empty".to_owned());
    }
    let ids = send.message_ids.iter().filter(|id| !id.as_str().is_empty()).count();
    if ids == 0 && send.marker.as_ref().is_none_or(String::is_empty) {
        return Err("it has neither message_ids nor a marker".to_owned());
    }
    Ok(send)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_is_named_and_the_others_count() {
        let file = concat!(
            "\u{feff}{\"id\":\"snd_1\",\"message_ids\":[\"<a@x>\"],\"sent_at\":\"2026-11-18T08:00:00Z\",\"from\":\"Rep@x\"}\r\n",
            "\n",
            "{\"id\":\"snd_2\",\"message_ids\":[]}\n",
            "not json\n",
            "{\"id\":\"snd_3\",\"message_ids\":[],\"sent_at\":\"2026-11-18T08:00:00Z\"}\n",
            "{\"id\":\"\",\"message_ids\":[\"a@x\"],\"sent_at\":\"2026-11-18T08:00:00Z\"}\n",
            "{\"id\":\"snd_4\",\"marker\":\"ab1_9f\",\"message_ids\":[],\"sent_at\":\"2026-11-18T08:00:00Z\",\"from\":\"rep@x\"}",
        );
        let sends = Sends::parse("sends.jsonl", file.as_bytes()).unwrap();
        let expected = [
            ("sends.jsonl:3: ", "sent_at"),
            ("sends.jsonl:4: ", "at column"),
            ("sends.jsonl:5: ", "neither message_ids nor a marker"),
            ("sends.jsonl:6: ", "id is empty"),
        ];
        assert_eq!(sends.problems.len(), expected.len());
        for (problem, (place, why)) in sends.problems.iter().zip(expected) {
            assert!(problem.starts_with(place) && problem.contains(why), "{problem}");
        }
        assert_eq!(sends.senders, ["Rep@x"]);
    }

    #[test]
    fn a_file_without_a_single_send_is_an_error_but_an_empty_one_is_not() {
        assert!(Sends::parse("s", "[\n]\n".as_bytes()).is_err());
        assert!(Sends::parse("s", "".as_bytes()).is_ok());
    }
}
