//! The task that keeps the backend, or Salesforce in its place, in step: gets what it signs in with, then runs feed and delivery side by
//! side.

use std::sync::Arc;
use std::time::Duration;

use answerback_backend::{BackendError, Client, ClientOptions, PairedToken, Token};
use tokio_util::sync::CancellationToken;

use crate::agent::pairing::keep_refresh_token;
use crate::backoff::{Backoff, jitter};
use crate::config::{BackendConfig, Destination};
use crate::context::Context;
use crate::link::Link;
use crate::view::{BackendState, Problem};
use crate::{connection, delivery, feed};

/// The longest wait for a keychain that is locked.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Keeps it in step until it is stopped.
pub async fn run(context: Arc<Context>, destination: Destination, stop: CancellationToken) {
    let url = destination.url().to_owned();
    let mut backoff = Backoff::up_to(LONGEST_WAIT);
    context.update_backend(|live| live.state = BackendState::Connecting);
    loop {
        let mut hurry = context.hurry.subscribe();
        match connect(&context, &destination).await {
            Ok(link) => {
                context.set_link(Some(link.clone()));
                let feed = feed::follow_feed(Arc::clone(&context), link.clone(), url.clone(), stop.clone());
                let delivery = delivery::deliver(Arc::clone(&context), link, url.clone(), stop.clone());
                tokio::join!(feed, delivery);
                return;
            }
            Err(problem) => {
                let give_up = connection::failed(&context, &url, problem);
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

async fn connect(context: &Arc<Context>, destination: &Destination) -> Result<Link, Problem> {
    let (shared, destination) = (Arc::clone(context), destination.clone());
    let made = tokio::task::spawn_blocking(move || {
        let config = match destination {
            Destination::Backend(config) => config,
            Destination::Salesforce(config) => {
                let config = shared.managed.over_salesforce(config);
                return shared.credentials.salesforce(&config).map(Link::Salesforce);
            }
        };
        let token = config
            .token
            .resolve(&shared.keychain)
            .map_err(|error| Problem::of_secret(&error, &config.url))?;
        client(&shared, &config, Token::new(token.expose()))
            .map(Link::Backend)
            .map_err(|error| Problem::of_backend(&error, &config.url))
    });
    made.await.unwrap_or_else(|_| {
        Err(Problem::new("keychain_timeout", "", "The token could not be read.", "Try again."))
    })
}

fn client(context: &Context, config: &BackendConfig, token: Token) -> Result<Client, BackendError> {
    let options = ClientOptions { ca_file: config.ca_file.clone() };
    if !config.paired {
        return Client::new(&config.url, token, &options);
    }
    let keep = keep_refresh_token(context.keychain.clone(), &config.token);
    Client::new(&config.url, PairedToken::new(&config.url, token, keep, &options)?, &options)
}
