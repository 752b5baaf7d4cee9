//! The emails that Salesforce knows a user to have sent, as tracked sends: for whoever has no backend that tells them.
//!
//! Outgoing EmailMessages with a Message-ID are read in the order of their last change (`SystemModstamp`, then `Id`), a page at a time. What was
//! changed a little before the last one that was read is asked for again, because a transaction becomes visible after the time that it
//! bears; and once a day everything is read anew, which finds what no change tells of.

use std::collections::{BTreeMap, BTreeSet};

use answerback_reply::send::{Campaign, Prospect};
use answerback_reply::{MessageId, TrackedSend};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::settings::is_id;
use super::soql::{is_in, quote};

/// Emails in a page. Their ids stand in the queries that follow.
pub const PAGE: usize = 200;
/// Salesforce gives no transaction more time.
const OVERLAP: SignedDuration = SignedDuration::from_mins(15);
/// Everything is read anew after this time.
const ANEW: SignedDuration = SignedDuration::from_hours(24);

/// Whose emails are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whose {
    /// The user's addresses, in lower case: automated emails are created by somebody else.
    pub addresses: BTreeSet<String>,
    /// For how many days an email's answers matter.
    pub days: u16,
}

/// How far reading has got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Who was asked about whom.
    of: String,
    /// When it was last begun to read everything.
    began: Timestamp,
    /// What was changed from then on is read next; `None`: everything.
    from: Option<Timestamp>,
    /// Within a page's changes of one moment: the ids after this one.
    after: Option<String>,
    /// What was read already of what is asked for again, and its change.
    seen: BTreeMap<String, Timestamp>,
}

impl Cursor {
    /// To read everything.
    pub fn new(user: &str, whose: &Whose, now: Timestamp) -> Self {
        Self { of: of(user, whose), began: now, from: None, after: None, seen: BTreeMap::new() }
    }

    /// Goes on where it stopped; `None` where everything is to be read anew.
    pub fn read(text: &str, user: &str, whose: &Whose, now: Timestamp) -> Option<Self> {
        let cursor: Self = serde_json::from_str(text).ok()?;
        let age = now.duration_since(cursor.began);
        // A clock that was set back must not keep it for ever.
        (cursor.of == of(user, whose) && age < ANEW && age > -ANEW).then_some(cursor)
    }

    /// As the store keeps it.
    pub fn write(&self) -> String {
        // Strings and times always become JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The rows of a page that are new or were changed; the cursor then stands behind the page.
    pub fn take(&mut self, rows: Vec<Row>, is_last: bool) -> Vec<Row> {
        let last = rows.last().map(|row| (row.changed, row.id.clone()));
        let fresh: Vec<Row> =
            rows.into_iter().filter(|row| self.seen.get(&row.id) != Some(&row.changed)).collect();
        self.seen.extend(fresh.iter().map(|row| (row.id.clone(), row.changed)));
        let newest = last.as_ref().map(|(changed, _)| *changed).max(self.seen.values().max().copied());
        match (is_last, last) {
            (false, Some((changed, id))) => (self.from, self.after) = (Some(changed), Some(id)),
            _ => {
                self.after = None;
                self.from = newest.map(|newest| newest.saturating_sub(OVERLAP).unwrap_or(newest));
            }
        }
        let again = newest.map(|newest| newest.saturating_sub(OVERLAP).unwrap_or(newest));
        self.seen.retain(|_, changed| Some(*changed) >= again);
        fresh
    }

    /// The query for the next page.
    pub fn query(&self, user: &str, whose: &Whose, cadences: bool, now: Timestamp) -> String {
        let since = now.saturating_sub(SignedDuration::from_hours(24 * i64::from(whose.days)));
        let mut by = format!("CreatedById = {}", quote(user));
        if !whose.addresses.is_empty() {
            by += &format!(" OR {}", is_in("FromAddress", whose.addresses.iter().map(String::as_str)));
        }
        let changed = match (self.from.map(literal), &self.after) {
            (None, _) => String::new(),
            (Some(from), None) => format!(" AND SystemModstamp >= {from}"),
            (Some(from), Some(id)) => {
                format!(" AND (SystemModstamp > {from} OR (SystemModstamp = {from} AND Id > {}))", quote(id))
            }
        };
        format!(
            "SELECT Id, MessageIdentifier, Subject, MessageDate, FromAddress, ToAddress, CcAddress, BccAddress, RelatedToId, \
             IsDeleted, SystemModstamp{} FROM EmailMessage WHERE Incoming = false AND MessageIdentifier != null AND Status != '{DRAFT}' \
             AND MessageDate >= {} AND ({by}){changed} ORDER BY SystemModstamp, Id LIMIT {PAGE}",
            if cadences { ", ActionCadenceStepTrackerId" } else { "" },
            since.map_or_else(|_| literal(now), literal)
        )
    }
}

/// EmailMessage.Status of what has not been sent.
const DRAFT: &str = "5";

/// A date and time in SOQL; seconds are as fine as changes are stamped.
fn literal(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn of(user: &str, Whose { addresses, days }: &Whose) -> String {
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    format!("{user} {days} {}", addresses.join(" "))
}

/// An email as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// When it was changed last.
    pub changed: Timestamp,
    /// Whether it has been deleted.
    pub deleted: bool,
    /// The campaign that it is related to.
    pub campaign: Option<String>,
    /// The step of a cadence that it was sent for.
    pub step: Option<String>,
    record: Value,
}

impl Row {
    /// From a record; `None` where it is none that can be used.
    pub fn read(record: Value) -> Option<Self> {
        Some(Self {
            id: text(&record, "Id")?.to_owned(),
            changed: time(&record, "SystemModstamp")?,
            deleted: record.get("IsDeleted").and_then(Value::as_bool).unwrap_or(false),
            campaign: text(&record, "RelatedToId").filter(|id| is_id(id, "701")).map(str::to_owned),
            step: text(&record, "ActionCadenceStepTrackerId").map(str::to_owned),
            record,
        })
    }
}

/// What is known beside the emails themselves.
#[derive(Debug, Default)]
pub struct Beside {
    /// Records of EmailMessageRelation: Salesforce keeps recipients who have a record there.
    pub relations: Vec<Value>,
    /// Records of Contact and Lead.
    pub people: Vec<Value>,
    /// Records of Campaign.
    pub campaigns: Vec<Value>,
    /// Records of ActionCadenceStepTracker.
    pub steps: Vec<Value>,
}

impl Beside {
    /// The contacts and leads that the emails went to.
    pub fn recipients(&self, prefix: &str) -> BTreeSet<&str> {
        let ids = self.relations.iter().filter_map(|relation| text(relation, "RelationId"));
        ids.filter(|id| is_id(id, prefix)).collect()
    }

    /// An email as a tracked send. `None` where it has no Message-ID or no date.
    pub fn send(&self, row: &Row, whose: &Whose) -> Option<TrackedSend> {
        let record = &row.record;
        let sent_at = time(record, "MessageDate")?;
        let related = |kind: &'static str| {
            self.relations.iter().filter(move |relation| {
                text(relation, "EmailMessageId") == Some(&row.id)
                    && text(relation, "RelationType") == Some(kind)
            })
        };
        let addressed = |kind, field| {
            let mut list = addresses(text(record, field).unwrap_or_default());
            list.extend(
                related(kind).filter_map(|relation| Some(text(relation, "RelationAddress")?.to_lowercase())),
            );
            let mut seen = BTreeSet::new();
            list.retain(|address| seen.insert(address.clone()));
            list
        };
        let for_whom = ["ToAddress", "CcAddress"].into_iter().flat_map(related).find_map(|relation| {
            let id = text(relation, "RelationId").filter(|id| is_id(id, "003") || is_id(id, "00Q"))?;
            let person = self.people.iter().find(|person| text(person, "Id") == Some(id));
            let known = |field| person.and_then(|person| text(person, field)).map(str::to_owned);
            let email = text(relation, "RelationAddress").map(str::to_owned).or_else(|| known("Email"));
            Some(Prospect { id: id.to_owned(), email, name: known("Name") })
        });
        Some(TrackedSend {
            id: row.id.clone(),
            message_ids: vec![MessageId::new(text(record, "MessageIdentifier")?)?],
            marker: None,
            from: text(record, "FromAddress").map(str::to_lowercase),
            to: addressed("ToAddress", "ToAddress"),
            cc: addressed("CcAddress", "CcAddress"),
            bcc: addressed("BccAddress", "BccAddress"),
            subject: text(record, "Subject").map(str::to_owned),
            sent_at,
            track_until: sent_at.checked_add(SignedDuration::from_hours(24 * i64::from(whose.days))).ok(),
            campaign: self.campaign(row),
            prospect: for_whom,
        })
    }

    /// The campaign that the email is related to, else the cadence that sent it.
    fn campaign(&self, row: &Row) -> Option<Campaign> {
        if let Some(id) = &row.campaign {
            let record = self.campaigns.iter().find(|campaign| text(campaign, "Id") == Some(id));
            let name = record.and_then(|campaign| text(campaign, "Name")).map(str::to_owned);
            return Some(Campaign { id: id.clone(), name, step: None });
        }
        let step = row.step.as_deref()?;
        let record = self.steps.iter().find(|record| text(record, "Id") == Some(step))?;
        let name = text(record, "ActionCadenceName").map(str::to_owned);
        Some(Campaign { id: text(record, "ActionCadenceId")?.to_owned(), name, step: None })
    }
}

/// The addresses of a list such as `a@x.example; Flynn <f@y.example>`, in lower case.
fn addresses(list: &str) -> Vec<String> {
    let bare = |entry: &str| {
        let entry = entry.rsplit_once('<').map_or(entry, |(_, address)| address);
        entry.trim().trim_end_matches('>').trim().to_lowercase()
    };
    list.split([';', ',']).map(bare).filter(|address| address.contains('@')).collect()
}

fn text<'a>(record: &'a Value, field: &str) -> Option<&'a str> {
    record.get(field)?.as_str().filter(|text| !text.is_empty())
}

/// `2026-11-18T08:00:00.000+0000`.
fn time(record: &Value, field: &str) -> Option<Timestamp> {
    let text = text(record, field)?;
    text.replace("+0000", "Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const USER: &str = "005000000000001AAA";

    fn whose() -> Whose {
        Whose { addresses: ["rep@sales.example".to_owned()].into(), days: 90 }
    }

    fn at(text: &str) -> Timestamp {
        format!("2026-11-20T{text}:00Z").parse().unwrap()
    }

    fn row(id: &str, changed: &str) -> Row {
        Row::read(json!({"Id": id, "SystemModstamp": format!("2026-11-20T{changed}:00.000+0000")})).unwrap()
    }

    fn ids(rows: &[Row]) -> Vec<&str> {
        rows.iter().map(|row| row.id.as_str()).collect()
    }

    #[test]
    fn what_is_asked_for_again_is_taken_once_and_its_change_again() {
        let mut cursor = Cursor::new(USER, &whose(), at("12:00"));
        assert_eq!(ids(&cursor.take(vec![row("a", "09:00"), row("b", "10:00")], true)), ["a", "b"]);
        assert!(
            cursor
                .query(USER, &whose(), false, at("12:00"))
                .contains("SystemModstamp >= 2026-11-20T09:45:00Z")
        );
        // b again, c that became visible late, and b changed.
        assert_eq!(ids(&cursor.take(vec![row("c", "09:50"), row("b", "10:00")], true)), ["c"]);
        assert_eq!(ids(&cursor.take(vec![row("c", "09:50"), row("b", "10:05")], true)), ["b"]);
        assert_eq!(cursor.take(vec![], true), vec![]);
        let again = Cursor::read(&cursor.write(), USER, &whose(), at("13:00")).unwrap();
        assert_eq!(again, cursor);
    }

    #[test]
    fn a_full_page_is_followed_by_what_comes_after_its_last_row() {
        let mut cursor = Cursor::new(USER, &whose(), at("12:00"));
        cursor.take(vec![row("a", "09:00"), row("b", "09:00")], false);
        let query = cursor.query(USER, &whose(), true, at("12:00"));
        assert!(
            query.contains("(SystemModstamp > 2026-11-20T09:00:00Z OR (SystemModstamp = 2026-11-20T09:00:00Z AND Id > 'b'))"),
            "{query}"
        );
        assert!(
            query.contains("MessageDate >= 2026-08-22T12:00:00Z")
                && query.contains("ActionCadenceStepTrackerId")
        );
        assert!(
            query.contains("(CreatedById = '005000000000001AAA' OR FromAddress IN ('rep@sales.example'))")
        );
    }

    #[test]
    fn everything_is_read_anew_after_a_day_and_for_somebody_else() {
        let text = Cursor::new(USER, &whose(), at("12:00")).write();
        assert!(Cursor::read(&text, USER, &whose(), at("23:00")).is_some());
        assert!(Cursor::read(&text, USER, &whose(), "2026-11-21T12:01:00Z".parse().unwrap()).is_none());
        assert!(Cursor::read(&text, "005000000000002AAA", &whose(), at("12:00")).is_none());
        assert!(Cursor::read(&text, USER, &Whose { days: 30, ..whose() }, at("12:00")).is_none());
        assert!(Cursor::read("2026", USER, &whose(), at("12:00")).is_none());
    }

    #[test]
    fn an_email_s_recipients_are_in_its_lists_and_its_relations() {
        let record = json!({
            "Id": "02s000000000001AAA", "MessageIdentifier": "<s1@sales.example>", "Subject": "Space Paranoids",
            "MessageDate": "2026-11-18T08:00:00.000+0000", "FromAddress": "Rep@Sales.example", "ToAddress": null,
            "CcAddress": "Alan <ALAN@encom.com>; ", "RelatedToId": "701000000000001AAA", "SystemModstamp": "2026-11-18T08:00:01.000+0000",
        });
        let relation = |kind: &str, id: &str, address: Option<&str>| json!({"EmailMessageId": "02s000000000001AAA", "RelationType": kind, "RelationId": id, "RelationAddress": address});
        let beside = Beside {
            relations: vec![
                relation("FromAddress", USER, Some("rep@sales.example")),
                relation("ToAddress", "003000000000001AAA", Some("Flynn@flynnsarcade.com")),
            ],
            people: vec![json!({"Id": "003000000000001AAA", "Name": "Kevin Flynn"})],
            campaigns: vec![json!({"Id": "701000000000001AAA", "Name": "Arcade owners"})],
            steps: Vec::new(),
        };
        let send = beside.send(&Row::read(record).unwrap(), &whose()).unwrap();
        let expected: TrackedSend = serde_json::from_value(json!({
            "id": "02s000000000001AAA", "message_ids": ["<s1@sales.example>"], "from": "rep@sales.example",
            "to": ["flynn@flynnsarcade.com"], "cc": ["alan@encom.com"], "subject": "Space Paranoids",
            "sent_at": "2026-11-18T08:00:00Z", "track_until": "2027-02-16T08:00:00Z",
            "campaign": {"id": "701000000000001AAA", "name": "Arcade owners"},
            "prospect": {"id": "003000000000001AAA", "email": "Flynn@flynnsarcade.com", "name": "Kevin Flynn"},
        }))
        .unwrap();
        assert_eq!(send, expected);
    }

    #[test]
    fn the_cadence_is_known_by_its_step() {
        let record = json!({"Id": "02s1", "MessageIdentifier": "s1@x", "MessageDate": "2026-11-18T08:00:00.000+0000",
            "SystemModstamp": "2026-11-18T08:00:01.000+0000", "ActionCadenceStepTrackerId": "8HF1"});
        let steps = vec![
            json!({"Id": "8HF1", "ActionCadenceId": "77C000000000001AAA", "ActionCadenceName": "Owners"}),
        ];
        let send = Beside { steps, ..Beside::default() }.send(&Row::read(record).unwrap(), &whose()).unwrap();
        assert_eq!(
            send.campaign.map(|c| (c.id, c.name)),
            Some(("77C000000000001AAA".into(), Some("Owners".into())))
        );
        assert_eq!(send.prospect, None);
    }
}
