//! One secret over as many entries of the store as its size limit asks for.
//!
//! A short secret is the entry's value. A long one is spread over parts, and the entry says so: a header
//! `answerback-parts:1:<generation>:<parts>:<bytes>`. Parts of the other generation are written first and the
//! header last, so a crash in between leaves the old secret readable; then the old parts are removed.

use keyring_core::{CredentialStore, Entry, Error as StoreError, Result};
use zeroize::Zeroizing;

const MAGIC: &str = "answerback-parts:";

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parts {
    /// 0 or 1; a new value is written under the one that is not in use.
    generation: u8,
    count: usize,
    bytes: usize,
}

impl Parts {
    fn parse(value: &[u8]) -> Option<Self> {
        let mut fields = std::str::from_utf8(value).ok()?.strip_prefix(MAGIC)?.split(':');
        let mut field = || fields.next();
        if field()? != "1" {
            return None;
        }
        let parts = Self {
            generation: field()?.parse().ok()?,
            count: field()?.parse().ok()?,
            bytes: field()?.parse().ok()?,
        };
        (fields.next().is_none() && parts.generation <= 1).then_some(parts)
    }

    fn header(self) -> String {
        format!("{MAGIC}1:{}:{}:{}", self.generation, self.count, self.bytes)
    }
}

/// The secret under `key`.
pub fn read(store: &CredentialStore, service: &str, key: &str) -> Result<Zeroizing<Vec<u8>>> {
    let value = Zeroizing::new(store.build(service, key, None)?.get_secret()?);
    if !value.starts_with(MAGIC.as_bytes()) {
        return Ok(value);
    }
    let parts = Parts::parse(&value).ok_or_else(damaged)?;
    let mut whole = Zeroizing::new(Vec::with_capacity(parts.bytes.min(1 << 20)));
    for number in 0..parts.count {
        let part = match part(store, service, key, parts.generation, number)?.get_secret() {
            Err(StoreError::NoEntry) => return Err(damaged()),
            part => Zeroizing::new(part?),
        };
        whole.extend_from_slice(&part);
    }
    if whole.len() == parts.bytes { Ok(whole) } else { Err(damaged()) }
}

/// Puts `secret` under `key`, over whatever stands there.
pub fn write(
    store: &CredentialStore,
    service: &str,
    key: &str,
    secret: &[u8],
    limit: Option<usize>,
) -> Result<()> {
    let entry = store.build(service, key, None)?;
    let old = match entry.get_secret() {
        Ok(value) => Parts::parse(&Zeroizing::new(value)),
        Err(StoreError::NoEntry) => None,
        Err(error) => return Err(error),
    };
    let limit = limit.unwrap_or(usize::MAX);
    // A secret that looks like a header must not be read as one.
    if secret.len() <= limit && !secret.starts_with(MAGIC.as_bytes()) {
        entry.set_secret(secret)?;
    } else {
        let generation = old.map_or(0, |old| 1 - old.generation);
        let pieces = secret.chunks(limit.min(secret.len()).max(1));
        let new = Parts { generation, count: pieces.len(), bytes: secret.len() };
        for (number, piece) in pieces.enumerate() {
            part(store, service, key, generation, number)?.set_secret(piece)?;
        }
        entry.set_secret(new.header().as_bytes())?;
    }
    if let Some(old) = old {
        remove_parts(store, service, key, old)?;
    }
    Ok(())
}

/// Removes what is under `key`.
pub fn remove(store: &CredentialStore, service: &str, key: &str) -> Result<()> {
    let entry = store.build(service, key, None)?;
    let parts = Parts::parse(&Zeroizing::new(entry.get_secret()?));
    if let Some(parts) = parts {
        remove_parts(store, service, key, parts)?;
    }
    entry.delete_credential()
}

fn remove_parts(store: &CredentialStore, service: &str, key: &str, parts: Parts) -> Result<()> {
    for number in 0..parts.count {
        match part(store, service, key, parts.generation, number)?.delete_credential() {
            Ok(()) | Err(StoreError::NoEntry) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn part(store: &CredentialStore, service: &str, key: &str, generation: u8, number: usize) -> Result<Entry> {
    store.build(service, &format!("{key}#{generation}.{number}"), None)
}

fn damaged() -> StoreError {
    StoreError::BadStoreFormat("a part of the entry is missing".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{LIMIT, LimitedStore};
    use keyring_core::api::CredentialStoreApi as _;

    #[test]
    fn a_header_reads_back_as_it_was_written() {
        let parts = Parts { generation: 1, count: 3, bytes: 7000 };
        assert_eq!(Parts::parse(parts.header().as_bytes()), Some(parts));
        for wrong in
            ["answerback-parts:2:0:1:1", "answerback-parts:1:2:1:1", "answerback-parts:1:0:1", "hunter2"]
        {
            assert_eq!(Parts::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn secrets_of_every_size_come_back_and_leave_nothing_behind() {
        let store = LimitedStore::default();
        for size in
            [0, 1, LIMIT - 1, LIMIT, LIMIT + 1, 3 * LIMIT, 3 * LIMIT + 17, 20, 5 * LIMIT, 2 * LIMIT + 1, 9]
        {
            let secret: Vec<u8> = (0..size).map(|i| b'a' + u8::try_from(i % 26).unwrap()).collect();
            write(&store, "s", "k", &secret, Some(LIMIT)).unwrap();
            assert_eq!(*read(&store, "s", "k").unwrap(), secret, "{size} bytes");
            let entries = if size <= LIMIT { 1 } else { 1 + size.div_ceil(LIMIT) };
            assert_eq!(store.len(), entries, "{size} bytes");
        }
        remove(&store, "s", "k").unwrap();
        assert_eq!(store.len(), 0);
        assert!(matches!(read(&store, "s", "k"), Err(StoreError::NoEntry)));
        assert!(matches!(remove(&store, "s", "k"), Err(StoreError::NoEntry)));
    }

    #[test]
    fn a_secret_that_looks_like_a_header_is_only_a_secret() {
        let store = LimitedStore::default();
        let secret = b"answerback-parts:1:0:9:9";
        write(&store, "s", "k", secret, None).unwrap();
        assert_eq!(&**read(&store, "s", "k").unwrap(), secret);
    }

    #[test]
    fn a_write_that_breaks_off_leaves_the_old_secret_readable() {
        let store = LimitedStore::default();
        let (old, new) = (vec![b'o'; 2 * LIMIT + 5], vec![b'n'; 3 * LIMIT]);
        write(&store, "s", "k", &old, Some(LIMIT)).unwrap();
        for allowed in 0..4 {
            store.fail_after_writes(allowed);
            write(&store, "s", "k", &new, Some(LIMIT)).unwrap_err();
            assert_eq!(*read(&store, "s", "k").unwrap(), old, "after {allowed} writes");
        }
        store.fail_after_writes(usize::MAX);
        write(&store, "s", "k", &new, Some(LIMIT)).unwrap();
        assert_eq!(*read(&store, "s", "k").unwrap(), new);
        remove(&store, "s", "k").unwrap();
        assert_eq!(store.len(), 0);
    }

    #[test]
    fn a_lost_part_is_an_error_and_not_a_shorter_secret() {
        let store = LimitedStore::default();
        write(&store, "s", "k", &vec![b'x'; 2 * LIMIT], Some(LIMIT)).unwrap();
        store.build("s", "k#0.1", None).unwrap().delete_credential().unwrap();
        assert!(matches!(read(&store, "s", "k"), Err(StoreError::BadStoreFormat(_))));
    }
}
