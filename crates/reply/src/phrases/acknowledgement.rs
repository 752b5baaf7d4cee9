//! What ticket systems and shared mailboxes answer by themselves.

use std::sync::LazyLock;

use super::{Matcher, Phrase, fold, matcher, without_answers};

/// Acknowledgements say what they are early; a phrase deep in a long text is somebody's story about one.
const LOOKED_AT: usize = 2_000;

static SUBJECTS: LazyLock<Matcher<()>> = LazyLock::new(|| matcher(&[((), "acknowledgement-subject")]));
static TEXTS: LazyLock<Matcher<()>> = LazyLock::new(|| matcher(&[((), "acknowledgement")]));

/// A phrase at the beginning of the subject, behind reply prefixes and `[tags]`, that acknowledgements use.
pub fn acknowledgement_subject(subject: &str) -> Option<Phrase> {
    let folded = fold(subject);
    let rest = without_answers(&folded);
    [rest, folded.as_str()]
        .into_iter()
        .find_map(|text| SUBJECTS.find(text).into_iter().find(|hit| hit.start == 0).map(|hit| hit.phrase))
}

/// A phrase of automatic acknowledgements ("we have received your request") in the text.
pub fn acknowledgement_text(text: &str) -> Option<Phrase> {
    let head = text.char_indices().nth(LOOKED_AT).and_then(|(end, _)| text.get(..end)).unwrap_or(text);
    TEXTS.first(&fold(head)).map(|hit| hit.phrase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticket_systems_are_recognised() {
        let rows = [
            "We've received your request #4711 and one of our agents will reply.",
            "Ihre Anfrage wurde unter der Nummer 12 registriert.",
            "Nous avons bien reçu votre demande.",
            "Hemos recibido su solicitud y le responderemos.",
            "お問い合わせを受け付けました。",
            "我们已收到您的邮件。",
            "문의가 접수되었습니다.",
        ];
        for text in rows {
            assert!(acknowledgement_text(text).is_some(), "{text}");
        }
        assert!(acknowledgement_subject("Re: [Ticket#12] We have received your request").is_some());
        assert!(acknowledgement_subject("[Request received] Offer").is_some());
        assert_eq!(acknowledgement_subject("Please confirm you have received my request"), None);
        assert_eq!(acknowledgement_text("Thanks, let us talk on Monday."), None);
    }
}
