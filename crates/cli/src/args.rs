//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Finds the answers to tracked sales email.
#[derive(Debug, Parser)]
#[command(name = "answerbackctl", version, max_term_width = 100, after_help = EXIT_STATUS)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
    /// Say more on standard error; twice for everything
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
}

const EXIT_STATUS: &str = "\
Exit status: 0 done, 1 done but something was wrong with some input (each named on standard error),
2 wrong usage, 3 could not run.

`answerbackctl COMMAND --help` shows examples.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find the answers to tracked sends in an exported mailbox
    #[command(after_help = SCAN_EXAMPLES)]
    Scan(Scan),
    /// Tell what kind each message of an exported mailbox is; needs no sends
    #[command(after_help = CLASSIFY_EXAMPLES)]
    Classify(Classify),
    /// Print what the author of a message newly wrote: without quotes, signature and disclaimer
    #[command(after_help = TEXT_EXAMPLES)]
    Text(Text),
    /// Run the agent without a window, and print what happens until it is interrupted
    #[command(after_help = RUN_EXAMPLES)]
    Run(Configured),
    /// Sign in to a mailbox or to Salesforce through the browser; what it brings is kept in the keychain
    #[command(after_help = SIGN_IN_EXAMPLES)]
    SignIn(SignIn),
    /// Check each account, the keychain, the backend and the clock, and say what to do about each
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(Configured),
}

/// `scan`.
#[derive(Debug, Args)]
pub struct Scan {
    /// Tracked sends, one JSON object a line; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub sends: PathBuf,
    /// An mbox file, a Maildir, a folder of .eml files (searched recursively), or one .eml; may be repeated
    #[arg(long, value_name = "PATH", required = true)]
    pub mail: Vec<PathBuf>,
    #[command(flatten)]
    pub rep: Rep,
    /// Print a line for every message, not only for those that answer a send
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub explain: Explain,
    #[command(flatten)]
    pub output: Output,
}

/// `classify`.
#[derive(Debug, Args)]
pub struct Classify {
    /// Mbox files, Maildirs, folders of .eml files (searched recursively), or single .eml files
    #[arg(value_name = "PATH", required = true)]
    pub mail: Vec<PathBuf>,
    #[command(flatten)]
    pub rep: Rep,
    #[command(flatten)]
    pub explain: Explain,
    #[command(flatten)]
    pub output: Output,
}

/// `text`.
#[derive(Debug, Args)]
pub struct Text {
    /// An .eml file, or an mbox file
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// Which message of an mbox, as `scan` and `classify` print it; not needed where it holds only one
    #[arg(long, value_name = "BYTES")]
    pub offset: Option<u64>,
    #[command(flatten)]
    pub output: Output,
}

/// `run` and `doctor`.
#[derive(Debug, Args)]
pub struct Configured {
    /// The configuration, in TOML, as the desktop app exports it
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    #[command(flatten)]
    pub output: Output,
}

/// `sign-in`.
#[derive(Debug, Args)]
pub struct SignIn {
    /// The configuration, in TOML
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The account's address; not needed where only one account signs in through the browser
    #[arg(long, value_name = "ADDR")]
    pub account: Option<String>,
    /// Sign in to the Salesforce of the configuration, not to a mailbox
    #[arg(long, conflicts_with = "account")]
    pub salesforce: bool,
    /// Only print the URL; don't open the browser
    #[arg(long)]
    pub no_browser: bool,
    #[command(flatten)]
    pub output: Output,
}

/// Whose mailbox it is.
#[derive(Debug, Args)]
pub struct Rep {
    /// One of the rep's own addresses; may be repeated. Without it, scan takes those that the sends are from
    #[arg(long, value_name = "ADDR")]
    pub me: Vec<String>,
    /// A domain of the rep's colleagues; may be repeated. Without it, those of the rep's addresses
    #[arg(long, value_name = "DOMAIN")]
    pub colleagues: Vec<String>,
}

/// Whether to say in words what decided.
#[derive(Clone, Copy, Debug, Args)]
pub struct Explain {
    /// Say in a sentence what each verdict rests on, in English (en) or Spanish (es)
    #[arg(long, value_name = "LANGUAGE", num_args = 0..=1, require_equals = true, default_missing_value = "en")]
    pub explain: Option<Language>,
}

/// A language of explanations.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Language {
    /// English
    En,
    /// Spanish
    Es,
}

/// How to print.
#[derive(Clone, Copy, Debug, Args)]
pub struct Output {
    /// Print one JSON object a line on standard output, and nothing else there
    #[arg(long)]
    pub json: bool,
}

const SCAN_EXAMPLES: &str = "\
Examples:
  answerbackctl scan --sends sends.jsonl --mail Inbox.mbox
  answerbackctl scan --sends sends.jsonl --mail Inbox.mbox --explain=es
  answerbackctl scan --sends sends.jsonl --mail ~/Maildir --me rep@sales.example --json
  answerbackctl scan --sends sends.jsonl --mail export/ --all --json | jq -r .kind | sort | uniq -c

A tracked send:
  {\"id\":\"snd_1\",\"message_ids\":[\"<s1@sales.example>\"],\"sent_at\":\"2026-11-18T08:00:00Z\"}
More fields (from, to, cc, subject, prospect, marker, ...) let more answers be found.";

const CLASSIFY_EXAMPLES: &str = "\
Examples:
  answerbackctl classify message.eml
  answerbackctl classify archive/2026-November.txt --json
  answerbackctl classify ~/Maildir --me rep@sales.example --json | jq -r 'select(.kind == \"bounce\") | .bounce.recipient'";

const TEXT_EXAMPLES: &str = "\
Examples:
  answerbackctl text message.eml
  answerbackctl text Inbox.mbox --offset 10234 --json";

const SIGN_IN_EXAMPLES: &str = "\
Examples:
  answerbackctl sign-in --config answerback.toml
  answerbackctl sign-in --config answerback.toml --account rep@sales.example --no-browser
  answerbackctl sign-in --config answerback.toml --salesforce

The provider's page sends the browser back to a port of this machine. From another machine, forward that port first
(ssh -L PORT:127.0.0.1:PORT, with the PORT that is printed) and open the URL there.

An account that signs in through the browser, and the client id that your organisation has registered:
  [oauth.google]
  client_id = \"...\"
  client_secret = { keychain = \"oauth-client/google\" }
  [[account]]
  address = \"rep@sales.example\"
  [account.imap]
  host = \"imap.gmail.com\"
  oauth = { provider = \"google\" }";

/// Shown under the examples of `run` and `doctor`.
macro_rules! with_config {
    ($examples:literal) => {
        concat!(
            $examples,
            "
A configuration (a secret is never in it, only where it is: env, keychain or file):
  [backend]
  url = \"https://sales.example.com\"
  token = { env = \"ANSWERBACK_TOKEN\" }
  [[account]]
  address = \"rep@sales.example\"
  [account.imap]
  host = \"imap.sales.example\"
  password = { keychain = \"account/rep@sales.example\" }
Or, without a backend, Salesforce itself instead of [backend] (sign in with `answerbackctl sign-in --salesforce`):
  [salesforce]
  url = \"https://acme.my.salesforce.com\"
  client_id = \"3MVG9...\"
Or, for Microsoft 365, instead of [account.imap]:
  [account.graph]
  oauth = { provider = \"microsoft\" }
Or, for an Exchange server:
  [account.ews]
  url = \"https://mail.sales.example/EWS/Exchange.asmx\"
  password = { keychain = \"account/rep@sales.example\" }"
        )
    };
}

const RUN_EXAMPLES: &str = with_config!(
    "Examples:
  answerbackctl run --config answerback.toml
  answerbackctl run --config answerback.toml --json | jq -c 'select(.event == \"verdict\")'

It ends cleanly within five seconds of SIGINT (Ctrl-C) or SIGTERM.
"
);

const DOCTOR_EXAMPLES: &str = with_config!(
    "Examples:
  answerbackctl doctor --config answerback.toml
  answerbackctl doctor --config answerback.toml --json | jq -r 'select(.state == \"failed\") | .problem.remedy'
"
);
