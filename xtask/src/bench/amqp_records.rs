//! What `bench amqp` writes to `bench/results/`, and the tables read.

use serde::{Deserialize, Serialize};

use crate::results::Provenance;

/// `bench/results/amqp.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AmqpThroughput {
    pub(crate) provenance: Provenance,
    /// Seconds that each workload was measured, after its warm-up.
    pub(crate) seconds: u64,
    pub(crate) warmup_seconds: u64,
    /// In the order in which they were taken.
    pub(crate) runs: Vec<AmqpRun>,
    pub(crate) syncs: Vec<SyncRun>,
}

/// One workload against one server and type of queue, once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AmqpRun {
    pub(crate) round: u32,
    pub(crate) contender: String,
    pub(crate) workload: String,
    /// Messages that were published and confirmed; each went to all queues of the workload.
    pub(crate) messages_per_second: f64,
    /// Messages that were delivered and acknowledged, over all queues.
    pub(crate) deliveries_per_second: f64,
    /// From handing the message to the socket to its confirm.
    pub(crate) confirm_p50_ms: f64,
    pub(crate) confirm_p99_ms: f64,
    /// User and system time of the server and all that it started, divided by the messages.
    pub(crate) server_cpu_us_per_message: f64,
    pub(crate) client_cpu_us_per_message: f64,
    /// Bytes that the server passed to the block layer for each message.
    pub(crate) written_bytes_per_message: f64,
    /// Resident at the end of the workload.
    pub(crate) resident_mib: f64,
    /// The most that was resident up to then (VmHWM).
    pub(crate) peak_mib: f64,
}

/// Confirms one after the other, and the server's syncs meanwhile as `strace -f -c` counted them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SyncRun {
    pub(crate) contender: String,
    pub(crate) confirmed: u64,
    pub(crate) syncs: u64,
}

/// `bench/results/amqp-backlog.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AmqpBacklog {
    pub(crate) provenance: Provenance,
    pub(crate) body_bytes: usize,
    pub(crate) runs: Vec<BacklogRun>,
}

/// One queue of many messages, filled, killed, and consumed to its end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BacklogRun {
    pub(crate) contender: String,
    pub(crate) messages: u64,
    pub(crate) fill_per_second: f64,
    pub(crate) fill_cpu_us_per_message: f64,
    /// Resident ten seconds after the last confirm, and the most up to then.
    pub(crate) filled_resident_mib: f64,
    pub(crate) filled_peak_mib: f64,
    /// From the end of a kill -9 to a message from `basic.get`, each restart.
    pub(crate) restart_ms: Vec<f64>,
    pub(crate) restarted_resident_mib: f64,
    /// One consumer, prefetch 1000, one acknowledgement for each message.
    pub(crate) drain_per_second: f64,
    pub(crate) drain_cpu_us_per_message: f64,
    pub(crate) drained_peak_mib: f64,
}

/// `bench/results/amqp-idle.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AmqpIdle {
    pub(crate) provenance: Provenance,
    /// Queues that the consumers are spread over.
    pub(crate) queues: u32,
    pub(crate) runs: Vec<IdleRun>,
}

/// Resident memory without a client, and with connections that do nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct IdleRun {
    pub(crate) contender: String,
    pub(crate) connections: u32,
    pub(crate) before_mib: f64,
    pub(crate) after_mib: f64,
}
