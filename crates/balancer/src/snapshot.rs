//! A group's peers at one moment, for metrics and status pages.

use std::sync::Arc;

use crate::address::Address;
use crate::change::State;
use crate::choice::PeerId;
use crate::peer::Peer;
use crate::stats::Counts;

/// One peer at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerSnapshot {
    /// Its identity.
    pub peer: PeerId,
    /// The server as the configuration, or its SRV record, names it.
    pub server: Arc<str>,
    /// Its address.
    pub address: Address,
    /// Whether it is a `backup`.
    pub backup: bool,
    /// Its configured weight.
    pub weight: u32,
    /// What it is now.
    pub state: State,
    /// Requests that it has now.
    pub conns: u32,
    /// How many it may have; 0 is no limit.
    pub max_conns: u32,
    /// Failures that count towards `max_fails` now.
    pub fails: u32,
    /// What it has done.
    pub counts: Counts,
    /// Its health checks, if it has any.
    pub health: Option<HealthSnapshot>,
}

/// A peer's health checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthSnapshot {
    /// How many were made.
    pub checks: u64,
    /// How many failed.
    pub failures: u64,
    /// Whether the last one passed.
    pub last_passed: Option<bool>,
}

impl PeerSnapshot {
    pub(crate) fn of(peer: &Peer, backup: bool) -> Self {
        Self {
            peer: peer.id,
            server: Arc::clone(&peer.server),
            address: peer.address.clone(),
            backup,
            weight: peer.weight,
            state: peer.state(),
            conns: peer.conns(),
            max_conns: peer.max_conns,
            fails: peer.fails,
            counts: peer.shared.stats.read(),
            health: peer.health.as_ref().map(crate::health::Machine::snapshot),
        }
    }
}
