//! Newsletters, notifications, list posts and aggregate reports: mail to many, or by a machine to nobody in
//! particular.

use crate::{
    message::{Field, Message},
    phrases,
};

use super::classify::Reason;

/// Aggregate reports on authentication (RFC 7489 §7.2) and transport security (RFC 8460 §5.3): a compressed file under
/// a subject of fixed form.
pub(crate) fn aggregate_report(message: &Message) -> Option<Reason> {
    if message.content_type.report_type.as_deref() == Some("tlsrpt") {
        return Some(Reason::part("multipart/report", "tlsrpt"));
    }
    if let Some(domain) = message.sign(Field::TlsReportDomain) {
        return Some(Reason::header(Field::TlsReportDomain, domain));
    }
    let subject = message.subject.as_deref()?.to_ascii_lowercase();
    // "Report Domain: x Submitter: y Report-ID: z" (RFC 7489 §7.2.1.1), which senders vary.
    let is_report = subject.contains("report domain") && subject.contains("submitter");
    let attachments = message.body.attachments.iter().map(|attachment| attachment.media.as_str());
    let compressed = attachments.chain(std::iter::once(message.content_type.media.as_str())).any(|media| {
        matches!(
            media,
            "application/zip" | "application/gzip" | "application/x-zip-compressed" | "application/x-gzip"
        )
    });
    (is_report && (compressed || !message.has_body)).then(|| Reason::subject("Report Domain"))
}

/// Why a message is bulk mail, if it is.
///
/// A list's fields on a message that answers another don't make it bulk: people answer on lists, and the list adds
/// its fields to what they wrote.
pub(crate) fn detect(message: &Message) -> Option<Reason> {
    let answers = message.is_threaded() || phrases::is_answer(message.subject.as_deref().unwrap_or_default());
    // Campaign identifiers are written by senders of newsletters only.
    for field in [Field::CampaignId, Field::Campaign, Field::FeedbackId] {
        if let Some(value) = message.sign(field)
            && !answers
        {
            return Some(Reason::header(field, value));
        }
    }
    if let Some(value) = message.sign(Field::GitHubReason) {
        return Some(Reason::header(Field::GitHubReason, value));
    }
    if answers {
        return None;
    }
    for field in [
        Field::ListId,
        Field::ListPost,
        Field::ListUnsubscribe,
        Field::MailingList,
        Field::XMailingList,
        Field::BeenThere,
        Field::JiraFingerprint,
    ] {
        if let Some(value) = message.sign(field) {
            return Some(Reason::header(field, value));
        }
    }
    [Field::Precedence, Field::XPrecedence]
        .into_iter()
        .find_map(|field| Some((field, message.sign(field)?)))
        .filter(|(_, value)| {
            ["bulk", "list", "junk"].iter().any(|bulk| value.trim().eq_ignore_ascii_case(bulk))
        })
        .map(|(field, value)| Reason::header(field, value))
}
