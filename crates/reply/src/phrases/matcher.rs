//! Finds many phrases in one pass over folded text.

use aho_corasick::AhoCorasick;

use super::Phrase;
use super::fold::{fold, is_word};

/// Two parts of a phrase may be this many bytes apart.
const GAP: usize = 60;

/// Phrases, each with a tag that says what it means.
pub(crate) struct Matcher<T> {
    automaton: Option<AhoCorasick>,
    /// What each pattern of the automaton is: the entry and which of its parts.
    patterns: Vec<(usize, usize)>,
    entries: Vec<Entry<T>>,
}

struct Entry<T> {
    phrase: Phrase,
    tag: T,
    parts: Vec<Part>,
}

struct Part {
    text: String,
    open_start: bool,
    open_end: bool,
}

/// A phrase at a place in the folded text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<T> {
    pub phrase: Phrase,
    pub tag: T,
    pub start: usize,
    pub end: usize,
}

impl<T: Copy> Matcher<T> {
    /// `phrases`: tag, language and phrase as written in the language file.
    pub fn new(phrases: impl IntoIterator<Item = (T, &'static str, &'static str)>) -> Self {
        let mut entries = Vec::new();
        let mut patterns = Vec::new();
        let mut texts = Vec::new();
        for (tag, language, text) in phrases {
            let parts: Vec<Part> =
                text.split('…').map(Part::new).filter(|part| !part.text.is_empty()).collect();
            for (n, part) in parts.iter().enumerate() {
                patterns.push((entries.len(), n));
                texts.push(part.text.clone());
            }
            entries.push(Entry { phrase: Phrase { text, language }, tag, parts });
        }
        // Fails only beyond 2^31 states.
        let automaton = AhoCorasick::new(&texts).ok();
        Self { automaton, patterns, entries }
    }

    /// Every phrase in `folded`, by where it ends.
    pub fn find(&self, folded: &str) -> Vec<Found<T>> {
        let mut found = Vec::new();
        self.each(folded, |hit| {
            found.push(hit);
            true
        });
        found
    }

    /// The first phrase to end.
    pub fn first(&self, folded: &str) -> Option<Found<T>> {
        let mut first = None;
        self.each(folded, |hit| {
            first = Some(hit);
            false
        });
        first
    }

    /// Calls `visit` for each phrase until it returns false.
    fn each(&self, folded: &str, mut visit: impl FnMut(Found<T>) -> bool) {
        let Some(automaton) = &self.automaton else { return };
        // Where the earlier parts of phrases in progress began and ended: (entry, part, start, end).
        let mut open: Vec<(usize, usize, usize, usize)> = Vec::new();
        for hit in automaton.find_overlapping_iter(folded) {
            let Some(&(entry_at, part_at)) = self.patterns.get(hit.pattern().as_usize()) else { continue };
            let Some(entry) = self.entries.get(entry_at) else { continue };
            let Some(part) = entry.parts.get(part_at) else { continue };
            if !part.stands_at(folded, hit.start(), hit.end()) {
                continue;
            }
            let start = if part_at == 0 {
                hit.start()
            } else {
                open.retain(|&(_, _, _, end)| end + GAP >= hit.start());
                let before = open.iter().rev().find(|&&(e, p, _, end)| {
                    e == entry_at
                        && p + 1 == part_at
                        && end <= hit.start()
                        && one_sentence(folded.get(end..hit.start()))
                });
                match before {
                    Some(&(_, _, start, _)) => start,
                    None => continue,
                }
            };
            if part_at + 1 == entry.parts.len() {
                if !visit(Found { phrase: entry.phrase, tag: entry.tag, start, end: hit.end() }) {
                    return;
                }
            } else {
                if open.len() >= 64 {
                    open.remove(0);
                }
                open.push((entry_at, part_at, start, hit.end()));
            }
        }
    }
}

impl Part {
    fn new(text: &str) -> Self {
        let text = text.trim();
        let open_start = text.starts_with('*');
        let open_end = text.ends_with('*');
        Self { text: fold(text.trim_matches('*')), open_start, open_end }
    }

    /// Whether the match is not the middle of longer words.
    fn stands_at(&self, folded: &str, start: usize, end: usize) -> bool {
        let inside_word = |at: usize| {
            let before = folded.get(..at).and_then(|s| s.chars().next_back());
            let after = folded.get(at..).and_then(|s| s.chars().next());
            matches!((before, after), (Some(b), Some(a)) if is_word(b) && is_word(a))
        };
        (self.open_start || !inside_word(start)) && (self.open_end || !inside_word(end))
    }
}

/// Whether a gap holds no end of a sentence. A full stop inside a date or an abbreviation ("5. Dez.") is followed by a
/// digit, or ends a short token.
fn one_sentence(gap: Option<&str>) -> bool {
    let Some(gap) = gap else { return false };
    if gap.len() > GAP {
        return false;
    }
    let mut word = 0;
    let mut chars = gap.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '!' | '?' | '。' | '！' | '？' | '\n' | ';' => return false,
            '.' if word > 5 && chars.peek().is_some_and(|next| *next == ' ') => return false,
            _ if is_word(c) => word += 1,
            '.' => {}
            _ => word = 0,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(matcher: &Matcher<()>, text: &str) -> Vec<&'static str> {
        matcher.find(&fold(text)).iter().map(|hit| hit.phrase.text).collect()
    }

    #[test]
    fn phrases_end_with_words_span_gaps_and_stay_in_their_sentence() {
        let matcher = Matcher::new([
            ((), "en", "remove me"),
            ((), "en", "unsubscrib*"),
            ((), "de", "ich bin … nicht im Büro"),
            ((), "ja", "配信停止"),
        ]);
        assert_eq!(texts(&matcher, "Please REMOVE\nme!"), ["remove me"]);
        assert!(texts(&matcher, "remove metal").is_empty());
        assert_eq!(texts(&matcher, "unsubscribing"), ["unsubscrib*"]);
        assert_eq!(texts(&matcher, "Ich bin vom 1. bis 5. Dez. nicht im Buro"), ["ich bin … nicht im Büro"]);
        assert!(texts(&matcher, "Ich bin Anna. Leider gestern! nicht im Büro").is_empty());
        assert_eq!(texts(&matcher, "今すぐ配信停止してください"), ["配信停止"]);
    }
}
