//! Attribution lines: "On Monday, X wrote:", in one to five lines, in all languages.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::line::{Line, Mark};
use crate::phrases::{Matcher, fold, matcher, tables};

/// An attribution is not wrapped over more lines than this.
const MAX_LINES: usize = 5;
/// Nor is it longer than this many bytes.
const MAX_LENGTH: usize = 600;

static VERBS: LazyLock<Matcher<()>> = LazyLock::new(|| matcher(&[((), "wrote")]));

/// Words that an attribution begins with: "on", "le", "am", and the days and months of all languages.
static OPENERS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let sections = ["opener", "weekdays", "months"];
    tables()
        .iter()
        .flat_map(|t| sections.iter().flat_map(move |s| t.phrases(s)))
        .filter_map(|phrase| fold(phrase).split(' ').next().map(str::to_owned))
        .collect()
});

/// Whether the text holds a verb of an attribution ("wrote", "schrieb", "写道").
pub(super) fn is_verb(text: &str) -> bool {
    VERBS.first(&fold(text)).is_some()
}

/// If an attribution ends in line `at`, the line in which it begins. `quote_follows`: the next line that is not blank is quoted.
pub(super) fn ending_at(lines: &[Line<'_>], at: usize, quote_follows: bool) -> Option<usize> {
    let last = lines.get(at)?;
    if !ends_with_colon(&last.text) {
        return ends_with_verb(&last.text).then_some(at);
    }
    let mut joined = String::new();
    let mut fallback = None;
    for first in (at.saturating_sub(MAX_LINES - 1)..=at).rev() {
        let line = lines.get(first)?;
        if line.mark != Mark::Own
            || (line.is_blank() && first != at)
            || (first != at && ends_with_colon(&line.text))
        {
            break;
        }
        joined = format!("{} {joined}", line.text.trim());
        if joined.len() > MAX_LENGTH {
            break;
        }
        let facts = Facts::of(&joined);
        if facts.says_so(quote_follows) {
            if facts.opens {
                return Some(if goes_on_above(lines, first) { first - 1 } else { first });
            }
            // "Name <address> wrote:" opens with a name; the line above may still hold the "On …".
            if fallback.is_none() {
                fallback = Some(first);
            }
        }
    }
    fallback
}

/// "On Nov 21, 2026," in a line of its own above "at 10:18, …".
fn goes_on_above(lines: &[Line<'_>], first: usize) -> bool {
    let Some(above) = first.checked_sub(1).and_then(|up| lines.get(up)) else { return false };
    above.mark == Mark::Own && above.text.trim_end().ends_with(',') && above.text.len() < 80 && {
        let facts = Facts::of(&above.text);
        facts.opens && facts.date
    }
}

/// Zoho writes no colon: `---- On Mon, 05 Dec 2016 17:00:00 +0100 Kevin <kevin@encom.example> wrote ----`.
fn ends_with_verb(text: &str) -> bool {
    if !text.contains('@') || text.len() > MAX_LENGTH {
        return false;
    }
    let folded = fold(text);
    let line = folded.trim_matches(['-', ' ', '*']);
    let facts = Facts::of(line);
    facts.opens && facts.date && facts.address && VERBS.find(line).iter().any(|hit| hit.end == line.len())
}

fn ends_with_colon(text: &str) -> bool {
    let text = text.trim_end_matches([' ', '\t', '\u{a0}', '*', '_', '\u{200e}', '\u{200f}', '\u{202c}']);
    text.ends_with([':', '：'])
}

struct Facts {
    /// Holds a verb of saying.
    verb: bool,
    /// Holds an address in brackets, or in a link.
    address: bool,
    /// Holds a year, a time of day or a numeric date.
    date: bool,
    /// Begins with a word, day or digit that attributions begin with.
    opens: bool,
    /// The colon follows a closing bracket or quotation mark: nothing but a name or an address stands before it.
    ends_with_name: bool,
    /// Few words, no sentence.
    short: bool,
}

impl Facts {
    fn of(text: &str) -> Self {
        let folded = fold(text);
        let body = folded.trim_end().trim_end_matches([':', '：', '*', '_', ' ']);
        let first = folded.trim_start_matches(['*', '_', '-', '>', '"', '(', ' ']);
        let word = first.split([' ', ',', '.']).next().unwrap_or_default();
        Self {
            verb: VERBS.first(&folded).is_some(),
            address: has_address(&folded),
            date: has_date(&folded),
            opens: first.starts_with(|c: char| c.is_ascii_digit()) || OPENERS.contains(word),
            ends_with_name: body.ends_with(['>', ')', ']', '"']),
            short: folded.split(' ').count() <= 8,
        }
    }

    fn says_so(&self, quote_follows: bool) -> bool {
        if quote_follows {
            return (self.verb && (self.address || self.date || self.opens || self.short))
                || (self.date && (self.address || self.opens));
        }
        (self.verb && self.address)
            || (self.verb && self.date && self.opens)
            || (self.address && self.date && self.ends_with_name)
    }
}

/// `<a@b>`, `[mailto:a@b]`, `(a@b)`, `"a@b"`, or an address at the end.
fn has_address(folded: &str) -> bool {
    folded.match_indices('@').take(8).any(|(at, _)| {
        let before = folded.get(..at).unwrap_or_default();
        let after = folded.get(at + 1..).unwrap_or_default();
        let local = before
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '.' | '\''));
        local && after.starts_with(|c: char| c.is_alphanumeric())
    })
}

/// A year, a time of day, or a date in digits.
pub(super) fn has_date(folded: &str) -> bool {
    let bytes = folded.as_bytes();
    let mut digits = 0_usize;
    let mut number = 0_u32;
    for (at, byte) in bytes.iter().chain(std::iter::once(&b' ')).enumerate() {
        if byte.is_ascii_digit() {
            digits += 1;
            number = number.saturating_mul(10).saturating_add(u32::from(byte - b'0'));
            continue;
        }
        if digits > 0 {
            let next_digit = bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
            let time = digits <= 2 && matches!(byte, b':' | b'h') && next_digit && number < 24;
            let date = digits <= 2 && matches!(byte, b'.' | b'/' | b'-') && next_digit && number <= 31;
            let year = digits == 4 && (1990..2100).contains(&number);
            if time || date || year {
                return true;
            }
        }
        digits = 0;
        number = 0;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;
    use crate::text::Flowed;

    fn found(text: &str, quote_follows: bool) -> Option<usize> {
        let lines = plain::lines(text, Flowed::No);
        ending_at(&lines, lines.len() - 1, quote_follows)
    }

    #[test]
    fn attributions_of_every_language_are_found() {
        let rows = [
            "On Mon, Dec 5, 2016 at 5:00 PM, Kevin Flynn <kevin@encom.example> wrote:",
            "On 5 Dec 2016, at 17:00, Kevin Flynn wrote:",
            "Am 05.12.2016 um 17:00 schrieb Kevin Flynn:",
            "Am Mo., 5. Dez. 2016 um 17:00 Uhr schrieb Kevin Flynn <kevin@encom.example>:",
            "Kevin Flynn <kevin@encom.example> schrieb am Mo., 5. Dez. 2016, 17:00:",
            "El lun, 5 dic 2016 a las 17:00, Kevin Flynn (<kevin@encom.example>) escribió:",
            "Le lun. 5 déc. 2016 à 17:00, Kevin Flynn <kevin@encom.example> a écrit :",
            "Em seg., 5 de dez. de 2016 às 17:00, Kevin Flynn <kevin@encom.example> escreveu:",
            "Il giorno lun 5 dic 2016 alle ore 17:00 Kevin Flynn <kevin@encom.example> ha scritto:",
            "Op ma 5 dec. 2016 om 17:00 schreef Kevin Flynn <kevin@encom.example>:",
            "Den mån 5 dec. 2016 kl 17:00 skrev Kevin Flynn <kevin@encom.example>:",
            "man. 5. dec. 2016 kl. 17.00 skrev Kevin Flynn <kevin@encom.example>:",
            "ma 5. jouluk. 2016 klo 17.00 Kevin Flynn (kevin@encom.example) kirjoitti:",
            "pon., 5 gru 2016 o 17:00 Kevin Flynn <kevin@encom.example> napisał(a):",
            "po 5. 12. 2016 v 17:00 odesílatel Kevin Flynn <kevin@encom.example> napsal:",
            "Kevin Flynn <kevin@encom.example>, 5 Ara 2016 Pzt, 17:00 tarihinde şunu yazdı:",
            "пн, 5 дек. 2016 г. в 17:00, Kevin Flynn <kevin@encom.example>:",
            "05.12.2016 17:00, Kevin Flynn пишет:",
            "---- On Mon, 05 Dec 2016 17:00:00 +0100 Kevin Flynn <kevin@encom.example> wrote ----",
            "---- Le lun., 05 déc. 2016 17:00:00 +0100 Kevin Flynn <kevin@encom.example> a écrit ----",
            "2016年12月5日(月) 17:00 Kevin Flynn <kevin@encom.example>:",
            "2016/12/05 17:00、Kevin Flynn <kevin@encom.example>のメール：",
            "Kevin Flynn <kevin@encom.example> 于2016年12月5日周一 17:00写道：",
            "2016년 12월 5일 (월) 오후 5:00, Kevin Flynn <kevin@encom.example>님이 작성:",
        ];
        for text in rows {
            assert_eq!(found(text, false), Some(0), "{text}");
        }
    }

    #[test]
    fn wrapped_attributions_are_found_from_their_beginning() {
        assert_eq!(
            found("Sure.\nOn Mon, Dec 5, 2016 at 5:00 PM Kevin Flynn <\nkevin@encom.example> wrote:", false),
            Some(1)
        );
        assert_eq!(
            found("Le lun. 5 déc. 2016 à 17:00, Kevin <kevin@encom.example>\na écrit :", false),
            Some(0)
        );
        assert_eq!(found("tir. 6. dec. 2016 kl. 13:09 skrev Kevin <kevin@encom.example\n>:", false), Some(0));
    }

    #[test]
    fn an_attribution_whose_date_has_a_line_of_its_own_begins_there() {
        let text = "Hi.\nOn Dec 5, 2016,\nat 17:00,\nKevin <kevin@encom.example> wrote:";
        assert_eq!(found(text, true), Some(1));
    }

    #[test]
    fn sentences_that_end_in_a_colon_are_the_authors() {
        for text in [
            "Here is what I think:",
            "On the other hand, two points:",
            "As I wrote on 5 December 2016:",
            "Two slots for 2026:",
            "On 5 December 2016 I saw what kevin@encom.example wrote and liked it",
        ] {
            assert_eq!(found(text, false), None, "{text}");
        }
        assert_eq!(found("My three points:", true), None);
        assert_eq!(found("Kevin wrote:", true), Some(0));
    }
}
