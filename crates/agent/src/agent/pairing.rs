//! Pairing this laptop with the backend by a code (RFC 8628): shows the code, and asks until somebody has decided.

use std::sync::{Arc, Mutex, PoisonError};

use answerback_backend::{ClientOptions, Pairing, PairingState as Answer};
use answerback_keychain::SecretSource;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Agent;
use crate::Change;
use crate::config::BackendConfig;
use crate::view::{PairingState, PairingView, Problem};

/// The pairing that is shown.
#[derive(Debug, Default)]
pub struct PairingUnderWay {
    shown: Mutex<Option<Shown>>,
    /// The rep came back from the backend's page: ask now.
    ask: Notify,
}

#[derive(Debug)]
struct Shown {
    view: PairingView,
    /// Where the code is typed in already.
    complete: Option<String>,
}

impl Agent {
    /// Begins to pair this laptop with the backend at this URL, instead of a pairing that is under way. The backend that is
    /// connected stays so until the new one has said yes.
    ///
    /// # Errors
    /// The URL makes no sense, or what is there does not answer as a backend does.
    pub async fn begin_pairing(&self, url: String) -> Result<PairingView, Problem> {
        let url = url.trim().trim_end_matches('/').to_owned();
        let (mut config, ca_file) = (self.context.config(), self.extra_root());
        config.backend = Some(BackendConfig {
            url: url.clone(),
            token: SecretSource::Keychain(String::new()),
            paired: true,
            ca_file: ca_file.clone(),
        });
        config
            .validate()
            .map_err(|wrong| Problem::new("backend_url", &url, wrong, "Correct the backend's URL."))?;
        let options = ClientOptions { ca_file };
        let pairing = Pairing::begin(&url, &device_name(), &options)
            .await
            .map_err(|error| Problem::of_backend(&error, &url))?;
        let view = PairingView {
            url,
            code: pairing.user_code.clone(),
            page: pairing.verification_uri.clone(),
            state: PairingState::Waiting,
            problem: None,
        };
        let complete = pairing.verification_uri_complete.clone();
        let mut tasks = self.tasks.lock().await;
        tasks.stop_pairing().await;
        self.show_pairing(Some(Shown { view: view.clone(), complete }));
        let agent = self.clone();
        tasks.start_pairing(|stop| async move { agent.follow_pairing(pairing, stop).await });
        Ok(view)
    }

    /// The pairing that is under way or came to nothing.
    pub fn pairing(&self) -> Option<PairingView> {
        self.shown_pairing().as_ref().map(|shown| shown.view.clone())
    }

    /// The backend's page on which somebody decides, with the code typed in where the backend offers that.
    pub fn pairing_page(&self) -> Option<String> {
        self.shown_pairing()
            .as_ref()
            .map(|shown| shown.complete.clone().unwrap_or_else(|| shown.view.page.clone()))
    }

    /// Gives up the pairing that is under way.
    pub async fn cancel_pairing(&self) {
        self.tasks.lock().await.stop_pairing().await;
        self.show_pairing(None);
    }

    /// The rep came back from the backend's page with this code: asks at once how it stands. False where no such pairing
    /// is under way.
    pub fn pairing_decided(&self, code: &str) -> bool {
        let ours = self.pairing().is_some_and(|view| view.code.eq_ignore_ascii_case(code.trim()));
        if ours {
            self.context.pairing.ask.notify_one();
        }
        ours
    }

    async fn follow_pairing(self, mut pairing: Pairing, stop: CancellationToken) {
        let mut wait = pairing.interval();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
                () = self.context.pairing.ask.notified() => {}
            }
            match pairing.poll().await {
                Ok(Answer::Pending(next)) => {
                    wait = next;
                    self.pairing_stands(PairingState::Waiting, None);
                }
                Ok(Answer::Paired(tokens)) => {
                    let Some(view) = self.pairing() else { return };
                    let secret = tokens.refresh.expose().to_owned();
                    match self.adopt_backend(view.url, secret, true).await {
                        Ok(_) => self.show_pairing(None),
                        Err(problem) => self.pairing_stands(PairingState::Failed, Some(problem)),
                    }
                    return;
                }
                Ok(Answer::Denied) => return self.pairing_stands(PairingState::Denied, None),
                Ok(Answer::Expired) => return self.pairing_stands(PairingState::Expired, None),
                Err(error) => {
                    let url = self.pairing().map(|view| view.url).unwrap_or_default();
                    let problem = Problem::of_backend(&error, &url);
                    if !error.is_transient() {
                        return self.pairing_stands(PairingState::Failed, Some(problem));
                    }
                    self.pairing_stands(PairingState::Waiting, Some(problem));
                }
            }
        }
    }

    fn pairing_stands(&self, state: PairingState, problem: Option<Problem>) {
        let mut shown = self.shown_pairing();
        let Some(shown) = shown.as_mut() else { return };
        if (shown.view.state, &shown.view.problem) != (state, &problem) {
            (shown.view.state, shown.view.problem) = (state, problem);
            self.context.changed(Change::Backend);
        }
    }

    fn show_pairing(&self, now: Option<Shown>) {
        *self.shown_pairing() = now;
        self.context.changed(Change::Backend);
    }

    fn shown_pairing(&self) -> std::sync::MutexGuard<'_, Option<Shown>> {
        self.context.pairing.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn extra_root(&self) -> Option<std::path::PathBuf> {
        self.context.config().backend.and_then(|backend| backend.ca_file)
    }
}

/// What the list of laptops calls this one.
fn device_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

/// Puts each new refresh token of a paired laptop into the keychain before the tokens that came with it are used.
pub fn keep_refresh_token(
    keychain: answerback_keychain::Keychain,
    source: &SecretSource,
) -> answerback_backend::pairing::Keep {
    let key = match source {
        SecretSource::Keychain(key) => Some(key.clone()),
        SecretSource::Env(_) | SecretSource::File(_) => None,
    };
    let keychain = Arc::new(keychain);
    Box::new(move |token| {
        key.as_ref().is_some_and(|key| {
            let secret = answerback_keychain::Secret::from(token.expose().to_owned());
            keychain.set(key, &secret).is_ok()
        })
    })
}
