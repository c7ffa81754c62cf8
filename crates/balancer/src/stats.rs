//! What a peer has done since it was first configured, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::choice::{Outcome, Verdict};
use crate::retry::Failure;

/// Upper bounds of the latency histogram's buckets in milliseconds; one more bucket has what is above.
/// Coarse and fixed, so that histograms of peers and of processes add up.
pub const LATENCY_BOUNDS_MS: [u64; 14] = [
    1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000,
];

/// Attempts that failed, by what failed. A failure is counted here whether or not `max_fails` counts it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FailureCounts {
    /// No connection could be made.
    pub connect: u64,
    /// The connection broke.
    pub error: u64,
    /// A time limit passed.
    pub timeout: u64,
    /// The answer was no HTTP.
    pub invalid_header: u64,
    /// A status that `proxy_next_upstream` lists.
    pub status: u64,
    /// A kept connection turned out to be closed.
    pub stale: u64,
}

/// A peer's counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// How often the peer was chosen.
    pub requests: u64,
    /// How often it was chosen for a request that another peer had failed.
    pub retries: u64,
    /// Answers with statuses 1xx to 5xx.
    pub responses: [u64; 5],
    /// Bytes sent to the peer.
    pub sent: u64,
    /// Bytes received from the peer.
    pub received: u64,
    /// Attempts that failed.
    pub failures: FailureCounts,
    /// How often the peer became unavailable by failing `max_fails` times.
    pub unavailable: u64,
    /// Attempts that were served, by latency: one bucket for each of [`LATENCY_BOUNDS_MS`], and one for what is above.
    pub latency: [u64; LATENCY_BOUNDS_MS.len() + 1],
    /// The sum of these latencies in milliseconds.
    pub latency_sum_ms: u64,
}

/// The counters themselves: shared by all generations of a peer, so that a report is never lost to a reload.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    requests: AtomicU64,
    retries: AtomicU64,
    responses: [AtomicU64; 5],
    sent: AtomicU64,
    received: AtomicU64,
    failures: [AtomicU64; 6],
    unavailable: AtomicU64,
    latency: [AtomicU64; LATENCY_BOUNDS_MS.len() + 1],
    latency_sum_ms: AtomicU64,
}

impl Stats {
    pub(crate) fn picked(&self, again: bool) {
        add(&self.requests, 1);
        if again {
            add(&self.retries, 1);
        }
    }

    pub(crate) fn stale(&self) {
        add(&self.failures[index(Failure::Stale)], 1);
    }

    pub(crate) fn became_unavailable(&self) {
        add(&self.unavailable, 1);
    }

    pub(crate) fn reported(&self, outcome: &Outcome) {
        let class = usize::from(outcome.status / 100);
        if let Some(counter) = class.checked_sub(1).and_then(|at| self.responses.get(at)) {
            add(counter, 1);
        }
        if outcome.sent > 0 {
            add(&self.sent, outcome.sent);
        }
        if outcome.received > 0 {
            add(&self.received, outcome.received);
        }
        match outcome.verdict {
            Verdict::Served => {
                let bucket = LATENCY_BOUNDS_MS.partition_point(|bound| *bound < outcome.latency_ms);
                add(&self.latency[bucket], 1);
                add(&self.latency_sum_ms, outcome.latency_ms);
            }
            Verdict::Failed(failure) => add(&self.failures[index(failure)], 1),
            Verdict::PassedOn | Verdict::Abandoned => {}
        }
    }

    pub(crate) fn read(&self) -> Counts {
        let failures = self.failures.each_ref().map(get);
        Counts {
            requests: get(&self.requests),
            retries: get(&self.retries),
            responses: self.responses.each_ref().map(get),
            sent: get(&self.sent),
            received: get(&self.received),
            failures: FailureCounts {
                connect: failures[index(Failure::Connect)],
                error: failures[index(Failure::Error)],
                timeout: failures[index(Failure::Timeout)],
                invalid_header: failures[index(Failure::InvalidHeader)],
                status: failures[index(Failure::Status(0))],
                stale: failures[index(Failure::Stale)],
            },
            unavailable: get(&self.unavailable),
            latency: self.latency.each_ref().map(get),
            latency_sum_ms: get(&self.latency_sum_ms),
        }
    }
}

fn index(failure: Failure) -> usize {
    match failure {
        Failure::Connect => 0,
        Failure::Error => 1,
        Failure::Timeout => 2,
        Failure::InvalidHeader => 3,
        Failure::Status(_) => 4,
        Failure::Stale => 5,
    }
}

fn add(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
