//! The store behind an async door: SQLite blocks, so it runs on the blocking pool, one call at a time.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

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

    /// Runs one call on the store. A dropped future does not undo the call: it either happens or it doesn't.
    pub async fn call<T, F>(&self, call: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Store) -> Result<T, Error> + Send + 'static,
    {
        let store = Arc::clone(&self.0);
        // A panic in an earlier call has rolled its transaction back; the store itself is sound.
        blocking(move || call(&mut store.lock().unwrap_or_else(PoisonError::into_inner))).await
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
