//! `keepalive` and its kin: what is kept of connections to upstreams.

use std::time::Duration;

/// What one group keeps per worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keepalive {
    /// How many idle connections are kept; 0 for none.
    pub(crate) idle_max: usize,
    /// A connection serves only the `proxy_pass` that made it: nginx's way where `keepalive` is not written.
    pub(crate) local: bool,
    /// After so many requests a connection is closed.
    pub(crate) requests_max: u64,
    /// After so long a connection is closed, once it is idle.
    pub(crate) time: Duration,
    /// So long a connection may be idle.
    pub(crate) timeout: Duration,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            idle_max: 32,
            local: true,
            requests_max: 1000,
            time: Duration::from_secs(3600),
            timeout: Duration::from_secs(60),
        }
    }
}

impl Keepalive {
    /// A group that no `upstream` block describes keeps nothing.
    pub(crate) fn none() -> Self {
        Self {
            idle_max: 0,
            ..Self::default()
        }
    }
}

/// Descriptors are a resource of the whole process: no group may keep more than this in one worker.
pub(crate) const IDLE_MAX: usize = 1 << 16;
