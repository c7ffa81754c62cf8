//! What is asked of the balancers.

/// One way to load a balancer that is set up in one way.
pub(super) struct Workload {
    pub(super) name: &'static str,
    pub(super) workers: u32,
    pub(super) access_log: bool,
    pub(super) tls: bool,
    /// Whether a client uses its connection again.
    pub(super) keep_alive: bool,
    pub(super) connections: u32,
    pub(super) body_bytes: usize,
}

const KIB: usize = 1024;

/// The workload that the others differ from in one thing.
const BASE: Workload = Workload {
    name: "1 KiB, 64 connections, keep-alive",
    workers: 1,
    access_log: false,
    tls: false,
    keep_alive: true,
    connections: 64,
    body_bytes: KIB,
};

pub(super) const WORKLOADS: &[Workload] = &[
    BASE,
    Workload {
        name: "1 KiB, 64 connections, keep-alive, access log",
        access_log: true,
        ..BASE
    },
    Workload {
        name: "1 KiB, 1000 connections, keep-alive",
        connections: 1000,
        ..BASE
    },
    Workload {
        name: "64 KiB, 64 connections, keep-alive",
        body_bytes: 64 * KIB,
        ..BASE
    },
    Workload {
        name: "64 KiB, 1000 connections, keep-alive",
        body_bytes: 64 * KIB,
        connections: 1000,
        ..BASE
    },
    Workload {
        name: "1 KiB, 64 connections, one request each",
        keep_alive: false,
        ..BASE
    },
    Workload {
        name: "1 KiB, 1000 connections, one request each",
        keep_alive: false,
        connections: 1000,
        ..BASE
    },
    Workload {
        name: "1 KiB, 64 connections, keep-alive, TLS",
        tls: true,
        ..BASE
    },
    Workload {
        name: "64 KiB, 64 connections, keep-alive, TLS",
        tls: true,
        body_bytes: 64 * KIB,
        ..BASE
    },
    Workload {
        name: "1 KiB, 64 connections, one request each, TLS",
        tls: true,
        keep_alive: false,
        ..BASE
    },
    Workload {
        name: "1 KiB, 64 connections, keep-alive, two workers",
        workers: 2,
        ..BASE
    },
    Workload {
        name: "1 KiB, 64 connections, keep-alive, access log, two workers",
        workers: 2,
        access_log: true,
        ..BASE
    },
    Workload {
        name: "1 KiB, 1000 connections, keep-alive, two workers",
        workers: 2,
        connections: 1000,
        ..BASE
    },
    Workload {
        name: "64 KiB, 64 connections, keep-alive, two workers",
        workers: 2,
        body_bytes: 64 * KIB,
        ..BASE
    },
    Workload {
        name: "1 KiB, 64 connections, one request each, two workers",
        workers: 2,
        keep_alive: false,
        ..BASE
    },
    Workload {
        name: "1 KiB, 64 connections, keep-alive, TLS, two workers",
        workers: 2,
        tls: true,
        ..BASE
    },
];
