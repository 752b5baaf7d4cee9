//! `answerback-faults`: the whole pipe under faults, for `cargo xtask faults`.
#![cfg_attr(unix, allow(clippy::print_stdout, reason = "a program that prints its report"))]

#[cfg(unix)]
#[tokio::main]
async fn main() -> anyhow::Result<std::process::ExitCode> {
    use answerback_testkit::faults::{self, Extent, Mailbox};
    use clap::Parser as _;

    /// Agent, mail server and backend under faults: no reply may be lost, none told twice, coverage never ahead.
    #[derive(Debug, clap::Parser)]
    struct Args {
        /// How many faults, at least
        #[arg(long, default_value_t = 2000)]
        runs: usize,
        /// The first story's seed; a failed story is told again by its seed and --runs 1
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Stories at once
        #[arg(long, default_value_t = 8)]
        at_once: usize,
        /// Only stories over this kind of mailbox
        #[arg(long)]
        mailbox: Option<Mailbox>,
    }

    let Args { runs: faults, seed, at_once, mailbox } = Args::parse();
    let extent = Extent { faults, each: 12, seed, at_once, mailbox };
    let mut shown = 0;
    let report = faults::run(extent, |report| {
        if report.faults() >= shown + 100 {
            shown = report.faults();
            println!("{shown} faults, {} stories failed", report.failures.len());
        }
    })
    .await?;
    for failure in &report.failures {
        println!("\nFAILED: {failure}");
    }
    println!("\n{report}");
    let clean = report.failures.is_empty();
    Ok(if clean { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE })
}

#[cfg(not(unix))]
fn main() {}
