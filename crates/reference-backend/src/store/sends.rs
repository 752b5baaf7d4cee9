//! Tracked sends and each rep's feed of changes to them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use answerback_backend::{SendsPage, account_id};
use answerback_reply::TrackedSend;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::{Any, Row, Transaction};
use uuid::Uuid;

use super::{Store, StoreError, micros, normalise, tokens::ensure_organisation};

/// A send as the platform gives it: with the rep, where that is not who it is from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IncomingSend {
    /// The rep whose mailbox gets the answers; by default `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rep: Option<String>,
    /// The send.
    #[serde(flatten)]
    pub send: TrackedSend,
}

/// What became of one send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SendResult {
    /// Its id; null where it had none that could be read.
    pub id: Option<String>,
    /// What became of it.
    pub status: SendStatus,
    /// Why it was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SendStatus {
    /// It is new.
    Created,
    /// There was one of that id.
    Updated,
    /// There was exactly this one; the laptops hear nothing of it.
    Unchanged,
    /// It can't be tracked.
    Rejected,
}

/// A send that passed the checks, and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedSend {
    rep: String,
    send: TrackedSend,
}

impl IncomingSend {
    /// Checks what the types don't; gives the reason in words where it fails.
    pub fn check(self) -> Result<CheckedSend, &'static str> {
        let Self { rep, send } = self;
        if send.id.is_empty() || send.id.len() > 256 || send.id.contains('\0') {
            return Err("id must have 1 to 256 bytes and no NUL");
        }
        // PostgreSQL's text can't hold it.
        if serde_json::to_string(&send).is_ok_and(|json| json.contains("\\u0000")) {
            return Err("no field may hold a NUL character");
        }
        if send.message_ids.is_empty() && send.marker.as_ref().is_none_or(String::is_empty) {
            return Err("message_ids may be empty only where marker is set");
        }
        if send.track_until.is_some_and(|until| until < send.sent_at) {
            return Err("track_until is before sent_at");
        }
        let rep = rep
            .or_else(|| send.from.clone())
            .map(|r| normalise(&r))
            .filter(|r| r.contains('@') && !r.contains('\0'));
        let rep = rep.ok_or("from or rep must name the rep's address")?;
        Ok(CheckedSend { rep, send })
    }
}

impl Store {
    /// Adds or changes sends; one status each, in order. Tells also whose feeds changed.
    pub async fn upsert_sends(
        &self,
        org: &str,
        sends: &[CheckedSend],
    ) -> Result<(Vec<SendStatus>, Vec<String>), StoreError> {
        let mut write = self.write().await?;
        ensure_organisation(&mut write.tx, org).await?;
        let mut feeds = Feeds::default();
        // Locked in the order of their names, so that two writers don't wait for each other.
        for rep in sends.iter().map(|s| &s.rep).collect::<BTreeSet<_>>() {
            feeds.lock(&mut write.tx, org, rep).await?;
        }
        let mut statuses = Vec::with_capacity(sends.len());
        for checked in sends {
            statuses.push(upsert(&mut write.tx, org, checked, &mut feeds).await?);
        }
        note_campaigns(&mut write.tx, org, sends).await?;
        let changed = feeds.advance(&mut write.tx, org).await?;
        write.commit().await?;
        Ok((statuses, changed))
    }

    /// Takes a send out of its rep's feed; answers to it that come later are still accepted. Gives the rep, where there was
    /// such a send.
    pub async fn remove_send(&self, org: &str, id: &str) -> Result<Option<String>, StoreError> {
        let mut write = self.write().await?;
        let row = sqlx::query(
            "UPDATE sends SET removed = 1 WHERE org = $1 AND id = $2 AND removed = 0 RETURNING rep",
        )
        .bind(org)
        .bind(id)
        .fetch_optional(&mut *write.tx)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let rep: String = row.try_get("rep")?;
        let mut feeds = Feeds::default();
        note_removal(&mut write.tx, org, &rep, id, &mut feeds).await?;
        feeds.advance(&mut write.tx, org).await?;
        write.commit().await?;
        Ok(Some(rep))
    }

    /// The changes of a rep's feed since the cursor; `None` where the cursor has expired or is none of this feed's.
    pub async fn feed(
        &self,
        org: &str,
        rep: &str,
        cursor: Option<&str>,
        limit: i64,
    ) -> Result<Option<SendsPage>, StoreError> {
        let (epoch, last, floor) = self.feed_position(org, rep).await?;
        let position = match cursor {
            None => Position { epoch, began: last, seq: 0 },
            Some(cursor) => match Position::parse(cursor) {
                Some(p) if p.epoch == epoch && p.seq <= last && p.seq.max(p.began) >= floor => p,
                _ => return Ok(None),
            },
        };
        if position.seq == last {
            // A laptop that waits asks again and again: two queries less each time.
            return Ok(Some(SendsPage { next_cursor: position.to_string(), ..SendsPage::default() }));
        }
        // Nothing beyond what the feed was when this began: what comes between the two queries comes with the next page.
        let sends = sqlx::query(
            "SELECT seq, body FROM sends
             WHERE org = $1 AND rep = $2 AND seq > $3 AND seq <= $6 AND removed = 0
               AND (track_until IS NULL OR track_until > $4)
             ORDER BY seq LIMIT $5",
        )
        .bind(org)
        .bind(rep)
        .bind(position.seq)
        .bind(micros(Timestamp::now()))
        .bind(limit + 1)
        .bind(last)
        .fetch_all(self.pool())
        .await?;
        let mut changes: Vec<(i64, Option<TrackedSend>, Option<String>)> = Vec::new();
        for row in sends {
            let body: String = row.try_get("body")?;
            let send = serde_json::from_str(&body).map_err(|_| StoreError::Corrupt("sends.body"))?;
            changes.push((row.try_get("seq")?, Some(send), None));
        }
        // Who starts anew does not know the sends that were removed before.
        let removals = sqlx::query(
            "SELECT seq, send_id FROM removals
             WHERE org = $1 AND rep = $2 AND seq > $3 AND seq <= $5 ORDER BY seq LIMIT $4",
        )
        .bind(org)
        .bind(rep)
        .bind(position.seq.max(position.began))
        .bind(limit + 1)
        .bind(last)
        .fetch_all(self.pool())
        .await?;
        for row in removals {
            changes.push((row.try_get("seq")?, None, Some(row.try_get("send_id")?)));
        }
        changes.sort_by_key(|(seq, ..)| *seq);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = changes.len() > limit;
        changes.truncate(limit);
        let seq = if has_more { changes.last().map_or(position.seq, |(seq, ..)| *seq) } else { last };
        let next_cursor = Position { seq, ..position }.to_string();
        let mut page = SendsPage { next_cursor, has_more, ..SendsPage::default() };
        for (_, send, removed) in changes {
            page.sends.extend(send);
            page.removed.extend(removed);
        }
        Ok(Some(page))
    }

    /// The feeds that changed since a time: organisation, rep, last change.
    pub async fn feeds_changed_since(
        &self,
        since: Timestamp,
    ) -> Result<Vec<(String, String, i64)>, StoreError> {
        let rows = sqlx::query("SELECT org, address, feed_seq FROM reps WHERE changed_at >= $1")
            .bind(micros(since))
            .fetch_all(self.pool())
            .await?;
        rows.iter()
            .map(|r| Ok((r.try_get("org")?, r.try_get("address")?, r.try_get("feed_seq")?)))
            .collect::<Result<_, sqlx::Error>>()
            .map_err(StoreError::from)
    }

    /// Forgets removals of before a time; a laptop that has not asked since reads its feed anew.
    pub async fn forget_removals(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut write = self.write().await?;
        sqlx::query(
            "UPDATE reps SET feed_floor = (SELECT MAX(seq) FROM removals r
                WHERE r.org = reps.org AND r.rep = reps.address AND r.removed_at < $1)
             WHERE EXISTS (SELECT 1 FROM removals r
                WHERE r.org = reps.org AND r.rep = reps.address AND r.removed_at < $1)",
        )
        .bind(micros(before))
        .execute(&mut *write.tx)
        .await?;
        let gone = sqlx::query("DELETE FROM removals WHERE removed_at < $1")
            .bind(micros(before))
            .execute(&mut *write.tx)
            .await?;
        write.commit().await?;
        Ok(gone.rows_affected())
    }

    /// The feed's epoch, its last change and the last that may have been forgotten. Made where it is missing.
    async fn feed_position(&self, org: &str, rep: &str) -> Result<(String, i64, i64), StoreError> {
        let select = "SELECT epoch, feed_seq, feed_floor FROM reps WHERE org = $1 AND address = $2";
        let found = sqlx::query(select).bind(org).bind(rep).fetch_optional(self.pool()).await?;
        let row = match found {
            Some(row) => row,
            None => {
                let mut write = self.write().await?;
                Feeds::default().lock(&mut write.tx, org, rep).await?;
                write.commit().await?;
                sqlx::query(select).bind(org).bind(rep).fetch_one(self.pool()).await?
            }
        };
        Ok((row.try_get("epoch")?, row.try_get("feed_seq")?, row.try_get("feed_floor")?))
    }
}

/// Where a laptop stands in its feed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Position {
    /// Of which feed.
    epoch: String,
    /// The feed's last number when the laptop began to read it anew: removals up to there don't concern it.
    began: i64,
    /// Up to which number it has read.
    seq: i64,
}

impl Position {
    fn parse(cursor: &str) -> Option<Self> {
        let mut parts = cursor.splitn(3, '.');
        let epoch = parts.next()?.to_owned();
        Some(Self { epoch, began: parts.next()?.parse().ok()?, seq: parts.next()?.parse().ok()? })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.epoch, self.began, self.seq)
    }
}

/// The feeds that a transaction writes to: locked until its end, so that their numbers become visible in order.
#[derive(Debug, Default)]
pub(super) struct Feeds(BTreeMap<String, (i64, i64)>);

impl Feeds {
    async fn lock(
        &mut self,
        tx: &mut Transaction<'static, Any>,
        org: &str,
        rep: &str,
    ) -> Result<(), StoreError> {
        if self.0.contains_key(rep) {
            return Ok(());
        }
        let row = sqlx::query(
            "INSERT INTO reps (org, address, epoch, changed_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (org, address) DO UPDATE SET feed_seq = reps.feed_seq RETURNING feed_seq",
        )
        .bind(org)
        .bind(rep)
        .bind(Uuid::new_v4().simple().to_string())
        .bind(micros(Timestamp::now()))
        .fetch_one(&mut **tx)
        .await?;
        let seq = row.try_get("feed_seq")?;
        self.0.insert(rep.to_owned(), (seq, seq));
        Ok(())
    }

    /// The next number of a feed.
    async fn next(
        &mut self,
        tx: &mut Transaction<'static, Any>,
        org: &str,
        rep: &str,
    ) -> Result<i64, StoreError> {
        self.lock(tx, org, rep).await?;
        let (_, seq) = self.0.entry(rep.to_owned()).or_default();
        *seq += 1;
        Ok(*seq)
    }

    /// Writes the last numbers down; gives the reps whose feeds have changed.
    pub(super) async fn advance(
        self,
        tx: &mut Transaction<'static, Any>,
        org: &str,
    ) -> Result<Vec<String>, StoreError> {
        let mut changed = Vec::new();
        for (rep, (_, seq)) in self.0.into_iter().filter(|(_, (first, last))| last > first) {
            sqlx::query("UPDATE reps SET feed_seq = $3, changed_at = $4 WHERE org = $1 AND address = $2")
                .bind(org)
                .bind(&rep)
                .bind(seq)
                .bind(micros(Timestamp::now()))
                .execute(&mut **tx)
                .await?;
            changed.push(rep);
        }
        Ok(changed)
    }
}

async fn upsert(
    tx: &mut Transaction<'static, Any>,
    org: &str,
    checked: &CheckedSend,
    feeds: &mut Feeds,
) -> Result<SendStatus, StoreError> {
    let CheckedSend { rep, send } = checked;
    let body = serde_json::to_string(send).map_err(|_| StoreError::Corrupt("a send"))?;
    let old = sqlx::query("SELECT rep, body, removed FROM sends WHERE org = $1 AND id = $2")
        .bind(org)
        .bind(&send.id)
        .fetch_optional(&mut **tx)
        .await?;
    let status = match &old {
        None => SendStatus::Created,
        Some(old) => {
            let old_rep: String = old.try_get("rep")?;
            let (old_body, removed): (String, i64) = (old.try_get("body")?, old.try_get("removed")?);
            if old_rep == *rep && old_body == body && removed == 0 {
                return Ok(SendStatus::Unchanged);
            }
            if old_rep != *rep && removed == 0 {
                note_removal(tx, org, &old_rep, &send.id, feeds).await?;
            }
            SendStatus::Updated
        }
    };
    let seq = feeds.next(tx, org, rep).await?;
    let (campaign, prospect) = enrolment_key(send);
    let address = send.prospect.as_ref().and_then(|p| p.email.as_ref()).or(send.to.first());
    let account = account_id(send.from.as_deref().unwrap_or(rep));
    sqlx::query("DELETE FROM removals WHERE org = $1 AND rep = $2 AND send_id = $3")
        .bind(org)
        .bind(rep)
        .bind(&send.id)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "INSERT INTO sends (org, id, rep, seq, campaign, prospect, address, account, sent_at, track_until, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (org, id) DO UPDATE SET rep = $3, seq = $4, campaign = $5, prospect = $6, address = $7,
             account = $8, sent_at = $9, track_until = $10, body = $11, removed = 0",
    )
    .bind(org)
    .bind(&send.id)
    .bind(rep)
    .bind(seq)
    .bind(campaign)
    .bind(prospect)
    .bind(address.map(|a| normalise(a)))
    .bind(account.to_string())
    .bind(micros(send.sent_at))
    .bind(send.track_until.map(micros))
    .bind(body)
    .execute(&mut **tx)
    .await?;
    Ok(status)
}

/// Writes down what the sends say about their campaigns, for the list of them. In the order of their names, as feeds are locked.
async fn note_campaigns(
    tx: &mut Transaction<'static, Any>,
    org: &str,
    sends: &[CheckedSend],
) -> Result<(), StoreError> {
    let mut campaigns: BTreeMap<&str, (Option<&str>, Timestamp)> = BTreeMap::new();
    for CheckedSend { send, .. } in sends.iter().filter(|s| s.send.prospect.is_some()) {
        let Some(campaign) = &send.campaign else { continue };
        let (name, last) = campaigns.entry(&campaign.id).or_insert((None, send.sent_at));
        *name = campaign.name.as_deref().or(*name);
        *last = send.sent_at.max(*last);
    }
    for (id, (name, last)) in campaigns {
        sqlx::query(
            "INSERT INTO campaigns (org, id, name, last_sent_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (org, id) DO UPDATE SET name = COALESCE($3, campaigns.name),
                last_sent_at = CASE WHEN campaigns.last_sent_at > $4 THEN campaigns.last_sent_at ELSE $4 END",
        )
        .bind(org)
        .bind(id)
        .bind(name)
        .bind(micros(last))
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

pub(super) async fn note_removal(
    tx: &mut Transaction<'static, Any>,
    org: &str,
    rep: &str,
    send_id: &str,
    feeds: &mut Feeds,
) -> Result<(), StoreError> {
    let seq = feeds.next(tx, org, rep).await?;
    sqlx::query("INSERT INTO removals (org, rep, seq, send_id, removed_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(org)
        .bind(rep)
        .bind(seq)
        .bind(send_id)
        .bind(micros(Timestamp::now()))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The campaign and the prospect; a send without both is alone.
fn enrolment_key(send: &TrackedSend) -> (String, String) {
    match (&send.campaign, &send.prospect) {
        (Some(campaign), Some(prospect)) => (campaign.id.clone(), prospect.id.clone()),
        _ => (String::new(), send.id.clone()),
    }
}
