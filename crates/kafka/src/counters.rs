//! Figures for monitoring, counted as things happen.

use crate::api::SERVED;
use kafka_wire::ApiKey;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start.
#[derive(Debug)]
pub struct Counters {
    /// Bytes of records that were taken in.
    pub produced_bytes: Counter,
    /// Record batches that were taken in.
    pub produced_batches: Counter,
    /// Batches of message sets of magic 0 and 1 that were rewritten for the log.
    pub up_converted_batches: Counter,
    /// Bytes of records that were given out.
    pub fetched_bytes: Counter,
    /// Partitions' answers that were rewritten for clients older than magic 2.
    pub down_converted_fetches: Counter,
    /// Requests that ended their connection: malformed, of an unknown API, or failed without a response to say so.
    pub refused_requests: Counter,
    requests: Vec<Counter>,
}

/// One count.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// The count so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            produced_bytes: Counter::default(),
            produced_batches: Counter::default(),
            up_converted_batches: Counter::default(),
            fetched_bytes: Counter::default(),
            down_converted_fetches: Counter::default(),
            refused_requests: Counter::default(),
            requests: SERVED.iter().map(|_| Counter::default()).collect(),
        }
    }

    /// Requests by API.
    pub fn requests(&self) -> impl Iterator<Item = (ApiKey, u64)> {
        SERVED
            .iter()
            .zip(&self.requests)
            .map(|(served, counter)| (served.key, counter.get()))
    }

    pub(crate) fn request(&self, key: ApiKey) {
        if let Ok(at) = SERVED.binary_search_by_key(&key, |served| served.key) {
            self.requests[at].add(1);
        }
    }
}
