//! Whether subject and text are those of an out-of-office mail.

use std::sync::LazyLock;

use super::head;
use crate::phrases::{Matcher, Phrase, fold, matcher, without_answers};

/// How sure subject and text are that this is an out-of-office mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// Nothing says so.
    #[default]
    None,
    /// The words stand there, but people who write about absence use them too: only together with another sign.
    Weak,
    /// A subject that only products write, or a short first-person notice.
    Strong,
}

/// What says that it is an out-of-office mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signal {
    /// What the subject says.
    pub subject: Strength,
    /// What the text says.
    pub text: Strength,
    /// The phrase that decided.
    pub phrase: Option<Phrase>,
}

impl Signal {
    /// The stronger of the two.
    pub fn strength(&self) -> Strength {
        self.subject.max(self.text)
    }
}

/// A notice says so in its first lines.
const NOTICE_BEGINS_WITHIN: usize = 400;
/// And it is not longer than this many bytes, folded.
const MAX_NOTICE: usize = 2_500;

static SUBJECTS: LazyLock<Matcher<Strength>> =
    LazyLock::new(|| matcher(&[(Strength::Strong, "absence-subject"), (Strength::Weak, "absence-topic")]));

#[derive(Clone, Copy, PartialEq)]
enum Said {
    Notice,
    Topic,
    Support,
}

static TEXTS: LazyLock<Matcher<Said>> = LazyLock::new(|| {
    matcher(&[
        (Said::Notice, "absence"),
        (Said::Topic, "absence-weak"),
        (Said::Support, "contact"),
        (Said::Support, "back"),
        (Said::Support, "back-after"),
    ])
});

/// Looks at the decoded subject and the newly written text.
pub fn signal(subject: &str, text: &str) -> Signal {
    let (in_subject, subject_phrase) = of_subject(subject);
    let (in_text, text_phrase) = of_text(text);
    let phrase = if in_subject >= in_text { subject_phrase.or(text_phrase) } else { text_phrase };
    Signal { subject: in_subject, text: in_text, phrase }
}

fn of_subject(subject: &str) -> (Strength, Option<Phrase>) {
    let folded = fold(subject);
    if let Some(phrase) = tagged(&folded) {
        return (Strength::Strong, Some(phrase));
    }
    let rest = without_answers(&folded);
    // "Re: Automatic reply: …" is what somebody wrote under one: responders put their words first.
    let answers = is_answer_to(&folded, rest);
    let mut best = (Strength::None, None);
    for hit in SUBJECTS.find(rest) {
        let after = rest.get(hit.end..).unwrap_or_default().trim_start();
        // "Automatic reply: …" is a product's; "Automatic reply settings" is somebody's topic.
        let alone = after.is_empty() || after.starts_with([':', '-', '(', '[', '!', '.', ',', '|', '/', '"']);
        let whole = after.trim_matches(|c: char| !c.is_alphanumeric()).is_empty();
        let strength = match (hit.start, hit.tag) {
            (0, Strength::Strong) if alone && !answers && !rest.ends_with('?') => Strength::Strong,
            (0, _) if whole && !answers && !rest.ends_with('?') => Strength::Strong,
            _ => Strength::Weak,
        };
        if strength > best.0 {
            best = (strength, Some(hit.phrase));
        }
    }
    best
}

/// wp.pl and others write "[Automatyczna odpowiedź] …".
fn tagged(folded: &str) -> Option<Phrase> {
    let tag = folded.trim_start().strip_prefix('[')?.split_once(']')?.0;
    let found = SUBJECTS.find(tag).into_iter().find(|hit| hit.tag == Strength::Strong)?;
    (found.start == 0 && found.end == tag.len()).then_some(found.phrase)
}

/// Whether more than `[tags]` fell off the front.
fn is_answer_to(folded: &str, rest: &str) -> bool {
    let mut front = folded.get(..folded.len() - rest.len()).unwrap_or_default().trim();
    while let Some((_, after)) = front.strip_prefix('[').and_then(|tag| tag.split_once(']')) {
        front = after.trim_start();
    }
    !front.is_empty()
}

fn of_text(text: &str) -> (Strength, Option<Phrase>) {
    let folded = fold(head(text));
    let mut notice = None;
    let mut topic = None;
    let mut support = folded.contains(|c: char| c.is_ascii_digit());
    for hit in TEXTS.find(&folded) {
        match hit.tag {
            Said::Notice
                if notice.is_none()
                    && hit.start < NOTICE_BEGINS_WITHIN
                    && !is_reported(&folded, hit.start) =>
            {
                notice = Some(hit.phrase);
            }
            Said::Notice | Said::Topic => topic = topic.or(Some(hit.phrase)),
            Said::Support => support = true,
        }
    }
    // Notices state; who asks something writes to somebody.
    let asks = folded.contains(['?', '？']);
    match (notice, topic) {
        (Some(phrase), _) if support && !asks && folded.len() <= MAX_NOTICE => {
            (Strength::Strong, Some(phrase))
        }
        (Some(phrase), _) | (None, Some(phrase)) => (Strength::Weak, Some(phrase)),
        (None, None) => (Strength::None, None),
    }
}

/// "When I am on vacation, …", "I saw that you wrote 'I am out of office'": a clause about absence, not a notice.
fn is_reported(folded: &str, at: usize) -> bool {
    let before = folded.get(..at).unwrap_or_default();
    let sentence = before.rsplit(['.', '!', '?', '\n', '。', ':']).next().unwrap_or_default();
    let mut words = sentence.split([' ', ',']);
    sentence.trim_end().ends_with('"') || words.any(|word| SUBORDINATING.contains(&word))
}

/// Folded conjunctions behind which a clause is no statement.
const SUBORDINATING: &[&str] = &[
    "when",
    "whenever",
    "if",
    "wenn",
    "dass",
    "weil",
    "falls",
    "quand",
    "lorsque",
    "cuando",
    "quando",
    "se",
    "wanneer",
    "kun",
    "jos",
    "kiedy",
    "gdy",
    "jesli",
    "kdyz",
    "pokud",
    "когда",
    "если",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_of_products_are_strong_and_topics_weak() {
        use Strength::{None, Strong, Weak};
        let rows = [
            ("Automatic reply: Space Paranoids", Strong),
            ("Out of Office AutoReply: Space Paranoids", Strong),
            ("Re: Out of office", Weak),
            ("AW: Abwesenheitsnotiz: Angebot", Weak),
            ("[EXTERN] Abwesenheitsnotiz: Angebot", Strong),
            ("[Automatyczna odpowiedź] test", Strong),
            ("Abwesenheitsnotiz: AW: Angebot", Strong),
            ("Automatische Antwort: Angebot", Strong),
            ("Réponse automatique : Offre", Strong),
            ("Respuesta automática: Oferta", Strong),
            ("Resposta automática: Oferta", Strong),
            ("Risposta automatica: Offerta", Strong),
            ("Automatisch antwoord: Offerte", Strong),
            ("Autosvar: Tilbud", Strong),
            ("Automatisk svar: Tilbud", Strong),
            ("Automaattinen vastaus: Tarjous", Strong),
            ("Automatyczna odpowiedź: Oferta", Strong),
            ("Automatická odpověď: Nabídka", Strong),
            ("Otomatik yanıt: Teklif", Strong),
            ("Автоматический ответ: Предложение", Strong),
            ("自動応答: 見積", Strong),
            ("自动回复: 报价", Strong),
            ("자동 회신: 견적", Strong),
            ("Urlaub", Strong),
            ("Vacation planning for 2027", Weak),
            ("Out of office next week?", Weak),
            ("Automatic reply settings", Weak),
            ("Your vacation reply", Weak),
            ("Space Paranoids", None),
        ];
        for (subject, expected) in rows {
            assert_eq!(of_subject(subject).0, expected, "{subject}");
        }
    }

    #[test]
    fn a_notice_is_told_from_a_letter_about_absence() {
        let strong = [
            "I am out of the office until Monday. For urgent matters please contact Alan.",
            "Ich bin bis zum 5.12. nicht im Büro. In dringenden Fällen wenden Sie sich an Alan.",
            "Je suis absent jusqu'au 5 décembre. En cas d'urgence, contactez Alan.",
            "Estaré fuera de la oficina hasta el 5 de diciembre.",
            "12月5日まで休暇をいただいております。",
            "我正在休假,12月6日返回。",
            "12월 5일까지 휴가 중입니다. 급한 용건은 김민수에게 연락 주세요.",
        ];
        for text in strong {
            assert_eq!(of_text(text).0, Strength::Strong, "{text}");
        }
        let people = [
            "Thanks! I'm on vacation until Friday, can we talk on Monday?",
            "We sell an out of office plugin.",
            "My assistant handles mail when I am out of the office until late.",
            "Tuesday at ten works.",
        ];
        for text in people {
            assert!(of_text(text).0 < Strength::Strong, "{text}");
        }
    }
}
