//! One task per account: connects, judges what the mailbox finds, and commits it.

mod batch;
mod read_ahead;

use std::sync::Arc;
use std::time::Duration;

use answerback_mailbox::{
    Compression, Cursor, ErrorKind, Event, Mailbox, Retry, WatchOptions, ews, graph, imap,
};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::backoff::{Backoff, jitter};
use crate::config::{AccountConfig, Server, SignInSource};
use crate::context::Context;
use crate::credentials::GraphTokens;
use crate::event::AgentEvent;
use crate::live::{Check, LiveAccount, LiveFolder};
use crate::view::{AccountState, Problem};

/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(80);
/// How long a start waits for the backend's sends before it watches without them.
const PATIENCE_FOR_SENDS: Duration = Duration::from_secs(10);
/// A sign-in may be made by another program: `answerbackctl sign-in` beside an agent without a window, or whatever renews
/// an access token.
const LOOK_FOR_SIGN_IN: Duration = Duration::from_secs(30);
/// At most one rescan in this time: while a campaign goes out, sends become known one by one.
const BETWEEN_RESCANS: Duration = Duration::from_secs(20);

/// Why a watch ended.
enum Ended {
    /// The agent stops, or the account was removed.
    Stopped,
    /// The connection is to be made anew: a rescan is due, the laptop woke up, or the rep paused.
    Anew,
    /// The mailbox failed.
    Mailbox(answerback_mailbox::Error),
    /// Something of ours failed: the keychain, the store.
    Ours(Problem),
}

/// When to try again after mailbox failures, and after our own.
struct Patience {
    mailbox: answerback_mailbox::Backoff,
    ours: Backoff,
}

/// Watches an account until it is stopped.
pub async fn watch_account(context: Arc<Context>, account: AccountConfig, stop: CancellationToken) {
    let id = account.id();
    let server = account.server_name();
    let mut patience =
        Patience { mailbox: answerback_mailbox::Backoff::new(), ours: Backoff::up_to(LONGEST_WAIT) };
    wait_for_sends(&context, &stop).await;
    // Whatever an earlier session has read had been received before now.
    context.update_account(&id, |live| live.newest_read = Some(Timestamp::now()));
    loop {
        if !wait_while_paused(&context, &id, &stop).await {
            return;
        }
        let mut hurry = context.hurry.subscribe();
        let (problem, retry, attention) = match watch(&context, &account, &stop, &mut patience).await {
            Ended::Stopped => return,
            Ended::Anew => {
                context.update_account(&id, |live| live.state = AccountState::Connecting);
                continue;
            }
            Ended::Mailbox(error) => {
                if error.kind == ErrorKind::WrongToken {
                    context.credentials.refused(&account).await;
                }
                let retry = patience.mailbox.failed(&error, jitter());
                // The first refusal of a password or token is not believed; see the mailbox's backoff.
                let refused = matches!(error.kind, ErrorKind::WrongPassword | ErrorKind::WrongToken);
                let attention = retry == Retry::Stop || (!error.kind.is_transient() && !refused);
                let retry = match account.sign_in() {
                    // Somebody else renews it, and may just be late.
                    SignInSource::Token(_) if error.kind == ErrorKind::WrongToken && attention => {
                        Retry::After(LOOK_FOR_SIGN_IN)
                    }
                    _ => retry,
                };
                let problem = Problem::of_server(&error, account.server(), &server);
                (problem, retry, attention)
            }
            Ended::Ours(problem) => {
                let wait = patience.ours.next(jitter(), None);
                let stuck = problem.needs_somebody();
                let retry = match problem.code.as_str() {
                    // Looks into the keychain, and asks nobody before another sign-in is there.
                    "sign_in_again" => Retry::After(LOOK_FOR_SIGN_IN),
                    _ if stuck => Retry::Stop,
                    _ => Retry::After(wait),
                };
                (problem, retry, stuck)
            }
        };
        let attention = attention || retry == Retry::Stop;
        let state = if attention { AccountState::NeedsAttention } else { AccountState::Reconnecting };
        show_problem(&context, &account, &id, problem, state);
        let again = async {
            match retry {
                Retry::After(wait) | Retry::NotBefore(wait) => tokio::time::sleep(wait).await,
                Retry::Stop => std::future::pending().await,
            }
        };
        let may_hurry = !matches!(retry, Retry::NotBefore(_));
        tokio::select! {
            () = stop.cancelled() => return,
            () = again => {}
            _ = hurry.changed(), if may_hurry => {
                patience.mailbox.interrupted();
                patience.ours.reset();
            }
        }
    }
}

async fn wait_for_sends(context: &Context, stop: &CancellationToken) {
    if context.config().backend.is_none() {
        return;
    }
    let mut known = context.sends_known.subscribe();
    tokio::select! {
        () = stop.cancelled() => {}
        _ = known.wait_for(|known| *known) => {}
        () = tokio::time::sleep(PATIENCE_FOR_SENDS) => {}
    }
}

/// Returns at once unless the rep has paused; `false` when the agent stops.
async fn wait_while_paused(context: &Context, id: &str, stop: &CancellationToken) -> bool {
    let mut paused = context.paused.subscribe();
    if *paused.borrow_and_update() {
        context.update_account(id, |live| live.state = AccountState::Paused);
    }
    tokio::select! {
        () = stop.cancelled() => false,
        _ = paused.wait_for(|paused| !paused) => true,
    }
}

fn show_problem(context: &Context, account: &AccountConfig, id: &str, problem: Problem, state: AccountState) {
    let mut before = None;
    context.update_account(id, |live| {
        live.state = state;
        before = live.problem.replace(problem.clone());
    });
    context.tell_problem(&account.address, before.as_ref(), &problem);
}

/// One connection, from sign-in to its end.
async fn watch(
    context: &Arc<Context>,
    account: &AccountConfig,
    stop: &CancellationToken,
    patience: &mut Patience,
) -> Ended {
    let proxy = match context.credentials.proxy(&context.config().network).await {
        Ok(proxy) => proxy,
        Err(problem) => return Ended::Ours(problem),
    };
    match account.server() {
        Server::Imap(imap) => {
            let opening = async {
                let credential = context.credentials.of(account).await.map_err(Ended::Ours)?;
                let (options, cursors) = prepare(context, account).await?;
                let settings = imap.settings(&account.address, proxy);
                imap::connect(&settings, &credential, options, cursors).await.map_err(Ended::Mailbox)
            };
            watch_with(context, account, opening, stop, patience).await
        }
        Server::Ews(ews) => {
            let opening = async {
                let credential = context.credentials.of(account).await.map_err(Ended::Ours)?;
                let (options, cursors) = prepare(context, account).await?;
                let settings = ews.settings(&account.address, proxy);
                ews::connect(&settings, &credential, options, cursors).await.map_err(Ended::Mailbox)
            };
            watch_with(context, account, opening, stop, patience).await
        }
        Server::Graph(graph) => {
            let tokens = GraphTokens::new(&context.credentials, account);
            let opening = async {
                let (options, cursors) = prepare(context, account).await?;
                let settings = graph.settings(proxy);
                graph::connect(&settings, &tokens, options, cursors).await.map_err(Ended::Mailbox)
            };
            let ended = watch_with(context, account, opening, stop, patience).await;
            match tokens.take_trouble() {
                Some(problem) if matches!(ended, Ended::Mailbox(_)) => Ended::Ours(problem),
                _ => ended,
            }
        }
    }
}

async fn watch_with<M: Mailbox>(
    context: &Arc<Context>,
    account: &AccountConfig,
    opening: impl Future<Output = Result<M, Ended>>,
    stop: &CancellationToken,
    patience: &mut Patience,
) -> Ended {
    let opened = tokio::select! {
        () = stop.cancelled() => return Ended::Stopped,
        opened = opening => opened,
    };
    let mut mailbox = match opened {
        Ok(mailbox) => mailbox,
        Err(ended) => return ended,
    };
    let ended = follow(context, account, &mut mailbox, stop, patience).await;
    if !matches!(ended, Ended::Mailbox(_)) {
        mailbox.close().await;
    }
    ended
}

/// Says what to watch, and where reading goes on.
async fn prepare(
    context: &Arc<Context>,
    account: &AccountConfig,
) -> Result<(WatchOptions, Vec<Cursor>), Ended> {
    let id = account.id();
    let now = Timestamp::now();
    let (since, folders) = context
        .storage
        .call({
            let id = id.clone();
            move |store| {
                let first = store.oldest_open_send(now)?.unwrap_or(now);
                store.begin_scan(&id, first)
            }
        })
        .await
        .map_err(|error| store_failed(context, &error))?;
    let scanned: Vec<String> = folders.iter().filter(|f| f.scanned).map(|f| f.name.clone()).collect();
    let cursors = folders.into_iter().map(|f| Cursor { folder: f.name, state: f.cursor }).collect();
    let mut compression = Compression::default();
    context.update_account(&id, |live| {
        compression = live.compression.clone();
        // Perhaps said before the send was known for which mail is looked at again now.
        live.checked = None;
        live.remaining.clear();
        live.scanned = 0;
        // What was counted stays counted; a rescan only begins to read anew.
        live.folders.values_mut().for_each(|folder| folder.scanned = false);
        for name in scanned {
            let new =
                || LiveFolder { role: "other".into(), scanned: true, messages_seen: 0, read_up_to: None };
            live.folders.entry(name).or_insert_with(new).scanned = true;
        }
    });
    let options = WatchOptions {
        since: Some(since),
        exclude: account.exclude_folders.clone(),
        power: context.power.clone(),
        compression,
    };
    Ok((options, cursors))
}

/// Takes one event after the other until something ends the watch.
async fn follow(
    context: &Arc<Context>,
    account: &AccountConfig,
    mailbox: &mut impl Mailbox,
    stop: &CancellationToken,
    patience: &mut Patience,
) -> Ended {
    let id = account.id();
    let started = tokio::time::Instant::now();
    let mut hurry = context.hurry.subscribe();
    let mut paused = context.paused.subscribe();
    let mut rescans = context.rescans.subscribe();
    // One may have been asked for since this connection began.
    rescans.mark_changed();
    // A scan that runs is never cut short by a rescan: while a campaign goes out it would never come to its end.
    let mut caught_up = false;
    loop {
        let event = tokio::select! {
            biased;
            () = stop.cancelled() => return Ended::Stopped,
            _ = hurry.changed() => return Ended::Anew,
            _ = paused.wait_for(|paused| *paused) => return Ended::Anew,
            due = rescan_due(context, &id, &mut rescans, started), if caught_up => match due {
                Ok(()) => return Ended::Anew,
                Err(error) => return store_failed(context, &error),
            },
            event = mailbox.next() => event,
        };
        let event = match event {
            Ok(event) => event,
            Err(error) => return Ended::Mailbox(error),
        };
        caught_up |= matches!(event, Event::CheckedUpTo { .. } | Event::Idle);
        if !matches!(event, Event::Batch(_) | Event::Connected { .. }) {
            note_folders(context, &id, mailbox.folders_read());
        }
        let done = match event {
            Event::Connected { folders, security } => {
                patience.mailbox.succeeded();
                patience.ours.reset();
                connected(context, account, folders, security);
                Ok(())
            }
            Event::Batch(batch) => batch::handle(context, account, mailbox, batch).await,
            Event::Scanned { folder, messages, took } => {
                scanned(context, account, folder, messages, took).await
            }
            Event::CheckedUpTo { time, folders } => checked_up_to(context, account, time, folders).await,
            Event::Idle => {
                context.update_account(&id, |live| live.state = AccountState::Watching);
                Ok(())
            }
        };
        match done {
            Ok(()) => {}
            Err(batch::Error::Mailbox(error)) => return Ended::Mailbox(error),
            Err(batch::Error::Store(error)) => return store_failed(context, &error),
        }
    }
}

/// Resolves when a rescan is due for this account and the last one is long enough ago. Dropped before that, it forgets
/// nothing.
async fn rescan_due(
    context: &Context,
    id: &str,
    rescans: &mut tokio::sync::watch::Receiver<u64>,
    started: tokio::time::Instant,
) -> Result<(), answerback_store::Error> {
    loop {
        if rescans.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        let looked_at = *rescans.borrow();
        rescans.mark_changed();
        let account = id.to_owned();
        if context.storage.brief(move |store| store.account(&account)).await?.rescan_since.is_some() {
            tokio::time::sleep_until(started + BETWEEN_RESCANS).await;
            return Ok(());
        }
        if *rescans.borrow_and_update() != looked_at {
            rescans.mark_changed();
        }
    }
}

fn connected(
    context: &Context,
    account: &AccountConfig,
    folders: Vec<answerback_mailbox::Folder>,
    security: String,
) {
    let count = folders.len();
    context.update_account(&account.id(), |live| {
        let before = std::mem::take(&mut live.folders);
        live.folders = folders
            .into_iter()
            .map(|folder| {
                let old = before.get(&folder.name);
                let now = LiveFolder {
                    role: role_name(folder.role).to_owned(),
                    scanned: old.is_some_and(|old| old.scanned),
                    messages_seen: old.map_or(0, |old| old.messages_seen),
                    read_up_to: old.and_then(|old| old.read_up_to),
                };
                (folder.name, now)
            })
            .collect();
        live.problem = None;
        live.state = if live.folders.values().all(|f| f.scanned) {
            AccountState::Watching
        } else {
            AccountState::Scanning
        };
    });
    context.tell(AgentEvent::Connected {
        account: account.address.clone(),
        folders: Some(count),
        security: Some(security),
    });
}

/// Tells nobody: what is told of next shows it as well.
fn note_folders(context: &Context, id: &str, read: Vec<(String, Timestamp)>) {
    let mut live = context.live();
    let Some(account) = live.accounts.get_mut(id) else { return };
    for (name, time) in read {
        if let Some(folder) = account.folders.get_mut(&name) {
            folder.read_up_to = Some(time);
        }
    }
}

fn role_name(role: answerback_mailbox::FolderRole) -> &'static str {
    use answerback_mailbox::FolderRole;
    match role {
        FolderRole::Inbox => "inbox",
        FolderRole::Sent => "sent",
        FolderRole::Junk => "junk",
        FolderRole::Trash => "trash",
        FolderRole::Archive => "archive",
        FolderRole::All => "all",
        FolderRole::Drafts => "drafts",
        FolderRole::Other => "other",
    }
}

async fn scanned(
    context: &Context,
    account: &AccountConfig,
    folder: String,
    messages: u64,
    took: Duration,
) -> Result<(), batch::Error> {
    let id = account.id();
    let (owner, name) = (id.clone(), folder.clone());
    context.storage.brief(move |store| store.set_scanned(&owner, &name)).await?;
    context.update_account(&id, |live| {
        live.remaining.remove(&folder);
        if let Some(folder) = live.folders.get_mut(&folder) {
            folder.scanned = true;
        }
    });
    let seconds = took.as_secs_f64();
    context.tell(AgentEvent::Scanned { account: account.address.clone(), folder, messages, seconds });
    Ok(())
}

async fn checked_up_to(
    context: &Context,
    account: &AccountConfig,
    time: Timestamp,
    folders: u32,
) -> Result<(), batch::Error> {
    // The clock was set back while the round ran: only the next one can be told by it.
    if time > Timestamp::now() {
        return Ok(());
    }
    let id = account.id();
    let owner = id.clone();
    context.storage.brief(move |store| store.set_checked_up_to(&owner, time, folders)).await?;
    let clock_offset = context.live().backend.clock_offset;
    context.update_account(&id, |live: &mut LiveAccount| {
        live.checked = Some(Check { up_to: time, folders, clock_offset });
        if live.state == AccountState::Scanning {
            live.state = AccountState::Watching;
        }
    });
    context.outbox.notify_one();
    Ok(())
}

fn store_failed(context: &Context, error: &answerback_store::Error) -> Ended {
    Ended::Ours(Problem::of_store(error, &context.store_file))
}
