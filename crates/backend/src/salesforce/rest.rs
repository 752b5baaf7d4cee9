//! Salesforce's REST API: queries, composite requests, actions.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::error::{Operation, of_answer, of_token_answer};
use super::settings::{Settings, is_id};
use super::sign_in::{Given, Grant, SignIn};
use crate::client::retry_after;
use crate::crm::CrmError;
use crate::transport::{base_url, classify, host_of, http_client, json_body};
use crate::{BackendError, Token};

/// The newest version of the API that this was written for (Summer '26). Each lives for three years at least.
pub const API_VERSION: &str = "67.0";
/// For one request.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);
/// Salesforce's limits for one composite request.
pub const MOST_SUBREQUESTS: usize = 25;
/// Pages of one query that are read at most.
const MOST_PAGES: usize = 20;

/// How many requests the organisation has used of its last 24 hours, as Salesforce says with each answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Used.
    pub used: u32,
    /// Of.
    pub limit: u32,
}

/// A part of a composite request.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// What it does.
    pub operation: Operation<'a>,
    method: &'static str,
    path: String,
    body: Option<Value>,
    id: String,
}

impl<'a> Part<'a> {
    /// A query.
    pub fn query(object: &'a str, soql: &str) -> Self {
        let path = format!("query?{}", form(&[("q", soql)]));
        Self { operation: Operation::Read(object), method: "GET", path, body: None, id: object.to_owned() }
    }

    /// What an object is like.
    pub fn describe(object: &'a str) -> Self {
        let path = format!("sobjects/{object}/describe");
        Self { operation: Operation::Read(object), method: "GET", path, body: None, id: object.to_owned() }
    }

    /// A new record; later parts refer to its id as `@{ID.id}`.
    pub fn create(object: &'a str, id: impl Into<String>, body: Value) -> Self {
        let path = format!("sobjects/{object}");
        Self { operation: Operation::Create(object), method: "POST", path, body: Some(body), id: id.into() }
    }

    fn json(&self, version: &str) -> Value {
        let mut part = json!({
            "method": self.method, "url": format!("/services/data/v{version}/{}", self.path), "referenceId": self.id,
        });
        if let (Some(body), Value::Object(fields)) = (&self.body, &mut part) {
            fields.insert("body".into(), body.clone());
        }
        part
    }
}

#[derive(Clone, Debug)]
struct Session {
    token: Token,
    instance: Url,
    version: String,
    user: Option<String>,
}

/// Signs in and asks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rest {
    http: reqwest::Client,
    login: Url,
    sign_in: Arc<SignIn>,
    /// Held while signing in, so that one of many requests does.
    session: Arc<tokio::sync::Mutex<Option<Session>>>,
    usage: Arc<Mutex<Option<Usage>>>,
    calls: Arc<AtomicU32>,
}

impl Rest {
    /// With the settings' address and client; nothing is asked yet.
    pub fn new(settings: &Settings, grant: Grant) -> Result<Self, CrmError> {
        let login = base_url(&settings.url)?;
        let http = http_client(&login, settings.ca_file.as_deref())?;
        let sign_in = Arc::new(SignIn { client_id: settings.client_id.clone(), grant });
        Ok(Self {
            http,
            login,
            sign_in,
            session: Arc::default(),
            usage: Arc::default(),
            calls: Arc::default(),
        })
    }

    /// Requests made since this was last asked.
    pub fn take_calls(&self) -> u32 {
        self.calls.swap(0, Ordering::Relaxed)
    }

    /// What Salesforce said last of the organisation's limit.
    pub fn usage(&self) -> Option<Usage> {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As if it had not said it yet.
    pub fn forget_usage(&self) {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The id of the user who is signed in, as far as Salesforce said it.
    pub async fn user(&self) -> Result<Option<String>, CrmError> {
        Ok(self.session(None).await?.user)
    }

    /// The records of a query, deleted ones among them, without further pages.
    pub async fn query_all(&self, object: &str, soql: &str) -> Result<Vec<Value>, CrmError> {
        let path = format!("queryAll?{}", form(&[("q", soql)]));
        let mut answer = self.call(Operation::Read(object), Method::GET, &path, None).await?;
        match answer.get_mut("records").map(Value::take) {
            Some(Value::Array(records)) => Ok(records),
            _ => Err(self.not_salesforce()),
        }
    }

    /// Every record of a query.
    pub async fn query(&self, object: &str, soql: &str) -> Result<Vec<Value>, CrmError> {
        let path = format!("query?{}", form(&[("q", soql)]));
        let answer = self.call(Operation::Read(object), Method::GET, &path, None).await?;
        self.records(object, answer).await
    }

    /// The records of a query's answer, and of its further pages.
    pub async fn records(&self, object: &str, mut answer: Value) -> Result<Vec<Value>, CrmError> {
        let mut records = Vec::new();
        for _ in 0..MOST_PAGES {
            if let Some(Value::Array(page)) = answer.get_mut("records").map(Value::take) {
                records.extend(page);
            }
            // "/services/data/v66.0/query/01g…-2000"
            let next =
                answer.get("nextRecordsUrl").and_then(Value::as_str).and_then(|url| url.rsplit('/').next());
            let Some(locator) = next.filter(|l| l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
            else {
                break;
            };
            answer =
                self.call(Operation::Read(object), Method::GET, &format!("query/{locator}"), None).await?;
        }
        Ok(records)
    }

    /// Several requests as one. With `all_or_none` either everything is done or nothing; without, each has its own result.
    pub async fn composite(
        &self,
        all_or_none: bool,
        parts: &[Part<'_>],
    ) -> Result<Vec<Result<Value, CrmError>>, CrmError> {
        debug_assert!(parts.len() <= MOST_SUBREQUESTS, "Salesforce takes no more");
        let version = self.session(None).await?.version;
        let requests: Vec<Value> = parts.iter().map(|part| part.json(&version)).collect();
        let body = json!({"allOrNone": all_or_none, "compositeRequest": requests});
        let mut answer = self.call(Operation::Any, Method::POST, "composite", Some(&body)).await?;
        let Some(Value::Array(answers)) = answer.get_mut("compositeResponse").map(Value::take) else {
            return Err(self.not_salesforce());
        };
        if answers.len() != parts.len() {
            return Err(self.not_salesforce());
        }
        let results: Vec<Result<Value, CrmError>> = answers
            .into_iter()
            .zip(parts)
            .map(|(mut answer, part)| {
                let status = answer.get("httpStatusCode").and_then(Value::as_u64).unwrap_or_default();
                let status = u16::try_from(status).unwrap_or_default();
                let body = answer.get_mut("body").map(Value::take).unwrap_or_default();
                match status {
                    200..=299 => Ok(body),
                    _ => Err(of_answer(status, &body, part.operation)),
                }
            })
            .collect();
        if all_or_none && results.iter().any(Result::is_err) {
            // The parts that were undone because of another's failure say PROCESSING_HALTED.
            let halted = |error: &CrmError| matches!(error, CrmError::Refused { code, .. } if code == "PROCESSING_HALTED");
            let mut errors: Vec<CrmError> = results.into_iter().filter_map(Result::err).collect();
            errors.sort_by_key(halted);
            return errors.into_iter().next().map_or_else(|| Err(self.not_salesforce()), Err);
        }
        Ok(results)
    }

    /// Changes records, all or none.
    pub async fn update(&self, object: &str, records: &[Value]) -> Result<(), CrmError> {
        let body = json!({"allOrNone": true, "records": records});
        let operation = Operation::Edit(object);
        let answer = self.call(operation, Method::PATCH, "composite/sobjects", Some(&body)).await?;
        let halted = |error: &Value| {
            error.get("statusCode").and_then(Value::as_str) == Some("ALL_OR_NONE_OPERATION_ROLLED_BACK")
        };
        let results = answer.as_array().map(Vec::as_slice).unwrap_or_default();
        let errors = results.iter().filter_map(|result| result.get("errors")?.as_array()).flatten();
        match errors.min_by_key(|error| halted(error)) {
            None => Ok(()),
            Some(error) => Err(of_answer(400, error, operation)),
        }
    }

    /// Runs an action on each of these inputs.
    pub async fn action(
        &self,
        operation: Operation<'_>,
        name: &str,
        inputs: &[Value],
    ) -> Result<(), CrmError> {
        let path = format!("actions/standard/{name}");
        let answer = self.call(operation, Method::POST, &path, Some(&json!({"inputs": inputs}))).await?;
        let failed = |result: &&Value| result.get("isSuccess").and_then(Value::as_bool) != Some(true);
        match answer.as_array().map(Vec::as_slice).unwrap_or_default().iter().find(failed) {
            None => Ok(()),
            Some(result) => Err(of_answer(400, result, operation)),
        }
    }

    /// Some fields of a record.
    pub async fn read(&self, object: &str, id: &str, fields: &str) -> Result<Value, CrmError> {
        let path = format!("sobjects/{object}/{id}?{}", form(&[("fields", fields)]));
        self.call(Operation::Read(object), Method::GET, &path, None).await
    }

    /// Deletes a record.
    pub async fn delete(&self, object: &str, id: &str) -> Result<(), CrmError> {
        self.call(Operation::Delete(object), Method::DELETE, &format!("sobjects/{object}/{id}"), None)
            .await
            .map(drop)
    }

    /// One request with a token; where that has run out, once more with a new one.
    async fn call(
        &self,
        operation: Operation<'_>,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, CrmError> {
        let session = self.session(None).await?;
        match self.exchange(&session, operation, method.clone(), path, body).await {
            Err(CrmError::Session) => {
                let session = self.session(Some(&session.token)).await?;
                self.exchange(&session, operation, method, path, body).await
            }
            answer => answer,
        }
    }

    async fn exchange(
        &self,
        session: &Session,
        operation: Operation<'_>,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, CrmError> {
        let url = format!("services/data/v{}/{path}", session.version);
        let url = session.instance.join(&url).map_err(|_| self.not_salesforce())?;
        let mut request = self.http.request(method, url).bearer_auth(session.token.expose()).timeout(TIMEOUT);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        let response = request.send().await.map_err(|e| classify(&e, &session.instance))?;
        if let Some(usage) =
            response.headers().get("sforce-limit-info").and_then(|h| parse_usage(h.to_str().ok()?))
        {
            *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = Some(usage);
        }
        let status = response.status().as_u16();
        let retry_after = retry_after(&response);
        let body = json_body(response, &self.login).await?;
        match (status, body) {
            (429, _) => Err(CrmError::Throttled { retry_after }),
            (200..=299, Some(body)) => Ok(body),
            (200..=299, None) => Err(self.not_salesforce()),
            (300..=399, _) => Err(self.not_salesforce()),
            (status, body) => Err(of_answer(status, &body.unwrap_or_default(), operation)),
        }
    }

    /// The session, or a new one where there is none or this one's token was refused.
    async fn session(&self, refused: Option<&Token>) -> Result<Session, CrmError> {
        let mut held = self.session.lock().await;
        if let Some(session) = held.as_ref().filter(|session| Some(&session.token) != refused) {
            return Ok(session.clone());
        }
        *held = None;
        let session = self.new_session(refused.is_some()).await?;
        *held = Some(session.clone());
        Ok(session)
    }

    /// A token, then the API's versions.
    async fn new_session(&self, refused: bool) -> Result<Session, CrmError> {
        let Given { token, instance, identity } = match &self.sign_in.grant {
            Grant::User(tokens) => tokens.token(refused).await?,
            Grant::Client { .. } | Grant::Refresh { .. } => self.ask_for_token().await?,
        };
        let instance = base_url(&instance)?;
        if !belongs(&self.login, &instance) {
            return Err(
                BackendError::Redirected { host: host_of(&self.login), to: host_of(&instance) }.into()
            );
        }
        let versions = self.http.get(instance.join("services/data/").map_err(|_| self.not_salesforce())?);
        self.calls.fetch_add(1, Ordering::Relaxed);
        let response = versions.timeout(TIMEOUT).send().await.map_err(|e| classify(&e, &instance))?;
        let listed = json_body(response, &self.login).await?.unwrap_or_default();
        let version = choose_version(&listed).ok_or_else(|| self.not_salesforce())?;
        Ok(Session { token, instance, version, user: identity.as_deref().and_then(user_in) })
    }

    /// A token (RFC 6749 §4.4 and §6).
    async fn ask_for_token(&self) -> Result<Given, CrmError> {
        let form = self.sign_in.form()?;
        let url = self.login.join("services/oauth2/token").map_err(|_| self.not_salesforce())?;
        let answer = self.http.post(url).form(&form).timeout(TIMEOUT).send().await;
        let response = answer.map_err(|e| classify(&e, &self.login))?;
        let status = response.status().as_u16();
        let body = json_body(response, &self.login).await?.unwrap_or_default();
        let text = |name| body.get(name).and_then(Value::as_str);
        let (Some(token), Some(instance)) = (text("access_token"), text("instance_url")) else {
            return Err(match status {
                200..=399 => self.not_salesforce(),
                _ => of_token_answer(status, &body),
            });
        };
        if let Some(successor) = text("refresh_token") {
            self.sign_in.keep(&Token::new(successor))?;
        }
        let identity = text("id").map(str::to_owned);
        Ok(Given { token: Token::new(token), instance: instance.to_owned(), identity })
    }

    fn not_salesforce(&self) -> CrmError {
        CrmError::Settings(format!(
            "{} does not answer as Salesforce does. Check the address: it is the organisation's My Domain, such as \
             https://acme.my.salesforce.com.",
            host_of(&self.login)
        ))
    }
}

/// The user in `https://login.salesforce.com/id/00D…/005…`.
fn user_in(identity: &str) -> Option<String> {
    identity.rsplit('/').next().filter(|id| is_id(id, "005")).map(str::to_owned)
}

/// Whether a token may be sent there: to the host that gave it, or another of Salesforce's.
fn belongs(login: &Url, instance: &Url) -> bool {
    const DOMAINS: [&str; 4] = [".salesforce.com", ".force.com", ".cloudforce.com", ".salesforce.mil"];
    let host = instance.host_str().unwrap_or_default();
    login.origin() == instance.origin()
        || (instance.scheme() == "https" && DOMAINS.iter().any(|domain| host.ends_with(domain)))
}

/// Ours where the organisation has it, else its newest before ours.
fn choose_version(listed: &Value) -> Option<String> {
    let number = |version: &str| version.split_once('.').and_then(|(major, _)| major.parse::<u32>().ok());
    let ours = number(API_VERSION)?;
    let versions = listed.as_array()?.iter().filter_map(|entry| entry.get("version")?.as_str());
    let usable = versions.filter(|v| v.len() < 8 && number(v).is_some_and(|n| n <= ours));
    usable.max_by_key(|version| number(version)).map(str::to_owned)
}

/// `api-usage=18/5000`, possibly with more after a `;` or `,`.
fn parse_usage(header: &str) -> Option<Usage> {
    let value = header.split([';', ',']).find_map(|part| part.trim().strip_prefix("api-usage="))?;
    let (used, limit) = value.split_once('/')?;
    Some(Usage { used: used.trim().parse().ok()?, limit: limit.trim().parse().ok()? })
}

fn form(pairs: &[(&str, &str)]) -> String {
    let mut url = Url::parse("http://localhost/").ok();
    if let Some(url) = &mut url {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    url.and_then(|url| url.query().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_version_of_the_api_is_used_where_it_is_there() {
        let list =
            |versions: &[&str]| json!(versions.iter().map(|v| json!({"version": v})).collect::<Vec<_>>());
        assert_eq!(choose_version(&list(&["66.0", "67.0", "68.0"])).as_deref(), Some("67.0"));
        assert_eq!(choose_version(&list(&["64.0", "65.0"])).as_deref(), Some("65.0"));
        assert_eq!(choose_version(&list(&["68.0"])), None);
        assert_eq!(choose_version(&json!({"error": "no"})), None);
    }

    #[test]
    fn the_limit_s_header_is_read() {
        assert_eq!(parse_usage("api-usage=18/5000"), Some(Usage { used: 18, limit: 5000 }));
        assert_eq!(parse_usage("api-usage=25/5000; per-app-api-usage=17/250(appName=x)").unwrap().used, 25);
        assert_eq!(parse_usage("something"), None);
    }

    #[test]
    fn the_user_is_read_from_the_identity_s_address() {
        let user = |id: &str| user_in(&format!("https://login.salesforce.com/id/00D000000000001EAA/{id}"));
        assert_eq!(user("005000000000001AAA").as_deref(), Some("005000000000001AAA"));
        assert_eq!(user("x' OR Id != '"), None);
    }

    #[test]
    fn a_token_goes_to_salesforce_only() {
        let url = |text: &str| Url::parse(text).unwrap();
        let login = url("https://acme--test.sandbox.my.salesforce.com/");
        for (instance, good) in [
            ("https://acme--test.sandbox.my.salesforce.com/", true),
            ("https://um5.salesforce.com/", true),
            ("https://salesforce.com.evil.example/", false),
            ("https://evilsalesforce.com/", false),
            ("http://um5.salesforce.com/", false),
        ] {
            assert_eq!(belongs(&login, &url(instance)), good, "{instance}");
        }
    }
}
