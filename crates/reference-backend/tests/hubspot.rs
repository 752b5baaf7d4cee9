//! Events written into a simulated HubSpot by the server, beside a Salesforce, on each store.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic in a test is its report"
)]

mod scene;

use answerback_backend::{EventType, SecretSource, Token};
use answerback_reference_backend::{Config, Handle, Server};
use answerback_testkit::{hubspot, salesforce};
use jiff::SignedDuration;
use serde_json::json;
use tempfile::TempDir;

use scene::{ORG, kit, on_both_stores, until};

on_both_stores! {
    an_answer_is_logged_once_in_each_crm_after_a_restart,
}

async fn start(
    database: &str,
    secrets: &TempDir,
    salesforce: &salesforce::Simulator,
    hubspot: &hubspot::Simulator,
) -> Handle {
    let file = |name: &str, secret: &str| {
        let path = secrets.path().join(name);
        SecretSource::File(path.clone()).replace(&Token::new(secret)).unwrap();
        path.display().to_string()
    };
    let (secret, token) = (file("secret", salesforce::CLIENT_SECRET), file("token", hubspot::TOKEN));
    let mut config = Config::local(database);
    let settings = format!(
        "url = '{}'\nclient_id = '{}'\nclient_secret = {{ file = '{secret}' }}",
        salesforce.url(),
        salesforce::CLIENT_ID
    );
    config.salesforce = [(ORG.to_owned(), toml::from_str(&settings).unwrap())].into();
    let settings = format!("url = '{}'\ntoken = {{ file = '{token}' }}", hubspot.url());
    config.hubspot = [(ORG.to_owned(), toml::from_str(&settings).unwrap())].into();
    Server::start(config).await.unwrap()
}

async fn an_answer_is_logged_once_in_each_crm_after_a_restart(database: String) {
    let secrets = TempDir::new().unwrap();
    let salesforce = salesforce::Simulator::start(salesforce::Options::default()).await.unwrap();
    let hubspot = hubspot::Simulator::start(hubspot::Options::default()).await.unwrap();
    let first = start(&database, &secrets, &salesforce, &hubspot).await;
    let kit_one = kit(&first).await;
    let send = kit_one.tracked(SignedDuration::from_hours(1));
    salesforce.seed("Contact", json!({"LastName": "Flynn", "Email": send.address})).unwrap();
    hubspot.contact(&send.address);
    kit_one.put_sends(&[&send]).await.unwrap();
    let id = format!("<r@{}>", send.id);
    let reply = json!({"message_id": id, "from": send.address, "to": ["rep@sales.example"]});
    let log = json!({"kind": "reply", "relation": "prospect", "reply": reply, "confidence": 1.0});
    let event = kit_one.event(EventType::Log, &send, &id, &log);
    // HubSpot has written it when the connection breaks: it is looked for, and not written again.
    hubspot.fault(4, hubspot::Fault::CutAfterCommit);
    kit_one.push(std::slice::from_ref(&event)).await.unwrap();
    until("both have it", async || {
        (salesforce.records("EmailMessage").len(), hubspot.records("emails").len()) == (1, 1)
    })
    .await;
    first.shutdown().await;
    let second = start(&database, &secrets, &salesforce, &hubspot).await;
    until("nothing waits", async || second.store().delivery_counts().await.unwrap() == (0, 0)).await;
    let kit_two = kit(&second).await;
    kit_two.push(&[event]).await.unwrap();
    until("nothing waits", async || second.store().delivery_counts().await.unwrap() == (0, 0)).await;
    assert_eq!((salesforce.records("EmailMessage").len(), hubspot.records("emails").len()), (1, 1));
}
