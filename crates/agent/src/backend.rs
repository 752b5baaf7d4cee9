//! The task that keeps the backend in step: gets the token, then runs feed and delivery side by side.

use std::sync::Arc;
use std::time::Duration;

use answerback_backend::{Client, ClientOptions, Token};
use tokio_util::sync::CancellationToken;

use crate::backoff::{Backoff, jitter};
use crate::config::BackendConfig;
use crate::context::Context;
use crate::view::{BackendState, Problem};
use crate::{connection, delivery, feed};

/// The longest wait for a keychain that is locked.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Keeps the backend in step until it is stopped.
pub async fn run(context: Arc<Context>, config: BackendConfig, stop: CancellationToken) {
    let mut backoff = Backoff::up_to(LONGEST_WAIT);
    context.update_backend(|live| live.state = BackendState::Connecting);
    loop {
        let mut hurry = context.hurry.subscribe();
        match connect(&context, &config).await {
            Ok(client) => {
                let feed =
                    feed::follow_feed(Arc::clone(&context), client.clone(), config.url.clone(), stop.clone());
                let delivery =
                    delivery::deliver(Arc::clone(&context), client, config.url.clone(), stop.clone());
                tokio::join!(feed, delivery);
                return;
            }
            Err(problem) => {
                let give_up = connection::failed(&context, &config.url, problem);
                let wait = backoff.next(jitter(), None);
                let again = async {
                    if give_up { std::future::pending().await } else { tokio::time::sleep(wait).await }
                };
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = again => {}
                    _ = hurry.changed() => backoff.reset(),
                }
            }
        }
    }
}

async fn connect(context: &Arc<Context>, config: &BackendConfig) -> Result<Client, Problem> {
    let (shared, config) = (Arc::clone(context), config.clone());
    let made = tokio::task::spawn_blocking(move || {
        let token = config
            .token
            .resolve(&shared.keychain)
            .map_err(|error| Problem::of_secret(&error, &config.url))?;
        let options = ClientOptions { ca_file: config.ca_file.clone() };
        Client::new(&config.url, Token::new(token.expose()), &options)
            .map_err(|error| Problem::of_backend(&error, &config.url))
    });
    made.await.unwrap_or_else(|_| {
        Err(Problem::new("keychain_timeout", "", "The token could not be read.", "Try again."))
    })
}
