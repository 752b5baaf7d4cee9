//! A rep's INBOX of some months: newsletters, colleagues' threads, notifications, and now and then an answer.
//!
//! The same number always gives the same message.

use answerback_reply::{MessageId, TrackedSend};
use answerback_testkit::mail::{Mail, quoted};
use answerback_testkit::personas::{ALAN, COLLEAGUE, FLYNN, FRIEND, LORA, NEWSLETTER, Person, REP};
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

const WORDS: &str = "the of to and in that it is was for on are with as his they be at one have this from or had by hot but some what there we can out \
    other were all your when up use how said an each she which do their time if will way about many then them would write like so these her long make \
    thing see him two has look more day could go come did my sound no most number who over know water than call first people may down side been now find";
const SUBJECTS: [&str; 6] = [
    "Numbers for the quarter",
    "Meeting notes",
    "Your order",
    "Next steps",
    "Angebot für März",
    "The week in arcades",
];

/// The mailbox, before it is written.
#[derive(Clone, Copy, Debug)]
pub struct Archive {
    /// How many messages it has.
    pub messages: usize,
    /// How many of a hundred answer a send.
    pub answers: f64,
    /// How many sends are tracked.
    pub sends: usize,
    /// When the last message came.
    pub until: Timestamp,
}

impl Archive {
    /// What is tracked: everything was sent before the first message came.
    pub fn tracked(&self) -> Vec<TrackedSend> {
        (0..self.sends).map(|n| tracked(n, self.until - SignedDuration::from_hours(24 * 200))).collect()
    }

    /// The messages, oldest first, over the last half a year.
    pub fn mails(&self) -> impl Iterator<Item = (Timestamp, Vec<u8>)> + '_ {
        let spacing = SignedDuration::from_hours(24 * 180).as_secs() / self.messages.max(1) as i64;
        (0..self.messages).map(move |n| {
            let age = spacing * (self.messages - n) as i64;
            let at = self.until - SignedDuration::from_secs(age);
            (at, self.mail(n, at))
        })
    }

    fn mail(&self, n: usize, at: Timestamp) -> Vec<u8> {
        let mut rng = Rng::with_seed(n as u64);
        if rng.f64() * 100.0 < self.answers && self.sends > 0 {
            return answer(&mut rng, n, at, &send_id(n % self.sends));
        }
        let subject = SUBJECTS.get(rng.usize(..SUBJECTS.len())).copied().unwrap_or_default();
        let mail = match rng.u8(..10) {
            0..=3 => from(&mut rng, &NEWSLETTER, n, at)
                .header("List-Id", "<weekly.arcadeweekly.example>")
                .header(
                    "List-Unsubscribe",
                    &format!("<https://arcadeweekly.example/u/{:032x}>", rng.u128(..)),
                )
                .header("Precedence", "bulk"),
            4..=7 => {
                let ids: Vec<String> =
                    (0..rng.usize(1..8)).map(|i| format!("thread-{n}-{i}@sales.example")).collect();
                let thread: Vec<&str> = ids.iter().map(String::as_str).collect();
                from(&mut rng, &COLLEAGUE, n, at).cc(&[&ALAN, &FLYNN]).answering(&thread)
            }
            8 => from(&mut rng, &COLLEAGUE, n, at).header("Auto-Submitted", "auto-generated"),
            _ => from(&mut rng, &FRIEND, n, at),
        };
        let text = words(&mut rng, 250);
        let html =
            format!("<html><body><p style=\"margin:0;font-family:Helvetica\">{text}</p></body></html>");
        mail.subject(subject).text_and_html(&text, &html).build()
    }
}

/// The send of this number.
pub fn tracked(n: usize, sent_at: Timestamp) -> TrackedSend {
    TrackedSend {
        id: format!("snd_{n}"),
        message_ids: MessageId::new(&send_id(n)).into_iter().collect(),
        from: Some(REP.address.to_owned()),
        to: vec![format!("prospect-{n}@arcade-{n}.example")],
        subject: Some("Space Paranoids for your arcade".to_owned()),
        sent_at,
        marker: None,
        cc: Vec::new(),
        bcc: Vec::new(),
        track_until: None,
        campaign: None,
        prospect: None,
    }
}

fn send_id(n: usize) -> String {
    format!("step-1-{n:08}@campaigns.sales.example")
}

/// An answer to the send of this number.
pub fn answer_to(n: usize, at: Timestamp) -> Vec<u8> {
    answer(&mut Rng::with_seed(n as u64), n, at, &send_id(n))
}

fn answer(rng: &mut Rng, n: usize, at: Timestamp, send: &str) -> Vec<u8> {
    let text = format!(
        "Hi Sam,\n\nplease call me tomorrow at ten.\n\n{}\n\n{}",
        words(rng, 40),
        quoted(&REP, at, &words(rng, 80))
    );
    from(rng, &LORA, n, at)
        .answering(&[send])
        .subject("Re: Space Paranoids for your arcade")
        .text(&text)
        .build()
}

/// With the header fields that mail has when it arrives: some kilobytes that nobody asks for.
fn from(rng: &mut Rng, person: &Person, n: usize, at: Timestamp) -> Mail {
    let domain = person.address.rsplit_once('@').map_or("", |(_, domain)| domain);
    let mut blob = |length: usize| {
        let lines = (0..length / 64).map(|_| format!("\r\n  {:032x}{:032x}", rng.u128(..), rng.u128(..)));
        lines.collect::<String>()
    };
    Mail::new(person, &format!("m-{n}@{domain}"), at)
        .received(Some(person.address), &format!("mail.{domain}"), at)
        .header(
            "DKIM-Signature",
            &format!("v=1; a=rsa-sha256; d={domain}; s=s1; h=from:to:subject; b={}", blob(256)),
        )
        .header("ARC-Seal", &format!("i=1; a=rsa-sha256; d={domain}; s=arc; cv=none; b={}", blob(256)))
        .header(
            "Authentication-Results",
            &format!("mx.sales.example; spf=pass smtp.mailfrom={}", person.address),
        )
        .header("X-Antispam-MessageData", &blob(512))
        .to(&[&REP])
}

fn words(rng: &mut Rng, count: usize) -> String {
    let all: Vec<&str> = WORDS.split_whitespace().collect();
    let mut text = String::new();
    for n in 0..count {
        text.push_str(all.get(rng.usize(..all.len())).copied().unwrap_or_default());
        text.push(if n % 12 == 11 { '\n' } else { ' ' });
    }
    text
}
