//! Tries a mailbox step by step, for the settings window and `doctor`.

use super::{GraphMailbox, GraphSettings, TokenSource, http};
use crate::WatchOptions;
use crate::exchange::connection_test;
use crate::imap::TestStep;

/// Tries the settings. Ends with the first step that fails, which has the error; four steps without one mean that the
/// mailbox can be watched.
pub async fn test_connection<T: TokenSource>(settings: &GraphSettings, tokens: T) -> Vec<TestStep> {
    let mut client = match http::Client::new(settings, tokens) {
        Ok(client) => client,
        Err(error) => return vec![connection_test::failed(error, 0)],
    };
    let site = client.site().clone();
    let signed_in = match client.sign_in().await {
        Ok(()) => Ok(GraphMailbox::new(client, WatchOptions::default(), Vec::new())),
        Err(error) => Err(error),
    };
    connection_test::steps(&site, "OAuth 2.0", signed_in).await
}
