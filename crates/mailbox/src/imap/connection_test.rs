//! Tries a mailbox's settings step by step, for the settings window and `doctor`.

use super::session;
use super::sign_in::Credential;
use crate::{Error, Event, ImapSettings, Mailbox, WatchOptions};

/// One step of the way to a mailbox.
#[derive(Debug)]
pub struct TestStep {
    /// Which one.
    pub kind: TestStepKind,
    /// What came of it: a few words, such as `TLS 1.3`, or the error.
    pub outcome: Result<String, Error>,
}

/// The steps, in order. Each needs the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TestStepKind {
    /// The server exists and answers on its port.
    Server,
    /// The connection is secured and IMAP is spoken.
    Security,
    /// The user name and password are accepted.
    SignIn,
    /// The folders can be seen.
    Folders,
}

/// Tries the settings. Ends with the first step that fails, which has the error; four steps without one mean that the
/// mailbox can be watched.
pub async fn test_connection(settings: &ImapSettings, credential: &Credential) -> Vec<TestStep> {
    let mut steps = Vec::new();
    if let Err((kind, error)) = try_steps(settings, credential, &mut steps).await {
        steps.push(TestStep { kind, outcome: Err(error) });
    }
    steps
}

async fn try_steps(
    settings: &ImapSettings,
    credential: &Credential,
    steps: &mut Vec<TestStep>,
) -> Result<(), (TestStepKind, Error)> {
    let mut done = |kind, words: String| steps.push(TestStep { kind, outcome: Ok(words) });
    let at = |kind| move |error| (kind, error);
    let stream = session::reach(settings).await.map_err(at(TestStepKind::Server))?;
    done(TestStepKind::Server, format!("{}:{}", settings.host, settings.port));
    let greeted = session::greet(settings, stream).await.map_err(at(TestStepKind::Security))?;
    done(TestStepKind::Security, greeted.security.clone());
    let session = session::enter(greeted, settings, credential).await.map_err(at(TestStepKind::SignIn))?;
    done(TestStepKind::SignIn, settings.username.clone());
    let mut mailbox = super::ImapMailbox::new(session, WatchOptions::default(), Vec::new());
    let event = mailbox.next().await.map_err(at(TestStepKind::Folders))?;
    mailbox.close().await;
    let count = match event {
        Event::Connected { folders, .. } => folders.len(),
        _ => 0,
    };
    done(TestStepKind::Folders, count.to_string());
    Ok(())
}
