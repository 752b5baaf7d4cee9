//! The Salesforce connector against the simulator: what it writes, and that nothing is written twice, wherever it is interrupted.
#![expect(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::time::Duration;

use answerback_backend::crm::{Crm, CrmError, Wrote};
use answerback_backend::salesforce::authorize::{Authorization, CALLBACK};
use answerback_backend::salesforce::{Connector, Grant, Settings};
use answerback_backend::{Event, SecretSource, Token};
use answerback_testkit::salesforce::{
    CLIENT_ID, CLIENT_SECRET, Denied, Fault, Options, REFRESH_TOKEN, Simulator,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use answerback_testkit::crm::{ALAN, FLYNN, Memory, automatic, event, flynns, log, retract, send, stop};

struct Scene {
    salesforce: Simulator,
    campaign: String,
    flynn: String,
    alan: String,
    more: &'static str,
}

impl Scene {
    async fn new(options: Options) -> Self {
        let salesforce = Simulator::start(options).await.unwrap();
        let campaign = salesforce.seed("Campaign", json!({"Name": "Arcade owners"})).unwrap();
        let contact = |name: &str, email: &str| {
            let fields = json!({"LastName": name, "Email": email, "HasOptedOutOfEmail": false});
            salesforce.seed("Contact", fields).unwrap()
        };
        let (flynn, alan) = (contact("Flynn", FLYNN), contact("Bradley", ALAN));
        let member = json!({"CampaignId": campaign, "ContactId": flynn, "Status": "Sent"});
        salesforce.seed("CampaignMember", member).unwrap();
        Self { salesforce, campaign, flynn, alan, more: "" }
    }

    fn connector(&self) -> Connector {
        let settings = format!(
            "url = '{}'\nclient_id = '{CLIENT_ID}'\nmapping.campaigns = {{cmp_1 = '{}'}}\n{}",
            self.salesforce.url(),
            self.campaign,
            self.more
        );
        let settings: Settings = toml::from_str(&settings).unwrap();
        let grant = Grant::Client { secret: Token::new(CLIENT_SECRET) };
        Connector::new(settings, grant).unwrap().settled_after(Duration::ZERO)
    }

    async fn deliver(&self, event: &Event, journal: &Memory) -> Result<Wrote, CrmError> {
        self.connector().deliver(event, Some(&send()), journal, Timestamp::now()).await
    }

    fn count(&self, object: &str) -> usize {
        self.salesforce.records(object).len()
    }
}

#[tokio::test]
async fn the_story_is_written_once() {
    let scene = Scene::new(Options::default()).await;
    let journal = Memory::default();
    let alans = log("<r2@encom.com>", ALAN, "copied", &[FLYNN]);
    assert_eq!(scene.deliver(&stop(), &journal).await.unwrap(), Wrote::Changes);
    for reply in [flynns(), alans.clone()] {
        assert_eq!(scene.deliver(&reply, &journal).await.unwrap(), Wrote::Entry);
    }
    // Everything again, by a process that has lost its journal.
    for replayed in [stop(), flynns(), alans] {
        let again = scene.deliver(&replayed, &Memory::default()).await.unwrap();
        assert!(matches!(again, Wrote::Already | Wrote::Nothing), "{again:?}");
    }
    assert_eq!(scene.salesforce.records("CampaignMember")[0]["Status"], "Responded");
    let emails = scene.salesforce.records("EmailMessage");
    assert_eq!(emails.len(), 2);
    assert_eq!(emails[0]["FromAddress"], "kevinf@flynnsarcade.com");
    assert_eq!(
        (&emails[0]["Incoming"], &emails[0]["MessageIdentifier"]),
        (&json!(true), &json!("<r1@flynnsarcade.com>"))
    );
    let relations = scene.salesforce.records("EmailMessageRelation");
    let related = |email: &Value, person: &str, kind: &str| {
        let matches = |r: &&Value| {
            r["EmailMessageId"] == email["Id"] && r["RelationId"] == person && r["RelationType"] == kind
        };
        relations.iter().filter(matches).count()
    };
    assert_eq!(relations.len(), 3);
    assert_eq!(related(&emails[0], &scene.flynn, "FromAddress"), 1);
    assert_eq!(related(&emails[1], &scene.alan, "FromAddress"), 1);
    assert_eq!(related(&emails[1], &scene.flynn, "CcAddress"), 1);
}

/// Runs `scene` with a fault at each request in turn, until there are no more requests to meet one.
async fn at_each_request(options: Options, fault: Fault, event: &Event, entries: &str) {
    for after in 0.. {
        let scene = Scene::new(options).await;
        let journal = Memory::default();
        scene.salesforce.fault(after, fault);
        // Until it is done, and then once more.
        let (mut done, mut failed) = (0, 0);
        while done < 2 {
            match scene.deliver(event, &journal).await {
                Ok(_) => done += 1,
                Err(_) => failed += 1,
            }
            assert!(failed < 3, "{fault:?} at request {after}");
        }
        assert_eq!(scene.count(entries), 1, "{fault:?} at request {after} of {options:?}");
        if !scene.salesforce.faults_met() {
            assert!(after > 3, "no request met the fault");
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_made_once_wherever_a_request_fails() {
    let faults = [
        Fault::CutBefore,
        Fault::CutAfterCommit,
        Fault::Unavailable,
        Fault::Expired,
        Fault::RowLock,
        Fault::RequestLimit,
        Fault::TooMany,
    ];
    for key_field in [true, false] {
        for fault in faults {
            let options = Options { key_field, newest_version: 66, ..Options::default() };
            at_each_request(options, fault, &flynns(), "EmailMessage").await;
            at_each_request(options, fault, &automatic(), "Task").await;
            at_each_request(Options { enhanced_email: false, ..options }, fault, &flynns(), "Task").await;
        }
    }
}

#[tokio::test]
async fn an_entry_is_made_once_and_taken_back_wherever_the_process_is_killed() {
    for key_field in [true, false] {
        for saves in 0..4 {
            let scene = Scene::new(Options { key_field, ..Options::default() }).await;
            let killed = Memory::killed_after(saves);
            let _result = scene.deliver(&flynns(), &killed).await;
            let journal = killed.revived();
            scene.deliver(&flynns(), &journal).await.unwrap();
            assert_eq!(scene.count("EmailMessage"), 1, "killed after {saves} saves");
            scene.deliver(&retract(&[&flynns()]), &journal).await.unwrap();
            assert_eq!(scene.count("EmailMessage"), 0, "killed after {saves} saves");
        }
    }
}

#[tokio::test]
async fn without_a_key_nothing_is_made_until_a_request_that_was_cut_off_is_settled() {
    let scene = Scene::new(Options { key_field: false, ..Options::default() }).await;
    let journal = Memory::default();
    let connector = scene.connector().settled_after(Duration::from_secs(600));
    let now = Timestamp::now();
    // What the organisation has, who is there: the third makes the entry.
    scene.salesforce.fault(2, Fault::CutBefore);
    connector.deliver(&flynns(), Some(&send()), &journal, now).await.unwrap_err();
    assert!(scene.salesforce.faults_met());
    let again = connector.deliver(&flynns(), Some(&send()), &journal, now).await.unwrap_err();
    assert!(matches!(again, CrmError::Unsettled { .. }), "{again:?}");
    let later = now.checked_add(Duration::from_secs(601)).unwrap();
    assert_eq!(connector.deliver(&flynns(), Some(&send()), &journal, later).await.unwrap(), Wrote::Entry);
    assert_eq!(scene.count("EmailMessage"), 1);
}

#[tokio::test]
async fn an_email_that_another_program_logged_is_neither_doubled_nor_taken_back() {
    for key_field in [true, false] {
        let scene = Scene::new(Options { key_field, ..Options::default() }).await;
        scene.salesforce.seed("EmailMessage", json!({"MessageIdentifier": "<r1@flynnsarcade.com>"})).unwrap();
        let journal = Memory::default();
        assert_eq!(scene.deliver(&flynns(), &journal).await.unwrap(), Wrote::Already);
        assert_eq!(scene.deliver(&retract(&[&flynns()]), &journal).await.unwrap(), Wrote::Nothing);
        assert_eq!(scene.count("EmailMessage"), 1);
    }
}

#[tokio::test]
async fn taking_back_restores_what_stood_there_and_leaves_what_others_changed() {
    let scene = Scene::new(Options::default()).await;
    let journal = Memory::default();
    let opt_out = event("suppress", "suppress", json!({"address": FLYNN, "reason": "opt_out"}));
    for done in [stop(), opt_out.clone()] {
        assert_eq!(scene.deliver(&done, &journal).await.unwrap(), Wrote::Changes);
    }
    assert_eq!(scene.salesforce.records("Contact")[0]["HasOptedOutOfEmail"], true);
    let member = scene.salesforce.records("CampaignMember")[0]["Id"].as_str().unwrap().to_owned();
    assert!(scene.salesforce.change("CampaignMember", &member, &json!({"Status": "Customer"})));
    let taken_back = retract(&[&stop(), &opt_out]);
    assert_eq!(scene.deliver(&taken_back, &journal).await.unwrap(), Wrote::TakenBack);
    assert_eq!(scene.salesforce.records("Contact")[0]["HasOptedOutOfEmail"], false);
    assert_eq!(scene.salesforce.records("CampaignMember")[0]["Status"], "Customer");
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let mut scene = Scene::new(Options::default()).await;
    scene.more = "mapping.fields = {stop_reason = 'Missing__c'}";
    let error = scene.deliver(&stop(), &Memory::default()).await.unwrap_err();
    assert!(error.to_string().contains("Missing__c") && error.is_general(), "{error}");
    let findings = scene.connector().check().await.unwrap();
    assert!(findings.iter().any(|f| !f.good && f.text.contains("Contact.Missing__c")), "{findings:?}");
    scene.more = "";
    scene.salesforce.deny(Denied::Edit("CampaignMember"));
    let error = scene.deliver(&stop(), &Memory::default()).await.unwrap_err();
    assert!(error.to_string().contains("Marketing User"), "{error}");
    scene.salesforce.deny(Denied::Read("Opportunity"));
    assert_eq!(
        scene.deliver(&flynns(), &Memory::default()).await.unwrap(),
        Wrote::Entry,
        "opportunities are not needed"
    );
    scene.salesforce.fault(0, Fault::TooMany);
    let error = scene.connector().check().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)), "{error}");
    scene.salesforce.refuse_sign_in(Some(("invalid_grant", "ip restricted")));
    let error = scene.connector().check().await.unwrap_err();
    assert!(error.to_string().contains("login IP ranges"), "{error}");
}

#[tokio::test]
async fn nobody_is_set_aside_or_becomes_a_lead() {
    let mut scene = Scene::new(Options::default()).await;
    let mut send = send();
    send.prospect = None;
    send.to = vec!["yori@lightcycle.example".into()];
    let reply = log("<y@x>", "yori@lightcycle.example", "prospect", &[]);
    let journal = Memory::default();
    let error = scene.connector().deliver(&reply, Some(&send), &journal, Timestamp::now()).await.unwrap_err();
    assert_eq!(error, CrmError::Nobody);
    scene.more = "mapping.unknown_people = 'lead'";
    for wrote in [Wrote::Entry, Wrote::Already] {
        let result = scene.connector().deliver(&reply, Some(&send), &journal, Timestamp::now()).await;
        assert_eq!(result.unwrap(), wrote);
    }
    let lead = &scene.salesforce.records("Lead")[0];
    assert_eq!(lead["Company"], "lightcycle.example");
    assert_eq!(scene.salesforce.records("EmailMessageRelation")[0]["RelationId"], lead["Id"]);
    assert_eq!((scene.count("Lead"), scene.count("EmailMessage")), (1, 1));
    scene.more = "mapping.unknown_people = 'skip'";
    let other = log("<z@x>", "zuse@lightcycle.example", "other", &[]);
    send.to = vec!["nobody@lightcycle.example".into()];
    let result = scene.connector().deliver(&other, Some(&send), &journal, Timestamp::now()).await;
    assert_eq!((result.unwrap(), scene.count("EmailMessage")), (Wrote::Skipped, 1));
}

#[tokio::test]
async fn bounces_and_absences_say_what_they_are_where_salesforce_has_a_field_for_it() {
    let automatic = |id: &str, kind: &str, from: &str, class: Option<&str>| {
        let bounce = class.map(|class| json!({"class": class, "reason": "address", "recipient": FLYNN}));
        let reply = json!({"message_id": id, "from": from, "bounce": bounce});
        event(id, "log", json!({"kind": kind, "relation": null, "reply": reply, "confidence": 1.0}))
    };
    let all = [
        (automatic("<1@x>", "auto_reply", FLYNN, None), "OutOfOffice"),
        (automatic("<2@x>", "bounce", "mailer-daemon@mx.example", Some("permanent")), "HardBounce"),
        (automatic("<3@x>", "bounce", "mailer-daemon@mx.example", Some("transient")), "SoftBounce"),
    ];
    for newest_version in [66, 67] {
        let scene = Scene::new(Options { newest_version, ..Options::default() }).await;
        let journal = Memory::default();
        for (event, _) in &all {
            for wrote in [Wrote::Entry, Wrote::Already] {
                assert_eq!(scene.deliver(event, &journal).await.unwrap(), wrote);
            }
        }
        let relations = scene.salesforce.records("EmailMessageRelation");
        let said: Vec<_> =
            relations.iter().map(|r| (&r["RelationId"], r["DeliveryResponse"].as_str())).collect();
        let flynn = json!(scene.flynn);
        match newest_version {
            66 => assert_eq!((said.len(), scene.count("Task")), (0, 3)),
            _ => {
                let expected: Vec<_> = all.iter().map(|(_, response)| (&flynn, Some(*response))).collect();
                assert_eq!((said, scene.count("Task")), (expected, 0));
            }
        }
    }
}

#[tokio::test]
async fn a_stop_ends_the_cadences_that_the_person_is_in() {
    const CADENCE: &str = "77C000000000001AAA";
    let scene = Scene::new(Options { sales_engagement: true, ..Options::default() }).await;
    let tracker = |target: &str, reason: Option<&str>| {
        let fields = json!({"ActionCadenceId": CADENCE, "TargetId": target, "State": "Running", "CompletionReason": reason});
        scene.salesforce.seed("ActionCadenceTracker", fields).unwrap();
    };
    tracker(&scene.flynn, None);
    tracker(&scene.alan, None);
    tracker(&scene.flynn, Some("NoMoreSteps"));
    let reasons = || {
        let trackers = scene.salesforce.records("ActionCadenceTracker");
        trackers.iter().map(|t| t["CompletionReason"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    // The organisation, who is there, which cadences: the fourth ends them, and is cut off once it has.
    scene.salesforce.fault(3, Fault::CutAfterCommit);
    scene.deliver(&stop(), &Memory::default()).await.unwrap_err();
    assert!(scene.salesforce.faults_met());
    assert_eq!(scene.deliver(&stop(), &Memory::default()).await.unwrap(), Wrote::Changes);
    assert_eq!(scene.deliver(&stop(), &Memory::default()).await.unwrap(), Wrote::Nothing);
    assert_eq!(reasons(), [Some("ManuallyRemoved".into()), None, Some("NoMoreSteps".into())]);
    let ended = &scene.salesforce.records("ActionCadenceTracker")[0];
    assert_eq!(ended["CompletionDisposition"], "Customer Engaged");
    // A campaign that is another cadence: this one goes on.
    tracker(&scene.flynn, None);
    let mut other = stop();
    if let answerback_backend::EventData::Stop(stop) = &mut other.data {
        stop.about.campaign_id = Some("77C000000000002AAA".into());
    }
    assert_eq!(scene.deliver(&other, &Memory::default()).await.unwrap(), Wrote::Nothing);
    assert_eq!(reasons().last().unwrap(), &None);
}

#[tokio::test]
async fn a_refresh_token_that_is_replaced_is_kept_before_it_is_needed() {
    let scene = Scene::new(Options::default()).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let kept = SecretSource::File(file.path().to_owned());
    kept.replace(&Token::new(REFRESH_TOKEN)).unwrap();
    let settings = scene.connector().settings().clone();
    let connector = || {
        let grant = Grant::Refresh { secret: Some(Token::new(CLIENT_SECRET)), kept: kept.clone() };
        Connector::new(settings.clone(), grant).unwrap()
    };
    connector().check().await.unwrap();
    assert_ne!(kept.read().unwrap().expose(), REFRESH_TOKEN);
    // Another process, with what the first has left.
    connector().check().await.unwrap();
    kept.replace(&Token::new(REFRESH_TOKEN)).unwrap();
    let error = connector().check().await.unwrap_err();
    assert!(error.to_string().contains("Sign the integration user in again"), "{error}");
}

#[tokio::test]
async fn an_open_opportunity_is_related_and_a_person_account_is_changed_by_its_account() {
    let options = Options { person_accounts: true, enhanced_email: false, ..Options::default() };
    let scene = Scene::new(options).await;
    let account = scene.salesforce.seed("Account", json!({"Name": "Lora"})).unwrap();
    let lora = json!({"LastName": "Baines", "Email": "lora@x.example", "IsPersonAccount": true, "AccountId": account});
    scene.salesforce.seed("Contact", lora).unwrap();
    let opt_out = event("lora", "suppress", json!({"address": "Lora@x.example", "reason": "complaint"}));
    assert_eq!(scene.deliver(&opt_out, &Memory::default()).await.unwrap(), Wrote::Changes);
    assert_eq!(scene.salesforce.records("Account")[0]["PersonHasOptedOutOfEmail"], true);
    let deal = scene.salesforce.seed("Opportunity", json!({"Name": "Cabinets", "IsClosed": false})).unwrap();
    scene
        .salesforce
        .seed("OpportunityContactRole", json!({"OpportunityId": deal, "ContactId": scene.flynn}))
        .unwrap();
    scene.deliver(&flynns(), &Memory::default()).await.unwrap();
    let task = &scene.salesforce.records("Task")[0];
    assert_eq!((&task["WhoId"], &task["WhatId"]), (&json!(scene.flynn), &json!(deal)));
    assert_eq!((&task["Subject"], &task["Type"]), (&json!("Reply: Space Paranoids"), &json!("Reply")));
}

#[tokio::test]
async fn the_browser_gives_a_refresh_token_to_whoever_began_the_sign_in() {
    let scene = Scene::new(Options::default()).await;
    let secret = tempfile::NamedTempFile::new().unwrap();
    let source = SecretSource::File(secret.path().to_owned());
    source.replace(&Token::new(CLIENT_SECRET)).unwrap();
    let mut settings = scene.connector().settings().clone();
    settings.client_secret = Some(source);
    let tls = answerback_backend::client::tls(&answerback_backend::ClientOptions::default()).unwrap();
    let browser = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let visit = async |url: &str| {
        let answer = browser.get(url).send().await.unwrap();
        answer.headers().get("location").unwrap().to_str().unwrap().to_owned()
    };
    let begun = Authorization::begin(&settings).unwrap();
    let ended_at = visit(&begun.url).await;
    assert!(ended_at.starts_with(CALLBACK), "{ended_at}");
    let token = begun.finish(&settings, &format!(" {ended_at}\n")).await.unwrap();
    let kept = tempfile::NamedTempFile::new().unwrap();
    let kept = SecretSource::File(kept.path().to_owned());
    kept.replace(&token).unwrap();
    let grant = Grant::Refresh { secret: Some(Token::new(CLIENT_SECRET)), kept };
    Connector::new(settings.clone(), grant).unwrap().check().await.unwrap();
    // The code is good for once, and for nobody else.
    assert!(begun.finish(&settings, &ended_at).await.is_err());
    let other = Authorization::begin(&settings).unwrap();
    visit(&other.url).await;
    let error = other.finish(&settings, &ended_at).await.unwrap_err();
    assert!(error.to_string().contains("not the address"), "{error}");
    let denied = other.finish(&settings, &format!("{CALLBACK}?error=access_denied")).await.unwrap_err();
    assert!(denied.to_string().contains("denied"), "{denied}");
}

/// Where `cargo xtask test` has installed simple-salesforce.
fn python() -> Option<std::path::PathBuf> {
    let target = std::env::current_exe().ok()?.ancestors().nth(3)?.to_owned();
    Some(target.join("simple-salesforce/bin/python")).filter(|python| python.is_file())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_independent_client_can_use_the_simulator() {
    let Some(python) = python() else {
        eprintln!("SKIPPED: simple-salesforce is not installed; `cargo xtask test` does that");
        return;
    };
    let salesforce = Simulator::start(Options::default()).await.unwrap();
    let mut script = tokio::process::Command::new(python);
    script.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/salesforce_client.py"));
    let output = script.args([salesforce.url(), CLIENT_ID, CLIENT_SECRET]).output().await.unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("agrees"), "{said}");
}
