//! Which path gives what.

use jiff::Timestamp;
use reqwest::Url;
use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::delta::State;
use super::resource::{self, select};
use crate::exchange::{Folder, Folders, ROOT};

/// A page holds ten unless more are asked for, and a thousand at most.
const PAGE: usize = 10;

/// A request for one resource.
#[derive(Clone, Debug)]
pub(super) struct Ask<'a> {
    pub(super) url: &'a Url,
    pub(super) prefer: &'a str,
    pub(super) address: &'a str,
}

impl Ask<'_> {
    fn query(&self, name: &str) -> Option<String> {
        let pair = self.url.query_pairs().find(|(key, _)| key.eq_ignore_ascii_case(name));
        pair.map(|(_, value)| value.into_owned())
    }

    fn immutable(&self) -> bool {
        self.prefer.to_ascii_lowercase().contains("idtype=\"immutableid\"")
    }

    fn page_size(&self) -> usize {
        let preferred = self
            .prefer
            .split("odata.maxpagesize=")
            .nth(1)
            .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
        let asked = preferred.or_else(|| self.query("$top"));
        asked.and_then(|size| size.parse().ok()).unwrap_or(PAGE).clamp(1, 1000)
    }

    /// The same path with another query, as links are written.
    fn link(&self, query: &str) -> String {
        let mut url = self.url.clone();
        url.set_query(Some(query));
        url.to_string()
    }
}

/// Answers a GET below `/v1.0`.
pub(super) fn get(folders: &Folders, ask: &Ask<'_>) -> Answer {
    let segments: Vec<String> = ask.url.path_segments().into_iter().flatten().map(percent_decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["v1.0", "me"] => {
            Answer::json(json!({"id": "rep", "mail": ask.address, "userPrincipalName": ask.address}))
        }
        ["v1.0", "me", "mailFolders", "delta"] => folder_delta(folders, ask),
        ["v1.0", "me", "mailFolders"] => children(folders, ROOT, ask),
        ["v1.0", "me", "mailFolders", id, "childFolders"] => match folders.find(id) {
            Some(folder) => children(folders, &folder.id, ask),
            None => Answer::not_found(),
        },
        ["v1.0", "me", "mailFolders", id] => match folders.find(id) {
            Some(folder) => {
                Answer::json(select(resource::folder(folders, folder), ask.query("$select").as_deref()))
            }
            None => Answer::not_found(),
        },
        ["v1.0", "me", "mailFolders", id, "messages", "delta"] => match folders.find(id) {
            Some(folder) => message_delta(folders, folder, ask),
            None => Answer::not_found(),
        },
        ["v1.0", "me", "messages", id] => match folders.message(id) {
            Some((folder, message)) => {
                let message = resource::message(message, &folder.id, ask.immutable());
                Answer::json(select(message, ask.query("$select").as_deref()))
            }
            None => Answer::not_found(),
        },
        ["v1.0", "me", "messages", id, "$value"] => match folders.message(id) {
            Some((_, message)) => Answer::bytes("text/plain", message.raw.to_vec()),
            None => Answer::not_found(),
        },
        _ => Answer::error(400, "BadRequest", "Resource not found for the segment."),
    }
}

fn children(folders: &Folders, parent: &str, ask: &Ask<'_>) -> Answer {
    let hidden = ask.query("includeHiddenFolders").is_some_and(|value| value == "true");
    let all = folders.all.values().filter(|folder| folder.parent == parent && (hidden || !folder.hidden));
    let rows = all.map(|folder| select(resource::folder(folders, folder), ask.query("$select").as_deref()));
    page_by_skip(rows.collect(), ask, false)
}

/// Without a token all folders, flat. (With one nothing, since nobody here keeps it.)
fn folder_delta(folders: &Folders, ask: &Ask<'_>) -> Answer {
    let rows = folders.all.values();
    let rows = rows.map(|folder| select(resource::folder(folders, folder), ask.query("$select").as_deref()));
    page_by_skip(rows.collect(), ask, true)
}

fn page_by_skip(rows: Vec<Value>, ask: &Ask<'_>, delta: bool) -> Answer {
    let skip = ask.query("$skip").or_else(|| ask.query("$skiptoken")).and_then(|skip| skip.parse().ok());
    let skip: usize = skip.unwrap_or(0);
    let next = skip + ask.page_size();
    let more = rows.len() > next;
    let page: Vec<Value> = rows.into_iter().skip(skip).take(ask.page_size()).collect();
    let mut body = json!({"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users('rep')/mailFolders", "value": page});
    if let Some(object) = body.as_object_mut() {
        let selected = ask.query("$select").map(|names| format!("$select={names}&")).unwrap_or_default();
        if more {
            object.insert("@odata.nextLink".into(), ask.link(&format!("{selected}$skiptoken={next}")).into());
        } else if delta {
            object.insert("@odata.deltaLink".into(), ask.link("$deltatoken=latest").into());
        }
    }
    Answer::json(body)
}

fn message_delta(folders: &Folders, folder: &Folder, ask: &Ask<'_>) -> Answer {
    let token = ask.query("$skiptoken").or_else(|| ask.query("$deltatoken"));
    let state = match token {
        Some(token) => match State::read(&token, folders, &folder.id) {
            Some(state) => state,
            None => {
                return Answer::error(
                    410,
                    "syncStateNotFound",
                    "The sync state generation is not found; resynchronization is required.",
                );
            }
        },
        None => {
            let Ok(since) = since(ask.query("$filter").as_deref()) else {
                return Answer::error(
                    400,
                    "ErrorInvalidUrlQueryFilter",
                    "The query filter contains one or more invalid nodes.",
                );
            };
            if ask.query("$orderby").is_some_and(|order| !order.eq_ignore_ascii_case("receivedDateTime desc"))
            {
                return Answer::error(
                    400,
                    "ErrorInvalidUrlQuery",
                    "Only receivedDateTime desc is supported.",
                );
            }
            State::begin(folders, &folder.id, ask.query("$select"), since)
        }
    };
    let (rows, state, more) = state.page(folder, ask.page_size(), ask.immutable());
    let mut body = json!({"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#Collection(message)", "value": rows});
    if let Some(object) = body.as_object_mut() {
        let (name, query) = if more {
            ("@odata.nextLink", format!("$skiptoken={}", state.token()))
        } else {
            ("@odata.deltaLink", format!("$deltatoken={}", state.token()))
        };
        object.insert(name.to_owned(), ask.link(&query).into());
    }
    let mut answer = Answer::json(body);
    if !ask.prefer.is_empty() {
        answer = answer.with("Preference-Applied", ask.prefer.to_owned());
    }
    answer
}

/// `receivedDateTime ge 2026-…`; an error for every other filter, as delta takes no other.
fn since(filter: Option<&str>) -> Result<Option<Timestamp>, ()> {
    let Some(filter) = filter else { return Ok(None) };
    let mut words = filter.split_whitespace();
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(name), Some("ge" | "gt"), Some(time), None)
            if name.eq_ignore_ascii_case("receivedDateTime") =>
        {
            time.parse().map(Some).map_err(|_| ())
        }
        _ => Err(()),
    }
}

fn percent_decoded(segment: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = segment.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = (*first == b'%').then(|| tail.get(..2)).flatten();
        let code = code.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Body {
    /// For a part of a batch: JSON as it is, bytes in base64.
    pub(super) fn into_value(self) -> Value {
        use base64::Engine as _;
        match self {
            Self::Json(value) => value,
            Self::Bytes(_, bytes) => base64::engine::general_purpose::STANDARD.encode(bytes).into(),
        }
    }
}
