//! Events written into a simulated Salesforce by the server, on each store.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic in a test is its report"
)]

mod scene;

use answerback_backend::EventType;
use answerback_reference_backend::conformance::{Kit, answer};
use answerback_reference_backend::{Config, Handle, Server};
use answerback_testkit::salesforce::{CLIENT_ID, CLIENT_SECRET, Denied, Fault, Options, Simulator};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use scene::{Browser, ORG, kit, on_both_stores, until};

on_both_stores! {
    replies_are_logged_once_by_several_copies_and_after_a_restart,
    what_is_taken_back_before_it_is_written_is_never_written,
    a_missing_permission_is_said_and_everything_is_written_when_it_is_given,
    when_the_day_s_requests_are_used_up_events_wait_and_none_is_given_up,
    an_administrator_sees_what_is_missing_tries_an_entry_and_maps_campaigns,
}

async fn start(database: &str, salesforce: &Simulator, more: &str) -> Handle {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), CLIENT_SECRET).unwrap();
    let settings = format!(
        "url = '{}'\nclient_id = '{CLIENT_ID}'\nclient_secret = {{ file = '{}' }}\n{more}",
        salesforce.url(),
        secret.path().display()
    );
    let mut config = Config::local(database);
    config.salesforce = [(ORG.to_owned(), toml::from_str(&settings).unwrap())].into();
    Server::start(config).await.unwrap()
}

/// A send whose prospect is a contact, and the events of an answer to it.
async fn answered(kit: &Kit, salesforce: &Simulator, name: &str) -> Vec<Value> {
    let send = kit.tracked(SignedDuration::from_hours(1));
    let address = &send.address;
    salesforce
        .seed("Contact", json!({"LastName": name, "Email": address, "HasOptedOutOfEmail": false}))
        .unwrap();
    kit.put_sends(&[&send]).await.unwrap();
    let id = format!("<{name}@{}>", send.id);
    let reply = json!({"message_id": id, "from": "elsewhere@other.example", "to": ["rep@sales.example"]});
    let log =
        json!({"kind": "reply", "relation": "same_person_other_address", "reply": reply, "confidence": 1.0});
    let opt_out = json!({"address": address, "reason": "opt_out"});
    vec![kit.event(EventType::Suppress, &send, &id, &opt_out), kit.event(EventType::Log, &send, &id, &log)]
}

async fn endpoint(kit: &Kit) -> Value {
    answer(kit.platform(Method::GET, "/v1/webhooks")).await.unwrap().body["webhooks"][0].clone()
}

async fn done(kit: &Kit) {
    until("everything is written", async || endpoint(kit).await["pending"] == 0).await;
}

fn opted_out(salesforce: &Simulator) -> usize {
    salesforce.records("Contact").iter().filter(|c| c["HasOptedOutOfEmail"] == true).count()
}

async fn replies_are_logged_once_by_several_copies_and_after_a_restart(database: String) {
    let salesforce = Simulator::start(Options::default()).await.unwrap();
    let (one, two) = (start(&database, &salesforce, "").await, start(&database, &salesforce, "").await);
    let kit_one = kit(&one).await;
    let mut events = Vec::new();
    for n in 0..6 {
        events.extend(answered(&kit_one, &salesforce, &format!("Person{n}")).await);
    }
    for (after, fault) in [(9, Fault::CutAfterCommit), (14, Fault::Expired)] {
        salesforce.fault(after, fault);
    }
    kit_one.push(&events[..6]).await.unwrap();
    done(&kit_one).await;
    one.shutdown().await;
    let kit_two = kit(&two).await;
    kit_two.push(&events).await.unwrap();
    done(&kit_two).await;
    assert_eq!((salesforce.records("EmailMessage").len(), opted_out(&salesforce)), (6, 6));
    assert_eq!(endpoint(&kit_two).await["dead_letters"], 0);
    // The same replies again, as a reinstalled laptop finds them.
    kit_two.push(&events).await.unwrap();
    done(&kit_two).await;
    assert_eq!(salesforce.records("EmailMessage").len(), 6);
    assert_eq!(salesforce.records("EmailMessageRelation").len(), 6);
}

async fn what_is_taken_back_before_it_is_written_is_never_written(database: String) {
    let salesforce = Simulator::start(Options::default()).await.unwrap();
    salesforce.refuse_sign_in(Some(("invalid_grant", "ip restricted")));
    let server = start(&database, &salesforce, "").await;
    let kit = kit(&server).await;
    let events = answered(&kit, &salesforce, "Flynn").await;
    kit.push(&events).await.unwrap();
    until("it says why", async || endpoint(&kit).await["state"] == "failing").await;
    let mut retract = events[1].clone();
    retract["id"] = json!(uuid::Uuid::new_v4());
    retract["type"] = json!(EventType::Retract.as_str());
    retract["data"]["event_ids"] = json!([events[0]["id"], events[1]["id"]]);
    retract["data"]["reason"] = json!("not_a_reply");
    kit.push(&[retract]).await.unwrap();
    salesforce.refuse_sign_in(None);
    done(&kit).await;
    assert_eq!((salesforce.records("EmailMessage").len(), opted_out(&salesforce)), (0, 0));
}

async fn a_missing_permission_is_said_and_everything_is_written_when_it_is_given(database: String) {
    let salesforce = Simulator::start(Options::default()).await.unwrap();
    salesforce.deny(Denied::Edit("Contact"));
    let server = start(&database, &salesforce, "").await;
    let kit = kit(&server).await;
    let events = answered(&kit, &salesforce, "Flynn").await;
    kit.push(&events).await.unwrap();
    until("it is failing", async || endpoint(&kit).await["state"] == "failing").await;
    assert_eq!(opted_out(&salesforce), 0);
    salesforce.allow(Denied::Edit("Contact"));
    done(&kit).await;
    assert_eq!((salesforce.records("EmailMessage").len(), opted_out(&salesforce)), (1, 1));
}

async fn when_the_day_s_requests_are_used_up_events_wait_and_none_is_given_up(database: String) {
    let salesforce = Simulator::start(Options::default()).await.unwrap();
    let server = start(&database, &salesforce, "daily_calls = 1").await;
    let kit_one = kit(&server).await;
    let first = answered(&kit_one, &salesforce, "Flynn").await;
    kit_one.push(&first[..1]).await.unwrap();
    done(&kit_one).await;
    let used = salesforce.requests();
    let second = answered(&kit_one, &salesforce, "Alan").await;
    kit_one.push(&second).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let waiting = endpoint(&kit_one).await;
    assert_eq!(
        (&waiting["pending"], &waiting["dead_letters"], salesforce.requests()),
        (&json!(2), &json!(0), used)
    );
}

async fn an_administrator_sees_what_is_missing_tries_an_entry_and_maps_campaigns(database: String) {
    let salesforce = Simulator::start(Options { key_field: false, ..Options::default() }).await.unwrap();
    let server = start(&database, &salesforce, "").await;
    let kit = kit(&server).await;
    let token = server.store().issue_token(ORG, None).await.unwrap();
    let mut browser = Browser::signed_in(&server, token.expose()).await;
    browser.get("/admin/salesforce").await;
    let checked = browser.post("/admin/salesforce/check", &[]).await.text;
    assert!(checked.contains("EmailMessage.Answerback_Key__c is missing"), "{checked}");
    assert!(checked.contains("Contact.HasOptedOutOfEmail can be changed"), "{checked}");

    let nobody = browser.post("/admin/salesforce/test", &[("address", "tron@encom.example")]).await.text;
    assert!(nobody.contains("Nobody in the CRM"), "{nobody}");
    salesforce.seed("Contact", json!({"LastName": "Tron", "Email": "tron@encom.example"})).unwrap();
    let tried = browser.post("/admin/salesforce/test", &[("address", "Tron@encom.example")]).await.text;
    assert!(tried.contains("written (EmailMessage) and removed"), "{tried}");
    assert_eq!(salesforce.records("EmailMessage").len(), 0);
    assert_eq!(salesforce.records("EmailMessageRelation").len(), 0);

    let send = kit.tracked(SignedDuration::from_hours(1));
    kit.put_sends(&[&send]).await.unwrap();
    let campaign = salesforce.seed("Campaign", json!({"Name": "Grid"})).unwrap();
    let contact = salesforce.seed("Contact", json!({"LastName": "Yori", "Email": send.address})).unwrap();
    let member = json!({"CampaignId": campaign, "ContactId": contact, "Status": "Sent"});
    salesforce.seed("CampaignMember", member).unwrap();
    let ours = send.json["campaign"]["id"].as_str().unwrap();
    let form = |campaigns: &str, field: &str| {
        let values = [("campaigns", campaigns), ("replied_status", "Answered"), ("stop_reason", field)];
        let rest = [("log_as", "auto"), ("unknown_people", "skip"), ("paused_until", "")];
        values.into_iter().chain(rest).map(|(n, v)| (n.to_owned(), v.to_owned())).collect::<Vec<_>>()
    };
    let mut save = async |form: Vec<(String, String)>| {
        let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        browser.post("/admin/salesforce/mapping", &form).await.text
    };
    let refused = save(form("cmp = 003", "")).await;
    assert!(refused.contains("Nothing was saved") && refused.contains("cmp = 003"), "{refused}");
    let saved = save(form(&format!("{ours} = {campaign}"), "No_Such__c")).await;
    assert!(saved.contains("Saved.") && saved.contains("Lead.No_Such__c is missing"), "{saved}");
    assert!(save(form(&format!("{ours} = {campaign}"), "Stop_Reason__c")).await.contains("Saved."));
    let stop = kit.event(EventType::Stop, &send, "<r@x>", &json!({"reason": "reply"}));
    kit.push(&[stop]).await.unwrap();
    done(&kit).await;
    assert_eq!(salesforce.records("CampaignMember")[0]["Status"], "Answered");
    let contact = salesforce.records("Contact").into_iter().find(|c| c["Id"] == contact.as_str()).unwrap();
    assert_eq!(contact["Stop_Reason__c"], "reply");

    browser.post("/admin/salesforce/reset", &[]).await;
    assert!(browser.get("/admin/salesforce").await.text.contains("value=\"Responded\""));
}
