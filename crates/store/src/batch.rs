//! The one transaction that matters: verdicts, their events and the folder's cursor.

use answerback_reply::Verdict;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::table::{account, event, learned};
use crate::time::to_ms;
use crate::{Error, Learned, NewEvent, Result, Review, Store};

/// A verdict on a message that was attributed to a send, with what follows from it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewVerdict {
    /// What tells the message from every other.
    pub message_key: String,
    /// Where the message is, in the mailbox's own terms.
    pub message_ref: String,
    /// The author's display name.
    pub from_name: Option<String>,
    /// The subject.
    pub subject: Option<String>,
    /// When the server received it.
    pub received_at: Option<Timestamp>,
    /// When it was judged.
    pub decided_at: Timestamp,
    /// Names that the list's search should find beside author and subject: prospect, campaign.
    pub also_search: Vec<String>,
    /// What later events need of the message, as JSON, without its text.
    pub facts: String,
    /// The verdict; it must name a send.
    pub verdict: Verdict,
    /// The events that it gives, in order.
    pub events: Vec<NewEvent>,
    /// What the message taught about its send.
    pub learned: Vec<Learned>,
}

/// Something that one of the rep's own copies taught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// The send that it is about.
    pub send_id: String,
    /// What was learned.
    pub learned: Learned,
    /// If it is new, mail received since this time is to be looked at again.
    pub rescan_since: Option<Timestamp>,
}

/// What a committed batch added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchOutcome {
    /// For each verdict handed in, its number, or `None` when its message had been judged before.
    pub added: Vec<Option<i64>>,
}

impl Store {
    /// Commits a batch of new mail: each verdict with its events, and the folder's cursor, in one transaction. A message
    /// that was judged before changes nothing.
    ///
    /// # Errors
    /// The store failed; nothing was changed, and the batch can be read and judged again.
    pub fn commit_batch(
        &mut self,
        account: &str,
        folder: &str,
        cursor: &str,
        verdicts: &[NewVerdict],
    ) -> Result<BatchOutcome> {
        if verdicts.is_empty() {
            return self.commit_old_batch(account, folder, cursor, verdicts);
        }
        commit(&mut self.db, account, folder, cursor, verdicts)
    }

    /// As [`Self::commit_batch`], of mail that has been there for long and is not going to vanish before it could be read
    /// again.
    ///
    /// # Errors
    /// As [`Self::commit_batch`].
    pub fn commit_old_batch(
        &mut self,
        account: &str,
        folder: &str,
        cursor: &str,
        verdicts: &[NewVerdict],
    ) -> Result<BatchOutcome> {
        self.without_waiting(|db| commit(db, account, folder, cursor, verdicts))
    }

    /// Keeps what the rep's own copies of sends taught, and has `accounts` look again at the mail that a new lesson may
    /// make understood. Returns how many lessons were new.
    ///
    /// # Errors
    /// The store failed; nothing was changed.
    pub fn learn(&mut self, lessons: &[Lesson], accounts: &[String]) -> Result<usize> {
        let tx = self.db.transaction()?;
        let mut new = 0;
        for lesson in lessons {
            if learned::insert(&tx, &lesson.send_id, &lesson.learned)? {
                new += 1;
                if let Some(since) = lesson.rescan_since {
                    let rescans: Vec<_> = accounts.iter().map(|id| (id.clone(), since)).collect();
                    account::ask_rescans(&tx, &rescans)?;
                }
            }
        }
        tx.commit()?;
        Ok(new)
    }

    /// Keeps what the rep said of a verdict, with the events that it gives, in one transaction. With `verdict`, the
    /// verdict itself is replaced (a question that was answered with yes has actions).
    ///
    /// # Errors
    /// The store failed; nothing was changed.
    pub fn review(
        &mut self,
        id: i64,
        review: Review,
        verdict: Option<&Verdict>,
        events: &[NewEvent],
        now: Timestamp,
    ) -> Result<()> {
        let tx = self.db.transaction()?;
        write_review(&tx, id, review, verdict, events, now)?;
        tx.commit()?;
        Ok(())
    }

    /// Keeps that a verdict's message is no answer, with the events that take back what it caused, and forgets what it
    /// taught: what answers that message is no answer to the send either. One transaction.
    ///
    /// # Errors
    /// The store failed; nothing was changed.
    pub fn retract(
        &mut self,
        id: i64,
        taught: Option<&Lesson>,
        events: &[NewEvent],
        now: Timestamp,
    ) -> Result<()> {
        let tx = self.db.transaction()?;
        write_review(&tx, id, Review::Retracted, None, events, now)?;
        if let Some(lesson) = taught {
            learned::delete(&tx, &lesson.send_id, &lesson.learned)?;
        }
        tx.commit()?;
        Ok(())
    }
}

fn commit(
    db: &mut Connection,
    account: &str,
    folder: &str,
    cursor: &str,
    verdicts: &[NewVerdict],
) -> Result<BatchOutcome> {
    let tx = db.transaction()?;
    let mut outcome = BatchOutcome::default();
    for new in verdicts {
        outcome.added.push(insert(&tx, account, folder, new)?);
    }
    tx.prepare_cached(
        "INSERT INTO folder (account, name, cursor) VALUES (?1, ?2, ?3)
         ON CONFLICT (account, name) DO UPDATE SET cursor = ?3",
    )?
    .execute(params![account, folder, cursor])?;
    tx.commit()?;
    Ok(outcome)
}

fn insert(db: &Connection, account: &str, folder: &str, new: &NewVerdict) -> Result<Option<i64>> {
    let verdict = &new.verdict;
    let search = [&new.from_name, &verdict.from, &new.subject]
        .into_iter()
        .flatten()
        .chain(&new.also_search)
        .map(|words| words.to_lowercase())
        .collect::<Vec<_>>()
        .join("\n");
    let id: Option<i64> = db
        .prepare_cached(
            "INSERT INTO verdict (message_key, account, folder, message_ref, kind, send_id, from_name, subject, received_at,
                                  decided_at, review, search, facts, json)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (message_key) DO NOTHING RETURNING id",
        )?
        .query_row(
            params![
                new.message_key,
                account,
                folder,
                new.message_ref,
                kind_name(verdict)?,
                verdict.send_id.as_deref().unwrap_or_default(),
                new.from_name,
                new.subject,
                new.received_at.map(to_ms),
                to_ms(new.decided_at),
                Review::of(verdict).name(),
                search,
                new.facts,
                to_json(verdict)?,
            ],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(id) = id {
        for new_event in &new.events {
            event::insert(db, Some(id), new_event, new.decided_at)?;
        }
        if let Some(send_id) = &verdict.send_id {
            for lesson in &new.learned {
                learned::insert(db, send_id, lesson)?;
            }
        }
    }
    Ok(id)
}

fn write_review(
    db: &Connection,
    id: i64,
    review: Review,
    verdict: Option<&Verdict>,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<()> {
    db.execute("UPDATE verdict SET review = ?2 WHERE id = ?1", params![id, review.name()])?;
    if let Some(verdict) = verdict {
        db.execute(
            "UPDATE verdict SET json = ?2, kind = ?3 WHERE id = ?1",
            params![id, to_json(verdict)?, kind_name(verdict)?],
        )?;
    }
    for new in events {
        event::insert(db, Some(id), new, now)?;
    }
    Ok(())
}

fn to_json(verdict: &Verdict) -> Result<String> {
    serde_json::to_string(verdict).map_err(|source| Error::Row { table: "verdict", source })
}

fn kind_name(verdict: &Verdict) -> Result<String> {
    let value =
        serde_json::to_value(verdict.kind).map_err(|source| Error::Row { table: "verdict", source })?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use answerback_reply::{Action, Intent, Kind};

    use super::*;
    use crate::{EventState, Outcome, VerdictFilter};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn reply(key: &str, actions: Vec<Action>) -> NewVerdict {
        let event = |event_type: &str| NewEvent {
            id: format!("{key}/{event_type}"),
            send_id: "s1".into(),
            event_type: event_type.into(),
            json: "{}".into(),
        };
        NewVerdict {
            message_key: key.into(),
            message_ref: "1:1".into(),
            from_name: Some("Kevin Flynn".into()),
            subject: Some("Re: Space Paranoids".into()),
            received_at: Some(at(1000)),
            decided_at: at(1001),
            also_search: vec!["Arcade owners".into()],
            facts: "{}".into(),
            verdict: Verdict {
                message_id: Some(key.into()),
                kind: Kind::Reply,
                send_id: Some("s1".into()),
                relation: None,
                intent: Intent::None,
                confidence: 1.0,
                evidence: vec![],
                actions,
                from: Some("kevinf@flynnsarcade.com".into()),
                ..Verdict::default()
            },
            events: vec![event("answerback.stop.v1"), event("answerback.log.v1")],
            learned: vec![Learned::Chain(key.into())],
        }
    }

    #[test]
    fn a_verdict_its_events_and_the_cursor_are_kept_together() {
        let mut store = Store::in_memory().unwrap();
        let outcome = store
            .commit_batch("a", "INBOX", "c1", &[reply("<r1@x>", vec![Action::Stop, Action::Log])])
            .unwrap();
        let id = outcome.added[0].unwrap();
        let events = store.waiting_events(10).unwrap();
        assert_eq!(
            events.iter().map(|e| e.event_type.as_str()).collect::<Vec<_>>(),
            ["answerback.stop.v1", "answerback.log.v1"]
        );
        assert_eq!(store.folders("a").unwrap()[0].cursor, "c1");
        assert_eq!(store.verdict(id).unwrap().unwrap().delivery, Some(EventState::Waiting));
        assert_eq!(store.stops_since(at(0)).unwrap(), 1);
        store.commit_batch("a", "INBOX", "c2", &[reply("<r2@x>", vec![Action::Stop])]).unwrap();
        assert_eq!(store.stops_since(at(0)).unwrap(), 1, "a second answer stops nothing more");
    }

    #[test]
    fn a_message_found_again_in_another_folder_changes_nothing() {
        let mut store = Store::in_memory().unwrap();
        store.commit_batch("a", "INBOX", "c1", &[reply("<r1@x>", vec![Action::Stop])]).unwrap();
        let again = store.commit_batch("a", "Archive", "c2", &[reply("<r1@x>", vec![Action::Stop])]).unwrap();
        assert_eq!(again.added, [None]);
        assert_eq!(store.waiting_events(10).unwrap().len(), 2);
        assert!(store.is_judged("<r1@x>").unwrap());
    }

    #[test]
    fn a_failed_batch_leaves_neither_verdict_nor_event_nor_cursor() {
        let mut store = Store::in_memory().unwrap();
        // The events table refuses the second insert; the whole batch must be undone.
        store
            .db
            .execute_batch(
                "CREATE TRIGGER full BEFORE INSERT ON event WHEN NEW.type = 'answerback.log.v1'
             BEGIN SELECT raise(ABORT, 'disk full'); END",
            )
            .unwrap();
        assert!(store.commit_batch("a", "INBOX", "c1", &[reply("<r1@x>", vec![Action::Stop])]).is_err());
        assert!(store.waiting_events(10).unwrap().is_empty());
        assert!(!store.is_judged("<r1@x>").unwrap());
        assert!(store.folders("a").unwrap().is_empty());
    }

    #[test]
    fn a_full_disk_loses_nothing_and_ends_when_there_is_space() {
        let mut store = Store::in_memory().unwrap();
        store.commit_batch("a", "INBOX", "c1", &[]).unwrap();
        let pages: i64 = store.db.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        let limit = |store: &Store, pages: i64| {
            store.db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
        };
        limit(&store, pages);
        let mut large = reply("<r1@x>", vec![Action::Stop]);
        large.facts = "x".repeat(100_000);
        assert!(matches!(
            store.commit_batch("a", "INBOX", "c2", std::slice::from_ref(&large)),
            Err(Error::DiskFull)
        ));
        assert_eq!(store.folders("a").unwrap()[0].cursor, "c1");
        assert!(store.waiting_events(10).unwrap().is_empty());
        limit(&store, pages + 1000);
        assert!(store.commit_batch("a", "INBOX", "c2", &[large]).unwrap().added[0].is_some());
    }

    #[test]
    fn settled_events_leave_the_outbox_and_keep_the_reason() {
        let mut store = Store::in_memory().unwrap();
        let id =
            store.commit_batch("a", "INBOX", "c1", &[reply("<r1@x>", vec![])]).unwrap().added[0].unwrap();
        let ids: Vec<String> = store.waiting_events(10).unwrap().into_iter().map(|e| e.id).collect();
        store.count_attempt(&ids).unwrap();
        let outcomes = [
            (ids[0].clone(), Outcome::Delivered),
            (ids[1].clone(), Outcome::Rejected("unknown send".into())),
        ];
        store.settle(&outcomes, at(2000)).unwrap();
        // The backend's first word is final: a late duplicate answer changes nothing.
        store.settle(&[(ids[1].clone(), Outcome::Delivered)], at(3000)).unwrap();
        let events = store.events_of(id).unwrap();
        assert_eq!(events[1].reason.as_deref(), Some("unknown send"));
        assert_eq!((events[0].attempts, events[0].state), (1, EventState::Delivered));
        assert_eq!(store.event_counts().unwrap(), (0, 1, 1));
        assert_eq!(store.verdict(id).unwrap().unwrap().delivery, Some(EventState::Rejected));
    }

    #[test]
    fn the_list_is_searched_and_filtered() {
        let mut store = Store::in_memory().unwrap();
        store
            .commit_batch("a", "INBOX", "c", &[reply("<r1@x>", vec![Action::Ask]), reply("<r2@x>", vec![])])
            .unwrap();
        let total = |filter: VerdictFilter| store.verdicts(&VerdictFilter { limit: 10, ..filter }).unwrap().0;
        assert_eq!(total(VerdictFilter { search: "FLYNN arcade".into(), ..Default::default() }), 2);
        assert_eq!(total(VerdictFilter { search: "100%_".into(), ..Default::default() }), 0);
        assert_eq!(total(VerdictFilter { kinds: vec!["bounce".into()], ..Default::default() }), 0);
        assert_eq!(total(VerdictFilter { questions_only: true, ..Default::default() }), 1);
    }

    #[test]
    fn taking_back_adds_its_events_once_and_forgets_what_was_taught() {
        let mut store = Store::in_memory().unwrap();
        let id = store.commit_batch("a", "INBOX", "c", &[reply("<r1@x>", vec![])]).unwrap().added[0].unwrap();
        let retract = NewEvent {
            id: "retract".into(),
            send_id: "s1".into(),
            event_type: "answerback.retract.v1".into(),
            json: "{}".into(),
        };
        let taught =
            Lesson { send_id: "s1".into(), learned: Learned::Chain("<r1@x>".into()), rescan_since: None };
        store.learn(std::slice::from_ref(&taught), &[]).unwrap();
        store.retract(id, Some(&taught), std::slice::from_ref(&retract), at(5)).unwrap();
        store.retract(id, Some(&taught), &[retract], at(6)).unwrap();
        assert_eq!(store.events_of(id).unwrap().len(), 3);
        let mut known = Vec::new();
        store.each_learned(|_, learned| known.push(learned)).unwrap();
        assert!(!known.contains(&taught.learned), "{known:?}");
        assert_eq!(store.verdict(id).unwrap().unwrap().review, Review::Retracted);
    }
}
