//! What the author of an answer wants.

use std::sync::LazyLock;

use crate::Intent;
use crate::phrases::{Matcher, fold, is_answer, matcher};

/// A request not to be written to again stands in the first lines; what follows them is a letter.
const MAX_TEXT: usize = 4 * 1024;
/// A message of nothing but a phrase has, with a greeting and thanks, at most so many characters.
const MAX_ALONE: usize = 60;

/// A subject speaks for a message whose text is at most this long.
const MAX_BELOW_SUBJECT: usize = 200;

#[derive(Clone, Copy, PartialEq)]
enum Said {
    /// Asks for it.
    Asks,
    /// Asks for it where nothing else is said.
    Alone,
    /// Says the opposite, or talks about the subject.
    Not,
    /// "not", "never".
    Negation,
    /// "thanks", "regards".
    Courtesy,
}

static PHRASES: LazyLock<Matcher<Said>> = LazyLock::new(|| {
    matcher(&[
        (Said::Asks, "opt-out"),
        (Said::Alone, "opt-out-alone"),
        (Said::Not, "opt-out-not"),
        (Said::Negation, "negation"),
        (Said::Courtesy, "thanks"),
        (Said::Courtesy, "valediction"),
    ])
});

/// Whether the newly written text (see [`crate::text`]) asks not to be written to again.
///
/// Quotes must be gone: the footer "to unsubscribe, click here" of the send that is answered would be taken for the author's wish.
pub fn intent(newly_written: &str) -> Intent {
    let end = (0..=MAX_TEXT.min(newly_written.len()))
        .rev()
        .find(|&at| newly_written.is_char_boundary(at))
        .unwrap_or(0);
    let folded = fold(newly_written.get(..end).unwrap_or_default());
    let found = PHRASES.find(&folded);
    let asks = found.iter().any(|hit| {
        hit.tag == Said::Asks
            && !found.iter().any(|not| not.tag == Said::Not && not.start <= hit.end && hit.start <= not.end)
            && !found.iter().any(|no| {
                no.tag == Said::Negation
                    && no.phrase.language == hit.phrase.language
                    && is_right_before(&folded, no.start, no.end, hit.start)
            })
    });
    if asks || is_alone(&folded, &found) { Intent::OptOut } else { Intent::None }
}

/// The same of a whole message: `mailto:` links of unsubscription, and people in a hurry, put it into a subject of their
/// own and write little below it.
pub(crate) fn of_message(subject: &str, newly_written: &str) -> Intent {
    let is_short = newly_written.len() <= MAX_BELOW_SUBJECT && !newly_written.contains(['?', '？']);
    match intent(newly_written) {
        Intent::None if is_short && !is_answer(subject) => intent(subject),
        found => found,
    }
}

/// "please don't … remove me": only blanks or "please" between.
fn is_right_before(folded: &str, start: usize, end: usize, at: usize) -> bool {
    start < at
        && folded
            .get(end..at)
            .is_some_and(|gap| gap.trim().is_empty() || gap.trim() == "please" || gap.trim() == "ever")
}

/// Nothing but the phrase, courtesies and punctuation.
fn is_alone(folded: &str, found: &[crate::phrases::Found<Said>]) -> bool {
    if folded.chars().count() > MAX_ALONE || folded.contains('?') {
        return false;
    }
    found.iter().filter(|hit| hit.tag == Said::Alone).any(|hit| {
        let outside = |from: usize, to: usize| folded.get(from..to).unwrap_or_default();
        let rest = format!("{} {}", outside(0, hit.start), outside(hit.end, folded.len()));
        let words = rest
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty() && !is_courtesy(word, found, folded))
            .count();
        words == 0 && !found.iter().any(|no| no.tag == Said::Negation && no.end <= hit.start)
    })
}

/// A word of a courtesy phrase that stands in the text.
fn is_courtesy(word: &str, found: &[crate::phrases::Found<Said>], folded: &str) -> bool {
    const PLEASE: &[&str] = &[
        "please",
        "pls",
        "plz",
        "bitte",
        "por",
        "favor",
        "s'il",
        "plait",
        "vous",
        "prego",
        "aub",
        "tack",
        "proszę",
        "prosze",
        "prosim",
        "пожалуйста",
        "lutfen",
        "kiitos",
        "hi",
        "hello",
        "me",
        "us",
    ];
    PLEASE.contains(&word)
        || found.iter().filter(|hit| hit.tag == Said::Courtesy).any(|hit| {
            folded.get(hit.start..hit.end).is_some_and(|phrase| phrase.split(' ').any(|w| w == word))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_not_to_be_written_to_are_found_in_all_languages() {
        let rows = [
            "Please remove me from your list.",
            "Unsubscribe",
            "unsubscribe please",
            "UNSUBSCRIBE!!!",
            "Hi, please unsubscribe me. Thanks, Kevin",
            "Stop emailing me",
            "STOP",
            "Please stop sending me these emails.",
            "Take me off this list, I am not interested.",
            "Do not contact me again.",
            "I no longer wish to receive your emails",
            "Not interested. Don't email me again.",
            "How do I unsubscribe?",
            "kindly remove my email address from your database",
            "Please opt me out.",
            "No me escriban más, por favor.",
            "Por favor, denme de baja.",
            "no quiero recibir mas correos",
            "Baja",
            "Merci de me désabonner.",
            "Ne m'écrivez plus.",
            "Je ne souhaite plus recevoir vos mails",
            "Retirez-moi de votre liste",
            "Bitte nehmen Sie mich aus Ihrem Verteiler.",
            "Bitte keine weiteren E-Mails.",
            "Ich möchte keine Werbung mehr erhalten",
            "Schreiben Sie mir nicht mehr!",
            "Abmelden",
            "Por favor, me remova da lista.",
            "Parem de me enviar e-mails",
            "Não quero receber mais emails.",
            "Cancellatemi dalla lista",
            "Non scrivetemi più.",
            "Non desidero ricevere altre email",
            "Haal me van de lijst",
            "Stop met mailen",
            "Graag uitschrijven",
            "Ta bort mig från listan",
            "Sluta skicka mejl",
            "Fjern mig fra jeres liste",
            "Jeg ønsker ikke at modtage flere mails",
            "Fjern meg fra listen",
            "Slutt å sende meg e-post",
            "Poistakaa minut listalta",
            "Älkää lähettäkö enää",
            "Proszę mnie usunąć z listy",
            "Nie życzę sobie takich wiadomości",
            "Odhlaste mě prosím",
            "Už mi nepište",
            "Beni listeden çıkarın",
            "Bir daha mail atmayın",
            "Удалите меня из рассылки",
            "Больше не пишите мне",
            "配信停止をお願いします",
            "今後のご連絡は不要です",
            "请不要再给我发邮件",
            "退订",
            "請將我移除",
            "수신거부",
            "더 이상 메일을 보내지 마세요",
        ];
        let missed: Vec<&str> = rows.into_iter().filter(|text| intent(text) != Intent::OptOut).collect();
        assert!(missed.is_empty(), "{missed:#?}");
    }

    #[test]
    fn who_wants_the_contrary_or_talks_about_it_does_not_opt_out() {
        let rows = [
            "Don't stop the good work!",
            "Please don't remove me from your list.",
            "Please do not remove me, I enjoy these.",
            "I never unsubscribe from good things.",
            "Does your tool have an unsubscribe link?",
            "How do you handle it when a customer clicks unsubscribe?",
            "Our unsubscribe rate is 2 %.",
            "We can stop by on Tuesday.",
            "Non-stop flights only.",
            "Let's stop here and talk tomorrow.",
            "I'd like to remove the second item from the order.",
            "Why did you remove me from the beta?",
            "Please remove me from CC.",
            "Don't stop sending me these!",
            "Please stop by.",
            "Yes, please contact me.",
            "Can you email me again on Monday?",
            "I am not interested right now, maybe next year.",
            "Bitte entfernen Sie mich nicht aus dem Verteiler.",
            "Hören Sie nicht auf!",
            "Ne me désabonnez pas, s'il vous plaît.",
            "Por favor no me den de baja.",
            "Non smettete, mi piace.",
            "Verwijder me niet!",
            "Ta inte bort mig",
            "Proszę mnie nie usuwać",
            "Не удаляйте меня",
            "配信停止機能はありますか",
            "请问你们有退订功能吗",
            "수신거부 기능이 있나요?",
            "Please cancel the meeting and send a new date.",
            "",
        ];
        let wrong: Vec<&str> = rows.into_iter().filter(|text| intent(text) != Intent::None).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn a_subject_of_its_own_asks_for_a_message_that_says_little() {
        for (subject, text, expected) in [
            ("unsubscribe", "", Intent::OptOut),
            ("Please remove me from your list", "Thanks, Kevin", Intent::OptOut),
            ("Re: Unsubscribe", "", Intent::None),
            ("Unsubscribe", "How do your customers do that?", Intent::None),
            ("Space Paranoids", "", Intent::None),
        ] {
            assert_eq!(of_message(subject, text), expected, "{subject:?} {text:?}");
        }
    }

    #[test]
    fn no_text_panics() {
        proptest::proptest!(|(text in "\\PC*")| {
            let _ = intent(&text);
        });
    }
}
