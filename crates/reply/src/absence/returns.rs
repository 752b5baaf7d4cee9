//! The day on which the author of an out-of-office mail is back.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

use super::expression::{self, Expression, Form};
use super::head;
use super::words::{Order, Tag, WORDS, Word};
use crate::phrases::{Found, fold};

/// The first day on which the author is back, out of an out-of-office text; `sent` is the message's own date.
///
/// `None` where the text names no day, or where it could be read as two. "Back on the 5th" is the 5th. "Until the 5th" is what
/// the language's writers mean by it: the 5th in English, Dutch ("tot") and the Scandinavian languages ("till", "til"), the 6th where
/// the word includes the day ("bis", "jusqu'au", "hasta", "fino al", "до", "まで" …), as do "through", "inclusive" and the
/// second end of a range everywhere. The day is not moved to a working day.
///
/// Dates without a year are those nearest to `sent`. Numeric dates follow the language's order; in English, which has two,
/// only where a weekday, another date of the text or the calendar rules one out. A weekday that contradicts its date, or two
/// different dates of return, give `None`.
pub fn returns_on(text: &str, sent: Date) -> Option<Date> {
    let folded = fold(head(text));
    let words = WORDS.find(&folded);
    let expressions = expression::find(&folded, &words);
    let text = Text { folded: &folded, words: &words, order: numeric_order(&expressions) };
    let mut back: Vec<Date> = Vec::new();
    let mut away: Vec<(Date, Date)> = Vec::new();
    for (n, expression) in expressions.iter().enumerate() {
        let Some((cue, order)) = text.cue(&expressions, n) else { continue };
        if expressions.get(n + 1).is_some_and(|other| text.is_alternative(expression, other)) {
            return None;
        }
        // What can't be resolved can't be compared with the others either.
        let date = text.resolve(expression, order, sent);
        match (cue, date) {
            (Cue::Back, Some(date)) => back.push(date),
            (Cue::Until, Some(date)) => away.push((date, date)),
            (Cue::Through, Some(date)) => away.push((date, date.tomorrow().ok()?)),
            (_, None) => return None,
        }
    }
    let date = match (back.split_first(), away.split_first()) {
        (Some((first, more)), _) => {
            let agree =
                more.iter().all(|date| date == first) && away.iter().all(|(stated, _)| stated <= first);
            agree.then_some(*first)
        }
        // The same day said in two languages, of which one includes it.
        (None, Some(((stated, _), more))) => {
            let agree = more.iter().all(|(date, _)| date == stated);
            away.iter().map(|(_, date)| *date).max().filter(|_| agree)
        }
        (None, None) => None,
    }?;
    let days = (date - sent).get_days();
    (-366..=731).contains(&days).then_some(date)
}

/// The same out of the value of iCloud's `X-Apple-Criteria` header (`{kind=VACATION,startDate=…,endDate=2026-12-04}`): the day after
/// the last one of the absence.
pub fn returns_on_apple(criteria: &str) -> Option<Date> {
    let lower = criteria.to_ascii_lowercase();
    let value = lower.split_once("enddate")?.1.trim_start_matches([' ', '=', ':', '"', '\'']);
    let date: Date = value.get(..10)?.parse().ok()?;
    date.tomorrow().ok()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cue {
    /// The first day back.
    Back,
    /// The same, by "until".
    Until,
    /// The last day away.
    Through,
}

struct Text<'a> {
    folded: &'a str,
    words: &'a [Found<Tag>],
    /// What the text's other dates say about the order of its numbers.
    order: Order,
}

/// Between "back" and its date stands at most "in the office on", with a name of an office.
const BACK_GAP: usize = 60;
/// Between "until" and its date stand an article and a day of the week.
const UNTIL_GAP: usize = 24;
/// Between a date and the words behind it.
const AFTER_GAP: usize = 42;

impl Text<'_> {
    /// What the words around a date make of it, and the order of numbers in their language.
    fn cue(&self, expressions: &[Expression], n: usize) -> Option<(Cue, Order)> {
        let expression = expressions.get(n)?;
        let previous = n.checked_sub(1).and_then(|n| expressions.get(n)).map_or(0, |e| e.end);
        let next = expressions.get(n + 1).map_or(self.folded.len(), |e| e.start);
        if expression.begins_range {
            return None;
        }
        let mut best: Option<(Cue, Order, usize)> = None;
        let mut offer = |cue, tag: &Tag, gap: usize| {
            if best.is_none_or(|(_, _, known)| gap < known) {
                best = Some((cue, tag.order, gap));
            }
        };
        for word in self.words {
            let (cue, limit, behind) = match word.tag.word {
                Word::Back => (Cue::Back, BACK_GAP, false),
                Word::Until => (Cue::Until, UNTIL_GAP, false),
                Word::Through => (Cue::Through, UNTIL_GAP, false),
                Word::BackAfter => (Cue::Back, AFTER_GAP, true),
                Word::UntilAfter => (Cue::Until, 4, true),
                Word::ThroughAfter => (Cue::Through, 14, true),
                _ => continue,
            };
            let (from, to) = if behind { (expression.end, word.start) } else { (word.end, expression.start) };
            let Some(gap) = self.folded.get(from..to) else { continue };
            if gap.len() > limit
                || !in_one_sentence(gap)
                || (behind && word.start > next)
                || (!behind && word.start < previous)
            {
                continue;
            }
            if cue == Cue::Back && (is_about_something_else(gap) || self.is_negated(word, expression)) {
                continue;
            }
            if !behind && matches!(cue, Cue::Until | Cue::Through) && !is_filler(gap) {
                continue;
            }
            // Words of absence make "to", "al" or "до" an end of one; without them they are the end of anything.
            if cue != Cue::Back && !self.is_away(expression) {
                continue;
            }
            // A word behind weighs less than one in front that stands as near.
            offer(cue, &word.tag, gap.len() + if behind { UNTIL_GAP } else { 0 });
        }
        let including = self.words.iter().any(|w| {
            w.tag.word == Word::ThroughAfter
                && w.start >= expression.end
                && w.start <= next.max(expression.end)
                && w.start - expression.end <= 14
        });
        match best {
            Some((Cue::Back, order, gap)) if !expression.ends_range || gap < 4 => Some((Cue::Back, order)),
            Some((Cue::Until, order, _)) if !including && !expression.ends_range => Some((Cue::Until, order)),
            Some((_, order, _)) if self.is_away(expression) => Some((Cue::Through, order)),
            None if expression.ends_range && self.is_away(expression) => {
                Some((Cue::Through, self.language_order(expression)))
            }
            _ => None,
        }
    }

    /// "On the 1st or the 8th".
    fn is_alternative(&self, one: &Expression, other: &Expression) -> bool {
        const OR: &[&str] = &[
            "or",
            "oder",
            "ou",
            "o",
            "of",
            "eller",
            "tai",
            "lub",
            "albo",
            "nebo",
            "veya",
            "или",
            "または",
            "或",
            "或者",
            "또는",
        ];
        let gap = self.folded.get(one.end..other.start).unwrap_or_default();
        gap.len() <= 16 && gap.split([' ', ',', '(']).any(|word| OR.contains(&word))
    }

    /// The order of the language whose words of absence stand nearest.
    fn language_order(&self, expression: &Expression) -> Order {
        self.words
            .iter()
            .filter(|w| w.tag.word == Word::Away)
            .min_by_key(|w| w.start.abs_diff(expression.start))
            .map_or(Order::Unknown, |w| w.tag.order)
    }

    /// Whether words of absence stand near.
    fn is_away(&self, expression: &Expression) -> bool {
        self.words.iter().any(|w| {
            w.tag.word == Word::Away && w.start <= expression.end + 160 && w.end + 300 >= expression.start
        })
    }

    /// "I will not be back on Monday"; but "not back until Monday" is.
    fn is_negated(&self, word: &Found<Tag>, expression: &Expression) -> bool {
        let lead = self.folded.get(..word.start).unwrap_or_default().trim_end_matches(' ').len();
        let english = ["won't", "not", "cannot", "can't"]
            .iter()
            .any(|no| self.folded.get(..lead).is_some_and(|t| t.ends_with(no)));
        let other = self.words.iter().any(|w| {
            w.tag.word == Word::Not
                && w.end == lead
                && w.end < word.start
                && word.start < expression.start
                && w.tag.language == word.tag.language
        });
        english || other
    }

    fn resolve(&self, expression: &Expression, order: Order, sent: Date) -> Option<Date> {
        let fits = |date: &Date| expression.weekday.is_none_or(|day| date.weekday() == weekday(day));
        match expression.form {
            Form::Full(year, month, day) => Date::new(year, month, day).ok().filter(fits),
            Form::MonthDay(month, day) => nearest(month, day, sent).filter(fits),
            Form::Numeric { first, second, year, dotted } => {
                let read = |month, day| match year {
                    Some(year) => Date::new(year, month, day).ok(),
                    None => nearest(month, day, sent),
                };
                let day_first = read(second, first).filter(fits);
                let month_first = if dotted { None } else { read(first, second).filter(fits) };
                let order = if order == Order::Unknown { self.order } else { order };
                match (day_first, month_first, order) {
                    (Some(a), Some(b), _) if a == b => Some(a),
                    (Some(a), Some(_), Order::DayFirst) => Some(a),
                    (Some(_), Some(b), Order::MonthFirst) => Some(b),
                    // Nobody writes of a return that was before this message, or a year ahead.
                    (Some(a), Some(b), Order::Unknown) => {
                        match (is_plausible(a, sent), is_plausible(b, sent)) {
                            (true, false) => Some(a),
                            (false, true) => Some(b),
                            _ => None,
                        }
                    }
                    (one, other, _) => one.or(other),
                }
            }
            Form::Weekday { day, next } => coming(day, next, sent),
            Form::Day(day) => {
                let this = Date::new(sent.year(), sent.month(), day).ok().filter(|date| *date > sent);
                let following = || {
                    sent.checked_add(1.month()).ok().and_then(|d| Date::new(d.year(), d.month(), day).ok())
                };
                this.or_else(following).filter(fits)
            }
            Form::Offset(days) => sent.checked_add(days.days()).ok(),
        }
    }
}

/// The day of month and day that lies nearest to `sent`: up to three months back, else ahead.
fn nearest(month: i8, day: i8, sent: Date) -> Option<Date> {
    [-1, 0, 1].into_iter().filter_map(|shift| Date::new(sent.year() + shift, month, day).ok()).find(|date| {
        let days = (*date - sent).get_days();
        (-90..=275).contains(&days)
    })
}

fn is_plausible(date: Date, sent: Date) -> bool {
    (0..=400).contains(&(date - sent).get_days())
}

/// The coming Monday. On a Monday it may be today or in a week; "next Friday" on a Tuesday is this week's or the next one's.
fn coming(day: i8, next: bool, sent: Date) -> Option<Date> {
    let today = sent.weekday().to_monday_one_offset();
    let days = i64::from((day - today).rem_euclid(7));
    if days == 0 || (next && today < day) || (next && days == 1) {
        return None;
    }
    sent.checked_add(days.days()).ok()
}

fn weekday(day: i8) -> Weekday {
    Weekday::from_monday_one_offset(day).unwrap_or(Weekday::Monday)
}

/// What dates with only one reading say about those with two.
fn numeric_order(expressions: &[Expression]) -> Order {
    let mut order = Order::Unknown;
    for expression in expressions {
        if let Form::Numeric { first, second, dotted: false, .. } = expression.form {
            let one = match (first > 12, second > 12) {
                (true, false) => Order::DayFirst,
                (false, true) => Order::MonthFirst,
                _ => continue,
            };
            if order != Order::Unknown && order != one {
                return Order::Unknown;
            }
            order = one;
        }
    }
    order
}

/// Only an article, a preposition or a mention of the time of day.
fn is_filler(gap: &str) -> bool {
    gap.split([' ', ',', ':', '(']).filter(|word| !word.is_empty()).count() <= 3
        && !gap.contains('.') | gap.trim().ends_with('.')
}

fn in_one_sentence(gap: &str) -> bool {
    !gap.contains(['\n', '!', '?', ';', '。']) && !gap.contains(". ") | gap.trim_end().ends_with('.')
}

/// "I will return your call on Monday", "I'll come back to you by the 5th": not the author's return.
fn is_about_something_else(gap: &str) -> bool {
    [" your ", " to you", " all calls", " messages", " calls", " emails", " my mail"]
        .iter()
        .any(|words| gap.contains(words))
        || gap.starts_with("your ")
}
