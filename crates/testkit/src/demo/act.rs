//! What happens in the story, and what must come of it.

use std::time::Duration;

use answerback_testkit::campaign::{Campaign, SEND_FLYNN, SEND_GIBBS, SEND_LORA, SEND_YORI};
use answerback_testkit::personas::{
    ALAN, FLYNN, FLYNN_ELSEWHERE, FRIEND, GIBBS, LORA, NEWSLETTER, Person, REP, YORI,
};

/// A mail that arrives.
#[derive(Debug)]
pub(crate) struct Act {
    /// How long after the beginning.
    pub(crate) at: Duration,
    /// Who it is from, or about.
    pub(crate) who: &'static str,
    /// What it is, in the words of somebody who looks at the mailbox.
    pub(crate) what: String,
    /// Its bytes.
    pub(crate) raw: Vec<u8>,
    /// What must come of it.
    pub(crate) expected: Expected,
}

/// What a mail must lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Nothing about it leaves the laptop.
    Nothing,
    /// It is of this kind and answers this send; these actions follow.
    Verdict { kind: &'static str, send_id: &'static str, actions: &'static [&'static str] },
}

/// A prospect of the campaign, and what the backend must say of them in the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// Who.
    pub(crate) person: Person,
    /// The send that went to them.
    pub(crate) send_id: &'static str,
    /// The gate states that are right in the end.
    pub(crate) gate: &'static [&'static str],
}

/// The campaign's prospects.
pub(crate) const TARGETS: [Target; 4] = [
    Target { person: FLYNN, send_id: SEND_FLYNN, gate: &["stopped"] },
    Target { person: LORA, send_id: SEND_LORA, gate: &["paused"] },
    Target { person: GIBBS, send_id: SEND_GIBBS, gate: &["stopped"] },
    // Held until the mailbox has been checked after the last send, then clear.
    Target { person: YORI, send_id: SEND_YORI, gate: &["clear", "hold"] },
];

/// The mails, in the order in which they arrive over about half a minute.
pub(crate) fn acts(campaign: &Campaign) -> Vec<Act> {
    let verdict = |kind, send_id, actions| Expected::Verdict { kind, send_id, actions };
    let act = |seconds, who: Person, what: String, raw, expected| Act {
        at: Duration::from_secs(seconds),
        who: who.name,
        what,
        raw,
        expected,
    };
    vec![
        act(1, NEWSLETTER, "a newsletter".into(), campaign.newsletter(), Expected::Nothing),
        act(
            5,
            FLYNN,
            format!("answers from {}", FLYNN_ELSEWHERE.address),
            campaign.flynn_answers(),
            verdict("reply", SEND_FLYNN, &["stop", "log"]),
        ),
        act(
            9,
            LORA,
            "an out-of-office mail".into(),
            campaign.lora_is_away(),
            verdict("auto_reply", SEND_LORA, &["pause", "log"]),
        ),
        act(13, REP, "the rep's own follow-up, in BCC".into(), campaign.own_follow_up(), Expected::Nothing),
        act(
            17,
            GIBBS,
            "the mail to him comes back".into(),
            campaign.gibbs_bounces(),
            verdict("bounce", SEND_GIBBS, &["stop", "suppress", "log"]),
        ),
        act(21, FRIEND, "“Re: Lunch on Sunday?”".into(), campaign.unrelated(), Expected::Nothing),
        act(
            25,
            ALAN,
            "who was in CC, answers".into(),
            campaign.alan_answers(),
            verdict("reply", SEND_FLYNN, &["stop", "log"]),
        ),
    ]
}
