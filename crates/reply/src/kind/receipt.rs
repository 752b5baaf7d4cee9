//! Message disposition notifications: read receipts (RFC 8098), whatever they say (displayed, deleted, denied).

use crate::message::{Message, ReportMedia};

use super::classify::Reason;

/// Why a message is a read receipt, if it is one.
pub(crate) fn detect(message: &Message) -> Option<Reason> {
    let report = message.body.reports.iter().find(|part| part.media == ReportMedia::DispositionNotification);
    if let Some(report) = report {
        let disposition = report.text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim()
                .eq_ignore_ascii_case("disposition")
                .then(|| value.rsplit(';').next().unwrap_or(value).trim())
        });
        return Some(Reason::part("message/disposition-notification", disposition.unwrap_or_default()));
    }
    (message.content_type.report_type.as_deref() == Some("disposition-notification"))
        .then(|| Reason::part("multipart/report", "disposition-notification"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disposition_notification_is_a_receipt_whatever_it_says() {
        for disposition in ["displayed", "deleted", "denied", "dispatched", "processed/error"] {
            let message = Message::parse(
                format!(
                    "From: flynn@flynnsarcade.com\nSubject: Read: Space Paranoids\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n\
                     --b\n\nYour message was read.\n--b\nContent-Type: message/disposition-notification\n\n\
                     Final-Recipient: rfc822;flynn@flynnsarcade.com\nOriginal-Message-ID: <s1@sales.example>\nDisposition: manual-action/MDN-sent-manually; {disposition}\n--b--\n"
                )
                .as_bytes(),
            );
            assert_eq!(detect(&message), Some(Reason::part("message/disposition-notification", disposition)));
        }
        assert_eq!(detect(&Message::parse(b"Subject: Read: this\n\nI read it.")), None);
    }
}
