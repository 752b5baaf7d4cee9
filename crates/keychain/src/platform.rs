//! The operating system's own store, and what its errors mean.

use std::sync::Arc;

use keyring_core::{CredentialStore, Error as StoreError};

use crate::KeychainError;

/// The longest blob that the store takes; longer secrets are spread over several entries.
///
/// Windows refuses more than `CRED_MAX_CREDENTIAL_BLOB_SIZE` (5 × 512 bytes), and OAuth tokens of Entra ID are
/// longer than that.
pub const MAX_BLOB: Option<usize> = if cfg!(windows) { Some(2560) } else { None };

/// A fresh connection to the store. Not kept: a session bus can come up late, go, and come back.
pub fn connect() -> keyring_core::Result<Arc<CredentialStore>> {
    #[cfg(target_os = "macos")]
    let store = apple_native_keyring_store::keychain::Store::new()?;
    #[cfg(windows)]
    let store = windows_native_keyring_store::Store::new()?;
    #[cfg(all(unix, not(target_os = "macos")))]
    let store = zbus_secret_service_keyring_store::Store::new()?;
    Ok(store)
}

/// Whether the store is known to be locked; asks without making it prompt.
#[cfg(all(unix, not(target_os = "macos")))]
pub fn is_locked() -> bool {
    use secret_service::{EncryptionType, blocking::SecretService};
    let Ok(service) = SecretService::connect(EncryptionType::Plain) else { return false };
    service.get_default_collection().and_then(|collection| collection.is_locked()).unwrap_or(false)
}

/// Whether the store is known to be locked. macOS and Windows unlock at login and tell in their errors.
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub fn is_locked() -> bool {
    false
}

/// What a failed connection means.
pub fn connect_error(error: StoreError) -> KeychainError {
    tracing::debug!(%error, "The keychain can't be reached.");
    // With the Secret Service every failure here is one of reaching it: no bus, no provider, a provider that
    // crashed while it was started by the bus.
    KeychainError::NoKeychain
}

/// What a failed read, write or removal of `key` means.
pub fn call_error(error: StoreError, key: &str) -> KeychainError {
    match error {
        StoreError::NoEntry => KeychainError::NotFound(key.to_owned()),
        StoreError::NoDefaultStore => KeychainError::NoKeychain,
        StoreError::NoStorageAccess(cause) | StoreError::PlatformFailure(cause) => platform_error(&*cause),
        other => KeychainError::Other(other.to_string()),
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn platform_error(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> KeychainError {
    use secret_service::Error;
    match cause.downcast_ref::<Error>() {
        Some(Error::Locked) => KeychainError::Locked,
        // Somebody closed the question, or no program could show it (a machine without a desktop).
        Some(Error::Prompt | Error::PromptDisconnected) if is_locked() => KeychainError::Locked,
        Some(Error::Prompt | Error::PromptDisconnected) => KeychainError::Denied,
        // A provider with no default collection, as on a fresh WSL or a first login.
        Some(Error::NoResult | Error::Unavailable) => KeychainError::NoKeychain,
        _ if is_locked() => KeychainError::Locked,
        _ => KeychainError::Other(cause.to_string()),
    }
}

/// <https://developer.apple.com/documentation/security/security-framework-result-codes>
#[cfg(target_os = "macos")]
fn platform_error(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> KeychainError {
    match cause.downcast_ref::<security_framework::base::Error>().map(|error| error.code()) {
        // errSecNotAvailable, errSecNoSuchKeychain, errSecInvalidKeychain
        Some(-25291 | -25294 | -25295) => KeychainError::NoKeychain,
        // errSecInteractionNotAllowed, errSecInteractionRequired
        Some(-25308 | -25315) => KeychainError::Locked,
        // errSecAuthFailed, userCanceledErr, errSecInvalidOwnerEdit, wrPermErr, errSecReadOnly
        Some(-25293 | -128 | -25244 | -61 | -25292) => KeychainError::Denied,
        _ => KeychainError::Other(cause.to_string()),
    }
}

/// The store's error type is private, so its words have to do.
#[cfg(windows)]
fn platform_error(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> KeychainError {
    match cause.to_string().as_str() {
        // A service or an SSH login has no credential set.
        "Windows ERROR_NO_SUCH_LOGON_SESSION" => KeychainError::NoKeychain,
        "Windows error code 5" => KeychainError::Denied,
        text => KeychainError::Other(text.to_owned()),
    }
}
