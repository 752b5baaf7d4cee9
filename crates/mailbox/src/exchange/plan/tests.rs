//! The plan against a model of a server, with every schedule of arrivals, moves, deletions and lost links.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::{Batch, MessageRef};

/// Graph's.
fn habits() -> Habits {
    Habits { security: String::new(), at_once: 4, filtered_at_most: Some(5000) }
}

const EPOCH: Timestamp = Timestamp::UNIX_EPOCH;

fn seconds(n: i64) -> SignedDuration {
    SignedDuration::from_secs(n)
}

/// A message of the model.
#[derive(Clone, Debug)]
struct Mail {
    name: u32,
    received: Timestamp,
    /// The change with which it came into its folder.
    came: u64,
    moved: Vec<Timestamp>,
    /// Since when it has been in folders that are listed.
    shown: Timestamp,
}

#[derive(Debug)]
struct Box_ {
    name: &'static str,
    role: FolderRole,
    mail: Vec<Mail>,
    /// What left: when it came and when it went.
    left: Vec<(u64, u64)>,
    listed: bool,
    epoch: u64,
}

/// What happens at the server between two steps of the plan.
#[derive(Clone, Debug)]
enum Surprise {
    Arrive(usize),
    Move(usize, usize),
    Delete(usize),
    Expire(usize),
    Hide(usize),
    Pass(i64),
}

struct Server {
    boxes: Vec<Box_>,
    now: Timestamp,
    change: u64,
    mails: u32,
    page: usize,
}

/// What a link of the model encodes.
#[derive(Clone, Copy, Debug)]
struct Link {
    epoch: u64,
    change: u64,
    /// What was there at the beginning is given newest first; this one comes next. `None` later.
    given: Option<(i64, u32)>,
}

impl Link {
    fn write(self) -> String {
        let (received, name) = self.given.unwrap_or((-1, 0));
        format!("{} {} {received} {name}", self.epoch, self.change)
    }

    fn read(text: &str) -> Self {
        let numbers: Vec<i64> = text.split(' ').map(|n| n.parse().unwrap()).collect();
        let given = (numbers[2] >= 0).then(|| (numbers[2], numbers[3] as u32));
        Self { epoch: numbers[0] as u64, change: numbers[1] as u64, given }
    }
}

impl Server {
    fn new(page: usize) -> Self {
        let new =
            |name, role| Box_ { name, role, mail: Vec::new(), left: Vec::new(), listed: true, epoch: 0 };
        let boxes = vec![
            new("Inbox", FolderRole::Inbox),
            new("Sent Items", FolderRole::Sent),
            new("Archive", FolderRole::Archive),
            new("Junk Email", FolderRole::Junk),
            new("Prospects", FolderRole::Other),
            new("Old", FolderRole::Other),
        ];
        Self { boxes, now: EPOCH + seconds(1_000_000), change: 0, mails: 0, page }
    }

    fn arrive(&mut self, i: usize, received: Timestamp) {
        self.mails += 1;
        self.change += 1;
        let mail = Mail { name: self.mails, received, came: self.change, moved: Vec::new(), shown: received };
        self.boxes[i].mail.push(mail);
    }

    fn take(&mut self, i: usize) -> Option<Mail> {
        let mail = self.boxes[i].mail.pop()?;
        self.change += 1;
        self.boxes[i].left.push((mail.came, self.change));
        Some(mail)
    }

    fn surprise(&mut self, surprise: &Surprise) {
        match *surprise {
            Surprise::Arrive(i) => self.arrive(i, self.now),
            Surprise::Move(from, to) => {
                if from != to
                    && let Some(mut mail) = self.take(from)
                {
                    mail.came = self.change;
                    mail.moved.push(self.now);
                    if !self.boxes[from].listed {
                        mail.shown = self.now;
                    }
                    self.boxes[to].mail.push(mail);
                }
            }
            Surprise::Delete(i) => drop(self.take(i)),
            Surprise::Expire(i) => self.boxes[i].epoch += 1,
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

    /// `None` when the link has expired.
    fn ask(&self, i: usize, from: &From, since: Timestamp) -> Option<Page> {
        let place = &self.boxes[i];
        let mut link = match from {
            From::Start { .. } => {
                Link { epoch: place.epoch, change: self.change, given: Some((i64::MAX, u32::MAX)) }
            }
            From::Link(text) => Link::read(text),
        };
        if link.epoch != place.epoch {
            return None;
        }
        let there = place.mail.iter().filter(|mail| mail.received >= since);
        let (messages, rows, more) = match link.given {
            Some(given) => {
                let key = |mail: &Mail| (mail.received.as_millisecond(), mail.name);
                let mut page: Vec<&Mail> = there.filter(|mail| key(mail) <= given).collect();
                page.sort_by_key(|mail| std::cmp::Reverse(key(mail)));
                link.given = page.get(self.page).map(|mail| key(mail));
                page.truncate(self.page);
                let rows = page.len();
                (page, rows, link.given.is_some())
            }
            None => {
                let mut news: Vec<(u64, Option<&Mail>)> = there
                    .filter(|mail| mail.came > link.change)
                    .map(|mail| (mail.came, Some(mail)))
                    .collect();
                let left =
                    place.left.iter().filter(|(came, went)| *came <= link.change && *went > link.change);
                news.extend(left.map(|(_, went)| (*went, None)));
                news.sort_by_key(|(change, _)| *change);
                let more = news.len() > self.page;
                news.truncate(self.page);
                link.change = news.last().map_or(link.change, |(change, _)| *change);
                let rows = news.len();
                (news.into_iter().filter_map(|(_, mail)| mail).collect(), rows, more)
            }
        };
        let messages = messages.into_iter().map(found).collect();
        Some(Page { messages, rows, link: link.write(), more })
    }

    fn visible(&self) -> impl Iterator<Item = &Mail> {
        self.boxes.iter().filter(|b| b.listed).flat_map(|b| &b.mail)
    }
}

fn found(mail: &Mail) -> FoundMessage {
    let name = mail.name.to_string();
    let at = MessageRef { folder: String::new(), id: name.clone() };
    let header = name.into_bytes();
    FoundMessage { at, received_at: Some(mail.received), size: None, header, thread_ids: Vec::new() }
}

struct Play {
    server: Server,
    seen: BTreeSet<u32>,
    handed_over: usize,
    cursors: BTreeMap<String, Cursor>,
    since: Timestamp,
    covered: Option<Timestamp>,
}

impl Play {
    fn new(page: usize) -> Self {
        Self {
            server: Server::new(page),
            seen: BTreeSet::new(),
            handed_over: 0,
            cursors: BTreeMap::new(),
            since: EPOCH + seconds(900_000),
            covered: None,
        }
    }

    /// One connection, until it has rested a few times; `cut` drops it after so many steps.
    fn connect(&mut self, surprises: &[Surprise], cut: Option<usize>) {
        let options = WatchOptions { since: Some(self.since), ..WatchOptions::default() };
        let cursors = self.cursors.values().cloned().collect();
        let mut plan = Plan::new(options, habits(), cursors, self.server.now);
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
            let step = plan.step(self.server.now);
            self.server.now += SignedDuration::from_millis(10);
            if let Some(batch) = uncommitted.take() {
                self.commit(batch);
            }
            match step {
                Step::List => {
                    let boxes = self.server.boxes.iter().filter(|b| b.listed);
                    let rows = boxes.map(|b| Listed {
                        folder: Folder { name: b.name.to_owned(), role: b.role },
                        id: b.name.to_owned(),
                    });
                    plan.listed(rows.collect());
                }
                Step::Read(asked) => {
                    assert!((1..=habits().at_once).contains(&asked.len()));
                    for (id, from) in asked {
                        let i = self.server.boxes.iter().position(|b| b.name == plan.id(id)).unwrap();
                        if !self.server.boxes[i].listed {
                            plan.gone(id);
                            continue;
                        }
                        match self.server.ask(i, &from, self.since) {
                            Some(page) => plan.page(id, page),
                            None => plan.expired(id),
                        }
                        // Time passes between the parts of a batch, and mail moves.
                        if let Some(surprise) = surprises.next() {
                            self.server.surprise(surprise);
                        }
                    }
                }
                Step::Emit(Event::Batch(batch)) => uncommitted = Some(batch),
                Step::Emit(Event::CheckedUpTo { time, .. }) => self.check_claim(time),
                Step::Emit(_) => {}
                Step::Rest(until) => {
                    rests += 1;
                    if surprises.len() == 0 {
                        if rests > 8 {
                            return;
                        }
                        self.server.now = until;
                    }
                }
            }
        }
    }

    fn commit(&mut self, batch: Batch) {
        self.handed_over += batch.messages.len();
        for message in &batch.messages {
            self.seen.insert(String::from_utf8_lossy(&message.header).parse().unwrap());
        }
        self.cursors.insert(batch.cursor.folder.clone(), batch.cursor);
    }

    fn check_claim(&mut self, time: Timestamp) {
        assert!(self.covered.is_none_or(|before| before < time));
        self.covered = Some(time);
        let moves = |mail: &Mail| mail.moved.iter().filter(|at| **at > time).count();
        let counts = |mail: &&Mail| {
            mail.received >= self.since && mail.received.max(mail.shown) <= time && moves(mail) <= 1
        };
        for mail in self.server.visible().filter(counts) {
            assert!(self.seen.contains(&mail.name), "{time} was claimed and not seen: {mail:?}");
        }
    }

    fn assert_all_seen(&self) {
        for mail in self.server.visible().filter(|mail| mail.received >= self.since) {
            assert!(self.seen.contains(&mail.name), "{mail:?} was never handed over");
        }
    }
}

fn surprises() -> impl Strategy<Value = Vec<Surprise>> {
    let one = prop_oneof![
        4 => (0_usize..6).prop_map(Surprise::Arrive),
        4 => (0_usize..6, 0_usize..6).prop_map(|(a, b)| Surprise::Move(a, b)),
        2 => (0_usize..6).prop_map(Surprise::Delete),
        1 => (0_usize..6).prop_map(Surprise::Expire),
        1 => (0_usize..6).prop_map(Surprise::Hide),
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

    /// Coverage is never ahead of the truth for a message that is moved at most once meanwhile, and nothing that stays
    /// visible is missed, wherever connections are cut and links are lost.
    #[test]
    fn coverage_is_true_and_nothing_is_lost(
        old in prop::collection::vec((0_usize..6, -50_i64..50), 0..60),
        first in surprises(), second in surprises(), third in surprises(),
        cuts in (0_usize..200, 0_usize..200), page in 1_usize..12,
    ) {
        let mut play = Play::new(page);
        for (i, age) in old {
            play.server.arrive(i, EPOCH + seconds(900_000 + age * 1000));
        }
        play.connect(&first, Some(cuts.0));
        play.connect(&second, Some(cuts.1));
        play.connect(&third, None);
        for place in &mut play.server.boxes {
            place.listed = true;
        }
        play.connect(&[], None);
        play.assert_all_seen();
        prop_assert!(play.covered.is_some_and(|time| time >= play.server.now - seconds(600)));
    }
}

#[test]
fn a_first_scan_reads_from_the_oldest_open_send_and_no_further() {
    let mut play = Play::new(3);
    for (i, at) in [(0, 899_999), (0, 900_001), (2, 1), (2, 950_000)] {
        play.server.arrive(i, EPOCH + seconds(at));
    }
    play.connect(&[], None);
    assert_eq!(play.seen.iter().copied().collect::<Vec<_>>(), [2, 4]);
    assert!(play.covered.is_some());
}

#[test]
fn what_was_committed_is_not_read_again_by_the_next_connection() {
    let mut play = Play::new(2);
    for n in 0..9 {
        play.server.arrive(0, EPOCH + seconds(950_000 + n));
    }
    play.connect(&[], None);
    play.connect(&[], None);
    assert_eq!(play.handed_over, 9);
    play.server.boxes[0].epoch += 1;
    play.connect(&[], None);
    assert_eq!(play.handed_over, 18, "after a lost link the window is read again");
}

#[test]
fn an_earlier_send_makes_older_mail_be_read() {
    let mut play = Play::new(5);
    for at in [800_000, 950_000] {
        play.server.arrive(0, EPOCH + seconds(at));
    }
    play.connect(&[], None);
    play.since = EPOCH + seconds(700_000);
    play.connect(&[], None);
    play.assert_all_seen();
}

#[test]
fn a_filtered_query_that_is_full_is_asked_again_without_a_filter() {
    let row = Listed { folder: Folder { name: "Inbox".into(), role: FolderRole::Inbox }, id: "i".into() };
    let options = WatchOptions { since: Some(EPOCH), ..WatchOptions::default() };
    let mut plan = Plan::new(options, habits(), Vec::new(), EPOCH);
    let (mut starts, mut scans) = (Vec::new(), 0);
    for turn in 0..40 {
        match plan.step(EPOCH + seconds(turn)) {
            Step::List => plan.listed(vec![row.clone()]),
            Step::Read(asked) => {
                let (id, from) = asked.into_iter().next().unwrap();
                let full = matches!(from, From::Start { since: Some(_) });
                starts.extend(matches!(from, From::Start { .. }).then_some(from));
                let rows = if full { 5000 } else { 0 };
                plan.page(id, Page { messages: Vec::new(), rows, link: "l".into(), more: false });
            }
            Step::Emit(Event::Scanned { .. }) => scans += 1,
            _ => {}
        }
    }
    assert_eq!(starts, [From::Start { since: Some(EPOCH) }, From::Start { since: None }]);
    assert_eq!(scans, 1);
}

#[test]
fn mail_of_the_second_in_which_the_window_begins_is_handed_over() {
    // The rep's copy of the oldest open send: stored in the same second, of which the server tells the beginning.
    let sent_at = EPOCH + SignedDuration::from_millis(7_400);
    let options = WatchOptions { since: Some(sent_at), ..WatchOptions::default() };
    let mut plan = Plan::new(options, habits(), Vec::new(), sent_at);
    let folder = Folder { name: "Sent Items".into(), role: FolderRole::Sent };
    let mail = |second: i64| Mail {
        name: 0,
        received: EPOCH + seconds(second),
        came: 0,
        moved: Vec::new(),
        shown: EPOCH,
    };
    let mut handed_over = Vec::new();
    for _ in 0..8 {
        match plan.step(sent_at) {
            Step::List => plan.listed(vec![Listed { folder: folder.clone(), id: "s".into() }]),
            Step::Read(asked) => {
                let messages = vec![found(&mail(6)), found(&mail(7))];
                for (id, _) in asked {
                    let messages = messages.clone();
                    plan.page(id, Page { messages, rows: 2, link: "l".into(), more: false });
                }
            }
            Step::Emit(Event::Batch(batch)) => {
                handed_over = batch.messages.iter().filter_map(|message| message.received_at).collect();
                break;
            }
            _ => {}
        }
    }
    assert_eq!(handed_over, [EPOCH + seconds(7)]);
}

#[test]
fn a_folder_that_may_not_be_read_holds_coverage_back_for_a_while_only() {
    let row = |name: &str| Listed {
        folder: Folder { name: name.into(), role: FolderRole::Other },
        id: name.into(),
    };
    let options = WatchOptions { since: Some(EPOCH), exclude: vec!["c".into()], ..WatchOptions::default() };
    let mut plan = Plan::new(options, habits(), Vec::new(), EPOCH);
    let (mut now, mut refusals, mut claims) = (EPOCH, 0, 0);
    for _ in 0..400 {
        now += seconds(1);
        match plan.step(now) {
            Step::List => plan.listed(vec![row("a"), row("b"), row("c")]),
            Step::Read(asked) => {
                for (id, _) in asked {
                    match plan.id(id) {
                        "a" => plan
                            .page(id, Page { messages: Vec::new(), rows: 0, link: "l".into(), more: false }),
                        "b" => {
                            plan.refused(id);
                            refusals += 1;
                        }
                        other => unreachable!("{other} is excluded"),
                    }
                }
            }
            Step::Emit(Event::CheckedUpTo { folders, .. }) => {
                assert!(refusals >= 5);
                assert_eq!(folders, 1);
                claims += 1;
            }
            Step::Rest(until) => now = until,
            _ => {}
        }
    }
    assert!(claims > 0);
}
