//! Reading and writing secrets, never waiting for ever.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use keyring_core::CredentialStore;

use crate::{KeychainError, Secret, blob, platform};

/// The name that every entry of ours carries in the keychain, for people who look into it.
pub const SERVICE: &str = "answerback";

/// Long enough to type a login password, short enough that nobody thinks that the program hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a second look, whether the store is locked, may take.
const SECOND_LOOK: Duration = Duration::from_secs(2);

/// Calls that may hang at the same time, each in a question on the screen or in a store that is stuck.
const MAX_HANGING: usize = 4;

type Connect = dyn Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send + Sync;

/// The operating system's keychain.
///
/// Every call runs on a thread of its own and waits for it at most for a set time: a locked store can block as
/// long as its question stays on the screen. Calls block, so async code runs them on a blocking thread. A call that
/// was given up still ends when its question is answered; the next call then finds the store unlocked.
#[derive(Clone)]
pub struct Keychain {
    connect: Arc<Connect>,
    limit: Option<usize>,
    patience: Duration,
    hanging: Arc<AtomicUsize>,
}

impl fmt::Debug for Keychain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keychain").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Default for Keychain {
    fn default() -> Self {
        Self::system()
    }
}

impl Keychain {
    /// The keychain of the user who runs this program. Nothing is touched before the first call.
    pub fn system() -> Self {
        Self::over(platform::connect, platform::MAX_BLOB)
    }

    /// A keychain in this process's memory that forgets all when its last clone goes. For tests of programs that
    /// need a keychain and must not touch the user's.
    pub fn in_memory() -> Result<Self, KeychainError> {
        let store: Arc<CredentialStore> =
            keyring_core::mock::Store::new().map_err(|error| KeychainError::Other(error.to_string()))?;
        Ok(Self::over(move || Ok(store.clone()), None))
    }

    fn over(
        connect: impl Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send + Sync + 'static,
        limit: Option<usize>,
    ) -> Self {
        Self { connect: Arc::new(connect), limit, patience: PATIENCE, hanging: Arc::default() }
    }

    /// Waits at most this long for each call instead of a minute.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The secret under `key`.
    ///
    /// # Errors
    /// [`KeychainError::NotFound`] where there is none; otherwise why the keychain could not be asked.
    pub fn get(&self, key: &str) -> Result<Secret, KeychainError> {
        self.call(key, |store, key, _| {
            let mut bytes = blob::read(store, SERVICE, key)?;
            match String::from_utf8(std::mem::take(&mut *bytes)) {
                Ok(text) => Ok(Secret::from(text)),
                Err(error) => {
                    drop(zeroize::Zeroizing::new(error.into_bytes()));
                    Err(keyring_core::Error::BadStoreFormat("the entry is not text".to_owned()))
                }
            }
        })
    }

    /// Puts `secret` under `key`, over what stands there.
    ///
    /// # Errors
    /// Why the keychain could not keep it. What stood there before is then still there.
    pub fn set(&self, key: &str, secret: &Secret) -> Result<(), KeychainError> {
        let secret = secret.clone();
        self.call(key, move |store, key, limit| {
            blob::write(store, SERVICE, key, secret.expose().as_bytes(), limit)
        })
    }

    /// Removes what is under `key`.
    ///
    /// # Errors
    /// [`KeychainError::NotFound`] where there is nothing; otherwise why the keychain could not be asked.
    pub fn delete(&self, key: &str) -> Result<(), KeychainError> {
        self.call(key, |store, key, _| blob::remove(store, SERVICE, key))
    }

    /// Whether secrets can be kept: writes, reads and removes an entry of its own.
    ///
    /// # Errors
    /// Why they can't.
    pub fn check(&self) -> Result<(), KeychainError> {
        const PROBE: &str = "keychain-check";
        self.set(PROBE, &Secret::from("ok"))?;
        let read = self.get(PROBE)?;
        self.delete(PROBE)?;
        if read.expose() == "ok" {
            Ok(())
        } else {
            Err(KeychainError::Other("it gave back something else than was put in".to_owned()))
        }
    }

    fn call<T: Send + 'static>(
        &self,
        key: &str,
        work: impl FnOnce(&CredentialStore, &str, Option<usize>) -> keyring_core::Result<T> + Send + 'static,
    ) -> Result<T, KeychainError> {
        let Some(turn) = Turn::take(&self.hanging) else { return Err(self.gave_up()) };
        let (connect, limit, key) = (self.connect.clone(), self.limit, key.to_owned());
        let answer = within(self.patience, move || {
            let _turn = turn;
            let store = connect().map_err(platform::connect_error)?;
            work(store.as_ref(), &key, limit).map_err(|error| platform::call_error(error, &key))
        });
        match answer {
            Waited::Answer(answer) => answer,
            Waited::InVain => Err(self.gave_up()),
            Waited::Broken => Err(KeychainError::Other("its client broke off".to_owned())),
        }
    }

    fn gave_up(&self) -> KeychainError {
        match within(SECOND_LOOK, platform::is_locked) {
            Waited::Answer(true) => KeychainError::Locked,
            _ => KeychainError::TimedOut(self.patience),
        }
    }
}

/// One of the few calls that may be under way; given back when its thread ends, however long that takes.
struct Turn(Arc<AtomicUsize>);

impl Turn {
    fn take(hanging: &Arc<AtomicUsize>) -> Option<Self> {
        let more = |n: usize| (n < MAX_HANGING).then_some(n + 1);
        hanging.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(Self(hanging.clone()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

enum Waited<T> {
    Answer(T),
    InVain,
    Broken,
}

/// Runs `work` on a thread of its own and waits for it. The thread is left alone when it takes too long.
fn within<T: Send + 'static>(patience: Duration, work: impl FnOnce() -> T + Send + 'static) -> Waited<T> {
    let (answer, answered) = mpsc::sync_channel(1);
    let spawned = std::thread::Builder::new().name("keychain".to_owned()).spawn(move || {
        // Nobody listens any more when the answer comes too late.
        let _late = answer.send(work());
    });
    match (spawned, answered.recv_timeout(patience)) {
        (Err(_), _) | (_, Err(mpsc::RecvTimeoutError::Disconnected)) => Waited::Broken,
        (_, Ok(answer)) => Waited::Answer(answer),
        (_, Err(mpsc::RecvTimeoutError::Timeout)) => Waited::InVain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{LIMIT, LimitedStore};
    use std::time::Instant;

    fn limited() -> Keychain {
        let store: Arc<CredentialStore> = Arc::new(LimitedStore::default());
        Keychain::over(move || Ok(store.clone()), Some(LIMIT))
    }

    #[test]
    fn a_secret_is_kept_replaced_and_removed() {
        for keychain in [Keychain::in_memory().unwrap(), limited()] {
            assert!(matches!(keychain.get("k"), Err(KeychainError::NotFound(key)) if key == "k"));
            keychain.set("k", &Secret::from("one")).unwrap();
            keychain.set("k", &Secret::from("zwölf ✓")).unwrap();
            keychain.set("other", &Secret::from("x")).unwrap();
            assert_eq!(keychain.get("k").unwrap().expose(), "zwölf ✓");
            keychain.delete("k").unwrap();
            assert!(matches!(keychain.get("k"), Err(KeychainError::NotFound(_))));
            assert!(matches!(keychain.delete("k"), Err(KeychainError::NotFound(_))));
            assert_eq!(keychain.get("other").unwrap().expose(), "x");
            keychain.check().unwrap();
        }
    }

    #[test]
    fn a_token_longer_than_the_stores_limit_is_kept_whole() {
        let keychain = limited();
        let token = "é".repeat(4000);
        keychain.set("k", &Secret::from(token.as_str())).unwrap();
        assert_eq!(keychain.get("k").unwrap().expose(), token);
    }

    #[test]
    fn a_store_that_never_answers_is_given_up_and_cannot_pile_up_threads() {
        let keychain = Keychain::over(
            || {
                std::thread::sleep(Duration::from_secs(3));
                Err(keyring_core::Error::NoDefaultStore)
            },
            None,
        )
        .with_patience(Duration::from_millis(50));
        for _ in 0..MAX_HANGING + 3 {
            let error = keychain.get("k").unwrap_err();
            assert!(matches!(error, KeychainError::TimedOut(_) | KeychainError::Locked), "{error}");
        }
        assert_eq!(keychain.hanging.load(Ordering::SeqCst), MAX_HANGING);
        let patient = keychain.clone().with_patience(Duration::from_secs(20));
        let deadline = Instant::now() + Duration::from_secs(20);
        while keychain.hanging.load(Ordering::SeqCst) > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(matches!(patient.get("k"), Err(KeychainError::NoKeychain)), "it recovers");
    }

    #[test]
    fn no_error_tells_what_was_to_be_kept() {
        let store = LimitedStore::default();
        store.fail_after_writes(0);
        let store: Arc<CredentialStore> = Arc::new(store);
        let keychain = Keychain::over(move || Ok(store.clone()), None);
        let error = keychain.set("k", &Secret::from("hunter2")).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
