//! Checks every part, and says what to do about each.

use std::sync::Arc;
use std::time::Duration;

use answerback_backend::crm::Finding;
use answerback_backend::{Client, ClientOptions, Token};
use answerback_keychain::{Keychain, SecretSource};
use answerback_mailbox::imap::{self, TestStep, TestStepKind};
use answerback_mailbox::{Credential, ProxyChoice, ews, graph};

use crate::config::{AccountConfig, BackendConfig, Config, NetworkConfig, SalesforceConfig, Server};
use crate::context::Context;
use crate::credentials::{Credentials, GraphTokens};
use crate::link::Link;
use crate::view::{Check, CheckState, Problem};

/// Clocks further apart than this make coverage and pauses wrong.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(120);

impl Check {
    pub(crate) fn passed(name: &str, about: &str, detail: impl Into<Option<String>>) -> Self {
        Self {
            name: name.into(),
            about: about.into(),
            state: CheckState::Passed,
            detail: detail.into(),
            problem: None,
        }
    }

    fn skipped(name: &str, about: &str) -> Self {
        Self { state: CheckState::Skipped, ..Self::passed(name, about, None) }
    }

    pub(crate) fn failed(name: &str, about: &str, problem: Problem) -> Self {
        Self {
            name: name.into(),
            about: about.into(),
            state: CheckState::Failed,
            detail: None,
            problem: Some(problem),
        }
    }
}

/// Every part of a running agent.
pub async fn check_all(context: &Arc<Context>) -> Vec<Check> {
    let config = Config { salesforce: context.salesforce(), ..context.config() };
    let mut checks = vec![check_store(context).await];
    let paired = config.backend.clone().filter(|backend| backend.paired);
    if let (Some(Link::Backend(client)), Some(backend)) = (context.link(), paired) {
        let others = Config { backend: None, ..config };
        checks.extend(check_parts(&others, &context.keychain, &context.credentials).await);
        checks.extend(check_client(&backend.url, client).await);
    } else {
        checks.extend(check_parts(&config, &context.keychain, &context.credentials).await);
    }
    checks
}

/// Every part that a configuration names, without a running agent.
pub async fn check_config(config: &Config, keychain: &Keychain) -> Vec<Check> {
    check_parts(config, keychain, &Credentials::new(keychain.clone())).await
}

async fn check_parts(config: &Config, keychain: &Keychain, credentials: &Credentials) -> Vec<Check> {
    let mut checks = Vec::new();
    if config.uses_keychain() {
        checks.push(check_keychain(keychain.clone()).await);
    }
    for account in &config.accounts {
        checks.extend(check_account(account, &config.network, credentials).await);
    }
    if let Some(backend) = &config.backend {
        checks.extend(check_backend(backend, keychain.clone()).await);
    }
    if let Some(salesforce) = &config.salesforce {
        checks.extend(check_salesforce(config, salesforce, credentials).await);
    }
    checks
}

async fn check_store(context: &Context) -> Check {
    let about = context.store_file.display().to_string();
    match context.storage.call(|store| store.check()).await {
        Ok(()) => Check::passed("store", &about, None),
        Err(error) => Check::failed("store", &about, Problem::of_store(&error, &context.store_file)),
    }
}

async fn check_keychain(keychain: Keychain) -> Check {
    let checked = tokio::task::spawn_blocking(move || keychain.check()).await;
    match checked {
        Ok(Err(error)) => Check::failed("keychain", "", Problem::of_keychain(&error, "")),
        _ => Check::passed("keychain", "", None),
    }
}

async fn secret(
    source: &SecretSource,
    keychain: Keychain,
    about: &str,
) -> Result<answerback_keychain::Secret, Problem> {
    let source = source.clone();
    match tokio::task::spawn_blocking(move || source.resolve(&keychain)).await {
        Ok(Ok(secret)) => Ok(secret),
        Ok(Err(error)) => Err(Problem::of_secret(&error, about)),
        Err(_) => Err(Problem::new("keychain_timeout", about, "The secret could not be read.", "Try again.")),
    }
}

async fn check_account(
    account: &AccountConfig,
    network: &NetworkConfig,
    credentials: &Credentials,
) -> Vec<Check> {
    let failed = |problem| vec![Check::failed("signed_in", &account.address, problem)];
    let proxy = match credentials.proxy(network).await {
        Ok(proxy) => proxy,
        Err(problem) => return failed(problem),
    };
    match account.server() {
        Server::Imap(_) | Server::Ews(_) => match credentials.of(account).await {
            Ok(credential) => check_mailbox(account, &credential, proxy).await,
            Err(problem) => failed(problem),
        },
        Server::Graph(graph) => {
            let (tokens, server) = (GraphTokens::new(credentials, account), account.server_name());
            let steps = graph::test_connection(&graph.settings(proxy), &tokens).await;
            checks(steps, &server, |error| tokens.explain(error, &server))
        }
    }
}

/// Signs in to a mailbox step by step.
pub async fn check_mailbox(
    account: &AccountConfig,
    credential: &Credential,
    proxy: ProxyChoice,
) -> Vec<Check> {
    let server = account.server_name();
    let steps = match account.server() {
        Server::Imap(imap) => {
            imap::test_connection(&imap.settings(&account.address, proxy), credential).await
        }
        Server::Ews(ews) => ews::test_connection(&ews.settings(&account.address, proxy), credential).await,
        // It asks for tokens as it needs them.
        Server::Graph(_) => Vec::new(),
    };
    checks(steps, &server, |error| Problem::of_server(error, account.server(), &server))
}

/// The steps of a connection test; those that an error kept from being tried stand at the end.
pub(crate) fn checks(
    steps: Vec<TestStep>,
    server: &str,
    explain: impl Fn(&answerback_mailbox::Error) -> Problem,
) -> Vec<Check> {
    let mut checks: Vec<Check> = steps
        .into_iter()
        .map(|step| match step.outcome {
            // The server's name and port are what it is about already.
            Ok(detail) => Check::passed(step_name(step.kind), server, Some(detail).filter(|d| d != server)),
            Err(error) => Check::failed(step_name(step.kind), server, explain(&error)),
        })
        .collect();
    let steps = [TestStepKind::Server, TestStepKind::Security, TestStepKind::SignIn, TestStepKind::Folders];
    let skipped = steps.into_iter().skip(checks.len());
    checks.extend(skipped.map(|step| Check::skipped(step_name(step), server)));
    checks
}

fn step_name(step: TestStepKind) -> &'static str {
    match step {
        TestStepKind::Server => "server_found",
        TestStepKind::Security => "secure_connection",
        TestStepKind::SignIn => "signed_in",
        TestStepKind::Folders => "folders_seen",
    }
}

async fn check_backend(backend: &BackendConfig, keychain: Keychain) -> Vec<Check> {
    if backend.paired {
        // Its token can be shown once, and the agent that runs on it may be about to.
        return check_reached(backend).await;
    }
    match secret(&backend.token, keychain, &backend.url).await {
        Ok(token) => check_backend_with(&backend.url, token.expose(), backend.ca_file.as_deref()).await,
        Err(problem) => vec![Check::failed("backend_token", &backend.url, problem)],
    }
}

/// Asks a backend for one send.
pub async fn check_backend_with(url: &str, token: &str, ca_file: Option<&std::path::Path>) -> Vec<Check> {
    let options = ClientOptions { ca_file: ca_file.map(Into::into) };
    let client = match Client::new(url, Token::new(token), &options) {
        Ok(client) => client,
        Err(error) => return vec![Check::failed("backend_reached", url, Problem::of_backend(&error, url))],
    };
    check_client(url, client).await
}

/// Without a token: whether a backend is there at all.
async fn check_reached(backend: &BackendConfig) -> Vec<Check> {
    let url = &backend.url;
    let mut checks = check_backend_with(url, "", backend.ca_file.as_deref()).await;
    let refused = |check: &Check| check.name == "backend_token" && check.state == CheckState::Failed;
    if let Some(token) = checks.iter_mut().find(|check| refused(check)) {
        *token = Check::skipped("backend_token", url);
    }
    checks
}

async fn check_client(url: &str, client: Client) -> Vec<Check> {
    let reached = Check::passed("backend_reached", url, None);
    match client.sends(None, 1, Duration::ZERO).await {
        Ok(_) => {
            vec![reached, Check::passed("backend_token", url, None), check_clock(url, client.clock_offset())]
        }
        Err(
            error @ (answerback_backend::BackendError::Unauthorised
            | answerback_backend::BackendError::Forbidden),
        ) => {
            vec![reached, Check::failed("backend_token", url, Problem::of_backend(&error, url))]
        }
        Err(error) => vec![Check::failed("backend_reached", url, Problem::of_backend(&error, url))],
    }
}

/// Signs in to Salesforce, looks at what may be done there and whether it knows what the rep has sent.
pub async fn check_salesforce(
    config: &Config,
    salesforce: &SalesforceConfig,
    credentials: &Credentials,
) -> Vec<Check> {
    let url = &salesforce.url;
    let direct = match credentials.salesforce(salesforce) {
        Ok(direct) => direct,
        Err(problem) => return vec![Check::failed("salesforce_signed_in", url, problem)],
    };
    let findings = match direct.check().await {
        Ok(findings) => findings,
        Err(error) => return vec![Check::failed("salesforce_signed_in", url, error.problem)],
    };
    let mut checks = vec![Check::passed("salesforce_signed_in", url, None)];
    // The first says that somebody is signed in.
    checks.extend(findings.into_iter().skip(1).map(|finding| of_finding(finding, url)));
    checks.push(match direct.count_sent(config).await {
        Ok((0, _)) => {
            let summary = format!(
                "Salesforce knows no email with a Message-ID that you sent in the last {} days, so there is nothing to look for.",
                salesforce.track_days
            );
            let remedy = "Send from Salesforce, or have your sent mail logged there as emails (Enhanced Email).";
            warning("salesforce_sends", url, Problem::new("salesforce_sends", url, summary, remedy))
        }
        Ok((count, more)) => {
            let count = if more { format!("{count} or more") } else { count.to_string() };
            Check::passed("salesforce_sends", url, format!("{count} sent emails"))
        }
        Err(error) => Check::failed("salesforce_sends", url, error.problem),
    });
    checks
}

fn of_finding(finding: Finding, url: &str) -> Check {
    let name = format!("salesforce_{}", finding.name);
    if finding.good {
        return Check::passed(&name, url, Some(finding.about).filter(|about| !about.is_empty()));
    }
    let remedy = "Ask your Salesforce administrator for it. docs/salesforce.md lists what is needed.";
    let problem = Problem::new(&name, &finding.about, finding.text, remedy);
    if finding.needed { Check::failed(&name, url, problem) } else { warning(&name, url, problem) }
}

fn warning(name: &str, about: &str, problem: Problem) -> Check {
    Check { state: CheckState::Warning, problem: Some(problem), ..Check::passed(name, about, None) }
}

fn check_clock(url: &str, offset: Option<jiff::SignedDuration>) -> Check {
    let Some(offset) = offset else {
        return Check::skipped("clock", url);
    };
    if offset.unsigned_abs() <= CLOCK_TOLERANCE {
        return Check::passed("clock", url, None);
    }
    let minutes = offset.as_mins().abs().max(1);
    let way = if offset.is_positive() { "behind" } else { "ahead of" };
    let problem = Problem::new(
        "clock",
        url,
        format!("This computer's clock is about {minutes} minutes {way} the backend's."),
        "Switch on \"set time automatically\" in the system's settings.",
    );
    warning("clock", url, problem)
}
