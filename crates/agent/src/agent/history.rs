//! Answers over time.

use std::collections::HashMap;

use answerback_store::Answer;
use jiff::{Span, Timestamp, Zoned, civil::Date, tz::TimeZone};

use super::{Agent, queries::counter};
use crate::show;
use crate::view::{Counts, DayCounts, History, Problem};

/// The longest history that is shown.
const LONGEST: u32 = 366;

impl Agent {
    /// What was attributed on each of the last `days` days, today included.
    ///
    /// # Errors
    /// The store failed.
    pub async fn history(&self, days: u32) -> Result<History, Problem> {
        let now = Zoned::now();
        let days = days.clamp(1, LONGEST);
        let first = now.date().saturating_sub(Span::new().days(i64::from(days) - 1));
        let since = first
            .to_zoned(now.time_zone().clone())
            .map_or_else(|_| now.timestamp(), |midnight| midnight.timestamp());
        let answers = self.store(move |store| store.answers_since(since)).await?;
        Ok(history(&answers, first, days, now.time_zone()))
    }
}

fn history(answers: &[Answer], first: Date, days: u32, zone: &TimeZone) -> History {
    let mut by_day: HashMap<Date, Counts> = HashMap::new();
    let mut times: HashMap<&str, i64> = HashMap::new();
    for answer in answers {
        let counts = by_day.entry(answer.at.to_zoned(zone.clone()).date()).or_default();
        *counter(counts, &answer.kind) += 1;
        if let (true, Some(minutes)) = (answer.kind == "reply", minutes(answer.sent_at, answer.at)) {
            // The first answer to a mail is the one that its author took that long for.
            times.entry(&answer.send_id).and_modify(|first| *first = minutes.min(*first)).or_insert(minutes);
        }
    }
    let day = |number: u32| {
        let day = first.saturating_add(Span::new().days(i64::from(number)));
        DayCounts { day: day.to_string(), counts: by_day.get(&day).copied().unwrap_or_default() }
    };
    History { days: (0..days).map(day).collect(), median_minutes: median(times.into_values().collect()) }
}

fn minutes(sent_at: Option<Timestamp>, answered_at: Timestamp) -> Option<i64> {
    let minutes = answered_at.duration_since(sent_at?).as_mins();
    (minutes >= 0).then_some(minutes)
}

fn median(mut minutes: Vec<i64>) -> Option<u32> {
    minutes.sort_unstable();
    minutes.get(minutes.len() / 2).map(|minutes| show::small(minutes.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(kind: &str, at: &str, send_id: &str) -> Answer {
        Answer {
            at: at.parse().unwrap(),
            kind: kind.into(),
            send_id: send_id.into(),
            sent_at: Some("2026-11-18T08:00:00Z".parse().unwrap()),
        }
    }

    #[test]
    fn answers_are_counted_on_the_laptops_own_day() {
        let madrid = TimeZone::get("Europe/Madrid").unwrap();
        let answers = [
            answer("reply", "2026-11-18T22:30:00Z", "a"),
            answer("reply", "2026-11-18T23:30:00Z", "b"),
            answer("bounce", "2026-11-20T08:00:00Z", "c"),
            answer("auto_reply", "2026-11-20T08:00:00Z", "d"),
        ];
        let shown = history(&answers, "2026-11-18".parse().unwrap(), 3, &madrid);
        let days: Vec<_> = shown.days.iter().map(|day| (day.day.as_str(), day.counts)).collect();
        let counts = |replies, automatic, bounces| Counts { replies, automatic, bounces, stopped: 0 };
        let expected = [
            ("2026-11-18", counts(1, 0, 0)),
            ("2026-11-19", counts(1, 0, 0)),
            ("2026-11-20", counts(0, 1, 1)),
        ];
        assert_eq!(days, expected);
    }

    #[test]
    fn the_median_takes_the_first_answer_to_each_mail_by_a_person() {
        let answers = [
            answer("reply", "2026-11-18T08:10:00Z", "a"),
            answer("reply", "2026-11-20T08:00:00Z", "a"),
            answer("reply", "2026-11-18T09:00:00Z", "b"),
            answer("reply", "2026-11-19T08:00:00Z", "c"),
            answer("auto_reply", "2026-11-18T08:00:05Z", "d"),
        ];
        let day = "2026-11-18".parse().unwrap();
        assert_eq!(history(&answers, day, 3, &TimeZone::UTC).median_minutes, Some(60));
        assert_eq!(history(&[], day, 3, &TimeZone::UTC).median_minutes, None);
    }
}
