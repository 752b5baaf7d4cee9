//! The store behind two async doors, one call at a time. SQLite blocks: what may take long runs on the blocking pool, and what
//! stands between an answer and its event runs where it is asked for.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use answerback_store::{Error, Store};

/// A shared store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Storage(Arc<Mutex<Store>>);

impl Storage {
    /// Opens the file; see [`Store::open`].
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let path = path.to_owned();
        let store = blocking(move || Store::open(&path)).await?;
        Ok(Self(Arc::new(Mutex::new(store))))
    }

    /// Runs one call on the store, on another thread. A dropped future does not undo the call: it either happens or it doesn't.
    pub async fn call<T, F>(&self, call: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Store) -> Result<T, Error> + Send + 'static,
    {
        let store = Arc::clone(&self.0);
        // A panic in an earlier call has rolled its transaction back; the store itself is sound.
        blocking(move || call(&mut store.lock().unwrap_or_else(PoisonError::into_inner))).await
    }

    /// Runs one call that takes no longer than a look at an index or one commit, at once and on this thread. Going to another one and
    /// back means waiting twice until a processor turns to it, which takes longer than the call on a computer that idles. Only
    /// while another call is running it waits elsewhere, like [`Self::call`].
    pub async fn brief<T, F>(&self, call: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Store) -> Result<T, Error> + Send + 'static,
    {
        match self.at_once(call) {
            Ok(done) => done,
            Err(call) => self.call(call).await,
        }
    }

    /// Gives the call back while another one is running.
    fn at_once<T, F>(&self, call: F) -> Result<Result<T, Error>, F>
    where
        F: FnOnce(&mut Store) -> Result<T, Error>,
    {
        match self.0.try_lock() {
            Ok(mut store) => Ok(call(&mut store)),
            Err(TryLockError::Poisoned(poisoned)) => Ok(call(&mut poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => Err(call),
        }
    }
}

async fn blocking<T, F>(call: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    match tokio::task::spawn_blocking(call).await {
        Ok(result) => result,
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down and takes this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}
