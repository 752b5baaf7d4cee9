//! Reading and writing the file.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::Config;

/// Why a configuration can't be used. Its text never quotes a value of the file: somebody may have typed a password
/// where its source belongs.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("{} can't be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: std::io::Error,
    },
    /// It is not TOML, or a field is wrong.
    #[error("{}, line {line}: {wrong}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        wrong: String,
    },
    /// It reads, and makes no sense.
    #[error("{}: {wrong}", path.display())]
    Senseless {
        /// The file.
        path: PathBuf,
        /// What makes no sense.
        wrong: String,
    },
    /// The file can't be written.
    #[error("{} can't be written: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: std::io::Error,
    },
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`], which says where and what.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|reason| ConfigError::Unreadable { path: path.to_owned(), reason })?;
        let config = Self::parse(path, &text)?;
        config.validate().map_err(|wrong| ConfigError::Senseless { path: path.to_owned(), wrong })?;
        Ok(config)
    }

    /// Reads and checks the text of a file that isn't there, such as one that the rep chose in the window.
    ///
    /// # Errors
    /// What is wrong and where; no value of the text is repeated.
    pub fn read(text: &str) -> Result<Self, String> {
        let config = Self::parse(Path::new(""), text).map_err(|error| match error {
            ConfigError::Syntax { line, wrong, .. } => format!("line {line}: {wrong}"),
            other => other.to_string(),
        })?;
        config.validate()?;
        Ok(config)
    }

    /// Reads a file, or gives the empty configuration where there is none.
    ///
    /// # Errors
    /// [`ConfigError`], but not for a file that isn't there.
    pub fn load_or_default(path: &Path) -> Result<Self, ConfigError> {
        match Self::load(path) {
            Err(ConfigError::Unreadable { reason, .. }) if reason.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self::default())
            }
            other => other,
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let before = text.get(..at).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let key =
                text.lines().nth(line - 1).and_then(|line| line.split_once('=')).map(|(key, _)| key.trim());
            ConfigError::Syntax { path: path.to_owned(), line, wrong: describe(error.message(), key) }
        })
    }

    /// Writes the file in one step: a crash leaves the old one or the new one.
    ///
    /// # Errors
    /// [`ConfigError::Unwritable`]; the old file is as it was.
    pub fn save(&self, path: &Path) -> Result<(), ConfigError> {
        let unwritable = |reason| ConfigError::Unwritable { path: path.to_owned(), reason };
        let text = toml::to_string_pretty(self).map_err(|error| unwritable(std::io::Error::other(error)))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(unwritable)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(unwritable)?;
        file.write_all(text.as_bytes()).map_err(unwritable)?;
        file.as_file().sync_all().map_err(unwritable)?;
        file.persist(path).map_err(|error| unwritable(error.error))?;
        Ok(())
    }
}

/// The parser's words where they hold names only; values are never repeated.
fn describe(message: &str, key: Option<&str>) -> String {
    let names_only = ["unknown field", "missing field", "duplicate key", "duplicate field"];
    match key {
        _ if names_only.iter().any(|start| message.starts_with(start)) => message.to_owned(),
        Some(key @ ("password" | "token" | "client_secret" | "proxy_password")) => {
            format!(
                "`{key}` names where the secret is: {{ env = \"…\" }}, {{ keychain = \"…\" }} or {{ file = \"…\" }}"
            )
        }
        Some(key) => format!("the value of `{key}` is not of the right form"),
        None => "this is not valid TOML".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
data_dir = "/var/lib/answerback"
[backend]
url = "https://sales.example.com"
token = { env = "ANSWERBACK_TOKEN" }
[[account]]
address = "rep@sales.example"
aliases = ["r.ep@sales.example"]
colleagues = ["sales.example"]
[account.imap]
host = "imap.sales.example"
port = 993
security = "tls"
username = "rep@sales.example"
password = { env = "PW" }
ca_file = "/etc/ca.pem"
"#;

    fn load(text: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(&path)
    }

    #[test]
    fn what_is_written_reads_back() {
        let config = load(WHOLE).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join("config.toml");
        config.save(&path).unwrap();
        assert_eq!(Config::load(&path).unwrap(), config);
    }

    #[test]
    fn a_password_typed_into_the_file_is_not_repeated() {
        for line in [
            r#"password = "hunter2""#,
            r#"password = { text = "hunter2" }"#,
            r#"password = { env = "PW", file = "hunter2" }"#,
            "password = hunter2",
        ] {
            let error = load(&WHOLE.replace(r#"password = { env = "PW" }"#, line)).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
            assert!(error.contains("line 15"), "{error}");
        }
    }

    #[test]
    fn errors_name_the_line_and_the_field() {
        let cases = [
            (WHOLE.replace("aliases", "alises"), "line 8: unknown field `alises`"),
            (WHOLE.replace("port = 993", "port = 99999"), "line 12: the value of `port`"),
            (WHOLE.replace("[backend]", "[backend"), "line 3"),
            (WHOLE.replace("https://sales.example.com", "http://sales.example.com"), "must be https"),
            (WHOLE.replace(r#"security = "tls""#, r#"security = "none""#), "loopback"),
            (WHOLE.replace("rep@sales.example\"\naliases", "rep\"\naliases"), "no e-mail address"),
            (
                format!(
                    "{WHOLE}{}",
                    WHOLE.split_once("[[account]]").map(|(_, a)| format!("[[account]]{a}")).unwrap()
                ),
                "twice",
            ),
        ];
        for (text, expected) in cases {
            let error = load(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error} should say {expected}");
        }
    }

    #[test]
    fn an_account_signs_in_with_a_password_or_through_the_browser() {
        let browser = WHOLE.replace(r#"password = { env = "PW" }"#, r#"oauth = { provider = "google" }"#)
            + "[oauth.google]\nclient_id = \"id\"\nclient_secret = { env = \"S\" }\n\
               [oauth.\"https://login.sales.example\"]\nclient_id = \"id2\"\nscopes = [\"imap\"]\n";
        let config = load(&browser).unwrap();
        assert_eq!(config.oauth["google"].client_id, "id");
        assert_eq!(config.accounts[0].imap.as_ref().unwrap().oauth.as_ref().unwrap().provider, "google");
        assert!(config.uses_keychain());
        for (wrong, expected) in [
            (browser.replace("provider = \"google\"", "provider = \"gogle\""), "no sign-in provider"),
            (WHOLE.replace(r#"password = { env = "PW" }"#, ""), "needs `password` or `oauth`"),
            (browser.replace("oauth = {", "password = { env = \"PW\" }\noauth = {"), "not both"),
            (browser.replace("{ env = \"S\" }", "\"hunter2\""), "`client_secret` names where"),
        ] {
            let error = load(&wrong).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("hunter2"), "{error} should say {expected}");
        }
    }

    #[test]
    fn a_proxys_password_has_no_place_in_its_url() {
        for good in ["system", "none", "http://rep@proxy.sales.example:3128", "socks5://127.0.0.1:1080"] {
            load(&format!("{WHOLE}\n[network]\nproxy = \"{good}\"\nproxy_password = {{ env = \"PW\" }}"))
                .unwrap();
        }
        for wrong in ["http://rep:hunter2@proxy:3128", "ftp://proxy", "proxy:3128"] {
            let error = load(&format!("{WHOLE}\n[network]\nproxy = \"{wrong}\"")).unwrap_err().to_string();
            assert!(error.contains("network.proxy") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_an_empty_configuration_only_where_that_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        assert!(matches!(Config::load(&path), Err(ConfigError::Unreadable { .. })));
        assert_eq!(Config::load_or_default(&path).unwrap(), Config::default());
    }
}
