//! Work on many threads, results in the order of the input, a bounded number of both in memory.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Jobs in memory for each thread: one in work, one waiting, and room for a slow one to be waited for.
const JOBS_PER_THREAD: usize = 4;

/// Runs `work` on every job that `produce` sends and hands the results to `consume` in that order, on the calling
/// thread. When `consume` breaks, `produce` is told at its next job and the rest is dropped.
pub fn ordered<J, R>(
    threads: usize,
    produce: impl FnOnce(&mut dyn FnMut(J) -> ControlFlow<()>) -> ControlFlow<()> + Send,
    work: impl Fn(J) -> R + Sync,
    mut consume: impl FnMut(R) -> ControlFlow<()>,
) where
    J: Send,
    R: Send,
{
    let threads = threads.max(1);
    let (to_work, jobs) = sync_channel::<(J, SyncSender<R>)>(threads * JOBS_PER_THREAD);
    let (to_consumer, results) = sync_channel::<Receiver<R>>(threads * JOBS_PER_THREAD);
    let (jobs, work) = (Mutex::new(jobs), &work);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((job, result)) = job else { break };
                    // The consumer may have stopped listening.
                    let _unwanted = result.send(work(job));
                }
            });
        }
        scope.spawn(move || {
            let _finished = produce(&mut |job| {
                let (result, receive) = sync_channel(1);
                if to_consumer.send(receive).is_err() || to_work.send((job, result)).is_err() {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            });
        });
        for result in results {
            if let Ok(result) = result.recv()
                && consume(result).is_break()
            {
                break;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        let mut got = Vec::new();
        ordered(
            4,
            |send| (0..1000_u64).try_for_each(send),
            |n| {
                thread::sleep(std::time::Duration::from_micros(n * 7919 % 200));
                n * 2
            },
            |n| {
                got.push(n);
                ControlFlow::Continue(())
            },
        );
        assert_eq!(got, (0..1000).map(|n| n * 2).collect::<Vec<u64>>());
    }

    #[test]
    fn the_producer_stops_soon_after_the_consumer() {
        let produced = AtomicUsize::new(0);
        let mut consumed = 0;
        ordered(
            3,
            |send| {
                (0..1_000_000).try_for_each(|n: u32| {
                    produced.fetch_add(1, Ordering::SeqCst);
                    send(n)
                })
            },
            |n| n,
            |_| {
                consumed += 1;
                if consumed == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        assert_eq!(consumed, 5);
        assert!(produced.load(Ordering::SeqCst) < 100, "{produced:?}");
    }
}
