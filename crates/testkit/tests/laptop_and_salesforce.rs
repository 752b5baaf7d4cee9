//! A laptop that has no backend: Dovecot, `answerbackctl` with a real keyring, and the Salesforce simulator.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic in a test is its report")]

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use answerback_testkit::agent::{self, Agent, Laptop};
use answerback_testkit::campaign::Campaign;
use answerback_testkit::e2e::LIMIT;
use answerback_testkit::identity_provider::browse;
use answerback_testkit::keyring::{Session, State};
use answerback_testkit::mail_server::MailServer;
use answerback_testkit::personas::{ALAN, FLYNN, FLYNN_ELSEWHERE};
use answerback_testkit::salesforce::{DESKTOP_CLIENT_ID, Options, Simulator, Story};
use jiff::Timestamp;
use serde_json::Value;

struct Scene {
    mail: MailServer,
    campaign: Campaign,
    salesforce: Simulator,
    story: Story,
    laptop: Laptop,
    _session: Session,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new(options: Options) -> Self {
        let mail = MailServer::dovecot().await.unwrap();
        let campaign = Campaign::new(Timestamp::now());
        for (received_at, raw) in campaign.old_mail() {
            mail.append("INBOX", &raw, &["\\Seen"], received_at).await.unwrap();
        }
        for raw in campaign.sent_copies() {
            mail.append("Sent", &raw, &["\\Seen"], campaign.sent_at()).await.unwrap();
        }
        let salesforce = Simulator::start(options).await.unwrap();
        let story = Story::seed(&salesforce, &campaign).unwrap();
        let session = Session::start(State::Unlocked).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let environment = session.environment();
        let laptop =
            Laptop::with_salesforce(folder.path(), &mail, salesforce.url(), DESKTOP_CLIENT_ID, environment)
                .unwrap();
        Self { mail, campaign, salesforce, story, laptop, _session: session, _folder: folder }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(agent::ctl().unwrap());
        command.args(arguments).arg("--json").arg("--config").arg(self.laptop.config());
        self.laptop.equip(&mut command);
        command
    }

    fn doctor(&self) -> Output {
        self.command(&["doctor"]).output().unwrap()
    }

    /// Signs in by the program, as the rep does.
    async fn sign_in(&self) {
        // Salesforce compares the port, and other tests sign in at the same time.
        let deadline = Instant::now() + LIMIT;
        while !(27171..27174).any(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            assert!(Instant::now() < deadline, "no port is free");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut command = self.command(&["sign-in", "--salesforce", "--no-browser"]);
        let mut program = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
        let shown: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        browse(shown["url"].as_str().unwrap()).await.unwrap();
        assert!(program.wait().unwrap().success());
    }

    /// Starts the agent, and waits until it knows what was sent.
    async fn run(&self) -> Agent {
        let mut agent = self.laptop.run(&agent::ctl().unwrap()).unwrap();
        let url = self.salesforce.url().to_owned();
        agent
            .hear(LIMIT, |line| line["event"] == "connected" && line["account"] == url.as_str())
            .await
            .unwrap();
        agent
    }

    async fn deliver(&self, raw: &[u8]) {
        self.mail.deliver("INBOX", raw).await.unwrap();
    }

    async fn pushed(&self, agent: &mut Agent, event_type: &str) -> Value {
        agent.hear(LIMIT, |line| line["event"] == "pushed" && line["type"] == event_type).await.unwrap()
    }

    fn logged(&self) -> Vec<(String, Vec<String>)> {
        self.story.answers(&self.salesforce)
    }

    async fn logged_are(&self, count: usize) {
        let deadline = Instant::now() + LIMIT;
        while self.logged().len() != count {
            assert!(Instant::now() < deadline, "{:?}", self.logged());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flynn_and_alan_answer_and_salesforce_has_each_once() {
    let scene = Scene::new(Options::default()).await;
    let output = scene.doctor();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("sign_in_again"), "{said}");
    scene.sign_in().await;
    let output = scene.doctor();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("4 sent emails"), "{said}");

    let mut agent = scene.run().await;
    scene.deliver(&scene.campaign.flynn_answers()).await;
    scene.deliver(&scene.campaign.alan_answers()).await;
    scene.logged_are(2).await;
    let contact = |person| vec![scene.story.contact(person).to_owned()];
    let mut expected =
        vec![(FLYNN_ELSEWHERE.address.to_owned(), contact(FLYNN)), (ALAN.address.to_owned(), contact(ALAN))];
    let mut logged = scene.logged();
    logged.sort();
    expected.sort();
    assert_eq!(logged, expected);
    assert_eq!(scene.pushed(&mut agent, "answerback.stop.v1").await["status"], "accepted");
    assert_eq!(scene.story.status(&scene.salesforce, FLYNN).as_deref(), Some("Responded"));

    // Killed, and everything anew on an empty disk.
    agent.crash();
    scene.laptop.forget().unwrap();
    let mut again = scene.run().await;
    let doubled = |line: &Value| line["event"] == "pushed" && line["type"] == "answerback.log.v1";
    let line = again.hear(LIMIT, doubled).await.unwrap();
    assert_eq!(line["status"], "duplicate");
    assert_eq!(scene.logged().len(), 2);
    let (status, took) = again.stop();
    assert!(status.unwrap().success() && took < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_that_is_killed_between_request_and_answer_logs_once() {
    for key_field in [true, false] {
        let scene = Scene::new(Options { key_field, ..Options::default() }).await;
        scene.sign_in().await;
        let agent = scene.run().await;
        scene.salesforce.hang_when_logged(true);
        scene.deliver(&scene.campaign.flynn_answers()).await;
        scene.logged_are(1).await;
        agent.crash();
        scene.salesforce.hang_when_logged(false);
        let mut agent = scene.run().await;
        assert_eq!(scene.pushed(&mut agent, "answerback.log.v1").await["status"], "duplicate");
        assert_eq!(scene.logged().len(), 1, "key: {key_field}");
        let member = scene.story.status(&scene.salesforce, FLYNN);
        assert_eq!(member.as_deref(), Some("Responded"));
    }
}
