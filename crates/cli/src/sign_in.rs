//! `sign-in`: signs in to a mailbox through the browser.

use std::io::{self, Write};

use answerback_agent::Config;
use answerback_agent::config::{AccountConfig, SignInSource};
use answerback_agent::sign_in::sign_in as through_browser;
use answerback_keychain::Keychain;
use anyhow::{Context, anyhow};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::args::SignIn;
use crate::outcome::{Outcome, WrongUsage};

/// Runs `sign-in`.
///
/// # Errors
/// The configuration is wrong, the sign-in came to nothing, or the keychain can't keep it.
pub fn sign_in(args: &SignIn) -> anyhow::Result<Outcome> {
    let config = Config::load(&args.config)?;
    let address = match &args.account {
        Some(address) => address.clone(),
        None => only_one(&config.accounts)?,
    };
    let runtime = Runtime::new().context("The asynchronous runtime can't be started")?;
    let keychain = Keychain::system();
    let signing_in = through_browser(&config, &keychain, &address, |url| {
        // A sign-in whose URL nobody can read is of no use; it ends by its time limit.
        let _closed = show(args, url);
    });
    runtime.block_on(signing_in).map_err(|problem| anyhow!("{} {}", problem.summary, problem.remedy))?;
    let mut out = io::stdout().lock();
    if args.output.json {
        writeln!(out, "{}", json!({"signed_in": address}))?;
    } else {
        writeln!(out, "{address} is signed in.")?;
    }
    Ok(Outcome::Done)
}

fn only_one(accounts: &[AccountConfig]) -> anyhow::Result<String> {
    let mut through_browser =
        accounts.iter().filter(|account| matches!(account.sign_in(), SignInSource::Browser(_)));
    match (through_browser.next(), through_browser.next()) {
        (Some(account), None) => Ok(account.address.clone()),
        (None, _) => {
            Err(WrongUsage("No account of the configuration signs in through the browser.".into()).into())
        }
        (Some(_), Some(_)) => {
            Err(WrongUsage("Several accounts sign in through the browser: name one with --account.".into())
                .into())
        }
    }
}

fn show(args: &SignIn, url: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if args.output.json {
        writeln!(out, "{}", json!({"url": url}))?;
    } else {
        writeln!(out, "Open this page and sign in; this waits for ten minutes:\n\n{url}\n")?;
    }
    out.flush()?;
    if !args.no_browser && open::that_detached(url).is_err() {
        tracing::warn!("No browser could be opened; open the page yourself.");
    }
    Ok(())
}
