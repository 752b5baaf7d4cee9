//! Tries a mailbox step by step, for the settings window and `doctor`.

use super::web::Site;
use crate::imap::{TestStep, TestStepKind};
use crate::{Error, ErrorKind, Event, Mailbox};

/// The steps as far as they went: signing in, which gave a mailbox or an error, and then the folders. `method` is how one
/// signs in, for people.
pub(crate) async fn steps<M: Mailbox>(
    site: &Site,
    method: &str,
    signed_in: Result<M, Error>,
) -> Vec<TestStep> {
    let mut steps = Vec::new();
    let reached = match &signed_in {
        Ok(_) => true,
        Err(error) => failed_step(error, 0) == TestStepKind::SignIn,
    };
    if reached {
        steps.push(TestStep { kind: TestStepKind::Server, outcome: Ok(site.host.clone()) });
        steps.push(TestStep { kind: TestStepKind::Security, outcome: Ok(site.security().to_owned()) });
    }
    let seen = match signed_in {
        Ok(mut mailbox) => {
            steps.push(TestStep { kind: TestStepKind::SignIn, outcome: Ok(method.to_owned()) });
            mailbox.next().await
        }
        Err(error) => Err(error),
    };
    steps.push(match seen {
        Ok(event) => {
            let folders = if let Event::Connected { folders, .. } = event { folders.len() } else { 0 };
            TestStep { kind: TestStepKind::Folders, outcome: Ok(folders.to_string()) }
        }
        Err(error) => failed(error, steps.len()),
    });
    steps
}

/// The step that an error belongs to, when so many have succeeded.
pub(crate) fn failed(error: Error, done: usize) -> TestStep {
    TestStep { kind: failed_step(&error, done), outcome: Err(error) }
}

fn failed_step(error: &Error, done: usize) -> TestStepKind {
    match error.kind {
        _ if done >= 3 => TestStepKind::Folders,
        ErrorKind::Certificate | ErrorKind::Tls | ErrorKind::Protocol => TestStepKind::Security,
        ErrorKind::WrongPassword
        | ErrorKind::WrongToken
        | ErrorKind::ConsentMissing
        | ErrorKind::Unsupported
        | ErrorKind::Throttled
        | ErrorKind::Denied => TestStepKind::SignIn,
        _ => TestStepKind::Server,
    }
}
