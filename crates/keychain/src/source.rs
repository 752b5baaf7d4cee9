//! Where a config file says that a secret is.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{Keychain, Secret, SourceError};

/// No password or token is longer; a larger file is some other file.
const MAX_FILE: u64 = 64 * 1024;

/// Where a secret is: `{ env = "NAME" }`, `{ keychain = "key" }` or `{ file = "path" }`, exactly one of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SecretSource {
    /// In this environment variable.
    Env(String),
    /// In the keychain, under this key.
    Keychain(String),
    /// In this file, which only its owner may read; a final line break is not part of the secret.
    File(PathBuf),
}

impl SecretSource {
    /// Fetches the secret. Blocks as [`Keychain::get`] does.
    ///
    /// # Errors
    /// Why it could not be had, with what to do about it.
    pub fn resolve(&self, keychain: &Keychain) -> Result<Secret, SourceError> {
        match self {
            Self::Env(name) => from_env(name),
            Self::Keychain(key) => Ok(keychain.get(key)?),
            Self::File(path) => from_file(path),
        }
    }
}

fn from_env(name: &str) -> Result<Secret, SourceError> {
    match std::env::var(name) {
        Ok(text) if text.is_empty() => Err(SourceError::EnvMissing(name.to_owned())),
        Ok(text) => Ok(Secret::from(text)),
        Err(std::env::VarError::NotPresent) => Err(SourceError::EnvMissing(name.to_owned())),
        Err(std::env::VarError::NotUnicode(_)) => Err(SourceError::EnvNotText(name.to_owned())),
    }
}

fn from_file(path: &Path) -> Result<Secret, SourceError> {
    let unreadable = |reason| SourceError::FileUnreadable { path: path.to_owned(), reason };
    let wrong = |wrong| SourceError::FileContent { path: path.to_owned(), wrong };
    // A pipe would block until somebody writes into it, so look before opening.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(wrong("is not a regular file"));
    }
    let file = std::fs::File::open(path).map_err(unreadable)?;
    // Asked of the open file: the path may meanwhile name another one.
    let metadata = file.metadata().map_err(unreadable)?;
    refuse_readable_by_others(path, &metadata)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(wrong("is too long for a secret"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("is not UTF-8 text"))?;
    let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if text.is_empty() { Err(wrong("is empty")) } else { Ok(Secret::from(text)) }
}

#[cfg(unix)]
fn refuse_readable_by_others(path: &Path, metadata: &std::fs::Metadata) -> Result<(), SourceError> {
    use std::os::unix::fs::MetadataExt;
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(SourceError::FileMode { path: path.to_owned(), mode }) }
}

/// Windows has no mode; a file under the user's profile is private by its inherited access list.
#[cfg(not(unix))]
fn refuse_readable_by_others(_: &Path, _: &std::fs::Metadata) -> Result<(), SourceError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Config {
        password: SecretSource,
    }

    #[test]
    fn the_config_names_exactly_one_place() {
        for (toml, source) in [
            (r#"password = { env = "P" }"#, SecretSource::Env("P".into())),
            (r#"password = { keychain = "k" }"#, SecretSource::Keychain("k".into())),
            (r#"password = { file = "/run/p" }"#, SecretSource::File("/run/p".into())),
        ] {
            let config: Config = toml::from_str(toml).unwrap();
            assert_eq!(config.password, source);
            assert_eq!(toml::from_str::<Config>(&toml::to_string(&config).unwrap()).unwrap(), config);
        }
        for wrong in [
            r#"password = "hunter2""#,
            r#"password = { env = "P", file = "f" }"#,
            r#"password = { value = "hunter2" }"#,
            r#"password = {}"#,
        ] {
            assert!(toml::from_str::<Config>(wrong).is_err(), "{wrong}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_read_only_when_nobody_else_can() {
        use std::os::unix::fs::PermissionsExt;
        let keychain = Keychain::in_memory().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        let source = SecretSource::File(path.clone());
        assert!(matches!(source.resolve(&keychain), Err(SourceError::FileUnreadable { .. })));
        for (content, secret) in [
            ("hunter2", Some("hunter2")),
            ("hunter2\n", Some("hunter2")),
            ("hunter2\r\n", Some("hunter2")),
            (" two  words \n\n", Some(" two  words \n")),
            ("", None),
            ("\n", None),
        ] {
            std::fs::write(&path, content).unwrap();
            for (mode, allowed) in
                [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o644, false)]
            {
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
                let got = source.resolve(&keychain);
                match (allowed, secret) {
                    (false, _) => {
                        assert!(matches!(got, Err(SourceError::FileMode { mode: seen, .. }) if seen == mode));
                    }
                    (true, None) => assert!(matches!(got, Err(SourceError::FileContent { .. }))),
                    (true, Some(secret)) => assert_eq!(got.unwrap().expose(), secret),
                }
            }
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        assert!(matches!(
            SecretSource::File(dir.path().to_owned()).resolve(&keychain),
            Err(SourceError::FileContent { wrong: "is not a regular file", .. })
        ));
        std::fs::write(&path, vec![b'x'; 70_000]).unwrap();
        assert!(matches!(source.resolve(&keychain), Err(SourceError::FileContent { .. })));
        std::fs::write(&path, b"hunter2\xff").unwrap();
        let error = source.resolve(&keychain).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn an_unset_variable_and_an_absent_key_say_their_name() {
        let keychain = Keychain::in_memory().unwrap();
        let error = SecretSource::Env("ANSWERBACK_NO_SUCH".into()).resolve(&keychain).unwrap_err();
        assert!(error.to_string().contains("ANSWERBACK_NO_SUCH"));
        let error = SecretSource::Keychain("account/x".into()).resolve(&keychain).unwrap_err();
        assert!(error.to_string().contains("account/x"));
        keychain.set("account/x", &Secret::from("pw")).unwrap();
        assert_eq!(SecretSource::Keychain("account/x".into()).resolve(&keychain).unwrap().expose(), "pw");
        assert!(SecretSource::Env("PATH".into()).resolve(&keychain).is_ok());
    }
}
