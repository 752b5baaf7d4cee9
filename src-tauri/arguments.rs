//! The command line of the desktop app.

use std::path::PathBuf;

use clap::Parser;

/// Watches your mailbox for answers to your sales emails, and shows them in a window.
#[derive(Clone, Debug, Parser)]
#[command(name = "answerback", version)]
pub struct Arguments {
    /// The configuration file; made when it isn't there. Default: the platform's configuration folder.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Start without opening the window (this is how it starts at login).
    #[arg(long)]
    pub background: bool,
    /// Delete what Answerback keeps on this computer (passwords and tokens in the keychain, store, settings), and end. It must
    /// not be running.
    #[arg(long, conflicts_with_all = ["background", "link"])]
    pub forget: bool,
    /// The window was closed, and the program goes on in its own place; the log so far comes on standard input.
    #[arg(long, hide = true, requires = "background")]
    pub renewed: bool,
    /// A link that begins with `answerback:`, as the system passes it on when one is opened.
    #[arg(value_name = "LINK")]
    pub link: Option<String>,
}
