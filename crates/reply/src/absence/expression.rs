//! Dates in folded text, before they are resolved.

use super::words::{Tag, Word};
use crate::phrases::Found;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Year, month, day: nothing is open.
    Full(i16, i8, i8),
    /// Month and day.
    MonthDay(i8, i8),
    /// Two numbers, and a year where one stands there, whose order is a matter of language; `dotted` is day first everywhere.
    Numeric { first: i8, second: i8, year: Option<i16>, dotted: bool },
    /// A day of the week, 1 = Monday; `next`: said so.
    Weekday { day: i8, next: bool },
    /// A day of a month that is not named.
    Day(i8),
    /// So many days from now.
    Offset(i64),
}

/// A date at a place in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expression {
    pub form: Form,
    /// The day of the week that stands beside it.
    pub weekday: Option<i8>,
    pub start: usize,
    pub end: usize,
    /// The end of a range that began right before.
    pub ends_range: bool,
    /// Another date or day follows at once, to which this is the beginning.
    pub begins_range: bool,
}

/// A run of digits.
#[derive(Clone, Copy, Debug)]
struct Number {
    value: i16,
    digits: usize,
    start: usize,
    end: usize,
}

/// All dates in `folded`, in order. `words`: what [`super::words::WORDS`] found there.
pub(super) fn find(folded: &str, words: &[Found<Tag>]) -> Vec<Expression> {
    let reader = Reader { text: folded, words, numbers: numbers(folded) };
    let mut found: Vec<Expression> = Vec::new();
    let mut at = 0;
    while let Some(&number) = reader.numbers.get(at) {
        match reader.at_number(at, number) {
            Some((form, start, end)) => {
                found.push(Expression {
                    form,
                    weekday: None,
                    start,
                    end,
                    ends_range: false,
                    begins_range: false,
                });
                at += reader.numbers.iter().skip(at).take_while(|n| n.start < end).count().max(1);
            }
            None => at += 1,
        }
    }
    reader.relative(&mut found);
    reader.weekdays(&mut found);
    found.sort_by_key(|e| e.start);
    reader.ranges(&mut found);
    found
}

fn numbers(text: &str) -> Vec<Number> {
    let bytes = text.as_bytes();
    let mut numbers = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if !byte.is_ascii_digit() {
            at += 1;
            continue;
        }
        let digits = bytes.iter().skip(at).take_while(|b| b.is_ascii_digit()).count();
        let value = text.get(at..at + digits).and_then(|d| d.parse().ok());
        let inside_word = text
            .get(..at)
            .and_then(|b| b.chars().next_back())
            .is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '+' | '#' | '@'));
        if let Some(value) = value
            && digits <= 4
            && !inside_word
        {
            numbers.push(Number { value, digits, start: at, end: at + digits });
        }
        at += digits;
    }
    numbers
}

struct Reader<'a> {
    text: &'a str,
    words: &'a [Found<Tag>],
    numbers: Vec<Number>,
}

impl Reader<'_> {
    fn tail(&self, at: usize) -> &str {
        self.text.get(at..).unwrap_or_default()
    }

    fn number_at(&self, start: usize) -> Option<Number> {
        self.numbers.binary_search_by_key(&start, |n| n.start).ok().and_then(|n| self.numbers.get(n)).copied()
    }

    /// The month whose name begins at `at`, and where it ends.
    fn month_at(&self, at: usize) -> Option<(i8, usize)> {
        self.words
            .iter()
            .filter(|w| w.start == at)
            .filter_map(|w| if let Word::Month(month) = w.tag.word { Some((month, w.end)) } else { None })
            .max_by_key(|(_, end)| *end)
    }

    /// An English month that ends right before `at`: nobody else writes the month's name first.
    fn english_month_before(&self, at: usize) -> Option<(i8, usize)> {
        let before = self.text.get(..at)?;
        let end = before.trim_end_matches([' ', '.', ',']).len();
        if at == end || at - end > 3 || before.get(end..)?.contains(',') {
            return None;
        }
        self.words
            .iter()
            .filter(|w| w.end == end && w.tag.language == "en")
            .find_map(|w| if let Word::Month(month) = w.tag.word { Some((month, w.start)) } else { None })
    }

    /// The date of which `number` is the first.
    fn at_number(&self, index: usize, number: Number) -> Option<(Form, usize, usize)> {
        if number.digits == 4 {
            return self.year_first(number);
        }
        if number.digits > 2 || number.value == 0 {
            return None;
        }
        self.ideographic(number)
            .or_else(|| self.day_month(number))
            .or_else(|| self.numeric(number))
            .or_else(|| self.month_day(index, number))
            .or_else(|| self.bare_day(number))
    }

    /// `2026-12-01`, `2026/12/1`, `2026. 12. 1.`, `2026年12月1日`, `2026년 12월 1일`.
    fn year_first(&self, year: Number) -> Option<(Form, usize, usize)> {
        if !(1990..2100).contains(&year.value) {
            return None;
        }
        let (month, after) = self.part(year.end, &["年", "년", "-", "/", "."])?;
        let (day, end) = self.part(after, &["月", "월", "-", "/", "."])?;
        let tail = self.tail(end);
        let end =
            end + ["日", "일"].iter().find(|mark| tail.starts_with(**mark)).map_or(0, |mark| mark.len());
        Some((Form::Full(year.value, narrow(month)?, narrow(day)?), year.start, end))
    }

    /// A number of one or two digits behind a separator, with blanks around it.
    fn part(&self, at: usize, separators: &[&str]) -> Option<(Number, usize)> {
        let tail = self.tail(at);
        let trimmed = tail.trim_start_matches(' ');
        let separator = separators.iter().find(|s| trimmed.starts_with(**s))?;
        let rest = trimmed.get(separator.len()..)?;
        let start = at + (tail.len() - rest.trim_start_matches(' ').len());
        let number = self.number_at(start)?;
        (number.digits <= 2).then_some((number, number.end))
    }

    /// `12月1日`, `12월 1일`.
    fn ideographic(&self, month: Number) -> Option<(Form, usize, usize)> {
        let (day, end) = self.part(month.end, &["月", "월"])?;
        let tail = self.tail(end);
        let mark = ["日", "일", "号", "號"].iter().find(|mark| tail.starts_with(**mark))?;
        Some((Form::MonthDay(narrow(month)?, narrow(day)?), month.start, end + mark.len()))
    }

    /// `1 December 2026`, `1. Dezember`, `1er décembre`, `1 de diciembre de 2026`, `1st of December`.
    fn day_month(&self, day: Number) -> Option<(Form, usize, usize)> {
        let mut at = day.end;
        for glue in ["st", "nd", "rd", "th", "er", "eme", "e", "º", "ª", "a", "o", ":e", ":a", ".", "-", "日"]
        {
            if self.tail(at).starts_with(glue) {
                let after = at + glue.len();
                if !self.tail(after).starts_with(|c: char| c.is_alphanumeric()) || glue == "." || glue == "-"
                {
                    at = after;
                    break;
                }
            }
        }
        at += self.tail(at).len() - self.tail(at).trim_start_matches(' ').len();
        for glue in ["of ", "de ", "d'", "di ", "den ", "dia "] {
            if self.tail(at).starts_with(glue) {
                at += glue.len();
                break;
            }
        }
        let (month, end) = self.month_at(at)?;
        Some(self.with_year(month, narrow(day)?, day.start, end))
    }

    /// A year may follow.
    fn with_year(&self, month: i8, day: i8, start: usize, end: usize) -> (Form, usize, usize) {
        let tail = self.tail(end);
        let mut rest = tail.trim_start_matches(['.', ',', ' ', '\'']);
        for glue in ["de ", "del ", "of ", "tarihi"] {
            rest = rest.strip_prefix(glue).unwrap_or(rest);
        }
        let at = end + (tail.len() - rest.len());
        match self.number_at(at) {
            Some(year) if year.digits == 4 && (1990..2100).contains(&year.value) && at - end <= 6 => {
                (Form::Full(year.value, month, day), start, year.end)
            }
            _ => (Form::MonthDay(month, day), start, end),
        }
    }

    /// `December 1st, 2026`.
    fn month_day(&self, index: usize, day: Number) -> Option<(Form, usize, usize)> {
        let (month, start) = self.english_month_before(day.start)?;
        let mut end = day.end;
        for suffix in ["st", "nd", "rd", "th"] {
            if self.tail(end).starts_with(suffix) {
                end += suffix.len();
                break;
            }
        }
        // "December 1:30", "Dec 1-5": the former is a time, the latter a range, which ends in its second number.
        if self.tail(end).starts_with(':') {
            return None;
        }
        let glue = self.tail(end);
        let dash = glue.trim_start_matches(' ');
        if let Some(after) = dash
            .strip_prefix('-')
            .or_else(|| dash.strip_prefix("to "))
            .or_else(|| dash.strip_prefix("through "))
            .or_else(|| dash.strip_prefix("until "))
            && let Some(second) = self.numbers.get(index + 1).copied()
            && second.digits <= 2
            && second.start == end + (glue.len() - after.trim_start_matches(' ').len())
            && second.value > day.value
            && self.day_month(second).is_none()
            && !self.tail(second.end).starts_with([':', '/'])
        {
            let mut last = second.end;
            for suffix in ["st", "nd", "rd", "th"] {
                if self.tail(last).starts_with(suffix) {
                    last += suffix.len();
                    break;
                }
            }
            return Some(self.with_year(month, narrow(second)?, second.start, last));
        }
        Some(self.with_year(month, narrow(day)?, start, end))
    }

    /// `1.12.`, `1.12.2026`, `01/12/26`, `1-12-2026`, `1. 12. 2026`.
    fn numeric(&self, first: Number) -> Option<(Form, usize, usize)> {
        let separator = ['.', '/', '-'].into_iter().find(|s| self.tail(first.end).starts_with(*s))?;
        let text = match separator {
            '.' => ".",
            '/' => "/",
            _ => "-",
        };
        let (second, mut end) = self.part(first.end, &[text])?;
        if self.text.get(first.end..second.start)?.len() > 2 || second.value == 0 {
            return None;
        }
        let mut year = None;
        let tail = self.tail(end);
        if let Some(rest) = tail.strip_prefix(separator) {
            let at = end + (tail.len() - rest.trim_start_matches(' ').len());
            match self.number_at(at) {
                Some(n) if n.digits == 4 && (1990..2100).contains(&n.value) => {
                    (year, end) = (Some(n.value), n.end)
                }
                Some(n) if n.digits == 2 && at == end + 1 && !self.tail(n.end).starts_with(':') => {
                    (year, end) = (Some(2000 + n.value), n.end)
                }
                _ if separator == '.' => end += 1,
                _ => {}
            }
        }
        // "5-12" is a range or a score, "10.30" a time, "24/7" a way of life.
        if (separator == '-' && year.is_none())
            || (separator == '/' && first.value == 24 && second.value == 7)
        {
            return None;
        }
        let clock =
            ["am", "pm", "uhr", "h", "kl"].iter().any(|mark| self.tail(end).trim_start().starts_with(mark));
        if year.is_none() && (clock || (separator == '.' && second.value > 12)) {
            return None;
        }
        Some((
            Form::Numeric { first: narrow(first)?, second: narrow(second)?, year, dotted: separator == '.' },
            first.start,
            end,
        ))
    }

    /// `the 5th`.
    fn bare_day(&self, day: Number) -> Option<(Form, usize, usize)> {
        let suffix = ["st", "nd", "rd", "th"].into_iter().find(|s| self.tail(day.end).starts_with(s))?;
        let end = day.end + suffix.len();
        let before = self.text.get(..day.start)?.trim_end();
        let more = self.tail(end).trim_start();
        let named = before.ends_with("the") && !more.starts_with(|c: char| c.is_alphanumeric())
            || before.ends_with("the") && more.starts_with("and ");
        (named && day.value <= 31).then_some((Form::Day(narrow(day)?), day.start, end))
    }

    /// "tomorrow", "in two weeks", "2週間後".
    fn relative(&self, found: &mut Vec<Expression>) {
        for word in self.words {
            match word.tag.word {
                Word::Tomorrow => found.push(plain(Form::Offset(1), word.start, word.end)),
                Word::Unit(days) => {
                    if let Some((count, start)) = self.count_before(word) {
                        found.push(plain(Form::Offset(count * days), start, word.end));
                    }
                }
                _ => {}
            }
        }
        found.dedup_by_key(|e| (e.start, e.form == Form::Offset(1)));
    }

    /// The number before a unit, where it says "in so many", and where the whole begins.
    fn count_before(&self, unit: &Found<Tag>) -> Option<(i64, usize)> {
        let before = self.text.get(..unit.start)?;
        let end = before.trim_end_matches(' ').len();
        let digits = self
            .numbers
            .iter()
            .find(|n| n.end == end && n.digits <= 2)
            .map(|n| (i64::from(n.value), n.start));
        let letters = self.words.iter().find_map(|w| match w.tag.word {
            Word::Number(n) if w.end == end && w.tag.language == unit.tag.language => Some((n, w.start)),
            _ => None,
        });
        let (count, start) = digits.or(letters)?;
        // Languages that say it by the unit's ending need no "in".
        if matches!(unit.tag.language, "ja" | "zh" | "ko" | "tr" | "fi") {
            return unit_says_after(unit.phrase.text).then_some((count, start));
        }
        let lead = self.text.get(..start)?.trim_end_matches(' ').len();
        let opening = self
            .words
            .iter()
            .find(|w| w.tag.word == Word::In && w.end == lead && w.tag.language == unit.tag.language)?;
        matches!(
            opening.phrase.text,
            "in" | "en" | "dentro de" | "dans" | "em" | "tra" | "fra" | "over" | "om" | "za" | "через"
        )
        .then_some((count, opening.start))
    }

    /// Days of the week: beside a date they confirm it, alone they are one.
    fn weekdays(&self, found: &mut Vec<Expression>) {
        let mut alone = Vec::new();
        for word in self.words {
            let Word::Weekday(day) = word.tag.word else { continue };
            let beside = found.iter_mut().find(|e| {
                let gap = if e.start >= word.end {
                    self.text.get(word.end..e.start)
                } else {
                    self.text.get(e.end..word.start)
                };
                gap.is_some_and(|gap| {
                    let inner = gap.trim_matches([' ', ',', '.', '(', ')', '-']);
                    gap.len() <= 16
                        && (inner.is_empty()
                            || matches!(
                                inner,
                                "the"
                                    | "den"
                                    | "dem"
                                    | "der"
                                    | "d"
                                    | "le"
                                    | "el"
                                    | "il"
                                    | "dia"
                                    | "dnia"
                                    | "d. "
                                    | "klo"
                                    | "on"
                            ))
                })
            });
            match beside {
                Some(expression) => {
                    expression.weekday = expression.weekday.or(Some(day));
                    if expression.start >= word.end {
                        expression.start = word.start;
                    } else {
                        expression.end = expression.end.max(word.end);
                    }
                }
                None => alone.push((day, word.start, word.end)),
            }
        }
        alone.dedup_by_key(|(_, start, _)| *start);
        for (day, start, end) in alone {
            if found.iter().any(|e| e.start <= start && end <= e.end) {
                continue;
            }
            let before = self.text.get(..start).unwrap_or_default();
            let lead = before.trim_end_matches(' ').len();
            let next_before =
                self.words.iter().any(|w| w.tag.word == Word::Next && (w.end == lead || w.end == start));
            let next_after =
                self.words.iter().any(|w| w.tag.word == Word::Next && w.start >= end && w.start - end <= 1);
            found.push(plain(Form::Weekday { day, next: next_before || next_after }, start, end));
        }
    }

    /// Finds which dates are the two ends of a range.
    fn ranges(&self, found: &mut [Expression]) {
        for at in 0..found.len() {
            let Some(&second) = found.get(at) else { continue };
            let before = self.text.get(..second.start).unwrap_or_default();
            let trimmed = before.trim_end_matches(' ');
            let connector = self
                .words
                .iter()
                .filter(|w| {
                    matches!(w.tag.word, Word::To)
                        && (w.end == trimmed.len() || w.end == second.start)
                        && w.end <= second.start
                })
                .map(|w| w.start)
                .min()
                .or_else(|| {
                    trimmed
                        .ends_with(['-', '~', '〜', '～'])
                        .then(|| trimmed.trim_end_matches(['-', '~', '〜', '～']).len())
                });
            let Some(connector) = connector else { continue };
            let lead = self
                .text
                .get(..connector)
                .unwrap_or_default()
                .trim_end_matches([' ', '.', ',', '-', ')', '日', '일']);
            let from_date = found.iter().take(at).rposition(|e| {
                e.end + 12 >= lead.len()
                    && e.end <= connector
                    && !self.text.get(e.end..connector).unwrap_or_default().contains(['\n', ';'])
            });
            // "from 1 to 12 August", "1.-12. August": the first end is a mere number.
            let from_number = self.numbers.iter().any(|n| {
                n.digits <= 2
                    && (n.end == lead.len()
                        || lead
                            .get(n.end..)
                            .is_some_and(|s| matches!(s, "st" | "nd" | "rd" | "th" | "er" | "º" | "e")))
            });
            if let Some(first) = from_date
                && let Some(expression) = found.get_mut(first)
            {
                expression.begins_range = true;
            }
            if (from_date.is_some() || from_number)
                && let Some(expression) = found.get_mut(at)
            {
                expression.ends_range = true;
            }
        }
    }
}

fn plain(form: Form, start: usize, end: usize) -> Expression {
    Expression { form, weekday: None, start, end, ends_range: false, begins_range: false }
}

/// Whether the unit itself means "after so many": 週間後, hafta sonra, viikon kuluttua.
fn unit_says_after(text: &str) -> bool {
    ["後", "后", "후", "sonra", "kuluttua", "päästä"].iter().any(|mark| text.contains(mark))
}

fn narrow(number: Number) -> Option<i8> {
    i8::try_from(number.value).ok()
}
