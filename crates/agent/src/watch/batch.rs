//! A batch of new messages: look at the headers, fetch the candidates, judge, commit.

use std::sync::Arc;

use answerback_backend::{LogLevel, ReplyFacts};
use answerback_mailbox::{Batch, FoundMessage, Mailbox, MessageRef};
use answerback_reply::{Message, Triage, text};
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
    let mut ahead = ReadAhead::of(context, &rules, batch.messages.iter().zip(&looked)).await?;
    let mut answers = Vec::new();
    // What one message teaches may make a candidate of a later one.
    let mut learned = false;
    for (found, (message, mut triage)) in batch.messages.iter().zip(looked) {
        if found.header.is_empty() {
            // The mailbox tried it singly as well. Nothing of it can be judged, and nothing of it is shown.
            tracing::warn!(folder = found.at.folder, at = found.at.id, "The server can't give us a message.");
            continue;
        }
        if learned
            && triage == Triage::Unrelated
            && context.with_sends(|sends| judging::is_named(&rules, sends, &message))
        {
            triage = Triage::Candidate;
        }
        match triage {
            Triage::Own => {
                learned |=
                    learn_own_copy(context, account, mailbox, &rules, found, &message, &mut ahead).await?
            }
            Triage::Unrelated => {}
            Triage::Candidate => match judge(context, mailbox, &rules, found, message, &mut ahead).await? {
                Judged::Attributed(answer) => {
                    learned |= judging::chain(&answer.verdict, answer.facts.message_id.as_ref()).is_some();
                    answers.push(*answer);
                }
                Judged::Known => {}
                Judged::NotOurs => note_unattributed(context, account, found.received_at),
            },
        }
    }
    note_read(context, account, &batch);
    commit(context, account, rules, batch.cursor, batch.remaining.is_some(), answers).await
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
    Attributed(Box<Answer>),
    /// It was judged before, perhaps in another folder.
    Known,
    /// It has nothing to do with any send.
    NotOurs,
}

/// Fetches a candidate and judges it.
async fn judge(
    context: &Context,
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
            if context.storage.brief(move |store| store.is_judged(&key)).await? {
                return Ok(Judged::Known);
            }
            mailbox.body(&found.at, BODY_PREFIX).await?
        }
    };
    let message = raw.as_deref().map_or(header, |raw| judging::whole_facts(found, raw));
    let verdict = context.with_sends(|sends| judging::verdict(rules, sends, &message));
    let Some(send_id) = &verdict.send_id else { return Ok(Judged::NotOurs) };
    // The next message of this batch may answer this one.
    if let Some(learned) = judging::chain(&verdict, message.message_id.as_ref()) {
        context.change_sends(|sends| teach(sends, send_id, &learned));
    }
    let wants_text = rules.log_level != LogLevel::Metadata;
    let text = raw.filter(|_| wants_text).map(|raw| text::newly_written(&raw));
    let facts = ReplyFacts::new(&message, text);
    Ok(Judged::Attributed(Box::new(Answer { verdict, facts, at: found.at.clone() })))
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
    ahead: &mut ReadAhead,
) -> Result<bool, Error> {
    let Some(mut copy) = context.with_sends(|sends| judging::own_copy(rules, sends, header)) else {
        return Ok(false);
    };
    let send_id = copy.send_id.clone();
    let (send, knows_text) =
        context.storage.brief(move |store| Ok((store.send(&send_id)?, store.knows_text(&send_id)?))).await?;
    let Some(send) = send else { return Ok(false) };
    let raw = match ahead.take(mailbox, &found.at).await? {
        _ if knows_text => None,
        Some(raw) => raw,
        None => mailbox.body(&found.at, BODY_PREFIX).await?,
    };
    if let Some(raw) = raw {
        let whole = judging::whole_facts(found, &raw);
        let of_whole = context.with_sends(|sends| judging::own_copy(rules, sends, &whole));
        copy = of_whole.filter(|of_whole| of_whole.send_id == copy.send_id).unwrap_or(copy);
    }
    let learned = judging::taught_by(&copy);
    let newest_read = context.live().accounts.get(&account.id()).and_then(|live| live.newest_read);
    let lessons: Vec<Lesson> = judging::lessons(&send.id, send.sent_at, learned.clone(), newest_read);
    let accounts: Vec<String> = context.config().accounts.iter().map(AccountConfig::id).collect();
    let new = context.storage.brief(move |store| store.learn(&lessons, &accounts)).await?;
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
    rules: Rules,
    cursor: answerback_mailbox::Cursor,
    old: bool,
    answers: Vec<Answer>,
) -> Result<(), Error> {
    let config = if answers.is_empty() { None } else { Some(context.config()) };
    let (id, address) = (account.id(), account.address.clone());
    let committed = context
        .storage
        .brief(move |store| {
            let now = Timestamp::now();
            let mut kept = Vec::with_capacity(answers.len());
            let mut forgotten = None;
            for answer in answers {
                let send = answer.verdict.send_id.as_deref().map(|id| store.send(id)).transpose()?.flatten();
                match (send, &config) {
                    (Some(send), Some(config)) => {
                        let owner = judging::event_account(config, &send, &address);
                        kept.push((answer.at.clone(), judging::to_keep(answer, &send, owner, &rules, now)));
                    }
                    // The backend took the send back meanwhile.
                    _ => forgotten = forgotten.max(answer.facts.received_at),
                }
            }
            let (found, verdicts): (Vec<MessageRef>, Vec<NewVerdict>) = kept.into_iter().unzip();
            let outcome = if old {
                store.commit_old_batch(&id, &cursor.folder, &cursor.state, &verdicts)?
            } else {
                store.commit_batch(&id, &cursor.folder, &cursor.state, &verdicts)?
            };
            let added = found.into_iter().zip(verdicts).zip(outcome.added);
            let added: Vec<_> = added.filter_map(|((at, new), id)| Some((id?, at, new.verdict))).collect();
            Ok((added, forgotten))
        })
        .await?;
    let (added, forgotten) = committed;
    if forgotten.is_some() {
        note_unattributed(context, account, forgotten);
    }
    let any = !added.is_empty();
    for (id, at, verdict) in added {
        context.tell(AgentEvent::Verdict {
            id,
            account: account.address.clone(),
            offset: at.id.rsplit(':').next().and_then(|uid| uid.parse().ok()),
            path: at.folder,
            verdict: Box::new(verdict),
        });
        context.changed(Change::Verdict(id));
    }
    if any {
        context.outbox.notify_one();
    }
    Ok(())
}
