//! The HubSpot connector against the simulator: what it writes, and that nothing is written twice, wherever it is interrupted.
#![expect(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::time::Duration;

use answerback_backend::crm::trial::trial;
use answerback_backend::crm::{Crm, CrmError, Wrote};
use answerback_backend::hubspot::{Connector, Settings};
use answerback_backend::{Event, Token};
use answerback_testkit::hubspot::{Fault, Options, Simulator, TOKEN};
use jiff::Timestamp;
use serde_json::{Value, json};

use answerback_testkit::crm::{ALAN, FLYNN, Memory, automatic, event, flynns, log, retract, send, stop};

struct Scene {
    hubspot: Simulator,
    flynn: String,
    alan: String,
    more: &'static str,
}

impl Scene {
    async fn new(options: Options) -> Self {
        let hubspot = Simulator::start(options).await.unwrap();
        let (flynn, alan) = (hubspot.contact(FLYNN), hubspot.contact(ALAN));
        Self { hubspot, flynn, alan, more: "" }
    }

    fn connector(&self) -> Connector {
        let settings = format!(
            "token = {{ env = 'UNUSED' }}\nurl = '{}'\nfields = {{ stop_reason = 'stop_reason', paused_until = 'paused_until' }}\n{}",
            self.hubspot.url(),
            self.more
        );
        let settings: Settings = toml::from_str(&settings).unwrap();
        Connector::new(settings, Token::new(TOKEN)).unwrap().settled_after(Duration::ZERO)
    }

    async fn deliver(&self, event: &Event, journal: &Memory) -> Result<Wrote, CrmError> {
        self.connector().deliver(event, Some(&send()), journal, Timestamp::now()).await
    }

    fn count(&self, object: &str) -> usize {
        self.hubspot.records(object).len()
    }

    fn flynns(&self, property: &str) -> String {
        let contacts = self.hubspot.records("contacts");
        let flynn = contacts.iter().find(|contact| contact["id"] == self.flynn.as_str()).unwrap();
        flynn["properties"].get(property).and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

#[tokio::test]
async fn the_story_is_written_once() {
    let scene = Scene::new(Options::default()).await;
    let journal = Memory::default();
    let alans = log("<r2@encom.com>", ALAN, "copied", &[FLYNN]);
    assert_eq!(scene.deliver(&stop(), &journal).await.unwrap(), Wrote::Changes);
    for reply in [flynns(), alans.clone(), automatic()] {
        assert_eq!(scene.deliver(&reply, &journal).await.unwrap(), Wrote::Entry);
    }
    // Everything again, by a process that has lost its journal.
    for replayed in [stop(), flynns(), alans, automatic()] {
        let again = scene.deliver(&replayed, &Memory::default()).await.unwrap();
        assert!(matches!(again, Wrote::Already | Wrote::Nothing), "{again:?}");
    }
    assert_eq!(scene.flynns("stop_reason"), "reply");
    let emails = scene.hubspot.records("emails");
    assert_eq!(emails.len(), 2);
    assert_eq!(emails[0]["properties"]["hs_email_direction"], "INCOMING_EMAIL");
    assert_eq!(emails[0]["contacts"], json!([scene.flynn]));
    assert_eq!(emails[1]["contacts"], json!([scene.alan, scene.flynn]));
    let notes = scene.hubspot.records("notes");
    assert_eq!((notes.len(), &notes[0]["contacts"]), (1, &json!([scene.flynn])));
}

/// Runs `scene` with a fault at each request in turn, until there are no more requests to meet one.
async fn at_each_request(options: Options, fault: Fault, event: &Event, object: &str) {
    for after in 0.. {
        let scene = Scene::new(options).await;
        let journal = Memory::default();
        scene.hubspot.fault(after, fault);
        // Until it is done, and then once more.
        let (mut done, mut failed) = (0, 0);
        while done < 2 {
            match scene.deliver(event, &journal).await {
                Ok(_) => done += 1,
                Err(_) => failed += 1,
            }
            assert!(failed < 3, "{fault:?} at request {after}");
        }
        assert_eq!(scene.count(object), 1, "{fault:?} at request {after} of {options:?}");
        if !scene.hubspot.faults_met() {
            assert!(after > 3, "no request met the fault");
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_made_once_wherever_a_request_fails() {
    for key_property in [true, false] {
        for fault in [Fault::CutBefore, Fault::CutAfterCommit, Fault::Unavailable, Fault::TooMany] {
            at_each_request(Options { key_property }, fault, &flynns(), "emails").await;
            at_each_request(Options { key_property }, fault, &automatic(), "notes").await;
        }
    }
}

#[tokio::test]
async fn an_entry_is_made_once_and_taken_back_wherever_the_process_is_killed() {
    for key_property in [true, false] {
        for saves in 0..4 {
            let scene = Scene::new(Options { key_property }).await;
            let killed = Memory::killed_after(saves);
            let _result = scene.deliver(&flynns(), &killed).await;
            let journal = killed.revived();
            scene.deliver(&flynns(), &journal).await.unwrap();
            assert_eq!(scene.count("emails"), 1, "killed after {saves} saves");
            scene.deliver(&retract(&[&flynns()]), &journal).await.unwrap();
            assert_eq!(scene.count("emails"), 0, "killed after {saves} saves");
        }
    }
}

#[tokio::test]
async fn without_a_key_nothing_is_made_until_a_request_that_was_cut_off_is_settled() {
    let scene = Scene::new(Options { key_property: false }).await;
    let journal = Memory::default();
    let connector = scene.connector().settled_after(Duration::from_secs(600));
    let now = Timestamp::now();
    // The contacts, Flynn's emails, both keys: the fifth makes the entry. (He has no emails to be read.)
    scene.hubspot.fault(4, Fault::CutBefore);
    connector.deliver(&flynns(), Some(&send()), &journal, now).await.unwrap_err();
    assert!(scene.hubspot.faults_met());
    let again = connector.deliver(&flynns(), Some(&send()), &journal, now).await.unwrap_err();
    assert!(matches!(again, CrmError::Unsettled { .. }), "{again:?}");
    let later = now.checked_add(Duration::from_secs(601)).unwrap();
    assert_eq!(connector.deliver(&flynns(), Some(&send()), &journal, later).await.unwrap(), Wrote::Entry);
    assert_eq!(scene.count("emails"), 1);
}

#[tokio::test]
async fn an_email_that_hubspot_captured_itself_is_neither_doubled_nor_taken_back() {
    let scene = Scene::new(Options::default()).await;
    scene.hubspot.captured("<r1@flynnsarcade.com>", &scene.flynn);
    let journal = Memory::default();
    assert_eq!(scene.deliver(&flynns(), &journal).await.unwrap(), Wrote::Already);
    assert_eq!(scene.deliver(&retract(&[&flynns()]), &journal).await.unwrap(), Wrote::Nothing);
    assert_eq!(scene.count("emails"), 1);
}

#[tokio::test]
async fn a_property_gets_back_what_stood_there_and_an_opt_out_stays() {
    let scene = Scene::new(Options::default()).await;
    let journal = Memory::default();
    let pause = event("pause", "pause", json!({"until": "2026-12-08", "reason": "auto_reply"}));
    let opt_out =
        event("suppress", "suppress", json!({"address": "KevinF@flynnsarcade.com", "reason": "opt_out"}));
    let gone = event("gone", "suppress", json!({"address": FLYNN, "reason": "invalid_address"}));
    for (done, wrote) in [
        (&stop(), Wrote::Changes),
        (&pause, Wrote::Changes),
        (&opt_out, Wrote::Changes),
        (&gone, Wrote::Nothing),
    ] {
        assert_eq!(scene.deliver(done, &journal).await.unwrap(), wrote);
    }
    assert_eq!(
        (scene.flynns("stop_reason"), scene.flynns("paused_until")),
        ("reply".into(), "2026-12-08".into())
    );
    // No contact has his other address, so the prospect's is meant as well.
    assert_eq!(scene.hubspot.unsubscribed(), [FLYNN, "kevinf@flynnsarcade.com"]);
    let taken_back = retract(&[&stop(), &pause, &opt_out]);
    assert_eq!(scene.deliver(&taken_back, &journal).await.unwrap(), Wrote::TakenBack);
    assert_eq!((scene.flynns("stop_reason"), scene.flynns("paused_until")), (String::new(), String::new()));
    assert_eq!(scene.hubspot.unsubscribed().len(), 2);
}

#[tokio::test]
async fn nobody_is_set_aside_or_becomes_a_contact_or_is_skipped() {
    let mut scene = Scene::new(Options::default()).await;
    let mut send = send();
    send.prospect = None;
    send.to = vec!["yori@lightcycle.example".into()];
    let reply = log("<y@x>", "yori@lightcycle.example", "prospect", &[]);
    let journal = Memory::default();
    for (more, result) in [
        ("", Err(CrmError::Nobody)),
        ("unknown_people = 'skip'", Ok(Wrote::Skipped)),
        ("unknown_people = 'contact'", Ok(Wrote::Entry)),
        ("unknown_people = 'contact'", Ok(Wrote::Already)),
    ] {
        scene.more = more;
        assert_eq!(scene.connector().deliver(&reply, Some(&send), &journal, Timestamp::now()).await, result);
    }
    assert_eq!((scene.count("contacts"), scene.count("emails")), (3, 1));
}

#[tokio::test]
async fn what_is_missing_is_named_and_a_trial_leaves_nothing() {
    let mut scene = Scene::new(Options { key_property: false }).await;
    scene.more = "key_property = 'no_such'";
    let findings = scene.connector().check().await.unwrap();
    assert!(findings.iter().any(|f| !f.good && f.text.contains("no_such of emails")), "{findings:?}");
    assert!(findings.iter().any(|f| f.good && f.text.contains("stop_reason")), "{findings:?}");
    assert_eq!(trial(&scene.connector(), FLYNN, Timestamp::now()).await.unwrap(), ["emails"]);
    assert!(trial(&scene.connector(), "nobody@x.example", Timestamp::now()).await.is_err());
    assert_eq!(scene.count("emails"), 0);
    scene.hubspot.take_scope("crm.objects.contacts.write");
    let error = scene.deliver(&stop(), &Memory::default()).await.unwrap_err();
    assert!(error.to_string().contains("crm.objects.contacts.write") && error.is_general(), "{error}");
}
