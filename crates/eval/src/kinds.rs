//! Kinds, against labels; and people's mail, none of which may be judged automatic.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::Path,
};

use answerback_reply::{BounceClass, Identity, Judge, Kind, Message, Policy, SendIndex, Verdict};
use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::mail::{self, is_held_back};

/// A line of a set's `labels.jsonl`.
#[derive(Deserialize)]
struct Label {
    path: String,
    class: String,
    sub: Option<String>,
    status: Option<String>,
}

/// What a label and a verdict are compared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Class {
    Bounce,
    Complaint,
    AutoReply,
    Challenge,
    Receipt,
    Bulk,
    Calendar,
    Other,
}

impl Class {
    /// `None` for labels that don't know either.
    fn of_label(label: &Label) -> Option<Self> {
        Some(match label.class.as_str() {
            "bounce" => Self::Bounce,
            "fbl" => Self::Complaint,
            "auto_reply" => Self::AutoReply,
            "challenge" => Self::Challenge,
            "mdn" | "dsn_success" => Self::Receipt,
            "report_other" => Self::Bulk,
            "calendar" | "calendar_response" => Self::Calendar,
            "unknown" => return None,
            _ => Self::Other,
        })
    }

    const fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Bounce | Kind::Delay => Self::Bounce,
            Kind::Complaint => Self::Complaint,
            Kind::AutoReply | Kind::Acknowledgement => Self::AutoReply,
            Kind::Challenge => Self::Challenge,
            Kind::Receipt => Self::Receipt,
            Kind::Bulk => Self::Bulk,
            Kind::CalendarResponse => Self::Calendar,
            Kind::Reply | Kind::Own | Kind::Unknown => Self::Other,
        }
    }

    /// "Other" means no report and no robot of the labelled sort, which newsletters and vacation mail are neither.
    fn agrees(self, other: Self) -> bool {
        self == other || (self == Self::Other && matches!(other, Self::Bulk | Self::AutoReply))
    }
}

struct Case {
    name: String,
    held_back: bool,
    label: Class,
    found: Class,
    /// Whether permanent and transient are told apart as labelled; `None` where nothing is labelled.
    class_right: Option<bool>,
    note: String,
}

/// What was found in all sets.
#[derive(Default)]
pub struct Report {
    cases: Vec<Case>,
    missing: usize,
}

impl Report {
    /// Judges the labelled messages of a set; a folder without labels adds nothing.
    pub fn add(&mut self, set: &Path) -> anyhow::Result<()> {
        let labels = set.join("labels.jsonl");
        if !labels.is_file() {
            return Ok(());
        }
        let file =
            fs::read_to_string(&labels).with_context(|| format!("Cannot read {}", labels.display()))?;
        let set_name = set.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        for (n, line) in file.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let label: Label = serde_json::from_str(line)
                .with_context(|| format!("Line {} of {} is no label", n + 1, labels.display()))?;
            let Some(class) = Class::of_label(&label) else { continue };
            let Ok(raw) = fs::read(set.join(&label.path)) else {
                self.missing += 1;
                continue;
            };
            let verdict = judge(&raw);
            self.cases.push(Case {
                held_back: is_held_back(&label.path),
                name: format!("{set_name}/{}", label.path),
                label: class,
                found: Class::of_kind(verdict.kind),
                class_right: class_right(&label, &verdict),
                note: describe(&verdict),
            });
        }
        Ok(())
    }

    /// Precision, recall and F1 of each class, the confusion, and the share of right bounce classes.
    pub fn write_table(&self, out: &mut impl Write, worst: usize) -> io::Result<()> {
        for (title, held_back) in [("development", Some(false)), ("held back", Some(true)), ("both", None)] {
            let cases =
                || self.cases.iter().filter(move |case| held_back.is_none_or(|half| case.held_back == half));
            writeln!(out, "\nkinds, {title}: {} messages", cases().count())?;
            writeln!(out, "  {:<12}{:>8}{:>11}{:>9}{:>9}", "class", "labelled", "precision", "recall", "F1")?;
            for (class, score) in scores(cases()) {
                writeln!(
                    out,
                    "  {:<12}{:>8}{:>11.4}{:>9.4}{:>9.4}",
                    format!("{class:?}"),
                    score.labelled,
                    score.precision,
                    score.recall,
                    score.f1
                )?;
            }
            let known: Vec<bool> = cases().filter_map(|case| case.class_right).collect();
            let right = known.iter().filter(|right| **right).count();
            writeln!(out, "  permanent or transient as labelled: {right}/{}", known.len())?;
        }
        let wrong = self.cases.iter().filter(|case| !case.held_back);
        let wrong = wrong.filter(|case| !case.label.agrees(case.found) || case.class_right == Some(false));
        for case in wrong.take(worst) {
            writeln!(out, "  {:?} as {:?}  {}  {}", case.label, case.found, case.name, case.note)?;
        }
        if self.missing > 0 {
            writeln!(out, "  {} labelled messages are not there", self.missing)?;
        }
        Ok(())
    }

    /// The same as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        let part = |held_back: Option<bool>| {
            let cases =
                || self.cases.iter().filter(move |case| held_back.is_none_or(|half| case.held_back == half));
            let mut confusion: BTreeMap<String, usize> = BTreeMap::new();
            for case in cases() {
                *confusion.entry(format!("{:?} as {:?}", case.label, case.found)).or_default() += 1;
            }
            let known: Vec<bool> = cases().filter_map(|case| case.class_right).collect();
            serde_json::json!({
                "messages": cases().count(),
                "classes": scores(cases()).into_iter().map(|(class, score)| (format!("{class:?}"), score)).collect::<BTreeMap<_, _>>(),
                "confusion": confusion,
                "bounce_class": { "right": known.iter().filter(|right| **right).count(), "of": known.len() },
            })
        };
        serde_json::json!({
            "development": part(Some(false)), "held_back": part(Some(true)), "both": part(None), "missing": self.missing,
        })
    }
}

#[derive(Serialize)]
struct Score {
    labelled: usize,
    precision: f64,
    recall: f64,
    f1: f64,
}

fn scores<'x>(cases: impl Iterator<Item = &'x Case>) -> BTreeMap<Class, Score> {
    let mut counts: BTreeMap<Class, [usize; 3]> = BTreeMap::new();
    for case in cases {
        let [labelled, _, right] = counts.entry(case.label).or_default();
        *labelled += 1;
        *right += usize::from(case.label.agrees(case.found));
        if !case.label.agrees(case.found) || case.label == case.found {
            let [_, found, _] = counts.entry(case.found).or_default();
            *found += 1;
        } else {
            let [_, found, _] = counts.entry(case.label).or_default();
            *found += 1;
        }
    }
    counts
        .into_iter()
        .map(|(class, [labelled, found, right])| {
            let (precision, recall) = (ratio(right, found), ratio(right, labelled));
            let f1 =
                if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
            (class, Score { labelled, precision, recall, f1 })
        })
        .collect()
}

/// Of counts that are far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "counts of messages")]
pub fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

fn class_right(label: &Label, verdict: &Verdict) -> Option<bool> {
    let status = label.status.as_deref().and_then(|status| status.chars().next());
    let permanent = match (label.class.as_str(), label.sub.as_deref(), status) {
        ("bounce", Some("hard"), _) => true,
        ("bounce", Some("soft" | "delayed"), _) => false,
        _ => return None,
    };
    Some(match verdict.kind {
        Kind::Delay => !permanent,
        Kind::Bounce => {
            verdict.bounce.as_ref().is_some_and(|b| (b.class == BounceClass::Permanent) == permanent)
        }
        _ => return None,
    })
}

fn judge(raw: &[u8]) -> Verdict {
    let (me, sends, policy) = (Identity::default(), SendIndex::new(), Policy::default());
    Judge { me: &me, sends: &sends, policy: &policy }.verdict(&Message::parse(raw))
}

fn describe(verdict: &Verdict) -> String {
    let bounce = verdict.bounce.as_ref().map(|bounce| {
        format!(
            "{:?} {:?} {} {}",
            bounce.class,
            bounce.reason,
            bounce.status.as_deref().unwrap_or("-"),
            bounce.recipient.as_deref().unwrap_or("-")
        )
    });
    let because = verdict.because.as_ref().and_then(|because| serde_json::to_string(because).ok());
    format!("{} {}", bounce.unwrap_or_default(), because.unwrap_or_default())
}

/// People's mail that was judged automatic.
#[derive(Default)]
pub struct People {
    messages: usize,
    kinds: BTreeMap<Kind, usize>,
    wrong: Vec<String>,
}

impl People {
    /// Judges an archive of people's mail.
    pub fn add(&mut self, folder: &Path) -> anyhow::Result<()> {
        for mail in mail::read_all(folder)? {
            let verdict = judge(&mail.raw);
            self.messages += 1;
            *self.kinds.entry(verdict.kind).or_default() += 1;
            if !matches!(verdict.kind, Kind::Reply | Kind::Own | Kind::Bulk | Kind::Unknown) {
                let set = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                self.wrong.push(format!("{:?}  {set}/{}  {}", verdict.kind, mail.name, describe(&verdict)));
            }
        }
        Ok(())
    }

    /// How many were judged what, and which were judged automatic.
    pub fn write_table(&self, out: &mut impl Write, worst: usize) -> io::Result<()> {
        writeln!(
            out,
            "\npeople's archives: {} messages, {} judged automatic",
            self.messages,
            self.wrong.len()
        )?;
        for (kind, count) in &self.kinds {
            writeln!(out, "  {:<18}{count:>8}", format!("{kind:?}"))?;
        }
        for wrong in self.wrong.iter().take(worst) {
            writeln!(out, "  {wrong}")?;
        }
        Ok(())
    }

    /// The same as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "messages": self.messages, "automatic": self.wrong.len(), "kinds": self.kinds })
    }
}
