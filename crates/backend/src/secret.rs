//! Where a server's settings say that a secret is.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Token;

/// Where a secret is: never among the settings themselves.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub enum SecretSource {
    /// In this environment variable.
    Env(String),
    /// In this file, which only its owner may read.
    File(PathBuf),
}

/// As settings say it. Where it is anything else, perhaps the secret itself, the error must not repeat it: that of an untagged enum
/// says only what was expected.
#[derive(Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "settings say where a secret is: { env = \"NAME\" } or { file = \"PATH\" }"
)]
enum Written {
    Env { env: String },
    File { file: PathBuf },
}

impl From<Written> for SecretSource {
    fn from(written: Written) -> Self {
        match written {
            Written::Env { env } => Self::Env(env),
            Written::File { file } => Self::File(file),
        }
    }
}

/// Why a secret can't be had, or can't be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It is not there.
    #[error("There is no environment variable {0}.")]
    NoVariable(String),
    /// The file can't be read or written.
    #[error("{path}: {why}.")]
    File {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// Others can read it.
    #[error("{path} has mode {mode:o}, so others on this computer can read the secret: chmod 600 {path}")]
    Exposed {
        /// The file.
        path: String,
        /// Its permissions.
        mode: u32,
    },
    /// A variable can't be changed for the next process.
    #[error("A secret that changes can't be in an environment variable: give it as {{ file = \"PATH\" }}.")]
    NotAFile,
}

impl SecretSource {
    /// Reads the secret.
    ///
    /// # Errors
    /// With what to do about it.
    pub fn read(&self) -> Result<Token, SecretError> {
        match self {
            Self::Env(name) => {
                std::env::var(name).map(Token::new).map_err(|_| SecretError::NoVariable(name.clone()))
            }
            Self::File(path) => {
                let file = std::fs::File::open(path).map_err(|error| failed(path, &error))?;
                refuse_exposed(path, &file)?;
                let secret = io::read_to_string(file).map_err(|error| failed(path, &error))?;
                Ok(Token::new(secret))
            }
        }
    }

    /// Puts another secret in its place: wholly or not at all, and on disk when this returns.
    ///
    /// # Errors
    /// Where it is no file, or the file can't be written.
    pub fn replace(&self, secret: &Token) -> Result<(), SecretError> {
        let Self::File(path) = self else { return Err(SecretError::NotAFile) };
        let beside = path.with_extension("new");
        write_private(&beside, secret)
            .and_then(|()| std::fs::rename(&beside, path))
            .map_err(|error| failed(path, &error))
    }
}

fn write_private(path: &Path, secret: &Token) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(secret.expose().as_bytes())?;
    file.sync_all()
}

fn failed(path: &Path, error: &io::Error) -> SecretError {
    SecretError::File { path: path.display().to_string(), why: error.to_string() }
}

/// Asked of the open file: the path may meanwhile name another one.
#[cfg(unix)]
fn refuse_exposed(path: &Path, file: &std::fs::File) -> Result<(), SecretError> {
    use std::os::unix::fs::MetadataExt;
    let mode = file.metadata().map_err(|error| failed(path, &error))?.mode() & 0o777;
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(SecretError::Exposed { path: path.display().to_string(), mode }),
    }
}

/// Windows has no mode; a file under the user's profile is private by its inherited access list.
#[cfg(not(unix))]
fn refuse_exposed(_: &Path, _: &std::fs::File) -> Result<(), SecretError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_others_can_read_is_refused_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let source = SecretSource::File(file.path().to_owned());
        source.replace(&Token::new("second\n")).unwrap();
        assert_eq!(source.read().unwrap().expose(), "second");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o640)).unwrap();
            let refused = source.read().unwrap_err().to_string();
            assert!(refused.contains("mode 640") && refused.contains("chmod 600"), "{refused}");
        }
    }

    #[test]
    fn settings_say_where_it_is_and_a_secret_in_its_place_is_not_repeated() {
        let read = |text: &str| serde_json::from_str::<SecretSource>(text);
        assert_eq!(read(r#"{"env": "NAME"}"#).unwrap(), SecretSource::Env("NAME".into()));
        assert_eq!(read(r#"{"file": "/a/b"}"#).unwrap(), SecretSource::File("/a/b".into()));
        for wrong in [
            r#""hunter2""#,
            r#"{"hunter2": "x"}"#,
            r#"{"env": ["hunter2"]}"#,
            r#"{"env": "NAME", "file": "hunter2"}"#,
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.contains("where a secret is") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let variable = SecretSource::Env("ANSWERBACK_NO_SUCH".into());
        assert!(variable.read().unwrap_err().to_string().contains("ANSWERBACK_NO_SUCH"));
        assert_eq!(variable.replace(&Token::new("x")), Err(SecretError::NotAFile));
        let file = SecretSource::File("/no/such/secret".into());
        assert!(file.read().unwrap_err().to_string().contains("/no/such/secret"));
    }
}
