//! What the measuring commands write to `bench/results/`, and the tables read.

use serde::{Deserialize, Serialize};

use crate::results::Provenance;

/// `bench/results/kafka.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Throughput {
    pub(crate) provenance: Provenance,
    /// Seconds that each workload was measured, after its warm-up.
    pub(crate) seconds: u64,
    pub(crate) warmup_seconds: u64,
    pub(crate) floor: FloorRun,
    /// In the order in which they were taken.
    pub(crate) runs: Vec<Run>,
}

/// One workload against one server, once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) round: u32,
    /// Which server, and when it syncs.
    pub(crate) contender: String,
    pub(crate) workload: String,
    pub(crate) records_per_second: f64,
    /// From the first byte of a request to the last of its answer; none where nothing is acknowledged.
    pub(crate) ack_p50_ms: Option<f64>,
    pub(crate) ack_p99_ms: Option<f64>,
    /// User and system time of all the server's threads, divided by the records.
    pub(crate) server_cpu_us_per_record: f64,
    pub(crate) client_cpu_us_per_record: f64,
    /// Bytes that the server passed to the block layer for each record.
    pub(crate) written_bytes_per_record: f64,
    /// The most that the server had resident up to the end of this workload (VmHWM).
    pub(crate) peak_mib: f64,
}

/// A group of records appended and synced, again and again, by one thread and without a network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FloorRun {
    pub(crate) group_bytes: u64,
    pub(crate) records_per_second: f64,
    pub(crate) cpu_us_per_record: f64,
    pub(crate) sync_p50_ms: f64,
    pub(crate) sync_p99_ms: f64,
}

/// `bench/results/start.json`: one server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StartRun {
    pub(crate) server: String,
    /// From the start of the process on an empty directory to the first answered request, each start.
    pub(crate) start_ms: Vec<f64>,
    /// Resident after five seconds without a client.
    pub(crate) idle_mib: f64,
    pub(crate) idle_connections: u32,
    /// What that many idle connections added to the resident memory.
    pub(crate) idle_connections_mib: f64,
    pub(crate) recovered_bytes: u64,
    pub(crate) recovered_partitions: i32,
    /// From the start of the process on what a kill -9 under load left to the first answered request, each start.
    pub(crate) recovery_ms: Vec<f64>,
}
