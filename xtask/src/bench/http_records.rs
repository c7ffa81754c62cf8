//! What `bench http` writes to `bench/results/`, and the tables read.

use serde::{Deserialize, Serialize};

use crate::results::Provenance;

/// `bench/results/http.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HttpThroughput {
    pub(crate) provenance: Provenance,
    /// Seconds that each workload was measured, after its warm-up.
    pub(crate) seconds: u64,
    pub(crate) warmup_seconds: u64,
    /// In the order in which they were taken.
    pub(crate) runs: Vec<HttpRun>,
}

/// One workload through one balancer, once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HttpRun {
    pub(crate) round: u32,
    pub(crate) contender: String,
    pub(crate) workload: String,
    pub(crate) requests_per_second: f64,
    /// User and system time of all processes of the balancer, divided by the requests.
    pub(crate) cpu_us_per_request: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    /// At the end of the workload, with its connections just closed: resident, the sum over the processes.
    pub(crate) resident_mib: f64,
    /// The same, with pages that processes share counted once.
    pub(crate) proportional_mib: f64,
    /// Answers that were no 2xx or 3xx, and connections that failed.
    pub(crate) errors: u64,
}

/// `bench/results/http-idle.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HttpIdle {
    pub(crate) provenance: Provenance,
    /// Seconds without a byte before memory was read.
    pub(crate) rest_seconds: u64,
    pub(crate) runs: Vec<HttpIdleRun>,
}

/// Memory without a client, and with kept-alive connections that do nothing after one request each.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HttpIdleRun {
    pub(crate) contender: String,
    pub(crate) connections: u32,
    pub(crate) before_mib: f64,
    /// Resident, the sum over the processes.
    pub(crate) after_mib: f64,
    /// The same, with pages that processes share counted once.
    pub(crate) after_proportional_mib: f64,
}
