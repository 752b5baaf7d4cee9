//! `eval`, `bench`, `fuzz`, `faults`: what detection gets right, how fast everything is, and that nothing breaks it.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::{Args, Subcommand};

use crate::packages::Need;
use crate::setup::system_packages;
use crate::shell::run;
use crate::window;
use crate::workspace::Workspace;

/// What to measure on.
#[derive(Clone, Debug, Args)]
pub struct Eval {
    /// A folder of labelled mail or of archives, or a folder of such folders; may be repeated
    #[arg(long, value_name = "DIR", num_args = 1.., required = true)]
    pub corpus: Vec<PathBuf>,
    /// Choices of an archive's authors who are taken for the rep
    #[arg(long, default_value_t = 8)]
    pub seeds: u32,
    /// One JSON object instead of tables
    #[arg(long)]
    pub json: bool,
}

/// What to time.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Bench {
    #[command(subcommand)]
    pub of: Option<BenchOf>,
    /// A folder of mail; may be repeated
    #[arg(long, value_name = "DIR", num_args = 1..)]
    pub mail: Vec<PathBuf>,
    /// The size of the index whose memory is measured
    #[arg(long, default_value_t = 1_000_000)]
    pub index: usize,
    /// One JSON object instead of a table
    #[arg(long)]
    pub json: bool,
}

/// What else to time than detection.
#[derive(Clone, Debug, Subcommand)]
pub enum BenchOf {
    /// Memory of the desktop app, with its window open and closed, and how long it takes to show it
    Desktop,
    /// What one copy of the reference backend carries, on SQLite and PostgreSQL
    Backend {
        /// What `answerback-load` is told, such as `--database sqlite --laptops 1000 5000`; see its `--help`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// How fast the agent reads a mailbox on Dovecot beside a bare socket, how soon it tells of an answer, and what waiting
    /// costs
    Mailbox {
        /// What `answerback-mailbox-bench` is told, such as `--messages 10000 --idle 0`; see its `--help`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// How much is to go wrong.
#[derive(Clone, Debug, Args)]
pub struct Faults {
    /// How many faults, at least
    #[arg(long, default_value_t = 2000)]
    pub runs: usize,
    /// The first story's seed; a failed story is told again by its seed and --runs 1
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Stories at once
    #[arg(long, default_value_t = 8)]
    pub at_once: usize,
    /// Only stories over this kind of mailbox: imap, dovecot, graph, ews
    #[arg(long)]
    pub mailbox: Option<String>,
}

/// Where to try.
#[derive(Clone, Debug, Args)]
pub struct TryReal {
    /// What `answerback-try-real` is told, such as `graph --settings FILE`; see its `--help` and docs/real-services.md
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    pub arguments: Vec<String>,
}

/// How long to try.
#[derive(Clone, Debug, Args)]
pub struct Fuzz {
    /// Seconds for each target
    #[arg(long, default_value_t = 60)]
    pub seconds: u64,
    /// Targets that run at the same time
    #[arg(long, default_value_t = 1)]
    pub jobs: usize,
}

/// Measures accuracy.
///
/// # Errors
/// Something can't be built or read.
pub fn eval(workspace: &Workspace, args: &Eval) -> anyhow::Result<()> {
    let json = args.json.then_some("--json");
    let seeds = args.seeds.to_string();
    run(program(workspace)?.args(["run", "--seeds", &seeds]).args(json).arg("--corpus").args(&args.corpus))
}

/// Measures speed beside mail-parser, and the memory of a large index.
///
/// # Errors
/// Something can't be built or read.
pub fn bench(workspace: &Workspace, args: &Bench) -> anyhow::Result<()> {
    match &args.of {
        None => {}
        Some(BenchOf::Desktop) => return window::figures(workspace),
        Some(BenchOf::Backend { arguments }) => return load(workspace, arguments),
        Some(BenchOf::Mailbox { arguments }) => return bench_mailbox(workspace, arguments),
    }
    let json = args.json.then_some("--json");
    let index = args.index.to_string();
    run(program(workspace)?.args(["bench", "--index", &index]).args(json).args(&args.mail))
}

/// Loads a reference backend.
fn load(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    system_packages(&[Need::Compile, Need::Postgres])?;
    let programs = ["-p", "answerback-reference-backend", "-p", "answerback-testkit"];
    let bins = ["--bin", "answerback-backend", "--bin", "answerback-load"];
    run(workspace.cargo().args(["build", "--release"]).args(programs).args(bins))?;
    let mut program = Command::new(workspace.release_program("answerback-load"));
    run(program.arg("--program").arg(workspace.release_program("answerback-backend")).args(arguments))
}

/// Lets an agent watch a mailbox.
fn bench_mailbox(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    system_packages(&[Need::Compile, Need::Dovecot])?;
    let packages = ["-p", "answerback-cli", "-p", "answerback-reference-backend", "-p", "answerback-testkit"];
    let programs = ["answerbackctl", "answerback-backend", "answerback-mailbox-bench"];
    let bins = programs.iter().flat_map(|program| ["--bin", program]);
    run(workspace.cargo().args(["build", "--release"]).args(packages).args(bins))?;
    let [ctl, backend, bench] = programs.map(|program| workspace.release_program(program));
    run(Command::new(bench).arg("--ctl").arg(ctl).arg("--backend").arg(backend).args(arguments))
}

/// Feeds mutated mail.
///
/// # Errors
/// An input made detection panic or stall; its path is named.
pub fn fuzz(workspace: &Workspace, args: &Fuzz) -> anyhow::Result<()> {
    let seconds = args.seconds.to_string();
    let jobs = args.jobs.to_string();
    let fuzz = ["fuzz", "--seconds", &seconds, "--jobs", &jobs];
    run(program(workspace)?.current_dir(&workspace.root).args(fuzz))
}

/// Agent, mail server and backend under faults.
///
/// # Errors
/// Something can't be built, or a reply was lost or told twice, or coverage was ahead of the truth.
pub fn faults(workspace: &Workspace, args: &Faults) -> anyhow::Result<()> {
    system_packages(&[Need::Compile, Need::Dovecot])?;
    let packages = ["-p", "answerback-cli", "-p", "answerback-reference-backend", "-p", "answerback-testkit"];
    run(workspace.cargo().args(["build", "--bins"]).args(packages))?;
    let mut faults = Command::new(workspace.program("answerback-faults"));
    faults.args(["--runs", &args.runs.to_string(), "--seed", &args.seed.to_string()]);
    faults.args(["--at-once", &args.at_once.to_string()]);
    run(faults.args(args.mailbox.iter().flat_map(|mailbox| ["--mailbox", mailbox])))
}

/// The suite on somebody's own mailbox or organisation. Its report is the program's own.
///
/// # Errors
/// Something can't be built or started.
pub fn try_real(workspace: &Workspace, args: &TryReal) -> anyhow::Result<ExitCode> {
    system_packages(&[Need::Compile])?;
    let packages = ["-p", "answerback-cli", "-p", "answerback-reference-backend", "-p", "answerback-testkit"];
    run(workspace.cargo().args(["build", "--bins"]).args(packages))?;
    let status = Command::new(workspace.program("answerback-try-real")).args(&args.arguments).status()?;
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)))
}

/// The measuring program, built with optimisations.
fn program(workspace: &Workspace) -> anyhow::Result<Command> {
    system_packages(&[Need::Compile])?;
    run(workspace.cargo().args(["build", "--release", "-p", "answerback-eval"]))?;
    Ok(Command::new(workspace.release_program("answerback-eval")))
}
