//! Secrets in the operating system's keychain, and a type that never prints them.
//!
//! The keychain is the Secret Service on Linux and the BSDs (GNOME Keyring, KDE Wallet, KeePassXC), the login
//! keychain on macOS and the Credential Manager on Windows. Where there is none, that is an error that says what
//! to do: nothing falls back to a plaintext file.
//!
//! ```no_run
//! use answerback_keychain::{Keychain, Secret};
//!
//! let keychain = Keychain::system();
//! keychain.set("account/rep@sales.example", &Secret::from("correct horse"))?;
//! let password = keychain.get("account/rep@sales.example")?;
//! assert_eq!(format!("{password:?}"), "[secret]");
//! # Ok::<(), answerback_keychain::KeychainError>(())
//! ```
#![forbid(unsafe_code)]

mod blob;
pub mod error;
pub mod keychain;
mod platform;
pub mod secret;
pub mod source;
#[cfg(test)]
mod testing;

pub use error::{KeychainError, SourceError};
pub use keychain::Keychain;
pub use secret::Secret;
pub use source::SecretSource;
