//! Delivery status notifications (RFC 3464): one block a recipient, never merged.

use crate::{Bounce, BounceClass, BounceReason};

use super::{
    reason,
    status::{self, Status},
};

/// What was done with a recipient's copy (RFC 3464 §2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryAction {
    /// It could not be delivered.
    Failed,
    /// Delivery is still being tried.
    Delayed,
    /// It was delivered.
    Delivered,
    /// It was handed to a system that gives no reports.
    Relayed,
    /// It was delivered to an alias that stands for several.
    Expanded,
}

/// What a report says of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientReport {
    /// What was done.
    pub action: DeliveryAction,
    /// The address that the sender wrote to, where it differs from the final one.
    pub original_recipient: Option<String>,
    /// Class, reason, status, final recipient and diagnostic.
    pub bounce: Bounce,
}

/// Recipients read of one report; a report to a mailbox's owner names a handful.
const MAX_RECIPIENTS: usize = 200;
/// What is kept of a diagnostic.
const MAX_DIAGNOSTIC: usize = 500;

/// The recipients of a message/delivery-status part.
pub(crate) fn parse(text: &str) -> Vec<RecipientReport> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut block = Block::default();
    for field in fields(text) {
        match field {
            Line::Blank => block.finish(&mut blocks),
            Line::Field(name, value) => {
                // Some reporters leave out the blank line between recipients.
                if block.is_complete_before(&name) {
                    block.finish(&mut blocks);
                }
                block.set(&name, value);
            }
        }
        if blocks.len() >= MAX_RECIPIENTS {
            break;
        }
    }
    block.finish(&mut blocks);
    blocks.into_iter().filter_map(Block::into_report).collect()
}

#[derive(Default)]
struct Block {
    original: Option<String>,
    final_recipient: Option<String>,
    action: Option<String>,
    status: Option<String>,
    diagnostic: Option<String>,
}

impl Block {
    fn is_complete_before(&self, name: &str) -> bool {
        match name {
            "final-recipient" => self.final_recipient.is_some(),
            "original-recipient" => {
                self.original.is_some() || (self.final_recipient.is_some() && self.action.is_some())
            }
            "action" => self.action.is_some(),
            _ => false,
        }
    }

    fn set(&mut self, name: &str, value: String) {
        match name {
            "original-recipient" => self.original = Some(address(&value)),
            "final-recipient" => self.final_recipient = Some(address(&value)),
            "action" => self.action = Some(value.to_ascii_lowercase()),
            "status" => self.status = Some(value),
            "diagnostic-code" => self.diagnostic = Some(value),
            // Exchange and some relays put the remote reply elsewhere.
            "x-display-name" | "x-supplementary-info" | "x-notes"
                if self.diagnostic.is_none()
                    && (Status::find(&value).is_some() || status::find_reply(&value).is_some()) =>
            {
                self.diagnostic = Some(value);
            }
            _ => {}
        }
    }

    fn finish(&mut self, into: &mut Vec<Self>) {
        let block = std::mem::take(self);
        if block.original.is_some() || block.final_recipient.is_some() || block.action.is_some() {
            into.push(block);
        } else if (block.status.is_some() || block.diagnostic.is_some())
            && let Some(last) = into.last_mut()
        {
            // A blank line in the middle of a recipient's fields.
            last.status = last.status.take().or(block.status);
            last.diagnostic = last.diagnostic.take().or(block.diagnostic);
        }
    }

    fn into_report(self) -> Option<RecipientReport> {
        let diagnostic = self.diagnostic.as_deref().map(strip_type).filter(|text| !text.is_empty());
        let words = diagnostic.unwrap_or_default();
        let status = best_status(self.status.as_deref().and_then(Status::find), words);
        let reply = status::find_reply(words);
        let class = status
            .and_then(|status| status::class_of(status.class))
            .or_else(|| status::class_of(u8::try_from(reply? / 100).ok()?));
        let action = match self.action.as_deref().map(str::trim) {
            Some(action) if action.starts_with("fail") => DeliveryAction::Failed,
            Some(action) if action.starts_with("delay") => DeliveryAction::Delayed,
            Some(action) if action.starts_with("deliver") => DeliveryAction::Delivered,
            Some(action) if action.starts_with("relay") => DeliveryAction::Relayed,
            Some(action) if action.starts_with("expand") => DeliveryAction::Expanded,
            // No or an unknown action: the code decides.
            _ => match status.map(|status| status.class).or_else(|| u8::try_from(reply? / 100).ok()) {
                Some(2) => DeliveryAction::Delivered,
                Some(4) => DeliveryAction::Delayed,
                Some(_) => DeliveryAction::Failed,
                None if self.action.is_some() || self.final_recipient.is_some() => DeliveryAction::Failed,
                None => return None,
            },
        };
        let reason = reason::decide(status, words);
        let class = class.unwrap_or(match action {
            DeliveryAction::Delayed => BounceClass::Transient,
            _ => BounceClass::Permanent,
        });
        let bounce = Bounce {
            class: class_of_full_mailbox(status, reason).unwrap_or(class),
            reason,
            status: status.map(|status| status.to_string()),
            recipient: self.final_recipient.or_else(|| self.original.clone()),
            diagnostic: diagnostic.map(|text| truncated(text, MAX_DIAGNOSTIC)),
        };
        Some(RecipientReport { action, original_recipient: self.original, bounce })
    }
}

/// A full mailbox is a persistent transient failure (RFC 3463 §3.3) unless the server's code is specific and says
/// otherwise.
pub(super) fn class_of_full_mailbox(status: Option<Status>, reason: BounceReason) -> Option<BounceClass> {
    let says_nothing =
        status.is_none_or(|status| status.is_generic() || (status.subject, status.detail) == (7, 0));
    (reason == BounceReason::MailboxFull && says_nothing).then_some(BounceClass::Transient)
}

/// The more telling of the block's own code and the remote server's: "5.0.0" beside "550 5.1.1" says nothing.
pub(super) fn best_status(own: Option<Status>, words: &str) -> Option<Status> {
    match (own, Status::find(words)) {
        (Some(own), Some(said)) if said.class != 2 && own.is_generic() => Some(said),
        (Some(own), _) => Some(own),
        (None, said) => said,
    }
}

enum Line {
    Blank,
    Field(String, String),
}

/// Unfolded fields, and the blank lines between groups.
fn fields(text: &str) -> impl Iterator<Item = Line> {
    let mut lines = text.lines().peekable();
    std::iter::from_fn(move || {
        loop {
            let line = lines.next()?;
            if line.trim().is_empty() {
                return Some(Line::Blank);
            }
            let Some((name, value)) = line.split_once(':') else { continue };
            let mut value = value.trim().to_owned();
            while let Some(next) =
                lines.next_if(|next| next.starts_with([' ', '\t']) && !next.trim().is_empty())
            {
                if value.len() < 4096 {
                    value.push(' ');
                    value.push_str(next.trim());
                }
            }
            return Some(Line::Field(name.trim().to_ascii_lowercase(), value));
        }
    })
}

/// The address of `rfc822; a@x.example` (RFC 3464 §2.3.1), in lower case.
fn address(value: &str) -> String {
    let address = value.rsplit_once(';').map_or(value, |(_, address)| address);
    crate::message::address::parse_path(format!("<{}>", address.trim().trim_matches(['<', '>'])).as_bytes())
}

/// The words of `smtp; 550 no` without the type.
fn strip_type(value: &str) -> &str {
    match value.split_once(';') {
        Some((kind, words)) if kind.len() <= 16 && !kind.contains(' ') => words.trim(),
        _ => value.trim(),
    }
}

/// The beginning of a text in one line.
pub(super) fn truncated(text: &str, limit: usize) -> String {
    let mut line = String::with_capacity(text.len().min(limit + 4));
    for word in text.split_whitespace() {
        if line.len() + word.len() + 1 > limit {
            line.push('…');
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_recipient_has_its_own_block() {
        let reports = parse(
            "Reporting-MTA: dns; mx.sales.example\r\n\r\n\
             Final-Recipient: rfc822; Flynn@FlynnsArcade.com\r\nOriginal-Recipient: rfc822;boss@flynnsarcade.com\r\n\
             Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 <flynn@flynnsarcade.com>:\r\n Recipient address rejected: User unknown\r\n\r\n\
             Final-Recipient: rfc822; alan@encom.com\r\nAction: delayed\r\nStatus: 4.4.1\r\n\
             Final-Recipient: rfc822; lora@encom.com\r\nAction: relayed\r\nStatus: 2.0.0\r\n",
        );
        let [flynn, alan, lora] = reports.as_slice() else { panic!("{reports:?}") };
        assert_eq!(flynn.action, DeliveryAction::Failed);
        assert_eq!(flynn.original_recipient.as_deref(), Some("boss@flynnsarcade.com"));
        assert_eq!(flynn.bounce.recipient.as_deref(), Some("flynn@flynnsarcade.com"));
        assert_eq!(
            (flynn.bounce.class, flynn.bounce.reason),
            (BounceClass::Permanent, BounceReason::Address)
        );
        assert_eq!(flynn.bounce.status.as_deref(), Some("5.1.1"));
        assert_eq!(
            flynn.bounce.diagnostic.as_deref(),
            Some("550 5.1.1 <flynn@flynnsarcade.com>: Recipient address rejected: User unknown")
        );
        assert_eq!((alan.action, alan.bounce.class), (DeliveryAction::Delayed, BounceClass::Transient));
        assert_eq!(lora.action, DeliveryAction::Relayed);
    }

    #[test]
    fn codes_decide_where_the_action_is_missing_and_the_remote_reply_where_the_code_is_generic() {
        for (text, action, class, reason) in [
            (
                "Final-Recipient: rfc822;a@x\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp;552 quota exceeded",
                DeliveryAction::Failed,
                BounceClass::Transient,
                BounceReason::MailboxFull,
            ),
            (
                "Final-Recipient: rfc822;a@x\nStatus: 5.0.0\nDiagnostic-Code: smtp;552 5.2.2 Over quota",
                DeliveryAction::Failed,
                BounceClass::Permanent,
                BounceReason::MailboxFull,
            ),
            (
                "Final-Recipient: rfc822;a@x\nStatus: 4.4.7",
                DeliveryAction::Delayed,
                BounceClass::Transient,
                BounceReason::Expired,
            ),
            (
                "Final-Recipient: rfc822;a@x\nAction: failed\nStatus: 4.4.7\n",
                DeliveryAction::Failed,
                BounceClass::Transient,
                BounceReason::Expired,
            ),
            (
                "Final-Recipient: rfc822;a@x\nAction: failed\nDiagnostic-Code: smtp; 550 5.7.1 Message rejected as spam",
                DeliveryAction::Failed,
                BounceClass::Permanent,
                BounceReason::Content,
            ),
            (
                "Final-Recipient: rfc822;a@x\nAction: failed\n\nStatus: 5.7.1\n",
                DeliveryAction::Failed,
                BounceClass::Permanent,
                BounceReason::Policy,
            ),
        ] {
            let reports = parse(text);
            let [report] = reports.as_slice() else { panic!("{text:?}: {reports:?}") };
            assert_eq!(
                (report.action, report.bounce.class, report.bounce.reason),
                (action, class, reason),
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_is_no_report_gives_nothing() {
        for text in ["", "hello", "Reporting-MTA: dns; x\n\n", ":\n:\n"] {
            assert!(parse(text).is_empty(), "{text:?}");
        }
    }
}
