//! The campaign "Arcade owners", and what its recipients write back. Dates are relative to a given now.

use answerback_reply::send::{Campaign as CampaignStep, Prospect};
use answerback_reply::{MessageId, TrackedSend};
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::mail::{Mail, part, quoted, rfc_2822};
use crate::personas::{COLLEAGUE, Cast, GIBBS, Person, ROY, YORI};

/// What the platform calls the campaign.
pub const CAMPAIGN_NAME: &str = "Arcade owners";
/// The campaign's id.
pub const CAMPAIGN_ID: &str = "cmp_arcades";
/// The send to Flynn, with Alan in CC.
pub const SEND_FLYNN: &str = "snd_flynn";
/// The send to Lora, who is out of office.
pub const SEND_LORA: &str = "snd_lora";
/// The send to Gibbs, whose address bounces.
pub const SEND_GIBBS: &str = "snd_gibbs";
/// The send to Yori, who says nothing.
pub const SEND_YORI: &str = "snd_yori";

const SUBJECT: &str = "Space Paranoids for your arcade";

/// The campaign at a moment in time: everything was sent two days before `now`.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    now: Timestamp,
    cast: Cast,
    /// In ids and subject, to tell several campaigns in one mailbox apart.
    tag: &'static str,
}

/// Who got what.
struct Recipient {
    send_id: &'static str,
    person: Person,
    copied: Option<Person>,
}

impl Campaign {
    /// The campaign, sent two days before `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { now, cast: Cast::STORY, tag: "" }
    }

    /// The same with other people, for a mailbox in which other campaigns may have left their mail: `tag` stands in
    /// the subject and in each Message-ID.
    pub fn in_mailbox_of(cast: Cast, tag: &'static str, now: Timestamp) -> Self {
        Self { now, cast, tag }
    }

    /// The moment that everything is relative to.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// When the campaign's mails went out.
    pub fn sent_at(&self) -> Timestamp {
        self.ago(48)
    }

    /// The tracked sends, as the platform tells them.
    pub fn sends(&self) -> Vec<TrackedSend> {
        self.recipients().iter().map(|recipient| self.tracked(recipient)).collect()
    }

    /// The rep's copies of the campaign's mails, for the Sent folder.
    pub fn sent_copies(&self) -> Vec<Vec<u8>> {
        self.recipients().iter().map(|recipient| self.first_mail(recipient)).collect()
    }

    /// Mail that was in the INBOX before anything began.
    pub fn old_mail(&self) -> Vec<(Timestamp, Vec<u8>)> {
        let mails = [
            (
                120,
                &COLLEAGUE,
                "Forecast for the quarter",
                "Can you send me your numbers by Friday?\n\nQuorra",
            ),
            (75, &self.cast.newsletter, "Arcade Weekly #101", "Ten cabinets that everybody wants.\n"),
            (30, &self.cast.friend, "Saturday", "Are you coming to the game?\n\nMary"),
        ];
        let old = mails.into_iter().map(|(hours, from, subject, text)| {
            let date = self.ago(hours);
            let mail = Mail::new(from, &format!("old-{hours}@{}", domain(from)), date);
            (date, mail.to(&[&self.cast.rep]).subject(subject).text(text).build())
        });
        old.collect()
    }

    /// Flynn answers from another address than the one that the campaign knows.
    pub fn flynn_answers(&self) -> Vec<u8> {
        let text = format!(
            "Hi Sam,\n\nSpace Paranoids is exactly what we need. Can you come by on Thursday at ten?\n\nKevin\n\n{}",
            self.quote(&self.cast.flynn)
        );
        self.answer(&self.cast.flynn_elsewhere, "flynn-1@flynnsarcade.com", SEND_FLYNN)
            .subject(&format!("Re: {}", self.subject()))
            .header("X-Mailer", "Apple Mail (2.3826.400.131.1.6)")
            .text(&text)
            .build()
    }

    /// Alan, who was in CC, answers.
    pub fn alan_answers(&self) -> Vec<u8> {
        let text =
            "Kevin forwarded me the price list. Please send the contract to me, I will take it from here.";
        let html = format!("<div dir=\"ltr\"><p>{text}</p><p>Alan</p></div>");
        self.answer(&self.cast.alan, "CAB1+alan-1@mail.encom.com", SEND_FLYNN)
            .cc(&[&self.cast.flynn])
            .subject(&format!("RE: {}", self.subject()))
            .text_and_html(&format!("{text}\n\nAlan\n\n{}", self.quote(&self.cast.flynn)), &html)
            .build()
    }

    /// The day on which Lora says that she is back: a Monday one to two weeks ahead.
    pub fn lora_returns_on(&self) -> Date {
        let mut day = self.today().saturating_add(jiff::Span::new().days(7));
        while day.weekday() != Weekday::Monday {
            day = day.saturating_add(jiff::Span::new().days(1));
        }
        day
    }

    /// Lora's out of office as Exchange writes it, with a return date and a stand-in.
    pub fn lora_is_away(&self) -> Vec<u8> {
        let back = self.lora_returns_on().strftime("%A, %B %-d, %Y");
        let text = format!(
            "Thank you for your message. I am out of the office and will be back on {back}. In urgent cases please \
             contact {} <{}>.\n\nLora Baines\n",
            ROY.name, ROY.address
        );
        self.answer(&self.cast.lora, "AM0PR04MB1982@AM0PR04MB1982.eurprd04.prod.outlook.com", SEND_LORA)
            .received(None, "mail-am0eur02on2041.outbound.protection.outlook.com", self.now)
            .subject(&format!("Automatic reply: {}", self.subject()))
            .header("Auto-Submitted", "auto-generated")
            .header("X-Auto-Response-Suppress", "All")
            .header("X-MS-Exchange-Inbox-Rules-Loop", self.cast.lora.address)
            .text(&text)
            .build()
    }

    /// Lora's out of office as Sieve's vacation writes it (RFC 3834, RFC 5230).
    pub fn lora_is_on_vacation(&self) -> Vec<u8> {
        let back = self.lora_returns_on();
        self.answer(&self.cast.lora, "dovecot-sieve-1763542@mail.laserlab.example", SEND_LORA)
            .received(None, "mail.laserlab.example", self.now)
            .subject(&format!("Auto: Re: {}", self.subject()))
            .header("Auto-Submitted", "auto-replied (vacation)")
            .header("Precedence", "bulk")
            .text(&format!("I am on vacation until {back} and do not read mail.\n\nLora\n"))
            .build()
    }

    /// The mail to Gibbs comes back: no such user (RFC 3464, 5.1.1).
    pub fn gibbs_bounces(&self) -> Vec<u8> {
        let (recipient, sent_at) = (GIBBS.address, rfc_2822(self.sent_at()));
        let human = format!(
            "This is the mail system at host mx.sales.example.\n\nI'm sorry to have to inform you that your message could \
             not\nbe delivered to one or more recipients. It's attached below.\n\n<{recipient}>: host \
             mx.gridworks.example[203.0.113.9] said: 550 5.1.1\n    <{recipient}>: Recipient address rejected: User \
             unknown\n    in virtual mailbox table (in reply to RCPT TO command)\n"
        );
        let status = format!(
            "Reporting-MTA: dns; mx.sales.example\nX-Postfix-Queue-ID: 4Xk9Qz1v2Hz9sT1\nX-Postfix-Sender: rfc822; {}\n\
             Arrival-Date: {sent_at}\n\nFinal-Recipient: rfc822; {recipient}\nOriginal-Recipient: rfc822;{recipient}\n\
             Action: failed\nStatus: 5.1.1\nRemote-MTA: dns; mx.gridworks.example\nDiagnostic-Code: smtp; 550 5.1.1 \
             <{recipient}>: Recipient address\n    rejected: User unknown in virtual mailbox table\n",
            self.cast.rep.address
        );
        let original = self
            .recipients()
            .iter()
            .find(|recipient| recipient.send_id == SEND_GIBBS)
            .map(|recipient| String::from_utf8_lossy(&self.first_mail(recipient)).into_owned())
            .unwrap_or_default();
        Mail::new(
            &self.cast.mailer_daemon,
            &self.id("20261120091200.4Xk9Qz1v2Hz9sT1@mx.sales.example"),
            self.now,
        )
        .received(None, "mx.sales.example", self.now)
        .to(&[&self.cast.rep])
        .subject("Undelivered Mail Returned to Sender")
        .header("Auto-Submitted", "auto-replied")
        .multipart(
            "multipart/report; report-type=delivery-status",
            vec![
                part("text/plain; charset=us-ascii", &human),
                part("message/delivery-status", &status),
                part("message/rfc822", &original),
            ],
        )
        .build()
    }

    /// Lora writes under the campaign's subject without answering any mail: nobody can be sure whether it is an answer.
    pub fn lora_writes_anew(&self) -> Vec<u8> {
        Mail::new(&self.cast.lora, &self.id("lora-9@encom.com"), self.now)
            .received(Some(self.cast.lora.address), "mail.encom.com", self.now)
            .to(&[&self.cast.rep])
            .subject(&self.subject())
            .text("Hello Sam,\n\nmy director asks what a cabinet costs.\n\nLora\n")
            .build()
    }

    /// A newsletter.
    pub fn newsletter(&self) -> Vec<u8> {
        Mail::new(&self.cast.newsletter, &self.id("arcade-weekly-102@lists.arcadeweekly.example"), self.now)
            .received(Some("bounce-102@lists.arcadeweekly.example"), "lists.arcadeweekly.example", self.now)
            .to(&[&self.cast.rep])
            .subject("Arcade Weekly #102: the comeback of vector screens")
            .header("List-Id", "Arcade Weekly <weekly.arcadeweekly.example>")
            .header("List-Unsubscribe", "<https://arcadeweekly.example/u/102>")
            .header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
            .header("Precedence", "bulk")
            .text_and_html("Vector screens are back.\n", "<h1>Vector screens are back.</h1>")
            .build()
    }

    /// The rep's own follow-up to Flynn; it lies in Sent, and comes into the INBOX as the rep's own BCC.
    pub fn own_follow_up(&self) -> Vec<u8> {
        Mail::new(&self.cast.rep, &self.id("snd_flynn.follow-up.1@sales.example"), self.now)
            .to(&[&self.cast.flynn])
            .cc(&[&self.cast.alan])
            .subject(&format!("Re: {}", self.subject()))
            .answering(&[&self.send_message_id(SEND_FLYNN)])
            .header("User-Agent", "Mozilla Thunderbird")
            .text(&format!(
                "Kevin, Alan, did you find the time to look at this?\n\nSam\n\n{}",
                self.quote(&self.cast.flynn)
            ))
            .build()
    }

    /// Mail that has nothing to do with any campaign, with a subject that a careless matcher takes for an answer.
    pub fn unrelated(&self) -> Vec<u8> {
        Mail::new(&self.cast.friend, &self.id("lunch-7@home.example"), self.now)
            .received(Some(self.cast.friend.address), "mail.home.example", self.now)
            .to(&[&self.cast.rep])
            .subject("Re: Lunch on Sunday?")
            .answering(&["lunch-6@home.example"])
            .text("Sunday is fine. Shall I bring a cake?\n\nMary\n")
            .build()
    }

    /// The Message-ID of a send, without brackets.
    pub fn send_message_id(&self, send_id: &str) -> String {
        self.id(&format!("{send_id}.{}@sales.example", self.sent_at().as_second()))
    }

    fn tracked(&self, recipient: &Recipient) -> TrackedSend {
        TrackedSend {
            id: recipient.send_id.to_owned(),
            message_ids: MessageId::new(&self.send_message_id(recipient.send_id)).into_iter().collect(),
            marker: None,
            from: Some(self.cast.rep.address.to_owned()),
            to: vec![recipient.person.address.to_owned()],
            cc: recipient.copied.iter().map(|person| person.address.to_owned()).collect(),
            bcc: Vec::new(),
            subject: Some(self.subject()),
            sent_at: self.sent_at(),
            track_until: Some(self.now + SignedDuration::from_hours(24 * 90)),
            campaign: Some(CampaignStep {
                id: CAMPAIGN_ID.to_owned(),
                name: Some(CAMPAIGN_NAME.to_owned()),
                step: Some(1),
            }),
            prospect: Some(Prospect {
                id: recipient.send_id.replace("snd_", "p_"),
                email: Some(recipient.person.address.to_owned()),
                name: Some(recipient.person.name.to_owned()),
            }),
        }
    }

    fn first_mail(&self, recipient: &Recipient) -> Vec<u8> {
        let mail = Mail::new(&self.cast.rep, &self.send_message_id(recipient.send_id), self.sent_at())
            .to(&[&recipient.person]);
        let mail = match &recipient.copied {
            Some(person) => mail.cc(&[person]),
            None => mail,
        };
        mail.subject(&self.subject()).text(&pitch(&recipient.person)).build()
    }

    fn answer(&self, from: &Person, message_id: &str, send_id: &str) -> Mail {
        Mail::new(from, &self.id(message_id), self.now)
            .received(Some(from.address), &format!("mail.{}", domain(from)), self.now)
            .to(&[&self.cast.rep])
            .answering(&[&self.send_message_id(send_id)])
    }

    fn quote(&self, to: &Person) -> String {
        quoted(&self.cast.rep, self.sent_at(), &pitch(to))
    }

    fn recipients(&self) -> [Recipient; 4] {
        let Cast { flynn, alan, lora, .. } = self.cast;
        [
            Recipient { send_id: SEND_FLYNN, person: flynn, copied: Some(alan) },
            Recipient { send_id: SEND_LORA, person: lora, copied: None },
            Recipient { send_id: SEND_GIBBS, person: GIBBS, copied: None },
            Recipient { send_id: SEND_YORI, person: YORI, copied: None },
        ]
    }

    fn subject(&self) -> String {
        format!("{SUBJECT} {}", self.tag).trim_end().to_owned()
    }

    fn id(&self, id: &str) -> String {
        if self.tag.is_empty() { id.to_owned() } else { format!("{}.{id}", self.tag) }
    }

    fn ago(&self, hours: i64) -> Timestamp {
        self.now - SignedDuration::from_hours(hours)
    }

    fn today(&self) -> Date {
        self.now.to_zoned(TimeZone::UTC).date()
    }
}

/// What the campaign wrote.
fn pitch(to: &Person) -> String {
    let first_name = to.name.split(' ').next().unwrap_or(to.name);
    format!(
        "Hello {first_name},\n\nplayers stay 40 minutes longer where a Space Paranoids cabinet stands. May I show you one \
         next week?\n\nSam Rivera\nSales Example\n"
    )
}

fn domain(person: &Person) -> &'static str {
    person.address.rsplit_once('@').map_or(person.address, |(_, domain)| domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_name_the_send_that_they_answer() {
        let campaign = Campaign::new("2026-11-20T09:12:00Z".parse().unwrap());
        for (raw, send_id) in [
            (campaign.flynn_answers(), SEND_FLYNN),
            (campaign.alan_answers(), SEND_FLYNN),
            (campaign.lora_is_away(), SEND_LORA),
            (campaign.lora_is_on_vacation(), SEND_LORA),
            (campaign.gibbs_bounces(), SEND_GIBBS),
        ] {
            let id = format!("<{}>", campaign.send_message_id(send_id));
            assert!(String::from_utf8(raw).unwrap().contains(&id), "{send_id}");
        }
        let sends = campaign.sends();
        assert_eq!(sends.len(), 4);
        assert!(sends.iter().all(|send| send.sent_at < campaign.now()));
    }

    #[test]
    fn lora_is_back_on_a_monday_within_two_weeks() {
        for day in 1..=28 {
            let campaign = Campaign::new(format!("2026-02-{day:02}T09:12:00Z").parse().unwrap());
            let days = campaign.today().until(campaign.lora_returns_on()).unwrap().get_days();
            assert!((7..14).contains(&days), "{days}");
            assert_eq!(campaign.lora_returns_on().weekday(), Weekday::Monday);
        }
    }
}
