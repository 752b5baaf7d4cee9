//! Delivery reports of every mail system: failures, delays, successes.

mod origin;
mod reason;
mod report;
mod status;
mod text;

pub use report::{DeliveryAction, RecipientReport};

use crate::{
    Kind,
    message::{Message, ReportMedia},
};

use super::classify::Reason;

/// A delivery report.
pub(crate) struct Report {
    /// `bounce`, `delay` or `receipt`.
    pub kind: Kind,
    pub recipients: Vec<RecipientReport>,
    pub reason: Reason,
}

/// The delivery report that a message is, if it is one: by its report part, else by who wrote it and what it says.
pub(crate) fn detect(message: &Message) -> Option<Report> {
    let parts = message.body.reports.iter().filter(|part| part.media == ReportMedia::DeliveryStatus);
    let mut recipients: Vec<RecipientReport> = parts.flat_map(|part| report::parse(&part.text)).collect();
    if !recipients.is_empty() {
        text::fill_in(&mut recipients, message);
        let kind = kind_of(&recipients);
        let action = match kind {
            Kind::Bounce => "failed",
            Kind::Delay => "delayed",
            _ => "delivered",
        };
        return Some(Report { kind, recipients, reason: Reason::part("message/delivery-status", action) });
    }
    text::detect(message)
}

/// One failure makes it a bounce, else one delay a delay: what the send's own recipient has to do with it is seen
/// when the send is known.
fn kind_of(recipients: &[RecipientReport]) -> Kind {
    let any = |action| recipients.iter().any(|recipient| recipient.action == action);
    if any(DeliveryAction::Failed) {
        Kind::Bounce
    } else if any(DeliveryAction::Delayed) {
        Kind::Delay
    } else {
        Kind::Receipt
    }
}

/// The kind that a report is for one of its recipients.
pub(crate) const fn kind_for(recipient: &RecipientReport) -> Kind {
    match recipient.action {
        DeliveryAction::Failed => Kind::Bounce,
        DeliveryAction::Delayed => Kind::Delay,
        _ => Kind::Receipt,
    }
}
