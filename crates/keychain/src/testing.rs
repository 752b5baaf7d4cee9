//! A store in memory with the size limit of Windows, that can fail and stall on demand.

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential, Entry, Error, Result};

/// `CRED_MAX_CREDENTIAL_BLOB_SIZE`.
pub const LIMIT: usize = 2560;

#[derive(Debug)]
struct State {
    values: Mutex<HashMap<String, Vec<u8>>>,
    writes_left: AtomicUsize,
}

#[derive(Clone, Debug)]
pub struct LimitedStore(Arc<State>);

impl Default for LimitedStore {
    fn default() -> Self {
        Self(Arc::new(State { values: Mutex::default(), writes_left: AtomicUsize::new(usize::MAX) }))
    }
}

impl LimitedStore {
    pub fn len(&self) -> usize {
        self.0.values.lock().unwrap().len()
    }

    pub fn fail_after_writes(&self, writes: usize) {
        self.0.writes_left.store(writes, Ordering::SeqCst);
    }
}

impl CredentialStoreApi for LimitedStore {
    fn vendor(&self) -> String {
        "limited".to_owned()
    }

    fn id(&self) -> String {
        "limited".to_owned()
    }

    fn build(&self, service: &str, user: &str, _: Option<&HashMap<&str, &str>>) -> Result<Entry> {
        let cell = Cell { state: self.0.clone(), key: format!("{service}/{user}") };
        Ok(Entry::new_with_credential(Arc::new(cell)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[derive(Debug)]
struct Cell {
    state: Arc<State>,
    key: String,
}

impl CredentialApi for Cell {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        if secret.len() > LIMIT {
            return Err(Error::TooLong("secret".to_owned(), u32::try_from(LIMIT).unwrap()));
        }
        let left = self.state.writes_left.load(Ordering::SeqCst);
        if left == 0 {
            return Err(Error::PlatformFailure("the store went away".into()));
        }
        self.state.writes_left.store(left - 1, Ordering::SeqCst);
        self.state.values.lock().unwrap().insert(self.key.clone(), secret.to_vec());
        Ok(())
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.state.values.lock().unwrap().get(&self.key).cloned().ok_or(Error::NoEntry)
    }

    fn delete_credential(&self) -> Result<()> {
        self.state.values.lock().unwrap().remove(&self.key).map(drop).ok_or(Error::NoEntry)
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
