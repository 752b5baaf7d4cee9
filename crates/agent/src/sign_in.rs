//! Signing in to a mailbox, or to Salesforce, through the browser.

use answerback_backend::OrganisationPolicy;
use answerback_keychain::Keychain;
use answerback_mailbox::{Credential, ErrorKind, ProxyChoice, TokenSource, ews, graph, imap};
use answerback_provider::{AccessToken, Grant, OauthClient, Provider, SignIn};
use zeroize::Zeroizing;

use crate::config::{
    AccountConfig, Config, GraphConfig, ImapConfig, MICROSOFT_IMAP, OauthClientConfig, SalesforceConfig,
    Security, Server, SignInSource,
};
use crate::credentials::Credentials;
use crate::doctor;
use crate::managed::Managed;
use crate::view::{Check, CheckState, ClientView, Problem};

/// What to ask Microsoft for, where it is not the provider's usual: that is for IMAP.
fn scopes(account: &AccountConfig) -> Vec<String> {
    let mail = match account.server() {
        Server::Imap(_) => return Vec::new(),
        Server::Graph(graph) => format!("{}/Mail.Read", graph.url().trim_end_matches('/')),
        // Hybrid modern authentication: the organisation's server is the resource.
        Server::Ews(_) => format!("https://{}/EWS.AccessAsUser.All", account.host()),
    };
    vec![mail, "offline_access".to_owned()]
}

/// A sign-in that was begun.
#[derive(Debug)]
pub(crate) struct Begun {
    pub sign_in: SignIn,
    /// This program as the provider knows it.
    pub client: ClientView,
}

/// Opens the way: a port of this computer that waits, and the URL for the browser.
pub(crate) async fn begin(
    config: &Config,
    managed: &Managed,
    organisation: &OrganisationPolicy,
    account: &AccountConfig,
    keychain: &Keychain,
) -> Result<Begun, Problem> {
    let SignInSource::Browser(oauth) = account.sign_in() else {
        return Err(Problem::new(
            "settings",
            &account.address,
            format!("{} does not sign in through the browser.", account.address),
            "Give the account `oauth = { provider = \"…\" }` instead of `password` or `token`.",
        ));
    };
    let about = &account.address;
    let provider: Provider = oauth.provider.parse().map_err(|error| Problem::of_oauth(&error, about))?;
    let mut client = client(config, managed, organisation, provider, about, keychain).await?;
    if client.scopes.is_empty() {
        client.scopes = scopes(account);
    }
    let sign_in = SignIn::begin(&client, &account.address, None).await;
    let sign_in = sign_in.map_err(|error| Problem::of_oauth(&error, about))?;
    Ok(Begun { sign_in, client: ClientView { page: client.admin_page(), id: client.client_id } })
}

/// This program's id at a provider: what the administrator has laid down on this computer goes first, then the
/// configuration, then what the backend says.
async fn client(
    config: &Config,
    managed: &Managed,
    organisation: &OrganisationPolicy,
    provider: Provider,
    about: &str,
    keychain: &Keychain,
) -> Result<OauthClient, Problem> {
    let name = provider.to_string();
    if let Some(ours) = registration(config, managed, &name).cloned() {
        let client_secret = match ours.client_secret {
            None => None,
            Some(source) => {
                let keychain = keychain.clone();
                let secret = tokio::task::spawn_blocking(move || source.resolve(&keychain)).await;
                Some(secret.map_or_else(
                    |_| {
                        Err(Problem::new(
                            "keychain_timeout",
                            about,
                            "The secret could not be read.",
                            "Try again.",
                        ))
                    },
                    |secret| secret.map_err(|error| Problem::of_secret(&error, about)),
                )?)
            }
        };
        return Ok(OauthClient {
            provider,
            client_id: ours.client_id,
            client_secret,
            scopes: ours.scopes,
            tenant: ours.tenant,
            authority: ours.authority,
        });
    }
    let Some(theirs) = organisation.oauth.get(&name).cloned() else {
        return Err(Problem::of_oauth(&answerback_provider::OauthError::NoClientId(provider), about));
    };
    Ok(OauthClient {
        provider,
        client_id: theirs.client_id,
        client_secret: theirs.client_secret.map(Into::into),
        scopes: theirs.scopes,
        tenant: theirs.tenant,
        authority: None,
    })
}

/// How this program is registered at a provider, as far as this computer knows.
pub(crate) fn registration<'a>(
    config: &'a Config,
    managed: &'a Managed,
    provider: &str,
) -> Option<&'a OauthClientConfig> {
    managed.oauth.get(provider).or_else(|| config.oauth.get(provider))
}

/// Waits for the browser, and tries what it brings at the mail server: the rep may have chosen another account. The checks tell
/// whether the mailbox can be read.
pub(crate) async fn finish(
    account: &AccountConfig,
    proxy: ProxyChoice,
    begun: Begun,
) -> Result<(Grant, AccessToken, Vec<Check>), Problem> {
    let about = &account.address;
    let client = begun.client;
    let brought = begun.sign_in.finish().await;
    let (grant, token) = brought.map_err(|error| Problem::of_oauth(&error, about).with_client(&client))?;
    let server = account.server_name();
    let secret = Zeroizing::new(token.expose().to_owned());
    let steps = match account.server() {
        Server::Imap(imap) => {
            let credential = Credential::AccessToken(secret);
            imap::test_connection(&imap.settings(&account.address, proxy), &credential).await
        }
        Server::Graph(graph) => graph::test_connection(&graph.settings(proxy), JustNow(secret)).await,
        Server::Ews(ews) => {
            let credential = Credential::AccessToken(secret);
            ews::test_connection(&ews.settings(&account.address, proxy), &credential).await
        }
    };
    let checks = doctor::checks(steps, &server, |error| match error.kind {
        ErrorKind::WrongToken => Problem::new(
            "wrong_account",
            about,
            format!("{server} does not let {about} in with the account that you signed in to."),
            format!("Sign in again as {about}. If you did, ask your administrator to allow it."),
        ),
        _ => Problem::of_server(error, account.server(), &server).with_client(&client),
    });
    Ok((grant, token, checks))
}

/// What keeps the mailbox from being read.
pub(crate) fn trouble(checks: &[Check]) -> Option<&Problem> {
    checks.iter().find(|check| check.state == CheckState::Failed)?.problem.as_ref()
}

/// The account with the door of Microsoft 365 to try first: Graph, unless this program is registered for IMAP only.
pub(crate) fn first_door(account: AccountConfig, client: Option<&OauthClientConfig>) -> AccountConfig {
    let scopes = client.map(|client| client.scopes.as_slice()).unwrap_or_default();
    let asks_for = |what: &str| scopes.iter().any(|scope| scope.contains(what));
    match account.graph {
        Some(_) if asks_for("IMAP.AccessAsUser.All") && !asks_for("Mail.Read") => over_imap(account),
        Some(graph) => {
            let url = client.and_then(|client| client.graph_url.clone());
            AccountConfig { graph: Some(GraphConfig { url, ..graph }), ..account }
        }
        None => account,
    }
}

/// The other door of Microsoft 365, where the organisation lets nobody in by the first: an administrator may have allowed this
/// program for IMAP only. National clouds have other servers, which nobody has named.
pub(crate) fn next_door(
    account: &AccountConfig,
    problem: &Problem,
    client: Option<&OauthClientConfig>,
) -> Option<AccountConfig> {
    let not_allowed = matches!(problem.code.as_str(), "admin_consent" | "client_blocked");
    let graph = account.graph.as_ref()?;
    let asks_for_graph_only = client.is_some_and(|client| !client.scopes.is_empty());
    (not_allowed && graph.url.is_none() && !asks_for_graph_only).then(|| over_imap(account.clone()))
}

fn over_imap(account: AccountConfig) -> AccountConfig {
    let oauth = account.graph.and_then(|graph| graph.oauth);
    let imap = ImapConfig {
        host: MICROSOFT_IMAP.to_owned(),
        port: None,
        security: Security::Tls,
        username: None,
        password: None,
        oauth,
        ca_file: None,
    };
    AccountConfig { imap: Some(imap), graph: None, ..account }
}

/// The token that a sign-in has just brought.
struct JustNow(Zeroizing<String>);

impl TokenSource for JustNow {
    async fn token(&self, _refused: Option<&str>) -> Result<Zeroizing<String>, answerback_mailbox::Error> {
        Ok(self.0.clone())
    }
}

/// Signs an account of a configuration in, without a running agent. `show` is given the URL for the browser.
///
/// # Errors
/// There is no such account or it signs in otherwise, the sign-in came to nothing, or the keychain can't keep it.
pub async fn sign_in(
    config: &Config,
    keychain: &Keychain,
    address: &str,
    show: impl FnOnce(&str),
) -> Result<(), Problem> {
    let Some(account) = config.accounts.iter().find(|account| account.owns(address)) else {
        return Err(Problem::new(
            "not_found",
            address,
            format!("The configuration has no account {address}."),
            "Check the address for typing errors, or add the account.",
        ));
    };
    let organisation = OrganisationPolicy::default();
    let managed = Managed::of_this_computer()?;
    let begun = begin(config, &managed, &organisation, account, keychain).await?;
    show(begun.sign_in.url());
    let credentials = Credentials::new(keychain.clone());
    let proxy = credentials.proxy(&config.network).await?;
    let (grant, token, checks) = finish(account, proxy, begun).await?;
    if let Some(problem) = trouble(&checks) {
        return Err(problem.clone());
    }
    keep(&credentials, account, &grant, token).await
}

/// Opens the way to sign in to Salesforce.
pub(crate) async fn begin_salesforce(config: &SalesforceConfig) -> Result<SignIn, Problem> {
    let client = OauthClient {
        provider: Provider::Salesforce(config.url.clone()),
        client_id: config.client_id.clone(),
        client_secret: None,
        scopes: Vec::new(),
        tenant: None,
        authority: None,
    };
    let begun = SignIn::begin(&client, "", config.ca_file.as_deref()).await;
    begun.map_err(|error| Problem::of_salesforce_sign_in(&error, &config.url))
}

/// Waits for the browser, and keeps what it brings.
pub(crate) async fn finish_salesforce(
    config: &SalesforceConfig,
    credentials: &Credentials,
    sign_in: SignIn,
) -> Result<(), Problem> {
    let kept = async {
        let (grant, token) = sign_in.finish().await?;
        credentials.salesforce_tokens(config)?.replace(&grant, token).await
    };
    kept.await.map_err(|error| Problem::of_salesforce_sign_in(&error, &config.url))
}

/// Signs in to the Salesforce of a configuration, without a running agent. `show` is given the URL for the browser.
///
/// # Errors
/// The sign-in came to nothing, or the keychain can't keep it.
pub async fn sign_in_to_salesforce(
    config: &SalesforceConfig,
    keychain: &Keychain,
    show: impl FnOnce(&str),
) -> Result<(), Problem> {
    let sign_in = begin_salesforce(config).await?;
    show(sign_in.url());
    finish_salesforce(config, &Credentials::new(keychain.clone()), sign_in).await
}

/// Puts what a sign-in brought where the account's watch finds it.
pub(crate) async fn keep(
    credentials: &Credentials,
    account: &AccountConfig,
    grant: &Grant,
    token: AccessToken,
) -> Result<(), Problem> {
    let kept = async { credentials.tokens(account)?.replace(grant, token).await };
    kept.await.map_err(|error| Problem::of_oauth(&error, &account.address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_computers_client_id_goes_before_the_configurations_and_that_before_the_backends() {
        let keychain = Keychain::in_memory().unwrap();
        let mut config = Config::default();
        let mut managed = Managed::default();
        let mut organisation = OrganisationPolicy::default();
        let ask = async |config: &Config, managed: &Managed, organisation: &OrganisationPolicy| {
            client(config, managed, organisation, Provider::Google, "rep@sales.example", &keychain).await
        };
        assert_eq!(ask(&config, &managed, &organisation).await.unwrap_err().code, "no_client_id");
        organisation.oauth =
            serde_json::from_str(r#"{"google":{"client_id":"theirs","client_secret":"s"}}"#).unwrap();
        let theirs = ask(&config, &managed, &organisation).await.unwrap();
        assert_eq!((theirs.client_id.as_str(), theirs.client_secret.unwrap().expose()), ("theirs", "s"));
        config.oauth = toml::from_str("[google]\nclient_id = \"ours\"").unwrap();
        assert_eq!(ask(&config, &managed, &organisation).await.unwrap().client_id, "ours");
        managed.oauth = toml::from_str("[google]\nclient_id = \"laid down\"").unwrap();
        assert_eq!(ask(&config, &managed, &organisation).await.unwrap().client_id, "laid down");
    }
}
