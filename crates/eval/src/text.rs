//! The newly written text, compared with the expectations of other projects' test suites.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use answerback_reply::text::{Flowed, from_html, from_plain, newly_written};
use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::mail::is_held_back;

#[derive(Deserialize)]
struct Label {
    set: String,
    input: String,
    /// Absent in sets that label something else.
    expected: Option<String>,
}

/// One input whose text was compared.
struct Case {
    set: String,
    input: String,
    held_back: bool,
    expected: String,
    got: String,
}

/// How many of how many are exact.
#[derive(Clone, Copy, Default, Serialize)]
struct Share {
    exact: usize,
    of: usize,
}

/// What `evaluate` found.
pub struct Report {
    cases: Vec<Case>,
    /// Inputs that could not be read.
    missing: usize,
}

/// Runs the extraction over every labelled input.
///
/// `.eml` inputs are messages, `.html` a decoded text/html part, all others a decoded text/plain part.
pub fn evaluate(labels: &Path) -> anyhow::Result<Report> {
    let folder = labels.parent().unwrap_or(Path::new("."));
    let file = fs::read_to_string(labels).with_context(|| format!("Cannot read {}", labels.display()))?;
    let mut report = Report { cases: Vec::new(), missing: 0 };
    for (n, line) in file.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let label: Label =
            serde_json::from_str(line).with_context(|| format!("Line {} is no label", n + 1))?;
        let Some(expected) = label.expected else { continue };
        let Ok(bytes) = fs::read(folder.join(&label.input)) else {
            report.missing += 1;
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        let got = match Path::new(&label.input).extension().and_then(|e| e.to_str()) {
            Some("eml") => newly_written(&bytes),
            Some("html") => from_html(&text),
            _ => from_plain(&text, Flowed::No),
        };
        report.cases.push(Case {
            held_back: is_held_back(&label.input),
            set: label.set,
            input: label.input,
            expected,
            got,
        });
    }
    Ok(report)
}

impl Case {
    /// Line ends and blanks around the text don't matter; in HTML, where every renderer breaks lines elsewhere, no blanks do.
    fn is_exact(&self) -> bool {
        if self.set.ends_with("html") {
            let compact = |text: &str| text.split_whitespace().collect::<String>();
            return compact(&self.expected) == compact(&self.got);
        }
        let lines =
            |text: &str| text.trim().lines().map(str::trim_end).map(str::to_owned).collect::<Vec<_>>();
        lines(&self.expected) == lines(&self.got)
    }
}

impl Report {
    fn shares(&self) -> BTreeMap<String, [Share; 2]> {
        let mut shares: BTreeMap<String, [Share; 2]> = BTreeMap::new();
        for case in &self.cases {
            for set in [case.set.as_str(), "all"] {
                if let Some(share) =
                    shares.entry(set.to_owned()).or_default().get_mut(usize::from(case.held_back))
                {
                    share.of += 1;
                    share.exact += usize::from(case.is_exact());
                }
            }
        }
        shares
    }

    /// A table: set, exact in the development share, in the one held back, in both.
    pub fn write_table(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{:<20}{:>14}{:>14}{:>14}", "set", "development", "held back", "both")?;
        for (set, [seen, held]) in self.shares() {
            let both = Share { exact: seen.exact + held.exact, of: seen.of + held.of };
            let cell = |share: Share| format!("{}/{}", share.exact, share.of);
            writeln!(out, "{set:<20}{:>14}{:>14}{:>14}", cell(seen), cell(held), cell(both))?;
        }
        if self.missing > 0 {
            writeln!(out, "{} labelled inputs are not there", self.missing)?;
        }
        Ok(())
    }

    /// The same as one JSON object.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        let sets: BTreeMap<String, serde_json::Value> = self
            .shares()
            .into_iter()
            .map(|(set, [seen, held])| (set, serde_json::json!({ "development": seen, "held_back": held })))
            .collect();
        writeln!(out, "{}", serde_json::json!({ "measure": "text", "sets": sets, "missing": self.missing }))
    }

    /// Each text that differs from what was expected.
    pub fn write_differences(&self, out: &mut impl Write, held_back: bool) -> io::Result<()> {
        for case in self.cases.iter().filter(|case| !case.is_exact()) {
            if case.held_back && !held_back {
                continue;
            }
            writeln!(
                out,
                "\n== {}\n-- expected\n{}\n-- got\n{}",
                case.input,
                case.expected.trim(),
                case.got
            )?;
        }
        Ok(())
    }
}
