//! Reading what the user has sent.

use std::collections::BTreeSet;

use answerback_reply::TrackedSend;
use jiff::Timestamp;
use serde_json::Value;

use super::{Connector, text};
use crate::SendsPage;
use crate::crm::CrmError;
use crate::salesforce::rest::Part;
use crate::salesforce::sent::{Beside, Cursor, PAGE, Row, Whose};
use crate::salesforce::soql::is_in;

/// A query for records by their ids.
struct Named<'a> {
    object: &'static str,
    fields: &'static str,
    by: &'static str,
    ids: BTreeSet<&'a str>,
}

/// Who is signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// The user's name there, such as `rep@sales.example`.
    pub user: Option<String>,
    /// The organisation's name.
    pub organisation: Option<String>,
}

impl Connector {
    /// Who is signed in, as far as that may be seen.
    pub async fn who(&self) -> Result<Who, CrmError> {
        let user = self.rest.user().await?;
        let user = Named {
            object: "User",
            fields: "Username",
            by: "Id",
            ids: user.as_deref().into_iter().collect(),
        };
        let user = self.named(&[user]).await?.pop().unwrap_or_default();
        let organisation =
            match self.rest.query("Organization", "SELECT Name FROM Organization LIMIT 1").await {
                Err(CrmError::Forbidden { .. } | CrmError::Missing(_)) => Vec::new(),
                found => found?,
            };
        let name = |records: &[Value], field| {
            records.first().and_then(|record| text(record, field)).map(str::to_owned)
        };
        Ok(Who { user: name(&user, "Username"), organisation: name(&organisation, "Name") })
    }

    /// The emails of the user who is signed in that were sent or changed since the cursor, a page at a time. `None`: the cursor is of
    /// somebody else or too old, and everything is to be read anew.
    pub async fn sent(
        &self,
        whose: &Whose,
        cursor: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<SendsPage>, CrmError> {
        const NOBODY: CrmError = CrmError::SignIn("Salesforce does not say who is signed in. Sign in again.");
        let user = self.rest.user().await?.ok_or(NOBODY)?;
        let mut cursor = match cursor {
            None => Cursor::new(&user, whose, now),
            Some(text) => match Cursor::read(text, &user, whose, now) {
                Some(cursor) => cursor,
                None => return Ok(None),
            },
        };
        let cadences = self.org().await?.cadence_steps;
        let query = cursor.query(&user, whose, cadences, now);
        let records = self.rest.query_all("EmailMessage", &query).await?;
        let has_more = records.len() >= PAGE;
        let rows = cursor.take(records.into_iter().filter_map(Row::read).collect(), !has_more);
        let (removed, rows): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.deleted);
        Ok(Some(SendsPage {
            sends: self.as_sends(&rows, whose).await?,
            removed: removed.into_iter().map(|row| row.id).collect(),
            next_cursor: cursor.write(),
            has_more,
        }))
    }

    async fn as_sends(&self, rows: &[Row], whose: &Whose) -> Result<Vec<TrackedSend>, CrmError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let emails = rows.iter().map(|row| row.id.as_str()).collect();
        let relations = Named {
            object: "EmailMessageRelation",
            fields: "EmailMessageId, RelationId, RelationType, RelationAddress",
            by: "EmailMessageId",
            ids: emails,
        };
        let relations = self.named(&[relations]).await?.pop().unwrap_or_default();
        let mut beside = Beside { relations, ..Beside::default() };
        let by_id = |object, fields, ids| Named { object, fields, by: "Id", ids };
        let names = [
            by_id("Contact", "Id, Name, Email", beside.recipients("003")),
            by_id("Lead", "Id, Name, Email", beside.recipients("00Q")),
            by_id("Campaign", "Id, Name", rows.iter().filter_map(|row| row.campaign.as_deref()).collect()),
            by_id(
                "ActionCadenceStepTracker",
                "Id, ActionCadenceId, ActionCadenceName",
                rows.iter().filter_map(|row| row.step.as_deref()).collect(),
            ),
        ];
        let found = self.named(&names).await?;
        let [contacts, leads, campaigns, steps] = <[Vec<Value>; 4]>::try_from(found).unwrap_or_default();
        beside.people = contacts.into_iter().chain(leads).collect();
        (beside.campaigns, beside.steps) = (campaigns, steps);
        Ok(rows.iter().filter_map(|row| beside.send(row, whose)).collect())
    }

    /// The records of each, in one request. What the user may not see is not there: only a name is missing then.
    async fn named(&self, queries: &[Named<'_>]) -> Result<Vec<Vec<Value>>, CrmError> {
        let parts = queries.iter().filter(|named| !named.ids.is_empty()).map(|named| {
            let ids = is_in(named.by, named.ids.iter().copied());
            Part::query(named.object, &format!("SELECT {} FROM {} WHERE {ids}", named.fields, named.object))
        });
        let parts: Vec<Part<'_>> = parts.collect();
        let mut answers = match parts.is_empty() {
            true => Vec::new(),
            false => self.rest.composite(false, &parts).await?,
        }
        .into_iter();
        let mut found = Vec::new();
        for named in queries {
            let answer = if named.ids.is_empty() { None } else { answers.next() };
            found.push(match answer {
                None | Some(Err(CrmError::Forbidden { .. } | CrmError::Missing(_))) => Vec::new(),
                Some(answer) => self.rest.records(named.object, answer?).await?,
            });
        }
        Ok(found)
    }
}
