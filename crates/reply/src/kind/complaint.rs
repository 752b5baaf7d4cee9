//! Abuse reports from feedback loops: ARF (RFC 5965) and the forms that predate it.

use crate::message::{Field, Message, ReportMedia};

use super::classify::Reason;

/// Why a message is a complaint, if it is one.
pub(crate) fn detect(message: &Message) -> Option<Reason> {
    if let Some(report) = message.body.reports.iter().find(|part| part.media == ReportMedia::FeedbackReport) {
        // "not-spam" (RFC 6430) takes a complaint back.
        let feedback_type = field(&report.text, "feedback-type").unwrap_or("abuse").to_ascii_lowercase();
        return (feedback_type != "not-spam")
            .then(|| Reason::part("message/feedback-report", &feedback_type));
    }
    if message.content_type.report_type.as_deref() == Some("feedback-report") {
        return Some(Reason::part("multipart/report", "feedback-report"));
    }
    // Hotmail's Junk Mail Reporting Program attaches the original and says so in fields of its own.
    if let Some(value) = message.sign(Field::HotmailComplainer) {
        return Some(Reason::header(Field::HotmailComplainer, value));
    }
    // The programme's reports from before ARF; nothing else comes from its address, also where the report itself bears
    // the complained-about message's author.
    [message.return_path.as_deref(), message.from.as_deref()]
        .contains(&Some(HOTMAIL))
        .then(|| Reason::Sender { address: HOTMAIL.to_owned() })
}

/// The sender of Hotmail's Junk Mail Reporting Program.
const HOTMAIL: &str = "staff@hotmail.com";

/// A report of failed authentication (RFC 6591): it comes in the same form and says nothing about what a recipient
/// wants.
pub(crate) fn is_about_authentication(reason: Option<&Reason>) -> bool {
    matches!(reason, Some(Reason::Part { media, value }) if media == "message/feedback-report" && value == "auth-failure")
}

/// The value of a field in a machine-readable part.
fn field<'x>(text: &'x str, name: &str) -> Option<&'x str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arf(feedback_type: &str) -> Message {
        Message::parse(
            format!(
                "From: <abusedesk@isp.example>\nSubject: FW: Earn money\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n\
                 --b\n\nThis is an email abuse report.\n--b\nContent-Type: message/feedback-report\n\n{feedback_type}User-Agent: SomeGenerator/1.0\n\
                 --b\nContent-Type: message/rfc822\n\nMessage-ID: <s1@sales.example>\n\nHi\n--b--\n"
            )
            .as_bytes(),
        )
    }

    #[test]
    fn feedback_reports_are_complaints_unless_they_take_one_back() {
        for (feedback_type, complains) in [
            ("Feedback-Type: abuse\nVersion: 1\n", true),
            ("Feedback-Type: fraud\n", true),
            ("Feedback-Type: opt-out\n", true),
            ("", true),
            ("Feedback-Type: auth-failure\n", true),
            ("feedback-type: Not-Spam\n", false),
        ] {
            assert_eq!(detect(&arf(feedback_type)).is_some(), complains, "{feedback_type:?}");
        }
        assert!(is_about_authentication(detect(&arf("Feedback-Type: Auth-Failure\n")).as_ref()));
        assert!(!is_about_authentication(detect(&arf("Feedback-Type: abuse\n")).as_ref()));
    }

    #[test]
    fn a_person_who_complains_is_no_feedback_loop() {
        let message = Message::parse(
            b"From: flynn@flynnsarcade.com\nSubject: Complaint about message from 10.0.0.1\n\nStop it.",
        );
        assert_eq!(detect(&message), None);
        let hotmail =
            Message::parse(b"From: staff@hotmail.com\nSubject: complaint about message from 24.64.1.1\n\n");
        assert!(detect(&hotmail).is_some());
    }
}
