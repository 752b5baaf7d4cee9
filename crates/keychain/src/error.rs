//! What can go wrong with a secret, told apart as far as a person must act differently.

use std::path::PathBuf;
use std::time::Duration;

/// Why the keychain did not do what it was asked. Its text is a sentence for a person and never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum KeychainError {
    /// There is no keychain to talk to, or no session bus to reach it by.
    #[error("{}", NO_KEYCHAIN)]
    NoKeychain,
    /// It is locked, and nobody unlocked it in time.
    #[error("The keychain is locked. Unlock it (usually with your login password) and try again.")]
    Locked,
    /// The rep or the system refused access.
    #[error(
        "Access to the keychain was refused. Allow Answerback to use it when you are asked, and try again."
    )]
    Denied,
    /// It did not answer in time; perhaps it shows a question on the screen.
    #[error(
        "The keychain did not answer within {} seconds. Look for a window that asks for your password, or restart \
         the keychain, and try again.", .0.as_secs()
    )]
    TimedOut(Duration),
    /// It holds nothing under this key.
    #[error("The keychain holds no entry {0:?}. Enter the password again to store it.")]
    NotFound(String),
    /// Anything else, in the platform's words.
    #[error("The keychain failed: {0}. Try again; if that doesn't help, enter the password anew.")]
    Other(String),
}

#[cfg(target_os = "macos")]
const NO_KEYCHAIN: &str = "There is no keychain to keep passwords in. Open Keychain Access, see that a login \
                           keychain exists, and try again.";
#[cfg(windows)]
const NO_KEYCHAIN: &str = "Windows Credential Manager can't be reached. Start the service \"Credential Manager\", \
                           sign in to a desktop session, and try again.";
#[cfg(not(any(target_os = "macos", windows)))]
const NO_KEYCHAIN: &str = "There is no keychain to keep passwords in. Install and start one that offers the Secret \
                           Service, such as gnome-keyring, KDE Wallet or KeePassXC, in the same session; on a \
                           machine without a desktop give the secret by env or file.";

/// Why a secret named in a config file could not be had. Its text never holds the secret.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The environment variable is not set or is empty.
    #[error("The environment variable {0} is not set. Set it to the secret before you start.")]
    EnvMissing(String),
    /// The environment variable is not text.
    #[error("The environment variable {0} is not valid UTF-8 text.")]
    EnvNotText(String),
    /// The keychain did not give it.
    #[error(transparent)]
    Keychain(#[from] KeychainError),
    /// The file can't be read.
    #[error("The secret's file {} can't be read: {reason}.", path.display())]
    FileUnreadable {
        /// As the config names it.
        path: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
    /// Others can read the file.
    #[error(
        "The secret's file {} can be read by others (mode {mode:04o}). Run: chmod 600 {}", path.display(), path.display()
    )]
    FileMode {
        /// As the config names it.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is empty, too long, not text, or no regular file.
    #[error("The secret's file {} {wrong}.", path.display())]
    FileContent {
        /// As the config names it.
        path: PathBuf,
        /// What is wrong, as the end of a sentence.
        wrong: &'static str,
    },
}
