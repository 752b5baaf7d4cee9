//! `answerback-backend`: see `answerback-backend --help`.

use std::process::ExitCode;

use answerback_reference_backend::cli::Cli;
use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::from(3)
        }
    }
}
