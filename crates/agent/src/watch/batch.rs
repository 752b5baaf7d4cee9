//! A batch of new messages: look at the headers, fetch the candidates, judge, commit.

use std::sync::Arc;

use answerback_mailbox::{Batch, FoundMessage, Mailbox};
use answerback_reply::{Message, TrackedSend, Triage, Verdict, text};
use answerback_store::{Lesson, NewVerdict};
use jiff::Timestamp;

use crate::Change;
use crate::config::AccountConfig;
use crate::context::{Context, Rules, teach};
use crate::event::AgentEvent;
use crate::judging::{self, Answer, BODY_PREFIX};
use crate::view::AccountState;

use super::read_ahead::ReadAhead;

/// What ends a watch.
pub enum Error {
    /// The mailbox failed.
    Mailbox(answerback_mailbox::Error),
    /// The store failed.
    Store(answerback_store::Error),
}

impl From<answerback_mailbox::Error> for Error {
    fn from(error: answerback_mailbox::Error) -> Self {
        Self::Mailbox(error)
    }
}

impl From<answerback_store::Error> for Error {
    fn from(error: answerback_store::Error) -> Self {
        Self::Store(error)
    }
}

/// Judges a batch and commits what it gives together with its cursor.
pub async fn handle(
    context: &Arc<Context>,
    account: &AccountConfig,
    mailbox: &mut impl Mailbox,
    batch: Batch,
) -> Result<(), Error> {
    let rules = context.rules();
    let looked = look(context, account, &rules, &batch);
    let mut ahead = ReadAhead::of(context, batch.messages.iter().zip(&looked)).await?;
    let mut kept = Vec::new();
    // What one message teaches may make a candidate of a later one.
    let mut learned = false;
    for (found, (message, mut triage)) in batch.messages.iter().zip(looked) {
        if found.header.is_empty() {
            // The mailbox tried it singly as well. Nothing of it can be judged, and nothing of it is shown.
            tracing::warn!(folder = found.at.folder, at = found.at.id, "The server can't give us a message.");
            continue;
        }
        if learned && triage == Triage::Unrelated {
            triage = context.with_sends(|sends| judging::triage(&rules, sends, &message));
        }
        match triage {
            Triage::Own => {
                learned |= learn_own_copy(context, account, mailbox, &rules, found, &message).await?
            }
            Triage::Unrelated => {}
            Triage::Candidate => {
                match judge(context, account, mailbox, &rules, found, message, &mut ahead).await? {
                    Judged::Attributed(new) => {
                        learned |= !new.learned.is_empty();
                        kept.push((found, *new));
                    }
                    Judged::Known => {}
                    Judged::NotOurs => note_unattributed(context, account, found.received_at),
                }
            }
        }
    }
    note_read(context, account, &batch);
    commit(context, account, batch.cursor, batch.remaining.is_some(), kept).await
}

/// Looks at the headers. What has nothing to do with any send is noted before anything is waited for: a send that becomes
/// known meanwhile makes it be looked at again.
fn look(context: &Context, account: &AccountConfig, rules: &Rules, batch: &Batch) -> Vec<(Message, Triage)> {
    let looked: Vec<(Message, Triage)> = context.with_sends(|sends| {
        let messages = batch.messages.iter().map(judging::header_facts);
        let triage = |message| {
            let triage = judging::triage(rules, sends, &message);
            (message, triage)
        };
        messages.map(triage).collect()
    });
    let unrelated =
        batch.messages.iter().zip(&looked).filter(|(_, (_, triage))| *triage == Triage::Unrelated);
    note_unattributed(context, account, unrelated.filter_map(|(found, _)| found.received_at).max());
    looked
}

enum Judged {
    /// It answers a send.
    Attributed(Box<NewVerdict>),
    /// It was judged before, perhaps in another folder.
    Known,
    /// It has nothing to do with any send.
    NotOurs,
}

/// Fetches a candidate and judges it.
async fn judge(
    context: &Context,
    account: &AccountConfig,
    mailbox: &mut impl Mailbox,
    rules: &Rules,
    found: &FoundMessage,
    header: Message,
    ahead: &mut ReadAhead,
) -> Result<Judged, Error> {
    // Gone meanwhile: its header alone has to do.
    let raw = match ahead.take(mailbox, &found.at).await? {
        Some(raw) => raw,
        None => {
            let key = header.key();
            if context.storage.call(move |store| store.is_judged(&key)).await? {
                return Ok(Judged::Known);
            }
            mailbox.body(&found.at, BODY_PREFIX).await?
        }
    };
    let message = raw.as_deref().map_or(header, |raw| judging::whole_facts(found, raw));
    let verdict = context.with_sends(|sends| judging::verdict(rules, sends, &message));
    let Some(send) = attributed_send(context, &verdict).await? else { return Ok(Judged::NotOurs) };
    // The next message of this batch may answer this one.
    if let Some(learned) = judging::chain(&verdict, message.message_id.as_ref()) {
        context.change_sends(|sends| teach(sends, &send.id, &learned));
    }
    let wants_text = rules.log_level != answerback_backend::LogLevel::Metadata;
    let text = raw.filter(|_| wants_text).map(|raw| text::newly_written(&raw));
    let config = context.config();
    let owner = judging::event_account(&config, &send, &account.address);
    let answer = Answer { verdict, message: &message, found, text, send: &send };
    let new = judging::to_keep(answer, owner, rules, Timestamp::now());
    Ok(Judged::Attributed(Box::new(new)))
}

async fn attributed_send(context: &Context, verdict: &Verdict) -> Result<Option<TrackedSend>, Error> {
    let Some(id) = verdict.send_id.clone() else { return Ok(None) };
    Ok(context.storage.call(move |store| store.send(&id)).await?)
}

/// The rep's own mail may be a send's own copy, with the ids and the thread that the provider gave it, and with the
/// text that answers will quote. Says whether anything of it was new.
async fn learn_own_copy(
    context: &Context,
    account: &AccountConfig,
    mailbox: &mut impl Mailbox,
    rules: &Rules,
    found: &FoundMessage,
    header: &Message,
) -> Result<bool, Error> {
    let Some(mut copy) = context.with_sends(|sends| judging::own_copy(rules, sends, header)) else {
        return Ok(false);
    };
    let send_id = copy.send_id.clone();
    let (send, knows_text) =
        context.storage.call(move |store| Ok((store.send(&send_id)?, store.knows_text(&send_id)?))).await?;
    let Some(send) = send else { return Ok(false) };
    if !knows_text && let Some(raw) = mailbox.body(&found.at, BODY_PREFIX).await? {
        let whole = judging::whole_facts(found, &raw);
        let of_whole = context.with_sends(|sends| judging::own_copy(rules, sends, &whole));
        copy = of_whole.filter(|of_whole| of_whole.send_id == copy.send_id).unwrap_or(copy);
    }
    let learned = judging::taught_by(&copy);
    let newest_read = context.live().accounts.get(&account.id()).and_then(|live| live.newest_read);
    let lessons: Vec<Lesson> = judging::lessons(&send.id, send.sent_at, learned.clone(), newest_read);
    let accounts: Vec<String> = context.config().accounts.iter().map(AccountConfig::id).collect();
    let new = context.storage.call(move |store| store.learn(&lessons, &accounts)).await?;
    if new > 0 {
        context.change_sends(|sends| learned.iter().for_each(|learned| teach(sends, &send.id, learned)));
        context.rescans.send_modify(|count| *count += 1);
    }
    Ok(new > 0)
}

/// Something received then was read and not attributed.
fn note_unattributed(context: &Context, account: &AccountConfig, received_at: Option<Timestamp>) {
    if let Some(live) = context.live().accounts.get_mut(&account.id()) {
        live.newest_read = live.newest_read.max(received_at);
    }
}

fn note_read(context: &Context, account: &AccountConfig, batch: &Batch) {
    let read = batch.messages.len() as u64;
    context.update_account(&account.id(), |live| {
        live.messages_seen += read;
        if let Some(folder) = live.folders.get_mut(&batch.folder.name) {
            folder.messages_seen += read;
        }
        match batch.remaining {
            Some(remaining) => {
                live.state = AccountState::Scanning;
                live.scanned += read;
                live.remaining.insert(batch.folder.name.clone(), remaining);
            }
            None => {
                live.remaining.remove(&batch.folder.name);
            }
        }
    });
}

/// Verdicts, events and cursor in one transaction; then everybody who waits for them is told.
async fn commit(
    context: &Context,
    account: &AccountConfig,
    cursor: answerback_mailbox::Cursor,
    old: bool,
    kept: Vec<(&FoundMessage, NewVerdict)>,
) -> Result<(), Error> {
    let (found, verdicts): (Vec<&FoundMessage>, Vec<NewVerdict>) = kept.into_iter().unzip();
    let (id, to_commit) = (account.id(), verdicts.clone());
    let outcome = context
        .storage
        .call(move |store| {
            if old {
                return store.commit_old_batch(&id, &cursor.folder, &cursor.state, &to_commit);
            }
            store.commit_batch(&id, &cursor.folder, &cursor.state, &to_commit)
        })
        .await?;
    for ((found, new), added) in found.into_iter().zip(verdicts).zip(outcome.added) {
        let Some(id) = added else { continue };
        context.tell(AgentEvent::Verdict {
            id,
            account: account.address.clone(),
            path: found.at.folder.clone(),
            offset: found.at.id.rsplit(':').next().and_then(|uid| uid.parse().ok()),
            verdict: Box::new(new.verdict),
        });
        context.changed(Change::Verdict(id));
        context.outbox.notify_one();
    }
    Ok(())
}
