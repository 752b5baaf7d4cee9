//! Reports of coverage share commits: every laptop sends one a minute, and each commit waits for the disk.
//!
//! Who comes while a commit is under way waits for its end; the next in line then writes for all that wait. Nothing runs
//! in the background, and nobody is answered before the report is on disk.

use std::sync::{Arc, Mutex, PoisonError};

use answerback_backend::event::Coverage;
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;
use uuid::Uuid;

use super::{Store, StoreError, coverage};

/// Reports in one commit at most, so that events do not wait long for their turn.
const MOST: usize = 500;

/// What a laptop reports of one mailbox.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub account: Uuid,
    pub coverage: Coverage,
}

/// Reports that wait for a commit.
#[derive(Debug, Default)]
pub(super) struct CoverageQueue {
    waiting: Mutex<Vec<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Waiting {
    org: String,
    rep: String,
    reports: Vec<Report>,
    tell: oneshot::Sender<Result<Vec<bool>, Arc<StoreError>>>,
}

impl Store {
    /// Keeps a laptop's reports; tells of each whether it was newer than what was there. When this returns, they are
    /// durable.
    pub(super) async fn report_coverage(
        &self,
        org: &str,
        rep: &str,
        reports: &[Report],
    ) -> Result<Vec<bool>, StoreError> {
        loop {
            let (tell, mut told) = oneshot::channel();
            let waiting = Waiting { org: org.into(), rep: rep.into(), reports: reports.to_vec(), tell };
            self.coverage.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
            let turn = self.coverage.turn.lock().await;
            let answer = loop {
                match told.try_recv() {
                    Ok(answer) => break Some(answer),
                    Err(TryRecvError::Empty) => self.commit_waiting().await,
                    // Whoever wrote for this one was cut off in the middle, with its request: nothing is known to be
                    // kept, and the same report twice does no harm.
                    Err(TryRecvError::Closed) => break None,
                }
            };
            drop(turn);
            if let Some(answer) = answer {
                return answer.map_err(StoreError::Shared);
            }
        }
    }

    async fn commit_waiting(&self) {
        let batch: Vec<Waiting> = {
            let mut waiting = self.coverage.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let count = waiting.len().min(MOST);
            waiting.drain(..count).collect()
        };
        match self.commit_batch(&batch).await {
            Ok(kept) => batch.into_iter().zip(kept).for_each(|(waiting, kept)| {
                let _gone = waiting.tell.send(Ok(kept));
            }),
            Err(error) => {
                let error = Arc::new(error);
                for waiting in batch {
                    let _gone = waiting.tell.send(Err(Arc::clone(&error)));
                }
            }
        }
    }

    async fn commit_batch(&self, batch: &[Waiting]) -> Result<Vec<Vec<bool>>, StoreError> {
        let now = Timestamp::now();
        let mut write = self.write().await?;
        let mut kept: Vec<Vec<bool>> =
            batch.iter().map(|waiting| vec![false; waiting.reports.len()]).collect();
        // In one order in every copy of the server: two that write the same rows in different orders would wait for each
        // other.
        let mut all: Vec<(&Waiting, &Report, &mut bool)> = batch
            .iter()
            .zip(&mut kept)
            .flat_map(|(waiting, kept)| {
                waiting.reports.iter().zip(kept).map(move |(report, kept)| (waiting, report, kept))
            })
            .collect();
        all.sort_by(|(one, first, _), (other, second, _)| {
            (&one.org, &one.rep, first.account).cmp(&(&other.org, &other.rep, second.account))
        });
        for (Waiting { org, rep, .. }, Report { account, coverage }, kept) in all {
            *kept = coverage::report(&mut write.tx, org, rep, *account, coverage, now).await?;
        }
        write.commit().await?;
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(account: u128, minute: i64) -> Report {
        let checked_up_to = Timestamp::from_second(1_790_000_000 + minute * 60).unwrap();
        Report {
            account: Uuid::from_u128(account),
            coverage: Coverage { account: format!("{account}@sales.example"), checked_up_to, folders: 3 },
        }
    }

    async fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", folder.path().join("b.db").display())).await.unwrap();
        store.issue_token("acme", None).await.unwrap();
        (folder, store)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_laptops_that_report_at_once_are_all_kept_and_each_is_told_of_its_own() {
        let (_folder, store) = store().await;
        store.report_coverage("acme", "rep7", &[report(7, 5)]).await.unwrap();
        let laptops = (0..2_000_u128).map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                store.report_coverage("acme", &format!("rep{n}"), &[report(n, 1)]).await.unwrap()
            })
        });
        let laptops: Vec<_> = laptops.collect();
        for (n, laptop) in laptops.into_iter().enumerate() {
            assert_eq!(laptop.await.unwrap(), [n != 7], "{n}");
        }
        assert_eq!(store.coverage("acme").await.unwrap().len(), 2_000);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_request_that_is_cut_off_takes_no_other_with_it() {
        let (_folder, store) = store().await;
        let tasks: Vec<_> = (0..300_u128)
            .map(|n| {
                let store = store.clone();
                tokio::spawn(async move {
                    store.report_coverage("acme", &format!("rep{n}"), &[report(n, 1)]).await
                })
            })
            .collect();
        for (n, task) in tasks.iter().enumerate() {
            if n % 3 == 0 {
                task.abort();
                tokio::task::yield_now().await;
            }
        }
        for (n, task) in tasks.into_iter().enumerate() {
            match task.await {
                Ok(kept) => assert_eq!(kept.unwrap().len(), 1),
                Err(error) => assert!(error.is_cancelled() && n % 3 == 0, "{n}"),
            }
        }
        assert!(store.coverage("acme").await.unwrap().len() >= 200);
    }
}
