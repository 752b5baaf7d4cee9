//! JSON batching: up to twenty requests in one. Four of them run at a time against one mailbox, so more than four that
//! don't wait for each other are throttled in part. What cuts off or delays one of them does so to the whole.

use std::time::Duration;

use reqwest::Url;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::server::{Asked, Shared};

const AT_MOST: usize = 20;
const AT_A_TIME: usize = 4;

/// Answers the requests of a batch; and how long to wait before that.
pub(super) fn answer(shared: &Shared, base: &Url, body: &[u8]) -> (Answer, Duration) {
    let requests = serde_json::from_slice::<Value>(body).ok();
    let requests = requests.as_ref().and_then(|body| body.get("requests")).and_then(Value::as_array);
    let Some(requests) = requests.filter(|requests| requests.len() <= AT_MOST) else {
        return (Answer::error(400, "BadRequest", "Invalid batch payload format."), Duration::ZERO);
    };
    let free = requests.iter().filter(|request| request.get("dependsOn").is_none()).count();
    let (mut cut, mut wait) = (None, Duration::ZERO);
    let responses: Vec<Value> = requests
        .iter()
        .enumerate()
        .map(|(i, request)| {
            let id = request.get("id").cloned().unwrap_or_default();
            let (answer, part_wait) = if free > AT_A_TIME && i >= AT_A_TIME {
                let answer = Answer::throttled(1, "Application is over its MailboxConcurrency limit.");
                (answer, Duration::ZERO)
            } else {
                one(shared, base, request)
            };
            cut = cut.or(answer.cut);
            wait = wait.max(part_wait);
            let headers: Map<String, Value> = answer
                .headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
                .collect();
            json!({"id": id, "status": answer.status, "headers": headers, "body": answer.body.into_value()})
        })
        .collect();
    (Answer { cut, ..Answer::json(json!({"responses": responses})) }, wait)
}

fn one(shared: &Shared, base: &Url, request: &Value) -> (Answer, Duration) {
    let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
    let prefer = request.pointer("/headers/Prefer").and_then(Value::as_str).unwrap_or_default();
    let relative = format!("/v1.0/{}", text("url").trim_start_matches('/'));
    match base.join(&relative) {
        Ok(url) => shared.resource(&Asked { method: text("method"), url: &url, prefer }),
        Err(_) => (Answer::error(400, "BadRequest", "The url of a request is malformed."), Duration::ZERO),
    }
}
