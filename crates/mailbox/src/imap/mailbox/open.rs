//! Opens a folder, and finds the old mail that is to be read of it.

use jiff::Timestamp;

use super::ImapMailbox;
use crate::imap::client::Failure;
use crate::imap::command::Command;
use crate::imap::fetch::search_date;
use crate::imap::plan::{Examined, FolderId, with_margin};
use crate::imap::response::Untagged;
use crate::imap::session::must;
use crate::imap::uid_set::UidSet;
use crate::{Error, ErrorKind};

/// So many of the newest messages are checked against what SEARCH says.
const PROBED: u32 = 50;

impl ImapMailbox {
    pub(super) async fn examine(&mut self, id: FolderId) -> Result<(), Error> {
        let command = Command::new("EXAMINE").string(self.plan.wire_name(id));
        let (mut uid_validity, mut uid_next) = (None, None);
        self.rows.clear();
        self.pass_on_news();
        let mut note = |response: Untagged<'_>| {
            if let Untagged::Condition(condition) = response {
                let number =
                    |name| condition.code_number(name).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
                uid_validity = uid_validity.or(number("UIDVALIDITY"));
                uid_next = uid_next.or(number("UIDNEXT"));
            }
        };
        match self.client.run(&command, &mut note).await {
            Ok(()) => {}
            Err(Failure::Refused(refusal)) if !refusal.is_passing() && !self.plan.is_inbox(id) => {
                tracing::warn!("the server does not open one of the folders");
                self.plan.refused(id);
                return Ok(());
            }
            result => return must(&self.client, "open the folder", result),
        }
        // What was reported while the folder was changed is in the answer.
        let _ = self.client.take_expunged();
        let exists = self.client.take_exists();
        let Some(uid_validity) = uid_validity else {
            // Without it no cursor means anything (chatmail/core#1577).
            let detail = format!("{} does not say how its folder is numbered", self.client.server());
            return Err(Error::new(ErrorKind::Protocol, detail));
        };
        let exists = exists.unwrap_or_else(|| uid_next.map_or(1, |next| next - 1));
        self.plan.examined(id, Examined { uid_validity, uid_next, exists });
        Ok(())
    }

    /// `*` alone is the last message; `n:*` would give it too, also below n.
    pub(super) async fn highest(&mut self) -> Result<(), Error> {
        let mut highest = None;
        let command = Command::new("FETCH").word("* (UID)");
        let mut note = |response: Untagged<'_>| {
            if let Untagged::Fetch(row) = response {
                highest = highest.max(row.uid);
            }
        };
        match self.client.run(&command, &mut note).await {
            Ok(()) => {}
            // The folder was emptied meanwhile.
            Err(Failure::Refused(refusal)) if !refusal.is_passing() => {}
            result => return must(&self.client, "find the newest message", result),
        }
        self.plan.highest(highest);
        Ok(())
    }

    /// Finds the old mail to read.
    pub(super) async fn search(&mut self, since: Timestamp) -> Result<(), Error> {
        let (first, end) = self.plan.unread_range().unwrap_or((1, 1));
        let last = end.saturating_sub(1);
        let day = with_margin(since);
        let mut found = None;
        if !self.distrust_search {
            found = self.search_since(day).await?;
            let newest = UidSet::range(first.max(last.saturating_sub(PROBED - 1)), last);
            let dates = self.dates(&newest).await?;
            let must_be_there =
                |(uid, date): &(u32, Option<Timestamp>)| date.is_some_and(|d| d >= since).then_some(*uid);
            if let Some(set) = &found
                && !dates.iter().filter_map(must_be_there).all(|uid| set.contains(uid))
            {
                tracing::warn!("SEARCH missed a recent message; it is not used any more");
                self.distrust_search = true;
            }
        }
        let found = match found.filter(|_| !self.distrust_search) {
            Some(found) => found,
            None => self.search_by_dates(first, last, day).await?,
        };
        self.plan.searched(&found);
        Ok(())
    }

    pub(super) async fn search_since(&mut self, day: Timestamp) -> Result<Option<UidSet>, Error> {
        let date = search_date(day.to_zoned(jiff::tz::TimeZone::UTC).date());
        let command = Command::new("UID SEARCH").word("SINCE").word(&date);
        let (mut uids, mut answered) = (Vec::new(), false);
        let mut note = |response: Untagged<'_>| match response {
            Untagged::Search(found) => {
                answered = true;
                uids.extend(found);
            }
            other => self.rows.note(other),
        };
        match self.client.run(&command, &mut note).await {
            // An OK without an answer has been seen to mean "nothing found" and "I don't search".
            Ok(()) => Ok(answered.then(|| UidSet::from_uids(uids))),
            Err(Failure::Refused(refusal)) if !refusal.is_passing() => Ok(None),
            result => must(&self.client, "search the folder", result.map(|()| None)),
        }
    }

    pub(super) async fn search_by_dates(
        &mut self,
        first: u32,
        last: u32,
        since: Timestamp,
    ) -> Result<UidSet, Error> {
        let mut range = UidSet::range(first, last);
        let mut found = Vec::new();
        while !range.is_empty() {
            let dates = self.dates(&range.take_lowest(self.dates_at_once)).await?;
            let recent = dates.into_iter().filter(|(_, date)| date.is_none_or(|date| date >= since));
            found.extend(recent.map(|(uid, _)| uid));
        }
        Ok(UidSet::from_uids(found))
    }

    pub(super) async fn dates(&mut self, uids: &UidSet) -> Result<Vec<(u32, Option<Timestamp>)>, Error> {
        if uids.is_empty() {
            return Ok(Vec::new());
        }
        let command = Command::new("UID FETCH").word(&uids.to_string()).word("(UID INTERNALDATE)");
        let mut dates = Vec::new();
        let mut note = |response: Untagged<'_>| {
            if let Untagged::Fetch(row) = response
                && let Some(uid) = row.uid
                && uids.contains(uid)
            {
                dates.push((uid, row.internal_date));
            }
        };
        let result = self.client.run(&command, &mut note).await;
        must(&self.client, "read the folder's dates", result)?;
        Ok(dates)
    }
}
