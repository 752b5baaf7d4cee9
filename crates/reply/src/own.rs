//! The rep's own copy of a tracked send, found in the Sent folder: it teaches the ids and threads by which answers
//! name the send after a relay or server has replaced the Message-ID.

use crate::{
    Fingerprint, Judge, Message, MessageId, address,
    index::{Key, Send},
};

/// What a send's own copy teaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnCopy {
    /// The send that it is a copy of.
    pub send_id: String,
    /// Every Message-ID that it is or was known by.
    pub ids: Vec<MessageId>,
    /// Its provider threads, as `scheme:value`.
    pub threads: Vec<String>,
    /// What answers will quote of it, where the body was looked at.
    pub text: Option<Fingerprint>,
}

/// A copy without a known id was written at most this long before or after the time that the backend states.
const WINDOW: i64 = 2 * 3600;

impl Judge<'_> {
    /// Which send a message of the rep is a copy of, from its header, or from (a prefix
    /// of) the whole, which also teaches what answers will quote; `None` for mail that is none.
    ///
    /// By a known id, also one that a server replaced and kept in a field of its own; by the marker; else by
    /// recipients, subject and time, where exactly one send fits.
    pub fn own_copy(&self, message: &Message) -> Option<OwnCopy> {
        if !message.from.as_deref().is_some_and(|from| self.me.is_own(from)) {
            return None;
        }
        let ids: Vec<MessageId> = message.message_id.iter().chain(&message.original_ids).cloned().collect();
        let send = self
            .by_marker(message)
            .or_else(|| self.by_id(&ids, message))
            .or_else(|| self.by_content(message))?;
        Some(OwnCopy {
            send_id: send.id.to_owned(),
            ids,
            threads: message.threads().map(str::to_owned).collect(),
            text: Fingerprint::of(message),
        })
    }

    fn by_marker(&self, message: &Message) -> Option<Send<'_>> {
        self.sends.by_key(Key::Marker(message.marker.as_deref()?.trim())).next()
    }

    fn by_id(&self, ids: &[MessageId], message: &Message) -> Option<Send<'_>> {
        ids.iter().find_map(|id| {
            let mut sends = self.sends.by_key(Key::Id(id.as_str()));
            let first = sends.next()?;
            let mut all = std::iter::once(first).chain(sends);
            Some(all.find(|send| is_to(message, send.prospect)).unwrap_or(first))
        })
    }

    fn by_content(&self, message: &Message) -> Option<Send<'_>> {
        let sent_at = message.sent_at()?.as_second();
        let subject = message.subject.as_deref()?;
        let mut found: Option<Send<'_>> = None;
        for recipient in &message.to {
            for send in self.sends.by_participant(recipient) {
                let fits = (send.sent_at - sent_at).abs() <= WINDOW
                    && self.sends.has_subject(&send, subject)
                    && send.to().all(|to| is_to(message, to));
                if !fits {
                    continue;
                }
                // Two sends that fit can't be told apart; a wrong id would stop a wrong campaign.
                if found.is_some_and(|other| other.slot != send.slot) {
                    return None;
                }
                found = Some(send);
            }
        }
        found
    }
}

fn is_to(message: &Message, recipient: &str) -> bool {
    message.to.iter().chain(&message.cc).any(|to| address::same_mailbox(to, recipient))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Identity, Policy, SendIndex, TrackedSend};

    fn send(id: &str, message_id: &str, marker: Option<&str>, to: &str, subject: &str) -> TrackedSend {
        serde_json::from_value(serde_json::json!({
            "id": id, "message_ids": [message_id], "marker": marker, "to": [to], "subject": subject,
            "sent_at": "2026-11-18T08:00:00Z",
        }))
        .unwrap()
    }

    fn copy(header: &str) -> Option<String> {
        let me = Identity { addresses: vec!["rep@sales.example".into()], colleagues: vec![] };
        let mut sends = SendIndex::new();
        sends.insert(&send(
            "snd_1",
            "<s1@sales.example>",
            Some("ab1_9f3c"),
            "flynn@flynnsarcade.com",
            "Space Paranoids",
        ));
        sends.insert(&send("snd_2", "<s2@sales.example>", None, "alan@encom.com", "Tron"));
        sends.insert(&send("snd_3", "<s3@sales.example>", None, "alan@encom.com", "Tron"));
        let policy = Policy::default();
        let judge = Judge { me: &me, sends: &sends, policy: &policy };
        judge.own_copy(&Message::from_header(header.as_bytes())).map(|copy| copy.send_id)
    }

    #[test]
    fn a_copy_is_known_by_id_marker_or_by_recipients_subject_and_time() {
        for (header, expected) in [
            ("From: rep@sales.example\nMessage-ID: <s1@sales.example>\n", Some("snd_1")),
            (
                "From: rep@sales.example\nMessage-ID: <new@outlook.example>\nX-Microsoft-Original-Message-ID: <s1@sales.example>\n",
                Some("snd_1"),
            ),
            (
                "From: rep@sales.example\nMessage-ID: <new@mail.gmail.example>\nX-Google-Original-Message-ID: <s2@sales.example>\n",
                Some("snd_2"),
            ),
            (
                "From: Rep <rep@sales.example>\nMessage-ID: <new@ses.example>\nX-Answerback-Marker: ab1_9f3c\n",
                Some("snd_1"),
            ),
            (
                "From: rep@sales.example\nTo: flynn@flynnsarcade.com\nSubject: Space Paranoids\nDate: Wed, 18 Nov 2026 08:03:00 +0000\n",
                Some("snd_1"),
            ),
            // Too late, another subject, two that fit, somebody else's.
            (
                "From: rep@sales.example\nTo: flynn@flynnsarcade.com\nSubject: Space Paranoids\nDate: Fri, 20 Nov 2026 08:03:00 +0000\n",
                None,
            ),
            (
                "From: rep@sales.example\nTo: flynn@flynnsarcade.com\nSubject: Lunch\nDate: Wed, 18 Nov 2026 08:03:00 +0000\n",
                None,
            ),
            (
                "From: rep@sales.example\nTo: alan@encom.com\nSubject: Tron\nDate: Wed, 18 Nov 2026 08:03:00 +0000\n",
                None,
            ),
            ("From: flynn@flynnsarcade.com\nMessage-ID: <s1@sales.example>\n", None),
        ] {
            assert_eq!(copy(header).as_deref(), expected, "{header}");
        }
    }
}
