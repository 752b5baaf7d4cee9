//! What the checks speak with.

use std::time::Duration;

use answerback_backend::event::BATCH_MEDIA_TYPE;
use answerback_backend::{Event, EventType, Token, account_id, event_id, source};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::CONNECTION;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

/// What an implementation did that the contract does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Self(format!("the request failed: {error}"))
    }
}

/// An implementation under test, and the tokens for it.
#[derive(Clone, Debug)]
pub struct Kit {
    http: reqwest::Client,
    url: String,
    platform: Token,
    laptop: Token,
    /// The rep of the laptop's token.
    pub rep: String,
}

/// An answer: its status and its body as JSON, null where it has none.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The media type, without parameters.
    pub media_type: String,
    /// The ETag.
    pub etag: Option<String>,
    /// The body.
    pub body: Value,
}

/// A send that a check works with.
#[derive(Clone, Debug)]
pub struct Tracked {
    /// Its id.
    pub id: String,
    /// Its campaign.
    pub campaign: String,
    /// Its prospect.
    pub prospect: String,
    /// The prospect's address.
    pub address: String,
    /// Its JSON.
    pub json: Value,
}

impl Kit {
    /// For the implementation at this URL. `rep` is whom the laptop's token is for.
    pub fn new(url: &str, platform: Token, laptop: Token, rep: &str) -> Result<Self, Failure> {
        let options = answerback_backend::ClientOptions::default();
        let http = answerback_backend::client::http(url, &options).map_err(|e| Failure(e.to_string()))?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), platform, laptop, rep: rep.to_owned() })
    }

    /// A request as the platform.
    pub fn platform(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(self.platform.expose())
    }

    /// A request as the laptop.
    pub fn laptop(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(self.laptop.expose())
    }

    /// A request without a token. Each has a connection of its own, so that behind a load balancer each may meet another copy.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        request.header(CONNECTION, "close").timeout(Duration::from_secs(30))
    }

    /// A send of its own campaign and prospect, not yet at the backend.
    pub fn tracked(&self, sent_ago: SignedDuration) -> Tracked {
        let unique = Uuid::new_v4().simple().to_string();
        let sent_at = Timestamp::now().checked_sub(sent_ago).unwrap_or_default();
        let (id, campaign) = (format!("snd_{unique}"), format!("cmp_{unique}"));
        let (prospect, address) = (format!("p_{unique}"), format!("flynn.{unique}@flynnsarcade.example"));
        let json = json!({
            "id": id, "message_ids": [format!("<{unique}@sales.example>")], "from": self.rep, "to": [address],
            "subject": "Space Paranoids", "sent_at": sent_at, "campaign": {"id": campaign, "name": "Arcade owners", "step": 1},
            "prospect": {"id": prospect, "email": address, "name": "Kevin Flynn"},
        });
        Tracked { id, campaign, prospect, address, json }
    }

    /// Puts sends in as the platform.
    pub async fn put_sends(&self, sends: &[&Tracked]) -> Result<Answer, Failure> {
        let sends: Vec<&Value> = sends.iter().map(|s| &s.json).collect();
        answer(self.platform(Method::POST, "/v1/sends").json(&sends)).await?.expect(StatusCode::OK)
    }

    /// Reads the whole feed from the cursor on: sends, removed ids, and the last cursor.
    pub async fn feed(&self, cursor: Option<String>) -> Result<(Vec<Value>, Vec<String>, String), Failure> {
        let (mut sends, mut removed, mut cursor) = (Vec::new(), Vec::new(), cursor);
        loop {
            let mut request = self.laptop(Method::GET, "/v1/sends?limit=500");
            if let Some(cursor) = &cursor {
                request = request.query(&[("cursor", cursor)]);
            }
            let page = answer(request).await?.expect(StatusCode::OK)?.body;
            sends.extend(page["sends"].as_array().cloned().unwrap_or_default());
            removed.extend(strings(&page["removed"]));
            let next = page["next_cursor"].as_str().ok_or(Failure("next_cursor is not a string".into()))?;
            cursor = Some(next.to_owned());
            if page["has_more"] != json!(true) {
                return Ok((sends, removed, next.to_owned()));
            }
        }
    }

    /// An event about a send, as the laptop would make it for the reply with this Message-ID.
    pub fn event(&self, event_type: EventType, send: &Tracked, message_id: &str, data: &Value) -> Value {
        let account = account_id(&self.rep);
        let mut all = json!({"send_id": send.id, "campaign_id": send.campaign, "prospect_id": send.prospect});
        if let (Some(all), Some(data)) = (all.as_object_mut(), data.as_object()) {
            all.extend(data.clone());
        }
        json!({
            "specversion": "1.0", "id": event_id(account, &send.id, message_id, event_type), "source": source(account),
            "type": event_type.as_str(), "time": Timestamp::now(), "subject": send.id,
            "datacontenttype": "application/json", "data": all,
        })
    }

    /// A coverage event of the rep's mailbox.
    pub fn coverage(&self, checked_up_to: Timestamp) -> Result<Value, Failure> {
        let event: Event = answerback_backend::coverage(account_id(&self.rep), &self.rep, checked_up_to, 3);
        serde_json::to_value(event).map_err(|e| Failure(e.to_string()))
    }

    /// Pushes a batch as the laptop; gives each event's status.
    pub async fn push(&self, events: &[Value]) -> Result<Vec<String>, Failure> {
        let answer = answer(self.batch(serde_json::to_vec(events).unwrap_or_default()))
            .await?
            .expect(StatusCode::OK)?;
        let results = answer.body["results"].as_array().cloned().unwrap_or_default();
        for (event, result) in events.iter().zip(&results) {
            ensure(result["id"] == event["id"], || format!("the result {result} is not that of its event"))?;
        }
        Ok(results.iter().map(|r| r["status"].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// A batch with this body.
    pub fn batch(&self, body: Vec<u8>) -> RequestBuilder {
        self.laptop(Method::POST, "/v1/events").header("content-type", BATCH_MEDIA_TYPE).body(body)
    }

    /// What the gate says for a send.
    pub async fn gate(&self, send: &Tracked) -> Result<Value, Failure> {
        let by_send = self.platform(Method::GET, "/v1/gate").query(&[("send_id", &send.id)]);
        let by_send = answer(by_send).await?.expect(StatusCode::OK)?.body;
        let ids = [("prospect_id", &send.prospect), ("campaign_id", &send.campaign)];
        let by_ids =
            answer(self.platform(Method::GET, "/v1/gate").query(&ids)).await?.expect(StatusCode::OK)?.body;
        let same = by_send["state"] == by_ids["state"];
        ensure(same, || {
            format!("the gate says {by_send} by send_id and {by_ids} by prospect_id and campaign_id")
        })?;
        Ok(by_send)
    }

    /// Fails unless the gate is in this state for this reason.
    pub async fn gate_is(&self, send: &Tracked, state: &str, because: Option<&str>) -> Result<(), Failure> {
        let gate = self.gate(send).await?;
        let good = gate["state"] == state && because.is_none_or(|b| gate["because"] == b);
        ensure(good, || format!("the gate says {gate}, not {state} because of {because:?}"))
    }

    /// The ids of every event about a send that the platform can pull, in order.
    pub async fn pulled(&self, send: &Tracked) -> Result<Vec<Value>, Failure> {
        let (mut events, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut request = self.platform(Method::GET, "/v1/events?limit=1000");
            if let Some(cursor) = &cursor {
                request = request.query(&[("cursor", cursor)]);
            }
            let page = answer(request).await?.expect(StatusCode::OK)?.body;
            let all = page["events"].as_array().cloned().unwrap_or_default();
            let end = all.is_empty();
            events.extend(all.into_iter().filter(|e| e["data"]["send_id"] == *send.id));
            let next = page["next_cursor"].as_str().map(str::to_owned);
            if end || next == cursor {
                return Ok(events);
            }
            cursor = next;
        }
    }
}

impl Answer {
    /// Fails unless it has this status.
    pub fn expect(self, status: StatusCode) -> Result<Self, Failure> {
        ensure(self.status == status, || format!("{} came instead of {status}: {}", self.status, self.body))?;
        Ok(self)
    }

    /// Fails unless it is a problem of this status.
    pub fn problem(self, status: StatusCode) -> Result<(), Failure> {
        let answer = self.expect(status)?;
        let media_type = &answer.media_type;
        ensure(media_type == "application/problem+json", || format!("an error came as {media_type:?}"))?;
        let body = &answer.body;
        ensure(body["status"] == status.as_u16(), || {
            format!("the problem's status is not the answer's: {body}")
        })
    }
}

/// Sends a request.
pub async fn answer(request: RequestBuilder) -> Result<Answer, Failure> {
    let response = request.send().await?;
    let status = response.status();
    let header = |name| response.headers().get(name).and_then(|h| h.to_str().ok()).map(str::to_owned);
    let media_type = header("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().to_owned();
    let etag = header("etag");
    let body = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
    Ok(Answer { status, media_type, etag, body })
}

/// Fails with what it says unless `good`.
pub fn ensure(good: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failure> {
    if good { Ok(()) } else { Err(Failure(otherwise())) }
}

/// The strings of a JSON array.
pub fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}
