//! `answerback-eval`: measures detection on labelled mail. `cargo xtask eval` calls it.

mod bench;
mod fuzz;
mod kinds;
mod mail;
mod run;
mod text;
mod threads;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    measure: Measure,
}

#[derive(Subcommand)]
enum Measure {
    /// Everything that a folder's labels allow: kinds, attribution by threads, exact text.
    Run {
        /// Folders of labelled mail, or folders of such folders.
        #[arg(long, required = true, num_args = 1..)]
        corpus: Vec<PathBuf>,
        /// Choices of authors who are taken for the rep.
        #[arg(long, default_value_t = 8)]
        seeds: u32,
        /// Wrong verdicts that are named.
        #[arg(long, default_value_t = 20)]
        worst: usize,
        /// One JSON object instead of tables.
        #[arg(long)]
        json: bool,
    },
    /// Kinds, against the labels of each folder's `labels.jsonl`.
    Kinds {
        /// Folders of labelled mail.
        #[arg(required = true)]
        corpus: Vec<PathBuf>,
        /// Archives of people's mail, none of which may be judged automatic.
        #[arg(long)]
        people: Vec<PathBuf>,
        /// Messages judged wrong that are named, of the development share.
        #[arg(long, default_value_t = 20)]
        worst: usize,
        /// One JSON object instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Attribution, against the threads of archives, with headers intact, degraded and falsified.
    Threads {
        /// Archives of mail.
        #[arg(required = true)]
        archives: Vec<PathBuf>,
        /// Choices of authors who are taken for the rep.
        #[arg(long, default_value_t = 5)]
        seeds: u32,
        /// Don't let the rep's own copies teach the index what answers quote.
        #[arg(long)]
        without_text: bool,
        /// False stops that are named.
        #[arg(long, default_value_t = 20)]
        worst: usize,
        /// One JSON object instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Speed beside mail-parser on the same bytes, and the memory of a large index.
    Bench {
        /// Folders of mail.
        mail: Vec<PathBuf>,
        /// Also measures an index of this many sends.
        #[arg(long, default_value_t = 0)]
        index: usize,
        /// One JSON object instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Mutated mail against every entry point; a panic or a stall is a failure.
    Fuzz {
        /// Seconds for each target.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Targets that run at the same time.
        #[arg(long, default_value_t = 1)]
        jobs: usize,
        /// Only these targets.
        #[arg(long)]
        target: Vec<fuzz::Target>,
        /// Where the mutations start.
        #[arg(long, default_value = "crates/reply/tests/mail")]
        seeds: PathBuf,
        /// Where failing inputs are written.
        #[arg(long, default_value = "target/fuzz")]
        artifacts: PathBuf,
        /// The same number gives the same inputs.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// The newly written text, against what other projects' tests expect.
    Text {
        /// JSON Lines with `set`, `input` (a path beside this file) and `expected`.
        labels: PathBuf,
        /// Print each text that differs, with what was expected; only of the development share unless `--held-back`.
        #[arg(long)]
        differences: bool,
        /// Print differences of the share that is held back from development too.
        #[arg(long)]
        held_back: bool,
        /// One JSON object instead of a table.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    match Arguments::parse().measure {
        Measure::Run { corpus, seeds, worst, json } => run::run(&corpus, seeds, worst, json)?,
        Measure::Kinds { corpus, people, worst, json } => {
            let (mut report, mut archives) = (kinds::Report::default(), kinds::People::default());
            for set in &corpus {
                report.add(set)?;
            }
            for archive in &people {
                archives.add(archive)?;
            }
            let mut out = std::io::stdout().lock();
            if json {
                writeln!(
                    out,
                    "{}",
                    serde_json::json!({ "kinds": report.to_json(), "people": archives.to_json() })
                )?;
            } else {
                report.write_table(&mut out, worst)?;
                archives.write_table(&mut out, worst)?;
            }
        }
        Measure::Threads { archives, seeds, without_text, worst, json } => {
            let mut report = threads::Report::new(!without_text);
            for archive in &archives {
                report.add(archive, seeds)?;
            }
            let mut out = std::io::stdout().lock();
            if json {
                writeln!(out, "{}", report.to_json())?;
            } else {
                report.write_table(&mut out, worst)?;
            }
        }
        Measure::Bench { mail, index, json } => {
            let report = bench::Report::measure(&mail, index)?;
            let mut out = std::io::stdout().lock();
            if json {
                writeln!(out, "{}", report.to_json())?;
            } else {
                report.write_table(&mut out)?;
            }
        }
        Measure::Fuzz { seconds, jobs, target, seeds, artifacts, seed } => {
            let targets = if target.is_empty() { fuzz::Target::ALL.to_vec() } else { target };
            let duration = std::time::Duration::from_secs(seconds);
            fuzz::run(&targets, jobs, &fuzz::Plan { seeds, artifacts, duration, seed })?;
        }
        Measure::Text { labels, differences, held_back, json } => {
            let report = text::evaluate(&labels)?;
            let mut out = std::io::stdout().lock();
            if json {
                report.write_json(&mut out)?;
            } else {
                report.write_table(&mut out)?;
            }
            if differences {
                report.write_differences(&mut out, held_back)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
