//! What the window asks, and what the rep says of a verdict.

use answerback_reply::TrackedSend;
use answerback_store::{Lesson, Review, Store, VerdictFilter, VerdictRow};
use jiff::{Timestamp, Zoned};

use super::Agent;
use crate::Change;
use crate::config::AccountConfig;
use crate::context::{teach, unteach};
use crate::link::Link;
use crate::review::{affirm, confirm, take_back, taught_by};
use crate::show;
use crate::view::{
    AccountView, BackendView, Counts, OutboxRow, Overview, Problem, ReplyDetail, ReplyFilter, ReplyPage,
    ReplyRow, SalesforceView,
};

/// Rows that the Overview shows.
const LATEST: u32 = 10;
/// Rows that the list gives when it isn't told how many, and at most.
const PAGE: u32 = 100;
const LARGEST_PAGE: u32 = 500;

impl Agent {
    /// The state of everything.
    ///
    /// # Errors
    /// The store failed.
    pub async fn overview(&self) -> Result<Overview, Problem> {
        let midnight = today();
        let (today, sends) = self
            .store(move |store| {
                let mut counts =
                    Counts { stopped: show::small(store.stops_since(midnight)?), ..Counts::default() };
                for (kind, review, number) in store.counts_since(midnight)? {
                    if matches!(review, Review::None | Review::Confirmed) {
                        *counter(&mut counts, &kind) += show::small(number);
                    }
                }
                Ok((counts, store.send_count()?))
            })
            .await?;
        let latest = self.replies(ReplyFilter { limit: LATEST, ..ReplyFilter::default() }).await?.rows;
        let (state, paused_until) = {
            let live = self.context.live();
            (live.overview(), live.paused_until)
        };
        Ok(Overview {
            state,
            paused_until: paused_until.map(|time| time.to_string()),
            accounts: self.accounts().await?,
            backend: self.backend().await?,
            today,
            latest,
            tracked_sends: show::small(sends),
        })
    }

    /// The mailboxes, in the order of the configuration.
    ///
    /// # Errors
    /// The store failed.
    pub async fn accounts(&self) -> Result<Vec<AccountView>, Problem> {
        let accounts = self.context.config().accounts;
        let ids: Vec<String> = accounts.iter().map(AccountConfig::id).collect();
        let states = self
            .store(move |store| ids.iter().map(|id| store.account(id)).collect::<Result<Vec<_>, _>>())
            .await?;
        let live = self.context.live();
        let empty = crate::live::LiveAccount::default();
        let views = accounts.iter().zip(states).map(|(account, state)| {
            let id = account.id();
            let live = live.accounts.get(&id).unwrap_or(&empty);
            let sign_in_host = self.context.credentials.sign_in_host(&id);
            AccountView { sign_in_host, ..show::account(account, live, state.checked_up_to) }
        });
        Ok(views.collect())
    }

    /// The backend.
    ///
    /// # Errors
    /// The store failed.
    pub async fn backend(&self) -> Result<BackendView, Problem> {
        let (waiting, rejected, delivered) = self.store(|store| store.event_counts()).await?;
        let config = self.context.config();
        let who = match self.context.link() {
            Some(Link::Salesforce(direct)) => direct.who(),
            _ => None,
        };
        let salesforce = config.salesforce.map(|salesforce| SalesforceView {
            client_id: salesforce.client_id,
            user: who.as_ref().and_then(|who| who.user.clone()),
            organisation: who.and_then(|who| who.organisation),
        });
        let live = self.context.live();
        Ok(BackendView {
            salesforce,
            url: self.context.config().destination().map(|destination| destination.url().to_owned()),
            state: live.backend.state,
            last_contact: live.backend.last_contact.map(|time| time.to_string()),
            waiting: show::small(waiting),
            delivered: show::small(delivered),
            rejected: show::small(rejected),
            problem: live.backend.problem.clone(),
        })
    }

    /// A part of the list of verdicts.
    ///
    /// # Errors
    /// The store failed.
    pub async fn replies(&self, filter: ReplyFilter) -> Result<ReplyPage, Problem> {
        let limit = if filter.limit == 0 { PAGE } else { filter.limit.min(LARGEST_PAGE) };
        let filter = VerdictFilter {
            search: filter.search,
            kinds: filter.kinds,
            questions_only: filter.questions_only,
            offset: filter.offset,
            limit,
        };
        let (total, rows) = self
            .store(move |store| {
                let (total, rows) = store.verdicts(&filter)?;
                let rows =
                    rows.into_iter()
                        .map(|row| Ok((send_of(store, &row)?, row)))
                        .collect::<Result<Vec<_>, answerback_store::Error>>()?;
                Ok((total, rows))
            })
            .await?;
        let rows: Vec<ReplyRow> = rows
            .iter()
            .map(|(send, row)| show::reply_row(row, send.as_ref(), &self.address(&row.account)))
            .collect();
        Ok(ReplyPage { total: show::small(total), rows })
    }

    /// One verdict.
    ///
    /// # Errors
    /// It isn't there, or the store failed.
    pub async fn reply(&self, id: i64) -> Result<ReplyDetail, Problem> {
        let (row, send) = self.verdict(id).await?;
        let events = self.store(move |store| store.events_of(id)).await?;
        Ok(show::reply_detail(&row, send.as_ref(), &self.address(&row.account), &events))
    }

    /// The rep says that it isn't an answer: what it caused is taken back at the backend.
    ///
    /// # Errors
    /// It isn't there, or the store failed.
    pub async fn retract(&self, id: i64) -> Result<ReplyDetail, Problem> {
        let (row, send) = self.verdict(id).await?;
        let Some(send) = send else { return Err(not_found(id)) };
        let owner = self.event_account(&send, &row.account);
        let now = Timestamp::now();
        let taught = taught_by(&row, &send);
        let lesson = taught.clone();
        self.store(move |store| {
            let event = take_back(&row, &send, &store.events_of(id)?, &owner, now);
            let events: Vec<_> = event.into_iter().collect();
            store.retract(id, lesson.as_ref(), &events, now)
        })
        .await?;
        if let Some(Lesson { send_id, learned, .. }) = taught {
            self.context.change_sends(|sends| unteach(sends, &send_id, &learned));
        }
        self.reviewed(id).await
    }

    /// The rep answers "Is this an answer to …?". A question that was answered already stays as it is.
    ///
    /// # Errors
    /// It isn't there, or the store failed.
    pub async fn answer_question(&self, id: i64, is_answer: bool) -> Result<ReplyDetail, Problem> {
        let (row, send) = self.verdict(id).await?;
        let Some(send) = send else { return Err(not_found(id)) };
        if row.review != Review::Question {
            return self.reply(id).await;
        }
        let owner = self.event_account(&send, &row.account);
        let rules = self.context.rules();
        let now = Timestamp::now();
        let lesson = taught_by(&row, &send).filter(|_| is_answer);
        self.store(move |store| {
            if is_answer {
                let (verdict, events) = confirm(&row, &send, &owner, &rules);
                store.review(id, Review::Confirmed, Some(&verdict), &events, now)
            } else {
                store.review(id, Review::Dismissed, None, &[], now)
            }
        })
        .await?;
        self.follow_thread(lesson).await?;
        self.reviewed(id).await
    }

    /// The rep says that it was an answer: of something that was judged to be of another kind, or that was taken back.
    ///
    /// # Errors
    /// It isn't there, or the store failed.
    pub async fn affirm(&self, id: i64) -> Result<ReplyDetail, Problem> {
        let (row, send) = self.verdict(id).await?;
        let Some(send) = send else { return Err(not_found(id)) };
        if row.review == Review::Question {
            return self.answer_question(id, true).await;
        }
        let owner = self.event_account(&send, &row.account);
        let rules = self.context.rules();
        let lesson = taught_by(&row, &send);
        let now = Timestamp::now();
        self.store(move |store| {
            let (verdict, events) = affirm(&row, &send, &store.events_of(id)?, &owner, &rules, now);
            store.review(id, Review::Confirmed, Some(&verdict), &events, now)
        })
        .await?;
        self.follow_thread(lesson).await?;
        self.reviewed(id).await
    }

    /// What answers an answer belongs to the same send, also where it was read before the rep was sure.
    async fn follow_thread(&self, lesson: Option<Lesson>) -> Result<(), Problem> {
        let Some(lesson) = lesson else { return Ok(()) };
        let accounts: Vec<String> = self.context.config().accounts.iter().map(AccountConfig::id).collect();
        let Lesson { send_id, learned, .. } = lesson.clone();
        if self.store(move |store| store.learn(&[lesson], &accounts)).await? > 0 {
            self.context.change_sends(|sends| teach(sends, &send_id, &learned));
            self.context.rescans.send_modify(|count| *count += 1);
        }
        Ok(())
    }

    /// Sends an event that the backend refused once more, and everything that waits at once.
    ///
    /// # Errors
    /// The store failed.
    pub async fn send_again(&self, event_id: String) -> Result<(), Problem> {
        self.store(move |store| store.requeue(&event_id)).await?;
        self.context.outbox.notify_one();
        self.context.hurry.send_modify(|count| *count += 1);
        self.context.changed(Change::Backend);
        Ok(())
    }

    /// The newest events of the outbox, newest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn outbox(&self, limit: u32) -> Result<Vec<OutboxRow>, Problem> {
        self.store(move |store| {
            let events = store.newest_events(limit.min(LARGEST_PAGE))?;
            let row = |event: answerback_store::EventRow| {
                let send = store.send(&event.send_id)?;
                Ok(show::outbox_row(event, send.as_ref()))
            };
            events.into_iter().map(row).collect()
        })
        .await
    }

    async fn reviewed(&self, id: i64) -> Result<ReplyDetail, Problem> {
        self.context.outbox.notify_one();
        self.context.changed(Change::Verdict(id));
        self.reply(id).await
    }

    pub(super) async fn verdict(&self, id: i64) -> Result<(VerdictRow, Option<TrackedSend>), Problem> {
        let found = self
            .store(move |store| {
                let Some(row) = store.verdict(id)? else { return Ok(None) };
                let send = send_of(store, &row)?;
                Ok(Some((row, send)))
            })
            .await?;
        found.ok_or_else(|| not_found(id))
    }

    /// The address of an account; its id when it was removed.
    fn address(&self, account_id: &str) -> String {
        let accounts = self.context.config().accounts;
        accounts
            .into_iter()
            .find(|account| account.id() == account_id)
            .map_or_else(|| account_id.to_owned(), |a| a.address)
    }

    /// The address whose account the events of a send carry.
    fn event_account(&self, send: &TrackedSend, account_id: &str) -> String {
        crate::judging::event_account(&self.context.config(), send, &self.address(account_id)).to_owned()
    }

    pub(super) async fn store<T, F>(&self, call: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&mut Store) -> Result<T, answerback_store::Error> + Send + 'static,
    {
        let result = self.context.storage.call(call).await;
        result.map_err(|error| Problem::of_store(&error, &self.context.store_file))
    }
}

fn send_of(store: &Store, row: &VerdictRow) -> Result<Option<TrackedSend>, answerback_store::Error> {
    row.verdict.send_id.as_deref().map_or(Ok(None), |id| store.send(id))
}

fn not_found(id: i64) -> Problem {
    Problem::new("not_found", &id.to_string(), "That entry is no longer there.", "Reload the list.")
}

/// The beginning of the laptop's own day.
fn today() -> Timestamp {
    let now = Zoned::now();
    now.start_of_day().map_or_else(|_| now.timestamp(), |midnight| midnight.timestamp())
}

/// The counter that a kind counts in.
pub(super) fn counter<'a>(counts: &'a mut Counts, kind: &str) -> &'a mut u32 {
    match kind {
        "reply" | "calendar_response" => &mut counts.replies,
        "bounce" | "delay" | "complaint" => &mut counts.bounces,
        _ => &mut counts.automatic,
    }
}
