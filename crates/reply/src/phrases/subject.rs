//! Subject prefixes: reply, forward and automatic-reply marks of all languages.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::fold::fold;
use super::table::tables;

/// More prefixes than this are part of an attack, not of a thread.
const MAX_PREFIXES: usize = 64;

struct Prefixes {
    answers: HashSet<String>,
    automatic: HashSet<String>,
}

static PREFIXES: LazyLock<Prefixes> = LazyLock::new(|| {
    let folded = |sections: &[&str]| {
        tables().iter().flat_map(|t| sections.iter().flat_map(move |s| t.phrases(s))).map(fold).collect()
    };
    Prefixes { answers: folded(&["reply", "forward"]), automatic: folded(&["absence-subject"]) }
});

/// The subject without reply, forward and automatic-reply prefixes of all languages, without `[tags]` in front, blanks
/// collapsed and case folded: equal for a message and its answers.
pub fn normalise_subject(subject: &str) -> String {
    let folded = fold(subject);
    let mut rest = folded.replace('\n', " ");
    for _ in 0..MAX_PREFIXES {
        match strip_one(&rest, true) {
            Some(shorter) => rest = shorter.to_owned(),
            None => break,
        }
    }
    rest
}

/// The folded subject without reply and forward prefixes and tags, but with what says that it is automatic.
pub(crate) fn without_answers(folded: &str) -> &str {
    let mut rest = folded;
    for _ in 0..MAX_PREFIXES {
        match strip_one(rest, false) {
            Some(shorter) => rest = shorter,
            None => break,
        }
    }
    rest
}

/// Whether a subject begins as an answer's or a forwarded mail's does, `[tags]` in front aside.
pub(crate) fn is_answer(subject: &str) -> bool {
    let folded = fold(subject).replace('\n', " ");
    let mut rest = folded.trim_start();
    for _ in 0..MAX_PREFIXES {
        match strip_one(rest, true) {
            Some(shorter) if rest.starts_with('[') => rest = shorter,
            stripped => return stripped.is_some(),
        }
    }
    false
}

/// Removes one prefix (`re:`, `aw[2]:`, `回复：`, `automatic reply:`) or one `[tag]`; never the whole subject.
fn strip_one(subject: &str, automatic: bool) -> Option<&str> {
    let subject = subject.trim_start();
    if let Some((_, rest)) = subject.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let rest = rest.trim_start();
        return (!rest.is_empty()).then_some(rest);
    }
    // Prefixes are short; a colon further on belongs to the subject.
    let colon = subject.char_indices().take(48).find(|&(_, c)| c == ':')?.0;
    let (mark, rest) = subject.split_at_checked(colon)?;
    let rest = rest.get(1..)?.trim_start();
    if rest.is_empty() {
        return None;
    }
    // "Re[2]:", "Re(3):", "Re^2:", "RE 2:".
    let mark = mark.trim_end_matches(|c: char| {
        c.is_ascii_digit() || matches!(c, '[' | ']' | '(' | ')' | '^' | '*' | ' ')
    });
    let known = PREFIXES.answers.contains(mark) || (automatic && PREFIXES.automatic.contains(mark));
    known.then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_all_languages_fall() {
        let rows = [
            ("Re: Space Paranoids", "space paranoids"),
            ("RE: re: Fwd: Space  Paranoids", "space paranoids"),
            ("AW: WG: Angebot", "angebot"),
            ("SV: VS: VB: Tilbud", "tilbud"),
            ("Antw.: Offerte", "antw.: offerte"),
            ("Antw: Doorst: Offerte", "offerte"),
            ("Odp: PD: Oferta", "oferta"),
            ("RIF: R: I: Offerta", "offerta"),
            ("Ynt: İlt: Teklif", "teklif"),
            ("RE : TR : Offre", "offre"),
            ("RV: ENC: RES: Oferta", "oferta"),
            ("VS: VL: Tarjous", "tarjous"),
            ("回复：转发: 报价", "报价"),
            ("回覆: 轉寄: 報價", "報價"),
            ("返信: 転送: 見積", "見積"),
            ("답장: 전달: 견적", "견적"),
            ("Ответ: Пересл: Цена", "цена"),
            ("Re[2]: Offer", "offer"),
            ("RE(3): Offer", "offer"),
            ("[sales] Re: [EXTERNAL] Offer", "offer"),
            ("Automatic reply: Offer", "offer"),
            ("Abwesenheitsnotiz: AW: Angebot", "angebot"),
            ("Réponse automatique : Offre", "offre"),
            ("自動返信: 見積", "見積"),
            ("Respuesta automática: Oferta", "oferta"),
            ("Regarding: x", "regarding: x"),
            ("Report: Q3", "report: q3"),
            ("Re:", "re:"),
            ("[only tag]", "[only tag]"),
            ("", ""),
            ("Fwd", "fwd"),
        ];
        for (given, expected) in rows {
            assert_eq!(normalise_subject(given), expected, "{given:?}");
        }
    }

    #[test]
    fn answers_are_known_by_their_prefix() {
        for (subject, expected) in [
            ("Re: Offer", true),
            ("[list] AW: Offer", true),
            ("Automatic reply: Offer", true),
            ("[list] Offer", false),
            ("Report: Re: Offer", false),
            ("Offer", false),
            ("", false),
        ] {
            assert_eq!(is_answer(subject), expected, "{subject:?}");
        }
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        proptest::proptest!(|(text in "((re|aw|fwd|回复|\\[x\\])[:：]? ?){0,5}\\PC{0,20}")| {
            let once = normalise_subject(&text);
            assert_eq!(normalise_subject(&once), once);
        });
    }
}
