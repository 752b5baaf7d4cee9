//! The administrator's pages, on each store.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic in a test is its report"
)]

mod scene;

use std::time::Duration;

use answerback_backend::EventType;
use answerback_reference_backend::conformance::Kit;
use answerback_reference_backend::{Config, Server};
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde_json::{Value, json};

use scene::{Browser, ORG, Platform, REP, kit, on_both_stores, start, until};

on_both_stores! {
    the_pages_tell_who_answered_and_why,
    what_people_wrote_stays_text_and_is_cut_off,
    an_empty_organisation_is_told_what_comes_next,
    dead_letters_are_shown_and_delivered_again,
}

const PAGES: [&str; 7] = [
    "/admin",
    "/admin/campaigns",
    "/admin/answers",
    "/admin/suppressed",
    "/admin/laptops",
    "/admin/webhooks",
    "/admin/salesforce",
];

async fn administrator(server: &answerback_reference_backend::Handle) -> Browser {
    let token = server.store().issue_token(ORG, None).await.unwrap();
    Browser::signed_in(server, token.expose()).await
}

fn log(kit: &Kit, send: &answerback_reference_backend::conformance::Tracked, reply: &Value) -> Value {
    let data = json!({"kind": "reply", "relation": "copied", "intent": "none", "reply": reply, "confidence": 1.0,
        "evidence": [{"rung": "in_reply_to", "value": send.json["message_ids"][0]}]});
    kit.event(EventType::Log, send, "<r1@x>", &data)
}

async fn the_pages_tell_who_answered_and_why(database: String) {
    let server = start(&database).await;
    let (kit, mut browser) = (kit(&server).await, administrator(&server).await);
    let send = kit.tracked(SignedDuration::from_hours(30));
    let quiet = {
        let mut quiet = kit.tracked(SignedDuration::from_hours(30));
        quiet.json["campaign"] = send.json["campaign"].clone();
        quiet
    };
    kit.put_sends(&[&send, &quiet]).await.unwrap();
    let reply = json!({"message_id": "<r1@x>", "from": "alan@encom.com", "from_name": "Alan Bradley",
        "subject": "Re: Space Paranoids", "received_at": Timestamp::now()});
    let stop = kit.event(EventType::Stop, &send, "<r1@x>", &json!({"reason": "reply"}));
    let suppress = json!({"address": "sark@encom.com", "reason": "opt_out"});
    let suppress = kit.event(EventType::Suppress, &send, "<r2@x>", &suppress);
    kit.push(&[stop.clone(), log(&kit, &send, &reply), suppress]).await.unwrap();
    kit.push(&[kit.coverage(Timestamp::now() - SignedDuration::from_hours(50)).unwrap()]).await.unwrap();

    let overview = browser.get("/admin").await.text;
    for words in ["Alan Bradley", "it says that it answers", "Mailboxes that nobody checks", REP] {
        assert!(overview.contains(words), "{words} in {overview}");
    }
    let campaigns = browser.get("/admin/campaigns").await.text;
    let (_, row) = campaigns.split_once("Arcade owners").unwrap();
    let numbers: Vec<&str> =
        row.split("<td class=\"number\">").skip(1).map(|cell| cell.split('<').next().unwrap()).collect();
    assert_eq!(numbers, ["2", "1", "0", "1"], "people, active, paused, stopped");
    let campaign = browser.get(&format!("/admin/campaign?id={}", send.campaign)).await.text;
    assert!(campaign.contains("stopped") && campaign.contains("answered") && campaign.contains("active"));
    let stopped = browser.get(&format!("/admin/campaign?id={}&state=stopped", send.campaign)).await.text;
    assert!(stopped.contains(&send.address) && !stopped.contains(&quiet.address));
    let person = format!("/admin/person?campaign={}&prospect={}", send.campaign, send.prospect);
    let page = browser.get(&person).await.text;
    for words in
        ["will not go out", "Alan Bradley", "somebody in copy", "Re: Space Paranoids", "Sent · step 1"]
    {
        assert!(page.contains(words), "{words} in {page}");
    }
    assert!(browser.get("/admin/suppressed").await.text.contains("sark@encom.com"));
    assert!(browser.get("/admin/laptops").await.text.contains("silent"));

    // To look is not to ask: no hold begins with it.
    let person = format!("/admin/person?campaign={}&prospect={}", quiet.campaign, quiet.prospect);
    let person = person.replace(&quiet.campaign, &send.campaign);
    assert!(browser.get(&person).await.text.contains("is held"));
    let states = server.store().enrolments(ORG).await.unwrap();
    assert!(states.iter().all(|state| state.prospect != quiet.prospect), "{states:?}");

    let taken_back = json!({"event_ids": [stop["id"]], "reason": "not_a_reply"});
    kit.push(&[kit.event(EventType::Retract, &send, "<t1@x>", &taken_back)]).await.unwrap();
    let person = format!("/admin/person?campaign={}&prospect={}", send.campaign, send.prospect);
    let page = browser.get(&person).await.text;
    assert!(page.contains("taken back") && !page.contains("will not go out"), "{page}");
    server.shutdown().await;
}

async fn what_people_wrote_stays_text_and_is_cut_off(database: String) {
    let server = start(&database).await;
    let (kit, mut browser) = (kit(&server).await, administrator(&server).await);
    let mut send = kit.tracked(SignedDuration::from_hours(1));
    let hostile = "\"><script>alert(1)</script><img src=x onerror=alert(1)>\u{202e}gpj.exe";
    send.json["subject"] = json!(format!("{hostile}{}", "x".repeat(1_000_000)));
    send.json["campaign"]["name"] = json!(hostile);
    send.json["prospect"]["name"] = json!(hostile);
    kit.put_sends(&[&send]).await.unwrap();
    let reply = json!({"message_id": "<r1@x>", "from": hostile, "from_name": hostile, "subject": hostile, "text": hostile});
    kit.push(&[log(&kit, &send, &reply)]).await.unwrap();
    let person = format!("/admin/person?campaign={}&prospect={}", send.campaign, send.prospect);
    let campaign = format!("/admin/campaign?id={}", send.campaign);
    for path in PAGES.into_iter().chain([person.as_str(), campaign.as_str()]) {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(!page.text.contains("<script") && !page.text.contains("<img"), "{path}: {}", page.text);
        assert!(page.text.len() < 60_000, "{path}: {} bytes", page.text.len());
        assert!(!page.text.contains('\u{202e}'), "{path}: nothing turns the direction of what follows");
    }
    server.shutdown().await;
}

async fn an_empty_organisation_is_told_what_comes_next(database: String) {
    let server = start(&database).await;
    let mut browser = administrator(&server).await;
    for (path, words) in PAGES.into_iter().zip([
        "Nobody has answered yet",
        "There are no campaigns yet",
        "Nobody has answered yet",
        "No address is suppressed",
        "No laptop is paired",
        "There are no webhooks",
    ]) {
        assert!(browser.get(path).await.text.contains(words), "{path}");
    }
    for path in ["/admin/campaign?id=none", "/admin/person?campaign=none&prospect=none"] {
        assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    server.shutdown().await;
}

async fn dead_letters_are_shown_and_delivered_again(database: String) {
    let server = start(&database).await;
    let (kit, mut browser) = (kit(&server).await, administrator(&server).await);
    let platform = Platform::start(Duration::ZERO).await;
    let bad = browser.post("/admin/webhooks", &[("url", "http://crm.example.com/")]).await.text;
    assert!(bad.contains("plain http is for this machine only"), "{bad}");
    let added = browser.post("/admin/webhooks", &[("url", &platform.url)]).await.text;
    assert!(added.contains("whsec_"), "the secret is shown");
    assert!(!browser.get("/admin/webhooks").await.text.contains("whsec_"), "this once");
    let id = server.store().webhooks(ORG).await.unwrap()[0].id.clone();
    let tested = browser.post("/admin/webhooks/test", &[("id", &id)]).await.text;
    assert!(tested.contains("The test was delivered"), "{tested}");

    platform.always(Some(400));
    let send = kit.tracked(SignedDuration::from_hours(1));
    kit.put_sends(&[&send]).await.unwrap();
    let stop = kit.event(EventType::Stop, &send, "<r1@x>", &json!({"reason": "reply"}));
    kit.push(std::slice::from_ref(&stop)).await.unwrap();
    until("it was tried", async || platform.seen().len() > 1).await;
    let of =
        answerback_reference_backend::store::deliveries::DueWebhook { org: ORG.into(), webhook: id.clone() };
    until("it is a dead letter", async || {
        use answerback_reference_backend::store::deliveries::Attempt;
        use answerback_reference_backend::webhook::schedule::Outcome;
        let later = Timestamp::now() + SignedDuration::from_hours(100);
        for delivery in server.store().lease_deliveries(&of, 0, 8, later).await.unwrap() {
            let attempt =
                Attempt { outcome: Outcome::Refused, problem: Some("It answered 400 Bad Request.".into()) };
            server.store().settle_delivery(&of, &delivery, &attempt, 0, 0.5).await.unwrap();
        }
        server.store().delivery_counts().await.unwrap() == (0, 1)
    })
    .await;
    let page = browser.get("/admin/webhooks").await.text;
    assert!(page.contains("It answered 400 Bad Request.") && page.contains(&send.id), "{page}");
    platform.always(None);
    let event = stop["id"].as_str().unwrap();
    let redelivered = browser.post("/admin/webhooks/redeliver", &[("id", &id), ("event_id", event)]).await;
    assert_eq!(redelivered.location(), "/admin/webhooks");
    platform.takes(2).await;
    until("it is gone", async || server.store().delivery_counts().await.unwrap() == (0, 0)).await;
    browser.post("/admin/webhooks/remove", &[("id", &id)]).await;
    assert!(server.store().webhooks(ORG).await.unwrap().is_empty());
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_a_session_and_no_other_site_can_use_one() {
    let (_folder, server) = scene::on_sqlite().await;
    let token = server.store().issue_token(ORG, None).await.unwrap();
    let mut stranger = Browser::new(&server);
    for path in PAGES {
        let page = stranger.get(path).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{path}");
        assert!(page.location().starts_with("/admin/sign-in?next=%2Fadmin"), "{}", page.location());
    }
    let page = stranger.post("/admin/laptops/revoke", &[("id", "x")]).await;
    assert!(page.location().starts_with("/admin/sign-in"));

    let signed_in = Browser::new(&server)
        .post("/admin/sign-in", &[("token", token.expose()), ("next", "//evil.example")])
        .await;
    assert_eq!(signed_in.location(), "/admin", "the way leads nowhere else");
    let cookie = signed_in.headers["set-cookie"].to_str().unwrap().to_owned();
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let mut browser = Browser::signed_in(&server, token.expose()).await;
    let page = browser.get("/admin").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{policy}");
    assert_eq!(
        (&page.headers["cache-control"], &page.headers["x-frame-options"]),
        (&"no-store".parse().unwrap(), &"DENY".parse().unwrap())
    );

    let good = std::mem::replace(&mut browser.form_token, "guessed".into());
    let forged = browser.post("/admin/webhooks", &[("url", "https://crm.example.com/")]).await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST);
    assert!(server.store().webhooks(ORG).await.unwrap().is_empty());
    browser.form_token = good;
    let cookie = browser.cookie.clone();
    assert_eq!(browser.post("/admin/sign-out", &[]).await.location(), "/admin/sign-in");
    browser.cookie = cookie;
    assert_eq!(
        browser.get("/admin").await.status,
        StatusCode::SEE_OTHER,
        "the session is over on the server, too"
    );

    let mut other = Browser::signed_in(&server, token.expose()).await;
    server.store().revoke_token(&token).await.unwrap();
    assert_eq!(other.get("/admin").await.status, StatusCode::SEE_OTHER, "a revoked token ends its sessions");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_https_the_cookie_never_travels_in_the_clear() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut config = Config::local(format!("sqlite:{}", folder.path().join("backend.db").display()));
    config.public_url = Some("https://answerback.example.com/".into());
    let server = Server::start(config).await.unwrap();
    let token = server.store().issue_token(ORG, None).await.unwrap();
    let page = Browser::new(&server).post("/admin/sign-in", &[("token", token.expose())]).await;
    assert!(page.headers["set-cookie"].to_str().unwrap().ends_with("; Secure"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_sees_and_revokes_only_their_own_organisations_laptops() {
    let (_folder, server) = scene::on_sqlite().await;
    let store = server.store();
    let token = store.issue_token("encom", None).await.unwrap();
    let begun = store.begin_pairing("Flynn's laptop", Timestamp::now()).await.unwrap().unwrap();
    store.decide_pairing(&begun.user_code, "encom", Some("flynn@encom.com"), Timestamp::now()).await.unwrap();
    store.claim_pairing(begun.device_code.expose(), Timestamp::now()).await.unwrap();
    let laptop = store.laptops("encom").await.unwrap()[0].id.clone();
    let mut ours = administrator(&server).await;
    assert!(!ours.get("/admin/laptops").await.text.contains("Flynn"));
    ours.post("/admin/laptops/revoke", &[("id", &laptop)]).await;
    assert!(store.laptops("encom").await.unwrap()[0].revoked_at.is_none());
    let mut theirs = Browser::signed_in(&server, token.expose()).await;
    assert!(theirs.get("/admin/laptops").await.text.contains("Flynn's laptop"));
    theirs.post("/admin/laptops/revoke", &[("id", &laptop)]).await;
    assert!(theirs.get("/admin/laptops").await.text.contains("revoked"));
}
