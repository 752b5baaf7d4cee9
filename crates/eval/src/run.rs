//! All measures over whatever a folder holds.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::{kinds, text, threads};

/// Answers whose parent is in the same folder, from which on it counts as an archive of people's mail.
const ARCHIVE: usize = 20;

/// Measures every set and prints tables or JSON on stdout, progress on stderr.
pub fn run(corpus: &[PathBuf], seeds: u32, worst: usize, json: bool) -> anyhow::Result<()> {
    let sets = sets(corpus)?;
    let bar = ProgressBar::new(u64::try_from(sets.len()).unwrap_or_default());
    bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}")?);
    let (mut labelled, mut people) = (kinds::Report::default(), kinds::People::default());
    let mut by_threads = threads::Report::new(true);
    let mut texts = Vec::new();
    for set in &sets {
        bar.set_message(set.display().to_string());
        if set.join("labels.jsonl").is_file() {
            labelled.add(set)?;
        } else if !set.join("reply_text.jsonl").is_file() && threads::answers(set)? >= ARCHIVE {
            people.add(set)?;
            by_threads.add(set, seeds)?;
        }
        if set.join("reply_text.jsonl").is_file() {
            texts.push(text::evaluate(&set.join("reply_text.jsonl"))?);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let mut out = std::io::stdout().lock();
    if json {
        let (kinds, people, threads) = (labelled.to_json(), people.to_json(), by_threads.to_json());
        writeln!(out, "{}", serde_json::json!({ "kinds": kinds, "people": people, "threads": threads }))?;
        for report in &texts {
            report.write_json(&mut out)?;
        }
    } else {
        labelled.write_table(&mut out, worst)?;
        people.write_table(&mut out, worst)?;
        by_threads.write_table(&mut out, worst)?;
        for report in &texts {
            report.write_table(&mut out)?;
        }
    }
    Ok(())
}

/// The folders themselves, and those directly below them.
fn sets(corpus: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut sets = Vec::new();
    for folder in corpus {
        if is_set(folder)? {
            sets.push(folder.clone());
            continue;
        }
        if folder.join("reply_text.jsonl").is_file() {
            sets.push(folder.clone());
        }
        let mut below: Vec<PathBuf> =
            fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
        below.retain(|path| path.is_dir());
        below.sort();
        sets.extend(below);
    }
    Ok(sets)
}

/// Labels, or mail that lies in the folder itself.
fn is_set(folder: &Path) -> anyhow::Result<bool> {
    if folder.join("labels.jsonl").is_file() {
        return Ok(true);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_mail = path.extension().is_some_and(|end| end == "eml" || end == "mbox");
        if is_mail || path.ends_with("cur") {
            return Ok(true);
        }
    }
    Ok(false)
}
