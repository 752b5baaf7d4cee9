//! Counters in the OpenMetrics text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The media type of the text.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const BUCKETS: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 60.0];

/// What is counted.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    requests: Mutex<BTreeMap<(String, u16), u64>>,
    seconds: Mutex<BTreeMap<String, Histogram>>,
    events: Mutex<BTreeMap<&'static str, u64>>,
    gates: Mutex<BTreeMap<&'static str, u64>>,
    deliveries: Mutex<BTreeMap<&'static str, u64>>,
    long_polls: AtomicI64,
}

/// A number that goes up and down, for each value of a label.
#[derive(Clone, Debug)]
pub struct Gauge {
    /// Its name.
    pub name: &'static str,
    /// The label.
    pub label: &'static str,
    /// The numbers.
    pub values: Vec<(&'static str, i64)>,
}

#[derive(Debug, Default)]
struct Histogram {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: f64,
}

impl Metrics {
    /// Counts an answered request; `route` is the pattern, so that the number of series is bounded.
    pub fn request(&self, route: &str, status: u16, took: Duration) {
        *lock(&self.0.requests).entry((route.to_owned(), status)).or_default() += 1;
        let seconds = took.as_secs_f64();
        let mut histograms = lock(&self.0.seconds);
        let histogram = histograms.entry(route.to_owned()).or_default();
        for (bucket, _) in histogram.buckets.iter_mut().zip(BUCKETS).filter(|(_, limit)| seconds <= *limit) {
            *bucket += 1;
        }
        histogram.count += 1;
        histogram.sum += seconds;
    }

    /// Counts what became of an event.
    pub fn event(&self, status: &'static str) {
        *lock(&self.0.events).entry(status).or_default() += 1;
    }

    /// Counts what a gate said.
    pub fn gate(&self, state: &'static str) {
        *lock(&self.0.gates).entry(state).or_default() += 1;
    }

    /// Counts an attempt to deliver to a webhook.
    pub fn delivery(&self, outcome: &'static str) {
        *lock(&self.0.deliveries).entry(outcome).or_default() += 1;
    }

    /// Counts a long poll for as long as the guard lives.
    pub fn long_poll(&self) -> LongPoll {
        self.0.long_polls.fetch_add(1, Ordering::Relaxed);
        LongPoll(self.clone())
    }

    /// The text, with gauges that are read elsewhere.
    pub fn text(&self, gauges: &[Gauge]) -> String {
        let mut out = String::new();
        // Writing to a String does not fail.
        let _ = self.write(&mut out, gauges);
        out
    }

    fn write(&self, out: &mut String, gauges: &[Gauge]) -> std::fmt::Result {
        writeln!(out, "# TYPE answerback_http_requests counter")?;
        for ((route, status), n) in lock(&self.0.requests).iter() {
            writeln!(out, "answerback_http_requests_total{{route=\"{route}\",status=\"{status}\"}} {n}")?;
        }
        writeln!(
            out,
            "# TYPE answerback_http_request_seconds histogram\n# UNIT answerback_http_request_seconds seconds"
        )?;
        for (route, histogram) in lock(&self.0.seconds).iter() {
            for (limit, n) in BUCKETS.iter().zip(histogram.buckets) {
                writeln!(
                    out,
                    "answerback_http_request_seconds_bucket{{route=\"{route}\",le=\"{limit:?}\"}} {n}"
                )?;
            }
            let Histogram { count, sum, .. } = histogram;
            writeln!(out, "answerback_http_request_seconds_bucket{{route=\"{route}\",le=\"+Inf\"}} {count}")?;
            writeln!(out, "answerback_http_request_seconds_count{{route=\"{route}\"}} {count}")?;
            writeln!(out, "answerback_http_request_seconds_sum{{route=\"{route}\"}} {sum}")?;
        }
        writeln!(out, "# TYPE answerback_events counter")?;
        for (status, n) in lock(&self.0.events).iter() {
            writeln!(out, "answerback_events_total{{status=\"{status}\"}} {n}")?;
        }
        writeln!(out, "# TYPE answerback_gates counter")?;
        for (state, n) in lock(&self.0.gates).iter() {
            writeln!(out, "answerback_gates_total{{state=\"{state}\"}} {n}")?;
        }
        writeln!(out, "# TYPE answerback_webhook_attempts counter")?;
        for (outcome, n) in lock(&self.0.deliveries).iter() {
            writeln!(out, "answerback_webhook_attempts_total{{outcome=\"{outcome}\"}} {n}")?;
        }
        writeln!(out, "# TYPE answerback_long_polls gauge")?;
        writeln!(out, "answerback_long_polls {}", self.0.long_polls.load(Ordering::Relaxed))?;
        for Gauge { name, label, values } in gauges {
            writeln!(out, "# TYPE {name} gauge")?;
            for (value, n) in values {
                writeln!(out, "{name}{{{label}=\"{value}\"}} {n}")?;
            }
        }
        writeln!(out, "# EOF")
    }
}

/// A long poll that is held open.
#[derive(Debug)]
pub struct LongPoll(Metrics);

impl Drop for LongPoll {
    fn drop(&mut self) {
        self.0.0.long_polls.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_openmetrics() {
        let metrics = Metrics::default();
        metrics.request("/v1/events", 200, Duration::from_millis(20));
        metrics.event("accepted");
        let poll = metrics.long_poll();
        let dead = Gauge { name: "answerback_dead", label: "state", values: vec![("dead", 2)] };
        let text = metrics.text(&[dead]);
        for line in [
            "answerback_http_requests_total{route=\"/v1/events\",status=\"200\"} 1",
            "answerback_http_request_seconds_bucket{route=\"/v1/events\",le=\"0.01\"} 0",
            "answerback_http_request_seconds_bucket{route=\"/v1/events\",le=\"0.025\"} 1",
            "answerback_http_request_seconds_bucket{route=\"/v1/events\",le=\"+Inf\"} 1",
            "answerback_events_total{status=\"accepted\"} 1",
            "answerback_long_polls 1",
            "answerback_dead{state=\"dead\"} 2",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
        drop(poll);
        assert!(metrics.text(&[]).contains("answerback_long_polls 0"));
    }
}
