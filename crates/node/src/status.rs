//! What a node shows of itself.

use crate::amqp_face::{self, Face, WeakFace};
use crate::connections::Connections;
use crate::kafka_face;
use crate::node::Surroundings;
use crate::process;
use commitlog::Log;
use console::{Exposition, Kind, Phase, Source};
use kafka::Broker;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Where the node is in its life, and the parts that are measured.
pub(crate) struct Status {
    phase: AtomicU8,
    connections: Arc<Connections>,
    surroundings: Surroundings,
    parts: OnceLock<Parts>,
    upkeep_failures: AtomicU64,
}

struct Parts {
    // The console must not keep the log open when everybody else has let it go.
    log: std::sync::Weak<Log>,
    broker: std::sync::Weak<Broker>,
    amqp: Option<WeakFace>,
}

const PHASES: [Phase; 4] = [
    Phase::Starting,
    Phase::Ready,
    Phase::Draining,
    Phase::Failed,
];

impl Status {
    pub(crate) fn new(connections: Arc<Connections>, surroundings: Surroundings) -> Self {
        Self {
            phase: AtomicU8::new(0),
            connections,
            surroundings,
            parts: OnceLock::new(),
            upkeep_failures: AtomicU64::new(0),
        }
    }

    /// Shows the parts of a node whose log is open.
    pub(crate) fn ready(&self, log: &Arc<Log>, broker: &Arc<Broker>, amqp: Option<&Face>) {
        // A node becomes ready once.
        let _ = self.parts.set(Parts {
            log: Arc::downgrade(log),
            broker: Arc::downgrade(broker),
            amqp: amqp.map(Face::downgrade),
        });
    }

    pub(crate) fn enter(&self, phase: Phase) {
        let index = PHASES.iter().position(|known| *known == phase).unwrap_or(0);
        self.phase
            .store(u8::try_from(index).unwrap_or(0), Ordering::Relaxed);
    }

    pub(crate) fn upkeep_failed(&self) {
        self.upkeep_failures.fetch_add(1, Ordering::Relaxed);
    }
}

impl Source for Status {
    fn phase(&self) -> Phase {
        PHASES[usize::from(self.phase.load(Ordering::Relaxed))]
    }

    fn metrics(&self, out: &mut Exposition) {
        out.family("mainstay_build", Kind::Gauge, "Which build this is.")
            .sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
        out.family("mainstay_ready", Kind::Gauge, "1 while new work is taken.")
            .sample(&[], u8::from(self.phase() == Phase::Ready));
        let (open, accepted, refused) = self.connections.counts();
        out.family(
            "mainstay_connections_open",
            Kind::Gauge,
            "Connections of all faces.",
        )
        .sample(&[], open);
        out.family(
            "mainstay_connections_accepted",
            Kind::Counter,
            "Connections accepted.",
        )
        .sample(&[], accepted);
        out.family(
            "mainstay_connections_refused",
            Kind::Counter,
            "Connections refused because there were too many.",
        )
        .sample(&[], refused);
        out.family(
            "mainstay_upkeep_failures",
            Kind::Counter,
            "Times that the log could not be looked after.",
        )
        .sample(&[], self.upkeep_failures.load(Ordering::Relaxed));
        if let Some((resident, processor)) = process::usage() {
            out.family(
                "process_resident_memory_bytes",
                Kind::Gauge,
                "Resident memory.",
            )
            .sample(&[], resident);
            out.family(
                "process_cpu_seconds",
                Kind::Counter,
                "Processor time, user and system.",
            )
            .sample(&[], processor);
        }
        if let Some(outlet) = &self.surroundings.outlet {
            outlet.metrics(out);
        }
        if let Some(balancer) = &self.surroundings.metrics {
            balancer.write(out);
        }
        let Some(parts) = self.parts.get() else {
            return;
        };
        if let Some(log) = parts.log.upgrade() {
            log_metrics(&log, out);
        }
        if let Some(broker) = parts.broker.upgrade() {
            kafka_face::metrics(&broker, out);
        }
        if let Some(face) = parts.amqp.as_ref().and_then(WeakFace::upgrade) {
            amqp_face::metrics(&face, out);
        }
    }
}

fn log_metrics(log: &Log, out: &mut Exposition) {
    let figures = log.figures();
    out.family(
        "mainstay_wal_written_bytes",
        Kind::Counter,
        "Bytes written to the WAL.",
    )
    .sample(&[], figures.wal_bytes);
    out.family(
        "mainstay_wal_flushes",
        Kind::Counter,
        "Blocks made durable, each by one write and one sync.",
    )
    .sample(&[], figures.wal_blocks);
    out.family(
        "mainstay_wal_full",
        Kind::Gauge,
        "1 while records are refused for want of disk space.",
    )
    .sample(&[], u8::from(figures.full));
    out.family(
        "mainstay_damaged_batches",
        Kind::Counter,
        "Batches found damaged when they were read; they are not served.",
    )
    .sample(&[], figures.damaged_batches);
    let streams = log.streams();
    out.family("mainstay_streams", Kind::Gauge, "Streams in the log.")
        .sample(&[], streams.len());
    let stored: u64 = streams.iter().map(|stream| stream.bytes()).sum();
    out.family(
        "mainstay_stored_bytes",
        Kind::Gauge,
        "Record batches that can be read.",
    )
    .sample(&[], stored);
}
