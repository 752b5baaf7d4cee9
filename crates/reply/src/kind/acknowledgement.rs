//! Ticket systems and "we received your mail".

use crate::{
    message::{Field, Message},
    phrases,
};

use super::classify::Reason;

/// Fields that ticket systems write into everything they send.
const SYSTEMS: &[Field] =
    &[Field::RtManagedBy, Field::RtTicket, Field::ServiceNowGenerated, Field::OtrsPoweredBy];

/// The mark of a ticket system, whatever the message says.
pub(crate) fn ticket_system(message: &Message) -> Option<Reason> {
    let field = SYSTEMS.iter().find_map(|field| Some((*field, message.sign(*field)?)));
    match field {
        // X-Powered-By is written by web frameworks too.
        Some((Field::OtrsPoweredBy, value))
            if !["OTRS", "OTOBO", "Znuny"].iter().any(|name| value.contains(name)) =>
        {
            None
        }
        Some((field, value)) => Some(Reason::header(field, value)),
        None => message
            .sign(Field::Mailer)
            .filter(|mailer| {
                ["Zendesk", "OTRS", "OTOBO", "Znuny", "Zammad"].iter().any(|name| mailer.contains(name))
            })
            .map(|mailer| Reason::header(Field::Mailer, mailer)),
    }
}

/// The words of an acknowledgement in subject or text.
pub(crate) fn words(message: &Message, text: &str) -> Option<Reason> {
    let subject = message.subject.as_deref().unwrap_or_default();
    phrases::acknowledgement_subject(subject)
        .map(|phrase| Reason::subject(phrase.text))
        .or_else(|| phrases::acknowledgement_text(text).map(|phrase| Reason::text(phrase.text)))
}
