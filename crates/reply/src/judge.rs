//! From a message to a verdict.

use crate::{
    Identity, Kind, Message, Policy, SendIndex, Verdict, absence, address,
    attribution::{self, Attribution},
    index::Send,
    intent,
    kind::{self, Classification, RecipientReport, auto_reply, bounce, classify},
    phrases, relation,
};

/// Whether a message that was seen by its header only deserves more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Triage {
    /// It can't answer a tracked send: nothing more is fetched.
    Unrelated,
    /// It is the rep's own mail; the header may teach the index the send's own copy.
    Own,
    /// It may answer a send: fetch a prefix of the body and judge again.
    Candidate,
}

/// Everything that a verdict depends on beside the message.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// Whose mailbox it is.
    pub me: &'a Identity,
    /// The tracked sends.
    pub sends: &'a SendIndex,
    /// What is done about what.
    pub policy: &'a Policy,
}

impl Judge<'_> {
    /// Looks at the header only.
    pub fn triage(&self, message: &Message) -> Triage {
        if message.from.as_deref().is_some_and(|from| self.me.is_own(from)) {
            return Triage::Own;
        }
        if self.sends.is_empty() {
            return Triage::Unrelated;
        }
        // What a header can tell of the ladder's rungs. Nearly all mail of a first scan passes all of these by, so that the whole
        // ladder and the kind, which only decide among candidates, would cost more than everything else there.
        let may_answer = attribution::is_named_in_header(message, self.sends)
            || self.comes_from_participant(message)
            || self.has_subject_of_send(message)
            // An answer that lost its threading fields may still quote the send.
            || (!message.is_threaded() && phrases::is_answer(message.subject.as_deref().unwrap_or_default()))
            // A report's body names the send where its header doesn't.
            || kind::may_return_original(message);
        if may_answer { Triage::Candidate } else { Triage::Unrelated }
    }

    /// Whether the header names a send, by id or thread: all of [`Self::triage`] that changes with what was learned of the sends
    /// meanwhile.
    pub fn is_named(&self, message: &Message) -> bool {
        attribution::is_named_in_header(message, self.sends)
    }

    /// Kind, attribution and actions.
    pub fn verdict(&self, message: &Message) -> Verdict {
        let classified = classify(message, self.me);
        let attribution = attribution::attribute(message, &classified, self.sends);
        let mut verdict = Verdict {
            message_id: message.message_id.as_ref().map(ToString::to_string),
            kind: classified.kind,
            because: classified.reason.clone(),
            partstat: classified.partstat.clone(),
            from: message.from.clone(),
            date: message.sent_at(),
            ..Verdict::default()
        };
        match classified.kind {
            Kind::Bounce | Kind::Delay | Kind::Receipt => {
                let send = attribution.as_ref().map(|attribution| &attribution.send);
                if let Some(recipient) = recipient_for(send, &classified) {
                    // The send's own recipient decides, whatever became of the others.
                    if send.is_some() {
                        verdict.kind = bounce::kind_for(recipient);
                    }
                    verdict.bounce = (verdict.kind == Kind::Bounce).then(|| recipient.bounce.clone());
                }
            }
            Kind::AutoReply => {
                let text = kind::newly_written(message);
                verdict.returns_on = auto_reply::returns_on(message, &text);
                verdict.alternative_contact = absence::alternative_contact(&text, message.from.as_deref());
            }
            // What answers nothing may say what it likes; without any sends the kind and all that goes with it is asked.
            Kind::Reply if message.has_body && (attribution.is_some() || self.sends.is_empty()) => {
                let subject = message.subject.as_deref().unwrap_or_default();
                verdict.intent = intent::of_message(subject, &kind::newly_written(message));
            }
            _ => {}
        }
        if let Some(Attribution { send, confidence, evidence }) = attribution {
            verdict.relation = relation::of(message, &send, self.me);
            verdict.send_id = Some(send.id.to_owned());
            verdict.confidence = confidence;
            verdict.evidence = evidence;
            self.policy.decide(&mut verdict);
        }
        verdict
    }

    fn comes_from_participant(&self, message: &Message) -> bool {
        let authors = message.from.iter().chain(&message.sender).chain(&message.reply_to);
        authors.into_iter().any(|author| self.sends.by_participant(author).next().is_some())
    }

    fn has_subject_of_send(&self, message: &Message) -> bool {
        message.subject.as_deref().is_some_and(|subject| self.sends.by_subject(subject).next().is_some())
    }
}

/// What a report says of the send's own recipient, else the worst that it says.
fn recipient_for<'x>(send: Option<&Send<'_>>, report: &'x Classification) -> Option<&'x RecipientReport> {
    let is_to = |recipient: &&RecipientReport, known: &str| {
        let addresses = recipient.bounce.recipient.iter().chain(&recipient.original_recipient);
        addresses.into_iter().any(|address| address::same_mailbox(address, known))
    };
    let theirs = send.and_then(|send| {
        let to_prospect = report.recipients.iter().find(|recipient| is_to(recipient, send.prospect));
        to_prospect.or_else(|| {
            report
                .recipients
                .iter()
                .find(|recipient| send.participants().any(|known| is_to(recipient, known)))
        })
    });
    theirs.or_else(|| report.recipients.iter().find(|recipient| bounce::kind_for(recipient) == report.kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Relation, Rung, TrackedSend};

    struct Desk {
        me: Identity,
        sends: SendIndex,
        policy: Policy,
    }

    impl Desk {
        fn new() -> Self {
            let send: TrackedSend = serde_json::from_value(serde_json::json!({
                "id": "snd_1", "message_ids": ["<s1@sales.example>"], "marker": "ab1_9f3c77",
                "from": "rep@sales.example", "to": ["flynn@flynnsarcade.com"], "cc": ["alan@encom.com"],
                "subject": "Space Paranoids", "sent_at": "2026-11-18T08:00:00Z",
                "prospect": {"id": "p_1", "email": "flynn@flynnsarcade.com", "name": "Kevin Flynn"},
            }))
            .unwrap();
            let mut sends = SendIndex::new();
            sends.insert(&send);
            let me = Identity {
                addresses: vec!["rep@sales.example".into()],
                colleagues: vec!["sales.example".into()],
            };
            Self { me, sends, policy: Policy::default() }
        }

        fn judge(&self) -> Judge<'_> {
            Judge { me: &self.me, sends: &self.sends, policy: &self.policy }
        }

        fn verdict(&self, raw: &str) -> Verdict {
            self.judge().verdict(&Message::parse(raw.as_bytes()))
        }
    }

    #[test]
    fn flynn_who_answers_from_another_address_ends_the_campaign() {
        let verdict = Desk::new().verdict(
            "From: Kevin Flynn <kevinf@flynnsarcade.com>\nTo: rep@sales.example\nMessage-ID: <r1@flynnsarcade.com>\n\
             In-Reply-To: <s1@sales.example>\nSubject: Re: Space Paranoids\nDate: Fri, 20 Nov 2026 09:12:00 +0000\n\nYes, call me.",
        );
        assert_eq!(verdict.kind, Kind::Reply);
        assert_eq!(verdict.send_id.as_deref(), Some("snd_1"));
        assert_eq!(verdict.relation, Some(Relation::SamePersonOtherAddress));
        assert_eq!(verdict.actions, [Action::Stop, Action::Log]);
        assert_eq!(verdict.evidence[0].rung, Rung::InReplyTo);
        assert_eq!(verdict.evidence[0].value, "<s1@sales.example>");
        assert_eq!(verdict.confidence, 1.0);
    }

    #[test]
    fn each_kind_of_answer_is_told_apart() {
        let bounce = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example (Mail Delivery System)\nTo: rep@sales.example\nSubject: Undelivered Mail Returned to Sender\n\
            Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nI'm sorry.\n--b\nContent-Type: message/delivery-status\n\n\
            Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; alan@encom.com\nAction: delayed\nStatus: 4.4.1\n\n\
            Final-Recipient: rfc822; flynn@flynnsarcade.com\nAction: failed\nStatus: 5.1.1\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <s1@sales.example>\n--b--\n";
        for (raw, kind, rung, relation, actions) in [
            (
                "From: alan@encom.com\nReferences: <x@y> <s1@sales.example> <z@y>\nSubject: Re: x\n\nHi",
                Kind::Reply,
                Rung::References,
                Some(Relation::Copied),
                &[Action::Stop, Action::Log][..],
            ),
            (
                "From: boss@sales.example\nIn-Reply-To: <s1@sales.example>\nSubject: Re: x\n\nNice",
                Kind::Reply,
                Rung::InReplyTo,
                Some(Relation::Colleague),
                &[Action::Log],
            ),
            (
                "From: Rep <rep@sales.example>\nIn-Reply-To: <s1@sales.example>\nSubject: Re: x\n\nStill there?",
                Kind::Own,
                Rung::InReplyTo,
                Some(Relation::Colleague),
                &[],
            ),
            (
                "From: flynn@flynnsarcade.com\nIn-Reply-To: <s1@sales.example>\nAuto-Submitted: auto-replied\nSubject: Automatic reply: x\nDate: Fri, 20 Nov 2026 09:12:00 +0000\n\nI am away.",
                Kind::AutoReply,
                Rung::InReplyTo,
                Some(Relation::Prospect),
                &[Action::Pause, Action::Log],
            ),
            (
                bounce,
                Kind::Bounce,
                Rung::Report,
                Some(Relation::Other),
                &[Action::Stop, Action::Suppress, Action::Log],
            ),
            (
                "From: new@nowhere.example\nSubject: Fwd: Space Paranoids\n\nSee below.\n> Message-ID: <s1@sales.example>\n",
                Kind::Reply,
                Rung::QuotedId,
                Some(Relation::Other),
                &[Action::Stop, Action::Log],
            ),
            (
                "From: new@nowhere.example\nSubject: x\nContent-Type: text/html\n\n<p>ok<div id=\"ab1_9f3c77\">",
                Kind::Reply,
                Rung::QuotedId,
                Some(Relation::Other),
                &[Action::Stop, Action::Log],
            ),
        ] {
            let verdict = Desk::new().verdict(raw);
            assert_eq!(verdict.kind, kind, "{raw}");
            assert_eq!(verdict.send_id.as_deref(), Some("snd_1"), "{raw}");
            assert_eq!(verdict.evidence[0].rung, rung, "{raw}");
            assert_eq!(verdict.relation, relation, "{raw}");
            assert_eq!(verdict.actions, actions, "{raw}");
        }
        assert_eq!(Desk::new().verdict(bounce).bounce.unwrap().status.as_deref(), Some("5.1.1"));
    }

    #[test]
    fn what_answers_nothing_has_no_actions() {
        for raw in [
            "From: x@y.example\nSubject: Hello\nIn-Reply-To: <other@sales.example>\n\nHi",
            "From: news@shop.example\nSubject: Offers\nList-Unsubscribe: <https://shop.example>\n\nBuy",
            "",
        ] {
            let verdict = Desk::new().verdict(raw);
            assert_eq!(verdict.send_id, None, "{raw}");
            assert!(
                verdict.actions.is_empty() && verdict.evidence.is_empty() && verdict.relation.is_none(),
                "{raw}"
            );
        }
    }

    #[test]
    fn learned_ids_threads_and_chains_attribute() {
        let mut desk = Desk::new();
        desk.sends.learn_id("snd_1", &crate::MessageId::new("<new@outlook.example>").unwrap());
        desk.sends.learn_thread("snd_1", "gmail:17");
        desk.sends.learn_chain("snd_1", &crate::MessageId::new("<forward@flynnsarcade.com>").unwrap());
        for (raw, threads, rung) in [
            ("From: a@b.example\nIn-Reply-To: <new@outlook.example>\n\n", vec![], Rung::InReplyTo),
            ("From: a@b.example\nSubject: Re: changed\n\n", vec!["gmail:17".to_owned()], Rung::ThreadId),
            ("From: a@b.example\nIn-Reply-To: <forward@flynnsarcade.com>\n\n", vec![], Rung::Chain),
        ] {
            let message = Message { thread_ids: threads, ..Message::parse(raw.as_bytes()) };
            let verdict = desk.judge().verdict(&message);
            assert_eq!(verdict.evidence[0].rung, rung, "{raw}");
        }
        desk.sends.remove("snd_1");
        assert!(desk.sends.is_empty());
        assert_eq!(desk.verdict("From: a@b.example\nIn-Reply-To: <s1@sales.example>\n\n").send_id, None);
    }

    #[test]
    fn who_quotes_the_rep_under_the_sends_subject_answers_it_unless_a_date_speaks_against_it() {
        let answer = |quote: &str| {
            format!(
                "From: Sam Dumont <sam@dumont.example>\nTo: rep@sales.example\nMessage-ID: <r9@dumont.example>\n\
                 Subject: Re: Space Paranoids\nDate: Fri, 20 Nov 2026 09:12:00 +0000\n\nYes, call me.\n\n{quote}\n> Hello\n"
            )
        };
        for (quote, confidence, action) in [
            ("Rep <rep@sales.example> writes:", 0.992, Action::Stop),
            ("On Wed, Nov 18, 2026 at 8:00 AM Rep <rep@sales.example> wrote:", 0.998, Action::Stop),
            ("On Mon, Nov 16, 2026 at 7:41 PM Rep <rep@sales.example> wrote:", 0.95, Action::Ask),
            ("Lora <lora@encom.com> writes:", 0.7, Action::Ask),
        ] {
            let verdict = Desk::new().verdict(&answer(quote));
            assert!(
                (verdict.confidence - confidence).abs() < f64::EPSILON,
                "{quote}: {}",
                verdict.confidence
            );
            assert_eq!(verdict.actions.first(), Some(&action), "{quote}");
        }
    }

    #[test]
    fn of_sends_of_one_minute_the_authors_own_is_answered_and_a_strangers_answer_stops_none() {
        let mut desk = Desk::new();
        for (id, to) in [("snd_2", "lora@encom.com"), ("snd_3", "yori@gridworks.example")] {
            let send: TrackedSend = serde_json::from_value(serde_json::json!({
                "id": id, "message_ids": [format!("<{id}@sales.example>")], "from": "rep@sales.example", "to": [to],
                "subject": "Space Paranoids", "sent_at": "2026-11-18T08:00:00Z",
                "prospect": {"id": id, "email": to},
            }))
            .unwrap();
            desk.sends.insert(&send);
        }
        let answer = |from: &str| {
            format!(
                "From: {from}\nTo: rep@sales.example\nMessage-ID: <r9@elsewhere.example>\n\
                 Subject: Re: Space Paranoids\nDate: Fri, 20 Nov 2026 09:12:00 +0000\n\nYes, call me.\n\n\
                 On Wed, Nov 18, 2026 at 8:00 AM Rep <rep@sales.example> wrote:\n> Hello\n"
            )
        };
        for (from, send_id) in [
            ("Kevin Flynn <kevinf@flynnsarcade.com>", "snd_1"),
            ("Kevin Flynn <kevin.flynn@gmail.com>", "snd_1"),
            ("lora@encom.com", "snd_2"),
            ("Yori's office <office@gridworks.example>", "snd_3"),
        ] {
            let verdict = desk.verdict(&answer(from));
            assert_eq!(
                (verdict.send_id.as_deref(), verdict.actions.first()),
                (Some(send_id), Some(&Action::Stop)),
                "{from}"
            );
        }
        let verdict = desk.verdict(&answer("Sam Dumont <sam@dumont.example>"));
        assert!(!verdict.actions.contains(&Action::Stop), "{verdict:?}");
    }

    #[test]
    fn another_prospects_send_is_a_rival_also_behind_a_second_step_to_the_same_prospect() {
        let mut desk = Desk::new();
        for (id, to, sent_at) in [
            ("snd_2", "flynn@flynnsarcade.com", "2026-11-19T08:00:00Z"),
            ("snd_3", "yori@gridworks.example", "2026-11-17T08:00:00Z"),
        ] {
            let send: TrackedSend = serde_json::from_value(serde_json::json!({
                "id": id, "message_ids": [format!("<{id}@sales.example>")], "from": "rep@sales.example", "to": [to],
                "subject": "Space Paranoids", "sent_at": sent_at, "prospect": {"id": to, "email": to},
            }))
            .unwrap();
            desk.sends.insert(&send);
        }
        let verdict = desk.verdict(
            "From: Sam Dumont <sam@dumont.example>\nTo: rep@sales.example\nMessage-ID: <r9@dumont.example>\n\
             Subject: Re: Space Paranoids\nDate: Fri, 20 Nov 2026 09:12:00 +0000\n\nYes, call me.\n\n\
             Rep <rep@sales.example> writes:\n> Hello\n",
        );
        assert!(!verdict.actions.contains(&Action::Stop), "{verdict:?}");
    }

    #[test]
    fn triage_asks_for_the_body_only_where_it_may_matter() {
        let desk = Desk::new();
        for (raw, expected) in [
            ("From: rep@sales.example\nSubject: x\n", Triage::Own),
            ("From: kevinf@flynnsarcade.com\nIn-Reply-To: <s1@sales.example>\n", Triage::Candidate),
            ("From: flynn@flynnsarcade.com\nSubject: about something else\n", Triage::Candidate),
            ("From: x@y.example\nSubject: Space Paranoids\n", Triage::Candidate),
            ("From: MAILER-DAEMON@mx.example\nReturn-Path: <>\nSubject: failure notice\n", Triage::Candidate),
            (
                "From: x@y.example\nContent-Type: multipart/report; report-type=disposition-notification; boundary=x\n",
                Triage::Candidate,
            ),
            ("From: x@y.example\nSubject: lunch\n", Triage::Unrelated),
            ("From: x@y.example\nSubject: Re: lunch\nIn-Reply-To: <q@y.example>\n", Triage::Unrelated),
            (
                "From: news@shop.example\nSubject: Offers\nList-Unsubscribe: <https://shop.example>\n",
                Triage::Unrelated,
            ),
        ] {
            assert_eq!(desk.judge().triage(&Message::from_header(raw.as_bytes())), expected, "{raw}");
        }
    }
}
