//! `sign-in`: signs in to a mailbox, or to Salesforce, through the browser.

use std::io::{self, Write};

use answerback_agent::Config;
use answerback_agent::config::{AccountConfig, SignInSource};
use answerback_agent::sign_in::{sign_in as through_browser, sign_in_to_salesforce};
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
    let runtime = Runtime::new().context("The asynchronous runtime can't be started")?;
    let keychain = Keychain::system();
    let show = |url: &str| {
        // A sign-in whose URL nobody can read is of no use; it ends by its time limit.
        let _closed = show(args, url);
    };
    let (address, signed_in) = if args.salesforce {
        let Some(salesforce) = &config.salesforce else {
            return Err(WrongUsage("The configuration has no [salesforce].".into()).into());
        };
        (salesforce.url.clone(), runtime.block_on(sign_in_to_salesforce(salesforce, &keychain, show)))
    } else {
        let address = match &args.account {
            Some(address) => address.clone(),
            None => only_one(&config.accounts)?,
        };
        let signed_in = runtime.block_on(through_browser(&config, &keychain, &address, show));
        (address, signed_in)
    };
    signed_in.map_err(|problem| anyhow!("{} {}", problem.summary, problem.remedy))?;
    let mut out = io::stdout().lock();
    if args.output.json {
        writeln!(out, "{}", json!({"signed_in": address}))?;
    } else {
        match args.salesforce {
            true => writeln!(out, "You are signed in at {address}.")?,
            false => writeln!(out, "{address} is signed in.")?,
        }
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
