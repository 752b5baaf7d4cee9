//! The simulated Graph keeps to what is documented: links, tokens, ids, selections, limits and errors.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic in a test is its report")]

use std::time::Duration;

use answerback_testkit::graph::{Fault, GraphServer, Language};
use jiff::Timestamp;
use serde_json::{Value, json};

const TOKEN: &str = "a-token";

struct Client {
    http: reqwest::Client,
    server: GraphServer,
    prefer: &'static str,
}

impl Client {
    async fn new() -> Self {
        let server = GraphServer::start("rep@sales.example", TOKEN).await.unwrap();
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { http, server, prefer: "IdType=\"ImmutableId\", odata.maxpagesize=2" }
    }

    async fn get(&self, target: &str) -> (u16, Value) {
        let base = self.server.url();
        let url =
            if target.starts_with("http") { target.to_owned() } else { format!("{base}/v1.0/me/{target}") };
        let request = self.http.get(url).bearer_auth(TOKEN).header("Prefer", self.prefer);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    /// Follows the links from `target` to the delta link; gives every row and that link.
    async fn drain(&self, target: &str) -> (Vec<Value>, String) {
        let (mut rows, mut target) = (Vec::new(), target.to_owned());
        loop {
            let (status, body) = self.get(&target).await;
            assert_eq!(status, 200, "{body}");
            let page = body["value"].as_array().unwrap();
            assert!(page.len() <= 2);
            rows.extend(page.iter().cloned());
            match body["@odata.nextLink"].as_str() {
                Some(next) => target = next.to_owned(),
                None => return (rows, body["@odata.deltaLink"].as_str().unwrap().to_owned()),
            }
        }
    }
}

fn mail(n: usize) -> Vec<u8> {
    let lines = format!(
        "From: Kevin <k@flynn.example>\r\nTo: rep@sales.example\r\nMessage-ID: <m{n}@x>\r\nSubject: number {n}\r\nX-Folded: a\r\n b\r\n\r\nHello\r\n"
    );
    lines.into_bytes()
}

#[tokio::test]
async fn a_delta_round_is_paged_and_the_next_one_has_what_changed_only() {
    let client = Client::new().await;
    let mailbox = client.server.mailbox();
    let serials: Vec<u64> = (0..5).map(|n| mailbox.deliver("Inbox", &mail(n))).collect();
    let start = "mailFolders/inbox/messages/delta?$select=subject,internetMessageId,internetMessageHeaders";
    let (rows, link) = client.drain(start).await;
    assert_eq!(rows.len(), 5);
    assert_eq!(rows[0]["@odata.type"], "#microsoft.graph.message");
    assert!(rows[0].get("isRead").is_none(), "only what was selected");
    let headers = rows[0]["internetMessageHeaders"].as_array().unwrap();
    assert!(headers.contains(&json!({"name": "X-Folded", "value": "a b"})));
    let id = rows[0]["id"].as_str().unwrap().to_owned();

    assert!(mailbox.delete(serials[1]));
    assert!(mailbox.mark_read(serials[2]));
    mailbox.deliver("Inbox", &mail(9));
    let gone = mailbox.deliver("Inbox", &mail(10));
    mailbox.delete(gone);
    let (rows, link) = client.drain(&link).await;
    assert_eq!(rows.len(), 3, "what came and went meanwhile is not told of: {rows:#?}");
    assert_eq!(rows[0]["@removed"]["reason"], "deleted");
    assert_eq!((&rows[1]["isRead"], rows[1].get("subject")), (&json!(true), None));
    assert_eq!(rows[2]["subject"], "number 9");
    assert_eq!(client.drain(&link).await.0, Vec::<Value>::new());

    assert!(mailbox.move_message(serials[4], "Inbox/Prospects"));
    assert_eq!(client.get(&format!("messages/{id}")).await.0, 200, "an immutable id outlives a move");
}

#[tokio::test]
async fn a_filter_leaves_old_mail_out_and_other_filters_are_refused() {
    let client = Client::new().await;
    let mailbox = client.server.mailbox();
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    mailbox.append("Inbox", &mail(1), true, time("2026-01-01T00:00:00Z"));
    mailbox.append("Inbox", &mail(2), true, time("2026-06-01T00:00:00Z"));
    let filter = "mailFolders/inbox/messages/delta?$filter=receivedDateTime ge 2026-05-01T00:00:00Z&$orderby=receivedDateTime desc";
    let (rows, _) = client.drain(filter).await;
    assert_eq!(rows.len(), 1);
    assert!(rows[0].get("internetMessageHeaders").is_none(), "they come only where they are selected");
    let (status, body) = client.get("mailFolders/inbox/messages/delta?$filter=isRead eq true").await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("ErrorInvalidUrlQueryFilter")));
}

#[tokio::test]
async fn folders_come_flat_with_their_parents_and_in_the_rep_s_language() {
    let server = GraphServer::start_in(Language::German, "rep@sales.example", TOKEN).await.unwrap();
    server.mailbox().create_folder("Posteingang/Kunden");
    server.mailbox().hide_folder("Quick Step Settings");
    let client = Client { server, ..Client::new().await };
    let (rows, _) = client.drain("mailFolders/delta?$select=displayName,parentFolderId,isHidden").await;
    let named = |name: &str| rows.iter().find(|row| row["displayName"] == name).unwrap();
    assert_eq!(named("Kunden")["parentFolderId"], named("Posteingang")["id"]);
    assert_eq!(named("Quick Step Settings")["isHidden"], true);
    let (_, inbox) = client.get("mailFolders/inbox").await;
    assert_eq!(inbox["displayName"], "Posteingang");
}

#[tokio::test]
async fn mail_written_in_outlook_has_no_header_fields_but_its_mime() {
    let client = Client::new().await;
    client.server.mailbox().deliver("sentitems", &mail(1));
    let (rows, _) =
        client.drain("mailFolders/sentitems/messages/delta?$select=subject,internetMessageHeaders").await;
    assert!(rows[0].get("internetMessageHeaders").is_none());
    let url = format!("{}/v1.0/me/messages/{}/$value", client.server.url(), rows[0]["id"].as_str().unwrap());
    let mime = client.http.get(url).bearer_auth(TOKEN).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(mime, mail(1));
}

#[tokio::test]
async fn a_batch_runs_four_at_a_time_and_the_rest_is_throttled() {
    let client = Client::new().await;
    let requests: Vec<Value> = (0..5)
        .map(|n| json!({"id": n.to_string(), "method": "GET", "url": "/me/mailFolders/inbox"}))
        .collect();
    let url = format!("{}/v1.0/$batch", client.server.url());
    let sent = client.http.post(url).bearer_auth(TOKEN).json(&json!({"requests": requests})).send().await;
    let body: Value = sent.unwrap().json().await.unwrap();
    let statuses: Vec<&Value> = body["responses"].as_array().unwrap().iter().map(|r| &r["status"]).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 429]);
    assert_eq!(body["responses"][4]["headers"]["Retry-After"], "1");
}

#[tokio::test]
async fn refusals_have_their_documented_status_and_code() {
    let client = Client::new().await;
    let path = "mailFolders/inbox";
    for (fault, status, code) in [
        (Fault::Throttled(Duration::from_secs(7)), 429, "ApplicationThrottled"),
        (Fault::Unavailable, 503, "serviceNotAvailable"),
        (Fault::SyncStateLost, 410, "syncStateNotFound"),
        (Fault::TokenExpired, 401, "InvalidAuthenticationToken"),
        (Fault::AccessDenied, 403, "ErrorAccessDenied"),
        (Fault::NotFound, 404, "ErrorItemNotFound"),
    ] {
        client.server.fault_once(path, fault);
        let (found, body) = client.get(path).await;
        assert_eq!((found, body["error"]["code"].as_str().unwrap()), (status, code));
    }
    assert_eq!(client.get(path).await.0, 200);
    client.server.set_consent(false);
    assert_eq!(client.get(path).await.0, 403);
    client.server.set_consent(true);
    let (_, link) = client.drain("mailFolders/inbox/messages/delta").await;
    client.server.mailbox().expire_sync_state();
    assert_eq!(client.get(&link).await.0, 410);
    client.server.set_token("another");
    assert_eq!(client.get(path).await.0, 401);
}

#[tokio::test]
async fn a_cut_answer_ends_in_the_middle() {
    let client = Client::new().await;
    client.server.fault_once("inbox", Fault::CutAt(20));
    let url = format!("{}/v1.0/me/mailFolders/inbox", client.server.url());
    let whole = async { client.http.get(url).bearer_auth(TOKEN).send().await?.bytes().await };
    assert!(whole.await.is_err());
}
