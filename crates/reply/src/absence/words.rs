//! The words of dates and of return, in all languages, as tokens.

use std::sync::LazyLock;

use crate::phrases::{Matcher, fold, tables};

/// What a word means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// 1 to 12.
    Month(i8),
    /// 1 = Monday to 7.
    Weekday(i8),
    /// "next".
    Next,
    /// +1 day.
    Tomorrow,
    /// "in", before a number of days or weeks.
    In,
    /// A unit of so many days.
    Unit(i64),
    /// A number in letters.
    Number(i64),
    /// The date that follows is the first day back.
    Back,
    /// The date before is the first day back.
    BackAfter,
    /// The date that follows is the first day back: "out until Monday".
    Until,
    /// The date before is the first day back.
    UntilAfter,
    /// The date that follows is the last day away.
    Through,
    /// The date before is the last day away.
    ThroughAfter,
    /// A range begins.
    From,
    /// A range goes on to its end.
    To,
    /// Says that somebody is away.
    Away,
    /// The word before a verb that turns it around.
    Not,
}

/// How a language writes a date in digits only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Day, month, year.
    DayFirst,
    /// (Year,) month, day.
    MonthFirst,
    /// Its writers do both.
    Unknown,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Tag {
    pub word: Word,
    pub language: &'static str,
    pub order: Order,
}

pub(super) static WORDS: LazyLock<Matcher<Tag>> = LazyLock::new(|| {
    let mut phrases = Vec::new();
    for table in tables() {
        let language = table.language;
        let order = match table.phrases("order").next() {
            Some("dmy") => Order::DayFirst,
            Some("ymd") => Order::MonthFirst,
            _ => Order::Unknown,
        };
        let mut add =
            |word, text: &'static str| phrases.push((Tag { word, language, order }, language, text));
        for (n, names) in (1..).zip(table.lines("months")) {
            names.iter().for_each(|name| add(Word::Month(n), name));
        }
        for (n, names) in (1..).zip(table.lines("weekdays")) {
            // "to", "so", "do", "ma" are words of other languages; a day of the week is only told by its longer names.
            names.iter().filter(|name| is_telling(name)).for_each(|name| add(Word::Weekday(n), name));
        }
        for (n, names) in (1..).zip(table.lines("numbers")) {
            names.iter().for_each(|name| add(Word::Number(n), name));
        }
        let sections = [
            ("next", Word::Next),
            ("tomorrow", Word::Tomorrow),
            ("in", Word::In),
            ("day", Word::Unit(1)),
            ("week", Word::Unit(7)),
            ("back", Word::Back),
            ("back-after", Word::BackAfter),
            ("until", Word::Until),
            ("until-after", Word::UntilAfter),
            ("through", Word::Through),
            ("through-after", Word::ThroughAfter),
            ("from-date", Word::From),
            ("to-date", Word::To),
            ("absence", Word::Away),
            ("absence-weak", Word::Away),
            ("negation", Word::Not),
        ];
        for (section, word) in sections {
            table.phrases(section).for_each(|text| add(word, text));
        }
    }
    Matcher::new(phrases)
});

fn is_telling(name: &str) -> bool {
    let folded = fold(name);
    !folded.is_ascii() || folded.len() >= 4
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_name_means_one_month_and_one_weekday_in_all_languages() {
        let mut months: HashMap<String, usize> = HashMap::new();
        let mut days: HashMap<String, usize> = HashMap::new();
        for table in tables() {
            for (n, names) in table.lines("months").iter().enumerate() {
                for name in names {
                    let known = *months.entry(fold(name)).or_insert(n);
                    assert_eq!(known, n, "{name} ({})", table.language);
                }
            }
            for (n, names) in table.lines("weekdays").iter().enumerate() {
                for name in names.iter().filter(|name| is_telling(name)) {
                    let known = *days.entry(fold(name)).or_insert(n);
                    assert_eq!(known, n, "{name} ({})", table.language);
                }
            }
        }
    }
}
