//! Folding: the form in which text and phrases are compared.

use unicode_normalization::char::decompose_canonical;

/// Lower case, without accents, typographic variants made plain, blanks collapsed. A single line break becomes a blank
/// (mail is wrapped anywhere), an empty line becomes `\n`, so that a phrase never spans two paragraphs.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = Folded { out: String::with_capacity(text.len()), blank: 0, breaks: 0 };
    let mut rest = text;
    while !rest.is_empty() {
        // Runs of ASCII letters are most of most mail.
        let run = rest.bytes().take_while(u8::is_ascii_graphic).count();
        if let Some((plain, tail)) = rest.split_at_checked(run).filter(|_| run > 0) {
            folded.run(plain);
            rest = tail;
        }
        let Some(c) = rest.chars().next() else { break };
        folded.push(c);
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    folded.out
}

struct Folded {
    out: String,
    blank: u32,
    breaks: u32,
}

impl Folded {
    fn run(&mut self, ascii: &str) {
        self.flush_blanks();
        let start = self.out.len();
        self.out.push_str(ascii);
        if let Some(added) = self.out.get_mut(start..) {
            added.make_ascii_lowercase();
        }
    }

    fn push(&mut self, c: char) {
        match c {
            '\n' => self.breaks += 1,
            ' '
            | '\t'
            | '\r'
            | '\u{a0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200a}'
            | '\u{2028}'
            | '\u{202f}'
            | '\u{205f}'
            | '\u{3000}' => {
                self.blank += 1;
            }
            // Zero-width characters and direction marks: Outlook puts them around dates, spammers inside words.
            '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
            | '\u{fe0e}'
            | '\u{fe0f}' => {}
            _ => {
                self.flush_blanks();
                self.letter(c);
            }
        }
    }

    fn flush_blanks(&mut self) {
        if self.breaks > 1 {
            if !self.out.is_empty() {
                self.out.push('\n');
            }
        } else if (self.breaks == 1 || self.blank > 0) && !self.out.is_empty() {
            self.out.push(' ');
        }
        self.blank = 0;
        self.breaks = 0;
    }

    fn letter(&mut self, c: char) {
        if c.is_ascii() {
            self.out.push(c.to_ascii_lowercase());
            return;
        }
        match c {
            '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '\u{b4}' | '\u{1ffd}' | '\u{ff07}' => {
                self.out.push('\'')
            }
            '\u{201c}'..='\u{201f}' | '«' | '»' => self.out.push('"'),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => self.out.push('-'),
            '…' => self.out.push_str("..."),
            'ß' => self.out.push_str("ss"),
            'ı' => self.out.push('i'),
            // Full-width forms of ASCII.
            '\u{ff01}'..='\u{ff5e}' => {
                let ascii = u8::try_from(u32::from(c) - 0xfee0).map_or(c, char::from);
                self.out.push(ascii.to_ascii_lowercase());
            }
            // Marks that macOS leaves apart, and what is left of accents below.
            '\u{300}'..='\u{36f}' => {}
            _ if is_accented_script(c) => {
                for lower in c.to_lowercase() {
                    decompose_canonical(lower, |part| {
                        if !('\u{300}'..='\u{36f}').contains(&part) {
                            self.out.push(part);
                        }
                    });
                }
            }
            _ => self.out.push(c),
        }
    }
}

/// Latin, Greek and Cyrillic: the scripts whose accents writers leave out.
fn is_accented_script(c: char) -> bool {
    matches!(c, '\u{80}'..='\u{52f}' | '\u{1e00}'..='\u{1fff}')
}

/// A letter or digit of a script that parts words by blanks; between two of these a phrase can't begin or end.
pub(crate) fn is_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    c.is_alphanumeric()
        && !matches!(c, '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_ignores_case_accents_width_and_typography() {
        let rows = [
            ("Réponse  Automatique", "reponse automatique"),
            ("I’m out\nof office", "i'm out of office"),
            ("one\n\n\ntwo", "one\ntwo"),
            ("Mit freundlichen Grüßen", "mit freundlichen grussen"),
            ("İlt: ÖĞE Iı", "ilt: oge ii"),
            ("Ёлка Й", "елка и"),
            ("ＡＢＣ：１２", "abc:12"),
            ("‎четверг‎, ‎26", "четверг, 26"),
            ("が ガ 한글", "が ガ 한글"),
            (" lead", "lead"),
            // An accent that decomposes into another.
            ("a\u{1ffd}b", "a'b"),
        ];
        for (given, expected) in rows {
            assert_eq!(fold(given), expected, "{given:?}");
        }
    }

    #[test]
    fn folding_is_idempotent() {
        proptest::proptest!(|(text in "\\PC*")| {
            let once = fold(&text);
            assert_eq!(fold(&once), once);
        });
    }
}
