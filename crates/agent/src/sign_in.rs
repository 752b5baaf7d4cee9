//! Signing in to a mailbox through the browser.

use answerback_backend::OrganisationPolicy;
use answerback_keychain::Keychain;
use answerback_mailbox::imap::{self, TestStepKind};
use answerback_mailbox::{Credential, ProxyChoice, TokenSource, ews, graph};
use answerback_provider::{AccessToken, Grant, OauthClient, Provider, SignIn};
use zeroize::Zeroizing;

use crate::config::{AccountConfig, Config, Server, SignInSource};
use crate::credentials::Credentials;
use crate::managed::Managed;
use crate::view::Problem;

/// What to ask Microsoft for, where it is not the provider's usual: that is for IMAP.
fn scopes(account: &AccountConfig) -> Vec<String> {
    let mail = match account.server() {
        Server::Imap(_) => return Vec::new(),
        Server::Graph(_) => "https://graph.microsoft.com/Mail.Read".to_owned(),
        // Hybrid modern authentication: the organisation's server is the resource.
        Server::Ews(_) => format!("https://{}/EWS.AccessAsUser.All", account.host()),
    };
    vec![mail, "offline_access".to_owned()]
}

/// Opens the way: a port of this computer that waits, and the URL for the browser.
pub(crate) async fn begin(
    config: &Config,
    managed: &Managed,
    organisation: &OrganisationPolicy,
    account: &AccountConfig,
    keychain: &Keychain,
) -> Result<SignIn, Problem> {
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
    SignIn::begin(&client, &account.address, None).await.map_err(|error| Problem::of_oauth(&error, about))
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
    if let Some(ours) = managed.oauth.get(&name).or_else(|| config.oauth.get(&name)).cloned() {
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
        let (client_id, scopes, tenant) = (ours.client_id, ours.scopes, ours.tenant);
        return Ok(OauthClient { provider, client_id, client_secret, scopes, tenant });
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
    })
}

/// Waits for the browser, and sees that the mail server accepts what it brings: the rep may have chosen another account.
pub(crate) async fn finish(
    account: &AccountConfig,
    proxy: ProxyChoice,
    sign_in: SignIn,
) -> Result<(Grant, AccessToken), Problem> {
    let about = &account.address;
    let (grant, token) = sign_in.finish().await.map_err(|error| Problem::of_oauth(&error, about))?;
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
    for step in steps {
        let Err(error) = step.outcome else { continue };
        let refused =
            step.kind == TestStepKind::SignIn && error.kind == answerback_mailbox::ErrorKind::WrongToken;
        if refused {
            return Err(Problem::new(
                "wrong_account",
                about,
                format!("{server} does not let {about} in with the account that you signed in to."),
                format!("Sign in again as {about}. If you did, ask your administrator to allow it."),
            ));
        }
        return Err(Problem::of_server(&error, account.server(), &server));
    }
    Ok((grant, token))
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
    let sign_in = begin(config, &managed, &organisation, account, keychain).await?;
    show(sign_in.url());
    let credentials = Credentials::new(keychain.clone());
    let proxy = credentials.proxy(&config.network).await?;
    let (grant, token) = finish(account, proxy, sign_in).await?;
    keep(&credentials, account, &grant, token).await
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
