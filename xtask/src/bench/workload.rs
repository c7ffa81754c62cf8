//! The workloads and their requests.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;

use super::load::Load;
use crate::client::{PRODUCE, Writer, record_batch, request};

pub(super) const TOPIC: &str = "bench";

/// Enough that a server that syncs each partition by itself can do so in parallel.
pub(super) const PARTITIONS: i32 = 16;

/// Bytes of each record's value; records have no keys.
pub(super) const VALUE_BYTES: usize = 1024;

/// A way to write: acks=all, no compression, not idempotent.
pub(super) struct Workload {
    pub(super) name: &'static str,
    pub(super) connections: i32,
    /// Requests in flight on each connection.
    pub(super) depth: usize,
    /// Records in each request, which is one batch for one partition.
    pub(super) records: i32,
}

pub(super) const WRITES: &[Workload] = &[
    Workload {
        name: "batches of one, 64 writers",
        connections: 64,
        depth: 1,
        records: 1,
    },
    Workload {
        name: "batches of 16, 4 writers, 5 in flight",
        connections: 4,
        depth: 5,
        records: 16,
    },
];

/// The name under which reading back what the last workload wrote is reported.
pub(super) const READ: &str = "fetch, 1 reader";

impl Workload {
    pub(super) fn load(&self, address: &str) -> Result<Load> {
        let batch = record_batch(self.records, VALUE_BYTES, now_ms()?);
        let requests = (0..self.connections)
            .map(|at| produce(TOPIC, at % PARTITIONS, &batch))
            .collect();
        Load::open(address, requests, self.depth)
    }
}

pub(super) fn now_ms() -> Result<i64> {
    Ok(i64::try_from(
        SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis(),
    )?)
}

/// A whole Produce request with acks=all.
pub(super) fn produce(topic: &str, partition: i32, batch: &[u8]) -> Vec<u8> {
    let mut body = Writer::default();
    // No transactional id.
    body.i16(-1);
    body.i16(-1)
        .i32(30_000)
        .i32(1)
        .string(topic)
        .i32(1)
        .i32(partition)
        .blob(batch);
    request(PRODUCE, 1, &body.bytes)
}
