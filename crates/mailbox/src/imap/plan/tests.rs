//! The plan against a model of a server, with every schedule of arrivals, moves, deletions and renumberings.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::answers::chosen;
use super::*;
use crate::imap::folders::Listed;
use crate::imap::response::Figures;
use crate::{Batch, Folder, FoundMessage, MessageRef};

/// A message of the model: moved and copied about, it keeps its name.
#[derive(Clone, Debug)]
struct Mail {
    uid: u32,
    name: u32,
    received: Timestamp,
    /// Since when it has been in folders that the server shows.
    shown: Timestamp,
    /// How often it was moved.
    moves: u32,
}

#[derive(Debug)]
struct Box_ {
    name: &'static str,
    role: FolderRole,
    validity: u32,
    next: u32,
    mail: Vec<Mail>,
    listed: bool,
    /// The server opens it.
    opens: bool,
}

/// What happens at the server between two steps of the plan.
#[derive(Clone, Debug)]
enum Surprise {
    Arrive(usize),
    Move(usize, usize),
    MoveAll(usize, usize),
    Delete(usize),
    Renumber(usize),
    Skip(usize),
    Hide(usize),
    Pass(i64),
}

struct Server {
    boxes: Vec<Box_>,
    now: Timestamp,
    mails: u32,
    open: Option<usize>,
    told: usize,
    list_status: bool,
    says_uid_next: bool,
}

const EPOCH: Timestamp = Timestamp::UNIX_EPOCH;

fn seconds(n: i64) -> SignedDuration {
    SignedDuration::from_secs(n)
}

impl Server {
    fn new(list_status: bool, says_uid_next: bool) -> Self {
        let new = |name, role| Box_ {
            name,
            role,
            validity: 1,
            next: 1,
            mail: Vec::new(),
            listed: true,
            opens: true,
        };
        let boxes = vec![
            new("INBOX", FolderRole::Inbox),
            new("Sent", FolderRole::Sent),
            new("Archive", FolderRole::Archive),
            new("Junk", FolderRole::Junk),
        ];
        Self {
            boxes,
            now: EPOCH + seconds(1_000_000),
            mails: 0,
            open: None,
            told: 0,
            list_status,
            says_uid_next,
        }
    }

    fn arrive(&mut self, i: usize, received: Timestamp) {
        self.mails += 1;
        let name = self.mails;
        let shown = received;
        self.put(i, Mail { uid: 0, name, received, shown, moves: 0 });
    }

    fn put(&mut self, i: usize, mail: Mail) {
        let place = &mut self.boxes[i];
        place.mail.push(Mail { uid: place.next, ..mail });
        place.next += 1;
    }

    fn transfer(&mut self, from: usize, to: usize, mail: Mail) {
        let shown = if self.boxes[from].listed { mail.shown } else { self.now };
        self.put(to, Mail { shown, moves: mail.moves + 1, ..mail });
    }

    fn surprise(&mut self, surprise: &Surprise) {
        match *surprise {
            Surprise::Arrive(i) => self.arrive(i, self.now),
            Surprise::Move(from, to) => {
                if from != to
                    && let Some(mail) = self.boxes[from].mail.pop()
                {
                    self.transfer(from, to, mail);
                }
            }
            Surprise::MoveAll(from, to) => {
                if from != to {
                    for mail in std::mem::take(&mut self.boxes[from].mail) {
                        self.transfer(from, to, mail);
                    }
                }
            }
            Surprise::Delete(i) => drop(self.boxes[i].mail.pop()),
            // RFC 9051 §2.3.1.1: not while a session has it open.
            Surprise::Renumber(i) if self.open == Some(i) => {}
            Surprise::Renumber(i) => {
                let place = &mut self.boxes[i];
                place.validity += 1;
                place.next = 1;
                for mail in &mut place.mail {
                    mail.uid = place.next;
                    place.next += 1;
                }
            }
            Surprise::Skip(i) => self.boxes[i].next += 7,
            // INBOX always exists.
            Surprise::Hide(i) => {
                let (now, place) = (self.now, &mut self.boxes[i]);
                place.listed = i == 0 || !place.listed;
                if i > 0 && place.listed {
                    place.mail.iter_mut().for_each(|mail| mail.shown = now);
                }
            }
            Surprise::Pass(n) => self.now += seconds(n),
        }
    }

    fn figures(&self, i: usize) -> Figures {
        let place = &self.boxes[i];
        Figures {
            messages: Some(place.mail.len() as u32),
            uid_next: self.says_uid_next.then_some(place.next),
            uid_validity: Some(place.validity),
        }
    }

    /// Messages that count and are somewhere to be seen.
    fn visible(&self) -> impl Iterator<Item = &Mail> {
        self.boxes.iter().filter(|b| b.listed).flat_map(|b| &b.mail)
    }
}

fn found(uid: u32, mail: &Mail) -> (u32, FoundMessage) {
    let at = MessageRef { folder: String::new(), id: uid.to_string() };
    let header = mail.name.to_string().into_bytes();
    (uid, FoundMessage { at, received_at: Some(mail.received), size: None, header, thread_ids: Vec::new() })
}

/// Plays one connection until it rests `rests` times, or the surprises are used up and it rests.
struct Play {
    server: Server,
    seen: std::collections::BTreeSet<u32>,
    cursors: std::collections::BTreeMap<String, Cursor>,
    since: Timestamp,
    covered: Option<Timestamp>,
    coverages: usize,
    searches: usize,
    batch: u32,
}

impl Play {
    fn new(list_status: bool, says_uid_next: bool, since: Timestamp) -> Self {
        Self {
            server: Server::new(list_status, says_uid_next),
            seen: Default::default(),
            cursors: Default::default(),
            since,
            covered: None,
            coverages: 0,
            searches: 0,
            batch: BATCH,
        }
    }

    /// `cut` drops the connection after so many steps, as a lost network does.
    fn connect(&mut self, surprises: &[Surprise], cut: Option<usize>) {
        let settings = PlanSettings {
            options: WatchOptions { since: Some(self.since), ..WatchOptions::default() },
            gmail: false,
            idle: true,
            batch: self.batch,
            security: String::new(),
        };
        let mut plan = Plan::new(settings, self.cursors.values().cloned().collect(), self.server.now);
        self.server.open = None;
        let mut requests: VecDeque<UidSet> = VecDeque::new();
        let mut surprises = surprises.iter();
        let mut uncommitted: Option<Batch> = None;
        let mut rests = 0;
        for turn in 0.. {
            assert!(turn < 20_000, "the plan never comes to rest");
            if cut == Some(turn) {
                return;
            }
            if let Some(surprise) = surprises.next() {
                self.server.surprise(surprise);
            }
            // A server may report the open folder's size whenever it answers.
            if let Some(open) = self.server.open {
                let size = self.server.boxes[open].mail.len();
                if size != self.server.told {
                    if size < self.server.told {
                        plan.expunged((self.server.told - size) as u32);
                    }
                    plan.exists(size as u32);
                    self.server.told = size;
                }
            }
            let step = plan.step(self.server.now);
            if std::env::var("PLAN_TRACE").is_ok() {
                println!("{} {step:?}", self.server.now);
            }
            self.server.now += SignedDuration::from_millis(10);
            if !matches!(step, Step::Request { .. })
                && let Some(batch) =
                    uncommitted.take_if(|_| matches!(step, Step::Emit(_) | Step::Rest { .. }))
            {
                for message in &batch.messages {
                    self.seen.insert(String::from_utf8_lossy(&message.header).parse().unwrap());
                }
                self.cursors.insert(batch.cursor.folder.clone(), batch.cursor);
            }
            match step {
                Step::Poll => {}
                Step::List => {
                    let rows =
                        self.server.boxes.iter().enumerate().filter(|(_, b)| b.listed).map(|(i, b)| {
                            let folder = Folder { name: b.name.to_owned(), role: b.role };
                            let listed = Listed { folder, wire: b.name.as_bytes().to_vec() };
                            (listed, self.server.list_status.then(|| self.server.figures(i)))
                        });
                    plan.listed(rows.collect());
                }
                Step::Status(ids) => {
                    for id in ids {
                        let i = self.index(&plan, id);
                        let place = &self.server.boxes[i];
                        let figures = (place.listed && place.opens).then(|| self.server.figures(i));
                        plan.status(id, figures);
                        // Time passes between two of them, and mail moves.
                        if let Some(surprise) = surprises.next() {
                            self.server.surprise(surprise);
                        }
                    }
                }
                Step::Examine(id) => {
                    assert!(requests.is_empty(), "a folder is changed with answers outstanding");
                    let i = self.index(&plan, id);
                    if !self.server.boxes[i].listed || !self.server.boxes[i].opens {
                        plan.refused(id);
                        self.server.open = None;
                        continue;
                    }
                    self.server.open = Some(i);
                    let place = &self.server.boxes[i];
                    self.server.told = place.mail.len();
                    let uid_next = self.server.says_uid_next.then_some(place.next);
                    plan.examined(
                        id,
                        Examined { uid_validity: place.validity, uid_next, exists: place.mail.len() as u32 },
                    );
                }
                Step::Highest => plan.highest(self.open().mail.last().map(|mail| mail.uid)),
                Step::Search(since) => {
                    self.searches += 1;
                    let uids = self.open().mail.iter().filter(|m| m.received >= since).map(|m| m.uid);
                    plan.searched(&UidSet::from_uids(uids.collect()));
                }
                Step::Request { uids, .. } => requests.push_back(uids),
                Step::Receive => {
                    let uids = requests.pop_front().unwrap();
                    let mail = self.open().mail.iter().filter(|m| uids.contains(m.uid));
                    plan.received(mail.map(|m| found(m.uid, m)).collect());
                }
                Step::Emit(Event::Batch(batch)) => {
                    // The owner reads bodies of some batches.
                    while batch.messages.len() % 2 == 1
                        && let Some(Step::Request { uids, .. }) = plan.request_behind_bodies(self.server.now)
                    {
                        requests.push_back(uids);
                    }
                    uncommitted = Some(batch);
                }
                Step::Emit(Event::CheckedUpTo { time, .. }) => {
                    self.coverages += 1;
                    assert!(self.covered.is_none_or(|before| before < time));
                    self.covered = Some(time);
                    for mail in self
                        .server
                        .visible()
                        .filter(|m| m.received >= self.since && m.received.max(m.shown) <= time)
                        // Without UIDNEXT what is moved twice, in the wrong order both times, can't be noticed.
                        .filter(|m| self.server.says_uid_next || m.moves <= 1)
                    {
                        assert!(
                            self.seen.contains(&mail.name),
                            "{} was claimed and not seen: {mail:?}",
                            time
                        );
                    }
                }
                Step::Emit(_) => {}
                Step::Rest { until, .. } => {
                    rests += 1;
                    if surprises.len() == 0 && rests > 3 {
                        return;
                    }
                    let news =
                        self.server.open.is_some_and(|i| self.server.boxes[i].mail.len() != self.server.told);
                    if surprises.len() == 0 && !news {
                        self.server.now = until;
                    }
                    plan.rested(self.server.now);
                }
            }
        }
    }

    fn index(&self, plan: &Plan, id: FolderId) -> usize {
        self.server.boxes.iter().position(|b| b.name.as_bytes() == plan.wire_name(id)).unwrap()
    }

    fn open(&self) -> &Box_ {
        &self.server.boxes[self.server.open.unwrap()]
    }

    fn assert_all_seen(&self) {
        for mail in self.server.visible().filter(|m| m.received >= self.since) {
            assert!(self.seen.contains(&mail.name), "{mail:?} was never handed over");
        }
    }
}

fn surprises() -> impl Strategy<Value = Vec<Surprise>> {
    let one = prop_oneof![
        4 => (0_usize..4).prop_map(Surprise::Arrive),
        4 => (0_usize..4, 0_usize..4).prop_map(|(a, b)| Surprise::Move(a, b)),
        1 => (0_usize..4, 0_usize..4).prop_map(|(a, b)| Surprise::MoveAll(a, b)),
        2 => (0_usize..4).prop_map(Surprise::Delete),
        1 => (0_usize..4).prop_map(Surprise::Renumber),
        1 => (0_usize..4).prop_map(Surprise::Skip),
        1 => (0_usize..4).prop_map(Surprise::Hide),
        8 => (0_i64..40).prop_map(Surprise::Pass),
    ];
    prop::collection::vec(one, 0..120)
}

/// More with `PROPTEST_CASES`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// The promise of the whole: coverage never ahead of the truth, and nothing that stays visible is missed,
    /// wherever connections are cut.
    #[test]
    fn coverage_is_never_ahead_of_the_truth_and_nothing_is_lost(
        old in prop::collection::vec((0_usize..4, -50_i64..50), 0..60),
        first in surprises(), second in surprises(), third in surprises(),
        cuts in (0_usize..300, 0_usize..300),
        list_status: bool, says_uid_next: bool, batch in prop_oneof![Just(BATCH), 1_u32..6],
    ) {
        let mut play = Play { batch, ..Play::new(list_status, says_uid_next, EPOCH + seconds(900_000)) };
        for (i, age) in old {
            play.server.arrive(i, EPOCH + seconds(900_000 + age * 1000));
        }
        play.connect(&first, Some(cuts.0));
        play.connect(&second, Some(cuts.1));
        play.connect(&third, None);
        // What was hidden shows up again at the end.
        for place in &mut play.server.boxes {
            place.listed = true;
        }
        play.connect(&[], None);
        play.assert_all_seen();
        prop_assert!(play.covered.is_some_and(|time| time >= play.server.now - seconds(600)));
    }
}

fn play_with(mails: &[(usize, i64)]) -> Play {
    let mut play = Play::new(true, true, EPOCH + seconds(900_000));
    for (i, at) in mails {
        play.server.arrive(*i, EPOCH + seconds(*at));
    }
    play
}

#[test]
fn a_first_scan_reads_from_the_oldest_open_send_and_no_further() {
    let mut play = play_with(&[(0, 899_999), (0, 900_001), (2, 1), (2, 950_000)]);
    play.connect(&[], None);
    assert_eq!(play.seen.iter().copied().collect::<Vec<_>>(), [2, 4]);
    assert!(play.coverages > 0);
}

#[test]
fn a_large_inbox_is_searched_only_once_a_message_turns_out_to_be_too_old() {
    // Clocks differ: what came within a day before the oldest send is read as well.
    for (oldest, searches) in [(901_000, 0), (850_000, 0), (100, 1)] {
        let mut mails = vec![(0, oldest)];
        mails.extend((0..40).map(|i| (0, 910_000 + i)));
        // Too old, and in the midst of the others, as when it was filed by hand.
        mails.extend((searches > 0).then_some((0, 200)));
        mails.extend((0..20).map(|i| (0, 920_000 + i)));
        let mut play = Play { batch: 3, ..play_with(&mails) };
        play.connect(&[], None);
        play.assert_all_seen();
        assert_eq!((play.searches, play.seen.len()), (searches, 60 + usize::from(searches == 0)));
        assert!(play.coverages > 0);
    }
}

#[test]
fn an_earlier_send_makes_older_mail_be_read() {
    let mut play = play_with(&[(0, 800_000), (0, 950_000)]);
    play.connect(&[], None);
    play.since = EPOCH + seconds(700_000);
    play.connect(&[], None);
    play.assert_all_seen();
}

#[test]
fn a_batch_deleted_before_it_was_fetched_moves_the_cursor_all_the_same() {
    // chatmail/core#4935: or it would be asked for for ever, and IDLE never reached.
    let mut play = play_with(&[(0, 950_000)]);
    play.connect(&[], None);
    play.server.arrive(0, EPOCH + seconds(990_000));
    play.server.boxes[0].mail.pop();
    play.connect(&[], None);
    let cursor = play.cursors.get("INBOX").unwrap();
    assert!(cursor.state.contains("\"uid_next\":3"), "{}", cursor.state);
}

#[test]
fn a_uidnext_that_went_back_makes_the_folder_be_read_again() {
    // GMX, chatmail/core#2188.
    let mut play = play_with(&[(0, 950_000), (0, 950_001), (0, 950_002)]);
    play.connect(&[], None);
    play.server.boxes[0].mail.clear();
    play.server.boxes[0].next = 1;
    play.server.arrive(0, EPOCH + seconds(960_000));
    play.connect(&[], None);
    play.assert_all_seen();
}

#[test]
fn a_folder_that_the_server_will_not_open_does_not_spin_nor_hold_coverage_back_for_ever() {
    let mut play = play_with(&[(0, 950_000), (2, 950_000)]);
    play.connect(&[], None);
    let before = play.coverages;
    // It stays in LIST's answers of the model only while listed; hide it after the list was taken.
    play.connect(&[Surprise::Pass(0), Surprise::Pass(0), Surprise::Hide(2)], None);
    assert!(play.coverages > before);
}

#[test]
fn a_folder_that_is_listed_and_never_opens_holds_coverage_back_for_a_while_only() {
    for list_status in [false, true] {
        let mut play = play_with(&[(0, 950_000)]);
        play.server.list_status = list_status;
        play.server.boxes[2].opens = false;
        play.connect(&vec![Surprise::Pass(2); 40], None);
        assert!(play.coverages > 0, "list_status: {list_status}");
        play.assert_all_seen();
    }
}

#[test]
fn inbox_is_looked_at_while_a_big_folder_is_read() {
    let settings = PlanSettings {
        options: WatchOptions { since: Some(EPOCH), ..WatchOptions::default() },
        gmail: false,
        idle: true,
        batch: BATCH,
        security: String::new(),
    };
    let mut now = EPOCH + seconds(1_000_000);
    let mut plan = Plan::new(settings, Vec::new(), now);
    let row = |name: &str, role, n| {
        let folder = Folder { name: name.to_owned(), role };
        let figures = Figures { messages: Some(n), uid_next: Some(n + 1), uid_validity: Some(1) };
        (Listed { folder, wire: name.as_bytes().to_vec() }, Some(figures))
    };
    let rows = vec![row("INBOX", FolderRole::Inbox, 1), row("Archive", FolderRole::Archive, 100_000)];
    let (mut glances, mut in_a_row, mut worst, mut received) = (0, 0, 0, VecDeque::new());
    for _ in 0..3000 {
        now += seconds(1);
        match plan.step(now) {
            Step::List => plan.listed(rows.clone()),
            Step::Status(ids) => {
                assert!(ids.iter().all(|id| plan.is_inbox(*id)));
                glances += 1;
                in_a_row = 0;
                let figures = rows[0].1;
                ids.iter().for_each(|id| plan.status(*id, figures));
            }
            Step::Examine(id) => {
                let exists = if plan.is_inbox(id) { 1 } else { 100_000 };
                plan.examined(id, Examined { uid_validity: 1, uid_next: Some(exists + 1), exists });
            }
            Step::Search(_) => {
                let end = plan.unread_range().unwrap().1;
                plan.searched(&UidSet::range(1, end - 1));
            }
            Step::Request { uids, .. } => received.push_back(uids),
            Step::Receive => {
                in_a_row += 1;
                worst = worst.max(in_a_row);
                received.pop_front();
                plan.received(Vec::new());
            }
            Step::Rest { .. } => break,
            _ => {}
        }
    }
    assert!(glances > 20 && worst <= 5, "{glances} glances, {worst} batches without one");
}

#[test]
fn gmail_is_read_through_all_mail_and_inbox_only_live() {
    let row = |name: &str, role| {
        let folder = Folder { name: name.to_owned(), role };
        (Listed { folder, wire: name.as_bytes().to_vec() }, None)
    };
    let rows = vec![
        row("INBOX", FolderRole::Inbox),
        row("Work", FolderRole::Other),
        row("[Gmail]/All Mail", FolderRole::All),
        row("[Gmail]/Sent Mail", FolderRole::Sent),
        row("[Gmail]/Spam", FolderRole::Junk),
        row("[Gmail]/Drafts", FolderRole::Drafts),
        row("[Gmail]/Trash", FolderRole::Trash),
    ];
    let settings = |gmail| PlanSettings {
        options: WatchOptions {
            since: None,
            exclude: vec!["[Gmail]/Trash".to_owned()],
            ..WatchOptions::default()
        },
        gmail,
        idle: true,
        batch: BATCH,
        security: String::new(),
    };
    let names = |rows: Vec<(Listed, Option<Figures>)>, gmail| {
        chosen(rows, &settings(gmail)).into_iter().map(|(row, _)| row.folder.name).collect::<Vec<_>>()
    };
    assert_eq!(names(rows.clone(), true), ["INBOX", "[Gmail]/All Mail", "[Gmail]/Spam"]);
    // "Show in IMAP" may be off for All Mail: then every label is read.
    let hidden = rows.iter().filter(|(row, _)| row.folder.role != FolderRole::All).cloned().collect();
    assert_eq!(names(hidden, true), ["INBOX", "Work", "[Gmail]/Sent Mail", "[Gmail]/Spam"]);
    assert_eq!(names(rows, false).len(), 5);
}

#[test]
fn without_uidnext_coverage_waits_for_a_second_round_that_finds_what_came_and_went() {
    // Winmail, mail.163.com: a message comes into Archive and leaves it for INBOX after that was checked.
    let mut play = play_with(&[(0, 950_000)]);
    play.server.says_uid_next = false;
    play.server.list_status = false;
    play.connect(&[], None);
    let before = play.coverages;
    assert!(before > 0);
    for wait in 0..12 {
        let mut surprises = vec![Surprise::Arrive(2)];
        surprises.extend(vec![Surprise::Pass(0); wait]);
        surprises.push(Surprise::Move(2, 0));
        play.connect(&surprises, None);
    }
    play.assert_all_seen();
    assert!(play.coverages > before);
}
