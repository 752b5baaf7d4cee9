//! What is done about each kind of message: a table that the rep can change and the organisation can pin.

use jiff::{
    ToSpan,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use crate::{BounceClass, BounceReason, Intent, Kind, Relation, Rung, Verdict, kind::complaint};

/// One thing to do about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// End the campaign for this prospect.
    Stop,
    /// Hold the campaign until a date.
    Pause,
    /// Never mail this address again (opt-out, complaint, invalid address).
    Suppress,
    /// Write it into the CRM.
    Log,
    /// Ask the rep whether it answers the send.
    Ask,
}

/// The rows of the policy table, each a list of actions, and the numbers that go with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// A person answered: prospect, same person, copied, same domain, or other.
    pub reply: Vec<Action>,
    /// The answer asks not to be written to again.
    pub opt_out: Vec<Action>,
    /// A colleague of the rep answered.
    pub colleague: Vec<Action>,
    /// An invitation was answered.
    pub calendar_response: Vec<Action>,
    /// Out of office with a return date that can be believed.
    pub auto_reply_dated: Vec<Action>,
    /// Out of office without one.
    pub auto_reply: Vec<Action>,
    /// The address does not exist.
    pub bounce_address: Vec<Action>,
    /// Permanent, but the address may be good.
    pub bounce_permanent: Vec<Action>,
    /// Transient.
    pub bounce_transient: Vec<Action>,
    /// A delay warning.
    pub delay: Vec<Action>,
    /// A ticket acknowledgement.
    pub acknowledgement: Vec<Action>,
    /// A challenge.
    pub challenge: Vec<Action>,
    /// A receipt.
    pub receipt: Vec<Action>,
    /// An abuse report.
    pub complaint: Vec<Action>,
    /// Days to pause for an out-of-office mail that names no date.
    pub pause_days: u16,
    /// Return dates further ahead than this many days are ignored.
    pub pause_max_days: u16,
    /// Attributions of the content rung at or above this confidence act by themselves; below, the rep is asked.
    pub content_threshold: f64,
}

impl Default for Policy {
    fn default() -> Self {
        use Action::{Log, Pause, Stop, Suppress};
        Self {
            reply: vec![Stop, Log],
            opt_out: vec![Stop, Suppress, Log],
            colleague: vec![Log],
            calendar_response: vec![Stop, Log],
            auto_reply_dated: vec![Pause, Log],
            auto_reply: vec![Pause, Log],
            bounce_address: vec![Stop, Suppress, Log],
            bounce_permanent: vec![Stop, Log],
            bounce_transient: vec![Log],
            delay: vec![Log],
            acknowledgement: vec![Log],
            challenge: vec![Log],
            receipt: vec![Log],
            complaint: vec![Stop, Suppress, Log],
            pause_days: 5,
            pause_max_days: 60,
            content_threshold: 0.99,
        }
    }
}

impl Policy {
    /// Fills in the actions of an attributed verdict, and the date that a pause lasts until.
    pub fn decide(&self, verdict: &mut Verdict) {
        let back = self.believable_return(verdict);
        let by_content = verdict.evidence.first().is_some_and(|evidence| evidence.rung == Rung::Content);
        let is_nothing = matches!(verdict.kind, Kind::Own | Kind::Bulk | Kind::Unknown);
        verdict.actions = if by_content && verdict.confidence < self.content_threshold && !is_nothing {
            vec![Action::Ask]
        } else {
            self.row(verdict, back.is_some()).to_vec()
        };
        if verdict.actions.contains(&Action::Pause) {
            verdict.pause_until = back.map(next_working_day).or_else(|| pause_from(verdict, self.pause_days));
            if verdict.pause_until.is_none() {
                verdict.actions.retain(|action| *action != Action::Pause);
            }
        }
    }

    fn row(&self, verdict: &Verdict, has_return_date: bool) -> &[Action] {
        match verdict.kind {
            Kind::Reply if verdict.relation == Some(Relation::Colleague) => &self.colleague,
            Kind::Reply if verdict.intent == Intent::OptOut => &self.opt_out,
            Kind::Reply => &self.reply,
            Kind::CalendarResponse => &self.calendar_response,
            Kind::AutoReply if has_return_date => &self.auto_reply_dated,
            Kind::AutoReply => &self.auto_reply,
            Kind::Bounce => match verdict.bounce.as_ref().map(|bounce| (bounce.class, bounce.reason)) {
                Some((BounceClass::Permanent, BounceReason::Address)) => &self.bounce_address,
                Some((BounceClass::Permanent, _)) => &self.bounce_permanent,
                Some((BounceClass::Transient, _)) | None => &self.bounce_transient,
            },
            Kind::Delay => &self.delay,
            Kind::Acknowledgement => &self.acknowledgement,
            Kind::Challenge => &self.challenge,
            Kind::Receipt => &self.receipt,
            // Nobody complained: a server reports that it could not authenticate the mail.
            Kind::Complaint if complaint::is_about_authentication(verdict.because.as_ref()) => &self.receipt,
            Kind::Complaint => &self.complaint,
            Kind::Own | Kind::Bulk | Kind::Unknown => &[],
        }
    }

    /// A return date that lies neither in the past nor too far ahead, seen from the message's own date.
    fn believable_return(&self, verdict: &Verdict) -> Option<Date> {
        let back = verdict.returns_on?;
        let sent = verdict.date?.to_zoned(TimeZone::UTC).date();
        let latest = sent.checked_add(i64::from(self.pause_max_days).days()).ok()?;
        (back >= sent && back <= latest).then_some(back)
    }
}

fn pause_from(verdict: &Verdict, days: u16) -> Option<Date> {
    let sent = verdict.date?.to_zoned(TimeZone::UTC).date();
    sent.checked_add(i64::from(days).days()).ok()
}

/// The first working day after a date: nobody reads a sales email on the day of their return.
fn next_working_day(date: Date) -> Date {
    let mut day = date;
    loop {
        let Ok(next) = day.tomorrow() else { return day };
        day = next;
        if !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            return day;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bounce, Evidence};

    fn decided(kind: Kind, change: impl FnOnce(&mut Verdict)) -> Verdict {
        let mut verdict = Verdict {
            kind,
            date: Some("2026-11-20T09:12:00Z".parse().unwrap()),
            evidence: vec![Evidence { rung: Rung::InReplyTo, value: "<s1@sales.example>".into() }],
            confidence: 1.0,
            relation: Some(Relation::Prospect),
            ..Verdict::default()
        };
        change(&mut verdict);
        Policy::default().decide(&mut verdict);
        verdict
    }

    fn bounce(class: BounceClass, reason: BounceReason) -> Option<Bounce> {
        Some(Bounce { class, reason, status: None, recipient: None, diagnostic: None })
    }

    #[test]
    fn each_kind_has_its_default_actions() {
        use Action::*;
        use BounceClass::*;
        let address = BounceReason::Address;
        for (kind, change, expected) in [
            (Kind::Reply, Box::new(|_: &mut Verdict| {}) as Box<dyn FnOnce(&mut Verdict)>, &[Stop, Log][..]),
            (Kind::Reply, Box::new(|v: &mut Verdict| v.relation = Some(Relation::Other)), &[Stop, Log]),
            (Kind::Reply, Box::new(|v: &mut Verdict| v.intent = Intent::OptOut), &[Stop, Suppress, Log]),
            (Kind::Reply, Box::new(|v: &mut Verdict| v.relation = Some(Relation::Colleague)), &[Log]),
            (Kind::CalendarResponse, Box::new(|_: &mut Verdict| {}), &[Stop, Log]),
            (Kind::AutoReply, Box::new(|_: &mut Verdict| {}), &[Pause, Log]),
            (
                Kind::Bounce,
                Box::new(move |v: &mut Verdict| v.bounce = bounce(Permanent, address)),
                &[Stop, Suppress, Log],
            ),
            (
                Kind::Bounce,
                Box::new(|v: &mut Verdict| v.bounce = bounce(Permanent, BounceReason::MailboxFull)),
                &[Stop, Log],
            ),
            (Kind::Bounce, Box::new(move |v: &mut Verdict| v.bounce = bounce(Transient, address)), &[Log]),
            (Kind::Delay, Box::new(|_: &mut Verdict| {}), &[Log]),
            (Kind::Receipt, Box::new(|_: &mut Verdict| {}), &[Log]),
            (Kind::Challenge, Box::new(|_: &mut Verdict| {}), &[Log]),
            (Kind::Acknowledgement, Box::new(|_: &mut Verdict| {}), &[Log]),
            (Kind::Complaint, Box::new(|_: &mut Verdict| {}), &[Stop, Suppress, Log]),
            (Kind::Own, Box::new(|_: &mut Verdict| {}), &[]),
            (Kind::Bulk, Box::new(|_: &mut Verdict| {}), &[]),
            (Kind::Unknown, Box::new(|_: &mut Verdict| {}), &[]),
        ] {
            assert_eq!(decided(kind, change).actions, expected, "{kind:?}");
        }
    }

    #[test]
    fn an_absence_pauses_until_the_working_day_after_the_return_or_for_some_days() {
        for (returns_on, until) in [
            // Tuesday, then Friday before a weekend.
            (Some("2026-11-24"), "2026-11-25"),
            (Some("2026-11-27"), "2026-11-30"),
            // In the past, too far ahead, not stated: five days.
            (Some("2026-11-19"), "2026-11-25"),
            (Some("2027-03-01"), "2026-11-25"),
            (None, "2026-11-25"),
        ] {
            let verdict =
                decided(Kind::AutoReply, |v| v.returns_on = returns_on.map(|date| date.parse().unwrap()));
            assert_eq!(verdict.pause_until.unwrap().to_string(), until, "{returns_on:?}");
            assert_eq!(verdict.actions, [Action::Pause, Action::Log]);
        }
        let undated = decided(Kind::AutoReply, |v| v.date = None);
        assert_eq!((undated.pause_until, undated.actions), (None, vec![Action::Log]));
    }

    #[test]
    fn what_only_the_content_says_asks_below_the_threshold_and_acts_above() {
        let by_content = |confidence| {
            decided(Kind::Reply, |verdict| {
                verdict.evidence = vec![Evidence { rung: Rung::Content, value: "subject".into() }];
                verdict.confidence = confidence;
            })
        };
        assert_eq!(by_content(0.5).actions, [Action::Ask]);
        assert_eq!(by_content(0.999).actions, [Action::Stop, Action::Log]);
    }
}
