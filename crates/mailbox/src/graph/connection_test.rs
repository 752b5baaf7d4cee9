//! Tries a mailbox step by step, for the settings window and `doctor`.

use super::{GraphMailbox, GraphSettings, TokenSource, http};
use crate::imap::{TestStep, TestStepKind};
use crate::{Error, ErrorKind, Event, Mailbox as _, WatchOptions};

/// Tries the settings. Ends with the first step that fails, which has the error; four steps without one mean that the
/// mailbox can be watched.
pub async fn test_connection<T: TokenSource>(settings: &GraphSettings, tokens: T) -> Vec<TestStep> {
    let mut steps = Vec::new();
    if let Err(error) = try_steps(settings, tokens, &mut steps).await {
        let kind = failed_step(&error, steps.len());
        // What went well before an error that says so.
        steps.push(TestStep { kind, outcome: Err(error) });
    }
    steps
}

async fn try_steps<T: TokenSource>(
    settings: &GraphSettings,
    tokens: T,
    steps: &mut Vec<TestStep>,
) -> Result<(), Error> {
    let mut client = http::Client::new(settings, tokens)?;
    let (host, security) = (client.host().to_owned(), client.security().to_owned());
    let signed_in = client.sign_in().await;
    let reached = match &signed_in {
        Ok(()) => true,
        Err(error) => failed_step(error, 0) == TestStepKind::SignIn,
    };
    if reached {
        steps.push(TestStep { kind: TestStepKind::Server, outcome: Ok(host) });
        steps.push(TestStep { kind: TestStepKind::Security, outcome: Ok(security) });
    }
    signed_in?;
    steps.push(TestStep { kind: TestStepKind::SignIn, outcome: Ok("OAuth 2.0".to_owned()) });
    let mut mailbox = GraphMailbox::new(client, WatchOptions::default(), Vec::new());
    let event = mailbox.next().await?;
    let folders = if let Event::Connected { folders, .. } = event { folders.len() } else { 0 };
    steps.push(TestStep { kind: TestStepKind::Folders, outcome: Ok(folders.to_string()) });
    Ok(())
}

/// The step that an error belongs to, when so many have succeeded.
fn failed_step(error: &Error, done: usize) -> TestStepKind {
    match error.kind {
        _ if done >= 3 => TestStepKind::Folders,
        ErrorKind::Certificate | ErrorKind::Tls | ErrorKind::Protocol => TestStepKind::Security,
        ErrorKind::WrongToken
        | ErrorKind::ConsentMissing
        | ErrorKind::Unsupported
        | ErrorKind::Throttled
        | ErrorKind::Denied => TestStepKind::SignIn,
        _ => TestStepKind::Server,
    }
}
