//! From what is kept to what is shown.

use answerback_reply::{Reason, TrackedSend};
use answerback_store::{EventRow, EventState, Review, VerdictRow};
use serde::Serialize;

use crate::config::{AccountConfig, Server, SignInSource};
use crate::live::LiveAccount;
use crate::view::{
    AccountView, Door, EvidenceView, FolderView, OutboxRow, OutboxState, ReasonView, ReplyDetail, ReplyRow,
    SentEvent,
};

/// A number for the window, which has no 64-bit ones.
pub fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The name that a value has in JSON.
fn name(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// By which of its doors a mailbox is read.
pub fn door(config: &AccountConfig) -> Door {
    match config.server() {
        Server::Imap(_) => Door::Imap,
        Server::Graph(_) => Door::Graph,
        Server::Ews(_) => Door::Ews,
    }
}

/// A mailbox.
pub fn account(
    config: &AccountConfig,
    live: &LiveAccount,
    checked_up_to: Option<jiff::Timestamp>,
) -> AccountView {
    let folder = |(name, folder): (&String, &crate::live::LiveFolder)| FolderView {
        name: name.clone(),
        role: folder.role.clone(),
        scanned: folder.scanned,
        messages_seen: small(folder.messages_seen),
        // What is known of the whole mailbox holds for each of its folders.
        checked_up_to: folder.read_up_to.max(checked_up_to.filter(|_| folder.scanned)).map(|t| t.to_string()),
    };
    AccountView {
        id: config.id(),
        address: config.address.clone(),
        aliases: config.aliases.clone(),
        colleagues: config.colleagues.clone(),
        door: door(config),
        server: config.server_name(),
        username: match config.server() {
            Server::Imap(imap) => imap.username.clone(),
            Server::Ews(ews) => ews.username.clone(),
            Server::Graph(_) => None,
        },
        provider: match config.sign_in() {
            SignInSource::Browser(oauth) => Some(oauth.provider.clone()),
            SignInSource::Password(_) | SignInSource::Token(_) => None,
        },
        sign_in_host: None,
        takes_password: matches!(config.sign_in(), SignInSource::Password(_)),
        state: live.state,
        checked_up_to: checked_up_to.map(|time| time.to_string()),
        scan_progress: live.progress(),
        messages_seen: small(live.messages_seen),
        problem: live.problem.clone(),
        exclude_folders: config.exclude_folders.clone(),
        folders: live.folders.iter().map(folder).collect(),
    }
}

/// A verdict in the list.
pub fn reply_row(row: &VerdictRow, send: Option<&TrackedSend>, address: &str) -> ReplyRow {
    let verdict = &row.verdict;
    ReplyRow {
        id: i32::try_from(row.id).unwrap_or(i32::MAX),
        account: address.to_owned(),
        folder: row.folder.clone(),
        kind: name(verdict.kind),
        from_name: row.from_name.clone(),
        from: verdict.from.clone(),
        subject: row.subject.clone(),
        received_at: row.received_at.map(|time| time.to_string()),
        relation: verdict.relation.map(name),
        intent: name(verdict.intent),
        prospect: send.and_then(prospect_name),
        campaign: send.and_then(|send| send.campaign.as_ref()).and_then(|c| c.name.clone()),
        sent_at: send.map(|send| send.sent_at.to_string()),
        confidence: verdict.confidence,
        rung: verdict.evidence.first().map(|evidence| name(evidence.rung)),
        actions: verdict.actions.iter().map(name).collect(),
        returns_on: verdict.returns_on.map(|day| day.to_string()),
        pause_until: verdict.pause_until.map(|day| day.to_string()),
        retracted: matches!(row.review, Review::Retracted | Review::Dismissed),
        question: row.review == Review::Question,
        delivery: row.delivery.map(outbox_state),
    }
}

fn prospect_name(send: &TrackedSend) -> Option<String> {
    let prospect = send.prospect.as_ref()?;
    prospect.name.clone().or_else(|| prospect.email.clone())
}

/// A verdict with all that is known of it.
pub fn reply_detail(
    row: &VerdictRow,
    send: Option<&TrackedSend>,
    address: &str,
    events: &[EventRow],
) -> ReplyDetail {
    let verdict = &row.verdict;
    let bounce = verdict.bounce.as_ref().map(|bounce| {
        let parts = [
            Some(name(bounce.class)),
            Some(name(bounce.reason)),
            bounce.status.clone(),
            bounce.recipient.clone(),
            bounce.diagnostic.clone(),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    });
    ReplyDetail {
        row: reply_row(row, send, address),
        message_id: verdict.message_id.clone(),
        send_subject: send.and_then(|send| send.subject.clone()),
        sent_at: send.map(|send| send.sent_at.to_string()),
        send_id: verdict.send_id.clone(),
        reason: verdict.because.as_ref().map(reason),
        evidence: verdict
            .evidence
            .iter()
            .map(|evidence| EvidenceView { rung: name(evidence.rung), value: evidence.value.clone() })
            .collect(),
        bounce,
        alternative_contact: verdict.alternative_contact.clone(),
        partstat: verdict.partstat.clone(),
        events: events.iter().map(sent_event).collect(),
    }
}

fn reason(reason: &Reason) -> ReasonView {
    let (place, value) = match reason {
        Reason::Header { name, value } => ("header", format!("{name}: {value}")),
        Reason::Part { media, value } if value.is_empty() => ("part", media.clone()),
        Reason::Part { media, value } => ("part", format!("{media}: {value}")),
        Reason::Subject { phrase } => ("subject", phrase.clone()),
        Reason::Text { phrase } => ("text", phrase.clone()),
        Reason::Sender { address } => ("sender", address.clone()),
    };
    ReasonView { place: place.to_owned(), value }
}

fn sent_event(event: &EventRow) -> SentEvent {
    SentEvent {
        event: short_type(&event.event_type),
        state: outbox_state(event.state),
        reason: event.reason.clone(),
        json: event.json.clone(),
    }
}

/// An event of the outbox.
pub fn outbox_row(event: EventRow, send: Option<&TrackedSend>) -> OutboxRow {
    OutboxRow {
        event: short_type(&event.event_type),
        id: event.id,
        send_id: event.send_id,
        prospect: send.and_then(prospect_name),
        created_at: event.created_at.to_string(),
        attempts: event.attempts,
        state: outbox_state(event.state),
        reason: event.reason,
        json: event.json,
    }
}

fn outbox_state(state: EventState) -> OutboxState {
    match state {
        EventState::Waiting => OutboxState::Waiting,
        EventState::Rejected => OutboxState::Rejected,
        EventState::Delivered => OutboxState::Delivered,
    }
}

/// `answerback.stop.v1` → `stop`.
fn short_type(event_type: &str) -> String {
    event_type.trim_start_matches("answerback.").trim_end_matches(".v1").to_owned()
}
