//! Tells the rep that somebody answered, also while the window is closed.

use answerback_agent::{Agent, view::ReplyRow};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tauri::{AppHandle, Manager, Runtime};
use tauri_plugin_notification::NotificationExt;

use crate::{
    language::text,
    link,
    preferences::{PreferenceFile, Preferences},
};

/// An answer that was received longer ago than this is not news: a first scan finds months of them.
const NEWS: SignedDuration = SignedDuration::from_mins(30);

/// What is announced.
#[derive(Debug, PartialEq, Eq)]
struct Announcement {
    title: String,
    body: Option<String>,
}

/// A click on a notification opens what it is about.
pub fn open_on_click<R: Runtime>(app: &AppHandle<R>) {
    let handle = app.clone();
    let listening = app.notification().on_action(move |performed| {
        if let Some(about) = performed.notification().filter(|_| performed.action_id() == "tap") {
            link::show_reply(&handle, about.id());
        }
    });
    if let Err(error) = listening {
        tracing::debug!("Clicks on notifications are not heard: {error}.");
    }
}

/// Announces a verdict if the rep wants to hear of it.
pub async fn consider<R: Runtime>(app: &AppHandle<R>, agent: &Agent, id: i64) {
    let Ok(detail) = agent.reply(id).await else { return };
    let file = app.state::<PreferenceFile>();
    let Some(announcement) =
        announce(&detail.row, &file.get(), file.language(), Timestamp::now(), &TimeZone::system())
    else {
        return;
    };
    let mut notification = app.notification().builder().title(announcement.title);
    if let Ok(id) = i32::try_from(id) {
        notification = notification.id(id);
    }
    if let Some(body) = announcement.body {
        notification = notification.body(body);
    }
    if let Err(error) = notification.show() {
        tracing::debug!("A notification was not shown: {error}.");
    }
}

fn announce(
    row: &ReplyRow,
    preferences: &Preferences,
    language: &str,
    now: Timestamp,
    zone: &TimeZone,
) -> Option<Announcement> {
    let answer = matches!(row.kind.as_str(), "reply" | "calendar_response") && !row.question;
    if row.retracted
        || !(answer && preferences.notify_answers || row.question && preferences.notify_questions)
    {
        return None;
    }
    let received: Timestamp = row.received_at.as_deref()?.parse().ok()?;
    if now.duration_since(received) > NEWS {
        return None;
    }
    let hour = u8::try_from(now.to_zoned(zone.clone()).hour()).unwrap_or_default();
    if preferences.quiet_hours.is_some_and(|quiet| quiet.contains(hour)) {
        return None;
    }
    if !preferences.notify_content {
        return Some(Announcement { title: text(language, "notification.answered_hidden", &[]), body: None });
    }
    let who = row.from_name.as_deref().or(row.from.as_deref());
    let who = who.map_or_else(|| text(language, "notification.unknown_author", &[]), str::to_owned);
    let key = if row.question { "notification.question" } else { "notification.answered" };
    Some(Announcement { title: text(language, key, &[("who", &who)]), body: row.subject.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preferences::QuietHours;

    fn row() -> ReplyRow {
        ReplyRow {
            id: 1,
            account: "rep@sales.example".into(),
            folder: "INBOX".into(),
            kind: "reply".into(),
            from_name: Some("Kevin Flynn".into()),
            from: Some("kevinf@flynnsarcade.com".into()),
            subject: Some("Re: Space Paranoids".into()),
            received_at: Some("2026-11-20T09:12:00Z".into()),
            relation: Some("same_person_other_address".into()),
            intent: "none".into(),
            prospect: Some("Kevin Flynn".into()),
            campaign: Some("Arcade owners".into()),
            sent_at: Some("2026-11-18T08:00:00Z".into()),
            confidence: 1.0,
            rung: Some("in_reply_to".into()),
            actions: vec!["stop".into(), "log".into()],
            returns_on: None,
            pause_until: None,
            retracted: false,
            question: false,
            delivery: None,
        }
    }

    fn at(row: &ReplyRow, preferences: &Preferences, now: &str) -> Option<Announcement> {
        announce(row, preferences, "en", now.parse().unwrap(), &TimeZone::UTC)
    }

    #[test]
    fn an_answer_is_announced_with_its_author_and_subject() {
        let told = at(&row(), &Preferences::default(), "2026-11-20T09:13:00Z").unwrap();
        assert_eq!(told.title, "Kevin Flynn answered");
        assert_eq!(told.body.as_deref(), Some("Re: Space Paranoids"));
    }

    #[test]
    fn nothing_is_shown_of_it_when_content_is_hidden() {
        let hidden = Preferences { notify_content: false, ..Preferences::default() };
        let told = at(&row(), &hidden, "2026-11-20T09:13:00Z").unwrap();
        assert!(told.body.is_none() && !told.title.contains("Flynn"));
    }

    #[test]
    fn old_automatic_retracted_and_quiet_ones_are_not_announced() {
        let usual = Preferences::default();
        assert_eq!(at(&row(), &usual, "2026-11-20T10:13:00Z"), None, "found by a first scan");
        let out_of_office = ReplyRow { kind: "auto_reply".into(), ..row() };
        assert_eq!(at(&out_of_office, &usual, "2026-11-20T09:13:00Z"), None);
        let retracted = ReplyRow { retracted: true, ..row() };
        assert_eq!(at(&retracted, &usual, "2026-11-20T09:13:00Z"), None);
        let quiet = Preferences { quiet_hours: Some(QuietHours { from: 20, until: 10 }), ..usual };
        assert_eq!(at(&row(), &quiet, "2026-11-20T09:13:00Z"), None);
    }

    #[test]
    fn a_question_is_announced_as_one() {
        let question = ReplyRow { question: true, ..row() };
        let told = at(&question, &Preferences::default(), "2026-11-20T09:13:00Z").unwrap();
        assert_eq!(told.title, "Is this an answer? Kevin Flynn");
        let unwanted = Preferences { notify_questions: false, ..Preferences::default() };
        assert_eq!(at(&question, &unwanted, "2026-11-20T09:13:00Z"), None);
    }
}
