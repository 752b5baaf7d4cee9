//! From what the rep typed in to the configuration, and back.

use std::path::{Path, PathBuf};

use answerback_keychain::SecretSource;

use crate::config::{
    AccountConfig, EwsConfig, GraphConfig, ImapConfig, OauthConfig, Security, Server, password_key,
};
use crate::view::{MailboxDraft, MailboxSecurity, Problem, ServerDraft};

/// The account that a draft describes, with a password where its server takes one.
pub(super) fn account_of(draft: &MailboxDraft) -> Result<AccountConfig, Problem> {
    let address = draft.address.trim().to_owned();
    let password = Some(SecretSource::Keychain(password_key(&address)));
    let login =
        |typed: &str| Some(typed.trim()).filter(|name| !name.is_empty() && *name != address).map(Into::into);
    let mut account = AccountConfig {
        aliases: clean(&draft.aliases),
        colleagues: clean(&draft.colleagues),
        exclude_folders: Vec::new(),
        imap: None,
        graph: None,
        ews: None,
        address: address.clone(),
    };
    match &draft.server {
        ServerDraft::Imap { host, port, security, username, ca_file } => {
            account.imap = Some(ImapConfig {
                host: host.trim().to_owned(),
                port: Some(*port),
                security: match security {
                    MailboxSecurity::Tls => Security::Tls,
                    MailboxSecurity::StartTls => Security::StartTls,
                    MailboxSecurity::None => Security::None,
                },
                username: login(username),
                password,
                oauth: None,
                ca_file: file(ca_file.as_deref()),
            });
        }
        ServerDraft::Graph => {
            let oauth = Some(OauthConfig { provider: "microsoft".into() });
            account.graph = Some(GraphConfig { oauth, ..GraphConfig::default() });
        }
        ServerDraft::Ews { server, autodiscover, username, ca_file } => {
            let url = ews_url(server);
            account.ews = Some(EwsConfig {
                autodiscover: autodiscover.clone().filter(|_| url.is_none()),
                url,
                username: login(username),
                password,
                oauth: None,
                ca_file: file(ca_file.as_deref()),
            });
        }
    }
    account.validate().map_err(|wrong| {
        Problem::new("settings", &account.address, wrong, "Correct the mailbox's settings.")
    })?;
    Ok(account)
}

/// How an account is reached, as it would be typed in.
pub(super) fn server_of(account: &AccountConfig) -> ServerDraft {
    let shown = |path: &Path| path.display().to_string();
    match account.server() {
        Server::Imap(imap) => ServerDraft::Imap {
            host: imap.host.clone(),
            port: imap.port(),
            security: match imap.security {
                Security::Tls => MailboxSecurity::Tls,
                Security::StartTls => MailboxSecurity::StartTls,
                Security::None => MailboxSecurity::None,
            },
            username: imap.username.clone().unwrap_or_default(),
            ca_file: imap.ca_file.as_deref().map(shown),
        },
        Server::Graph(_) => ServerDraft::Graph,
        Server::Ews(ews) => ServerDraft::Ews {
            server: ews.url.clone().unwrap_or_default(),
            autodiscover: ews.autodiscover.clone(),
            username: ews.username.clone().unwrap_or_default(),
            ca_file: ews.ca_file.as_deref().map(shown),
        },
    }
}

/// A host's name alone means the usual place of EWS on it.
fn ews_url(typed: &str) -> Option<String> {
    match typed.trim() {
        "" => None,
        url if url.contains("://") => Some(url.to_owned()),
        host => Some(format!("https://{}/EWS/Exchange.asmx", host.trim_end_matches('/'))),
    }
}

fn file(path: Option<&str>) -> Option<PathBuf> {
    path.map(str::trim).filter(|path| !path.is_empty()).map(Into::into)
}

/// What was typed, without blanks around it and without empty entries.
pub(super) fn clean(list: &[String]) -> Vec<String> {
    list.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(server: ServerDraft) -> MailboxDraft {
        MailboxDraft {
            address: " rep@sales.example ".into(),
            aliases: vec![" ".into()],
            colleagues: vec![],
            server,
            password: String::new(),
        }
    }

    #[test]
    fn what_is_typed_in_comes_back_as_it_was() {
        for server in [
            ServerDraft::Imap {
                host: "imap.sales.example".into(),
                port: 143,
                security: MailboxSecurity::StartTls,
                username: "rep".into(),
                ca_file: Some("/etc/ca.pem".into()),
            },
            ServerDraft::Graph,
            ServerDraft::Ews {
                server: "https://mail.sales.example/EWS/Exchange.asmx".into(),
                autodiscover: None,
                username: "SALES\\rep".into(),
                ca_file: None,
            },
        ] {
            let account = account_of(&draft(server.clone())).unwrap();
            assert_eq!(account.address, "rep@sales.example");
            assert_eq!(server_of(&account), server);
        }
    }

    #[test]
    fn an_exchange_servers_name_is_enough() {
        let ews = |server: &str| {
            let autodiscover = Some("https://autodiscover.sales.example/x".to_owned());
            let username = "rep@sales.example".to_owned();
            let server = ServerDraft::Ews { server: server.into(), autodiscover, username, ca_file: None };
            account_of(&draft(server)).map(|account| account.ews.unwrap())
        };
        let named = ews("mail.sales.example").unwrap();
        assert_eq!(named.url.as_deref(), Some("https://mail.sales.example/EWS/Exchange.asmx"));
        assert_eq!((named.autodiscover, named.username), (None, None));
        let found = ews(" ").unwrap();
        assert!(found.url.is_none() && found.autodiscover.is_some());
        assert_eq!(ews("http://mail.sales.example/").unwrap_err().code, "settings");
    }
}
