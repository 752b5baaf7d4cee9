//! Read receipts as Outlook and Exchange word them.

use std::sync::LazyLock;

use super::{Matcher, Phrase, fold, matcher};

/// "Your message", its recipients, subject and time, "was read on" a day: receipts say no more.
const MAX_RECEIPT: usize = 1_500;

static SUBJECTS: LazyLock<Matcher<()>> = LazyLock::new(|| matcher(&[((), "receipt-subject")]));
static TEXTS: LazyLock<Matcher<()>> = LazyLock::new(|| matcher(&[((), "receipt")]));

/// The phrase of a read receipt in `text`, under the subject that receipts in the same language have ("Read: …").
///
/// Either alone is a person's as well.
pub(crate) fn read_receipt(subject: &str, text: &str) -> Option<Phrase> {
    let subject = fold(subject);
    let language = SUBJECTS.find(&subject).into_iter().find_map(|hit| {
        let after = subject.get(hit.end..)?.trim_start();
        (hit.start == 0 && after.starts_with(':')).then_some(hit.phrase.language)
    })?;
    if text.len() > MAX_RECEIPT || text.contains(['?', '\u{ff1f}']) {
        return None;
    }
    TEXTS.find(&fold(text)).into_iter().map(|hit| hit.phrase).find(|phrase| phrase.language == language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_are_told_by_subject_and_text_together() {
        let receipts = [
            (
                "Read: Space Paranoids",
                "Your message\n\n   To: Flynn\n   Subject: Space Paranoids\n\nwas read on Thursday, 19 November 2026.",
            ),
            (
                "Not read: Space Paranoids",
                "Your message To: Flynn was deleted without being read on 19 November 2026.",
            ),
            (
                "Gelesen: Angebot",
                "Ihre Nachricht\n\n   An: Flynn\n   Betreff: Angebot\n\nwurde am 19.11.2026 10:00 gelesen.",
            ),
            ("Lu : Offre", "Votre message À : Flynn a été lu le jeudi 19 novembre 2026."),
            ("Leído: Oferta", "El mensaje Para: Flynn se leyó el jueves, 19 de noviembre de 2026."),
            ("Letto: Offerta", "Il messaggio A: Flynn è stato letto in data 19/11/2026."),
            ("開封済み: 提案", "メッセージは 2026年11月19日 に開封されました。"),
        ];
        for (subject, text) in receipts {
            assert!(read_receipt(subject, text).is_some(), "{subject}");
        }
        let people = [
            ("Re: Space Paranoids", "It was read on Thursday."),
            ("Read: Space Paranoids", "Read it, I like it."),
            ("Read this: Space Paranoids", "Your message was read on Thursday."),
            ("Read: Space Paranoids", "Your message was read on Thursday. Can we talk?"),
        ];
        for (subject, text) in people {
            assert_eq!(read_receipt(subject, text), None, "{subject}: {text}");
        }
    }
}
