//! HubSpot's REST API, as far as the connector uses it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::contact::Contact;
use super::error::of_answer;
use super::settings::Settings;
use crate::Token;
use crate::client::retry_after;
use crate::crm::CrmError;
use crate::transport::{base_url, classify, host_of, http_client, json_body};

const TIMEOUT: Duration = Duration::from_secs(15);

/// Asks with a private app's token. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rest {
    http: reqwest::Client,
    base: Url,
    token: Token,
    calls: Arc<AtomicU32>,
}

impl Rest {
    pub fn new(settings: &Settings, token: Token) -> Result<Self, CrmError> {
        let base = base_url(&settings.url)?;
        let http = http_client(&base, settings.ca_file.as_deref())?;
        Ok(Self { http, base, token, calls: Arc::default() })
    }

    /// Requests made since this was last asked.
    pub fn take_calls(&self) -> u32 {
        self.calls.swap(0, Ordering::Relaxed)
    }

    /// The contacts with these primary addresses.
    pub async fn contacts(
        &self,
        addresses: &[String],
        properties: &[&str],
    ) -> Result<Vec<Contact>, CrmError> {
        let records = self.read_many("contacts", Some("email"), addresses, properties).await?;
        Ok(records.iter().filter_map(Contact::new).collect())
    }

    /// The records with these ids; those that are not there are left out.
    pub async fn read_many(
        &self,
        object: &str,
        id_property: Option<&str>,
        ids: &[String],
        properties: &[&str],
    ) -> Result<Vec<Value>, CrmError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let inputs: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
        let body = json!({"idProperty": id_property, "inputs": inputs, "properties": properties});
        let path = format!("crm/v3/objects/{object}/batch/read");
        let mut answer = self.call(Method::POST, &path, &[], Some(&body)).await?;
        match answer.get_mut("results").map(Value::take) {
            Some(Value::Array(records)) => Ok(records),
            _ => Err(self.not_hubspot()),
        }
    }

    /// Makes a record; gives its id.
    pub async fn create(&self, object: &str, body: &Value) -> Result<Option<String>, CrmError> {
        let made = self.call(Method::POST, &format!("crm/v3/objects/{object}"), &[], Some(body)).await?;
        Ok(made.get("id").and_then(Value::as_str).map(str::to_owned))
    }

    /// A record's property; an empty text where it has none.
    pub async fn property(&self, object: &str, id: &str, property: &str) -> Result<Value, CrmError> {
        let path = format!("crm/v3/objects/{object}/{id}");
        let record = self.call(Method::GET, &path, &[("properties", property)], None).await?;
        let value = record.pointer("/properties").and_then(|properties| properties.get(property)?.as_str());
        Ok(json!(value.unwrap_or_default()))
    }

    /// The ids of what is associated with a contact.
    pub async fn associated(&self, contact: &str, object: &str) -> Result<Vec<String>, CrmError> {
        let path = format!("crm/v3/objects/contacts/{contact}");
        let answer = self.call(Method::GET, &path, &[("associations", object)], None).await?;
        let results = answer.get("associations").and_then(|all| all.get(object)?.get("results")?.as_array());
        let ids = results.into_iter().flatten().filter_map(|record| record.get("id")?.as_str());
        Ok(ids.map(str::to_owned).collect())
    }

    /// Changes properties of a record.
    pub async fn update(&self, object: &str, id: &str, properties: &Value) -> Result<(), CrmError> {
        let body = json!({"properties": properties});
        self.call(Method::PATCH, &format!("crm/v3/objects/{object}/{id}"), &[], Some(&body)).await.map(drop)
    }

    /// Moves a record to the recycle bin.
    pub async fn delete(&self, object: &str, id: &str) -> Result<(), CrmError> {
        self.call(Method::DELETE, &format!("crm/v3/objects/{object}/{id}"), &[], None).await.map(drop)
    }

    /// What a property is like; `None` where there is none of this name.
    pub async fn property_type(&self, object: &str, name: &str) -> Result<Option<Value>, CrmError> {
        match self.call(Method::GET, &format!("crm/v3/properties/{object}/{name}"), &[], None).await {
            Ok(property) => Ok(Some(property)),
            Err(CrmError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes an address off every email subscription.
    pub async fn unsubscribe(&self, address: &str) -> Result<(), CrmError> {
        let mut path = self.base.clone();
        if let Ok(mut segments) = path.path_segments_mut() {
            segments.pop_if_empty().extend([
                "communication-preferences",
                "v4",
                "statuses",
                address,
                "unsubscribe-all",
            ]);
        }
        self.exchange(Method::POST, path, &[("channel", "EMAIL")], None).await.map(drop)
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, CrmError> {
        let url = self.base.join(path).map_err(|_| self.not_hubspot())?;
        self.exchange(method, url, query, body).await
    }

    async fn exchange(
        &self,
        method: Method,
        mut url: Url,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, CrmError> {
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.http.request(method, url).bearer_auth(self.token.expose()).timeout(TIMEOUT);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        let response = request.send().await.map_err(|error| classify(&error, &self.base))?;
        let status = response.status().as_u16();
        let retry_after = retry_after(&response);
        match (status, json_body(response, &self.base).await?) {
            (200..=299, Some(body)) => Ok(body),
            (200..=399, _) => Err(self.not_hubspot()),
            (status, body) => Err(of_answer(status, &body.unwrap_or_default(), retry_after)),
        }
    }

    fn not_hubspot(&self) -> CrmError {
        CrmError::Settings(format!(
            "{} does not answer as HubSpot does. Check the address.",
            host_of(&self.base)
        ))
    }
}
