//! One request's dealings with a group: what it asks, what it has tried, what it was given and what came of it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::address::Address;
use crate::peer::Shared;
use crate::retry::Failure;

/// A peer's identity: the same before and after a reload, never used for another peer of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

impl PeerId {
    /// The next identity. No decision depends on its value, so that one counter for the process harms no replay.
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What a request tells the algorithm.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ask<'a> {
    /// The value of `hash`'s key; with an empty one the group is used round robin.
    pub key: &'a [u8],
    /// The client's address for `ip_hash`; none stands for a client on a Unix domain socket.
    pub client: Option<IpAddr>,
    /// One random number for `random`; a pick derives all its draws from it.
    pub random: u64,
}

/// What one request has tried so far; reused for the next request by [`Tried::clear`].
#[derive(Debug, Default)]
pub struct Tried {
    pub(crate) peers: Vec<PeerId>,
    /// The primary peers are used up: only `backup` ones are asked.
    pub(crate) on_backup: bool,
    /// Which membership of the group the fields below belong to.
    pub(crate) generation: u64,
    /// How often a hash led to a peer that could not be used.
    pub(crate) misses: u32,
    pub(crate) rehash: u32,
    /// The sum of hashes, the position on the ring, or the running hash of an address.
    pub(crate) hash: Option<u32>,
}

impl Tried {
    /// Forgets everything but the memory.
    pub fn clear(&mut self) {
        self.peers.clear();
        self.forget_path();
    }

    /// How many peers were given out since [`Tried::clear`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether no peer was given out yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Starts the algorithm's search again; which peers were tried stays known.
    pub(crate) fn forget_path(&mut self) {
        self.on_backup = false;
        self.misses = 0;
        self.rehash = 0;
        self.hash = None;
    }

    pub(crate) fn contains(&self, peer: PeerId) -> bool {
        self.peers.contains(&peer)
    }
}

/// The peer that a request was given. It counts as one of the peer's connections until it is reported or dropped.
#[derive(Debug)]
pub struct Choice {
    /// The peer's identity: the key of the pool of kept connections.
    pub peer: PeerId,
    /// Where to connect to.
    pub address: Address,
    /// The address as text, for `$upstream_addr` and logs.
    pub name: Arc<str>,
    /// The server as the configuration, or its SRV record, names it.
    pub server: Arc<str>,
    /// Whether the peer is a `backup` one.
    pub backup: bool,
    /// Where the peer was in its list, to find it again quickly.
    pub(crate) slot: usize,
    pub(crate) shared: Arc<Shared>,
}

impl Drop for Choice {
    /// However a request ends, its connection is no longer counted.
    fn drop(&mut self) {
        self.shared.conns.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How an attempt ended, as far as the peer is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The peer answered.
    Served,
    /// The attempt counts as the peer's failure.
    Failed(Failure),
    /// The answer (403, 404) was given up for that of another peer, but says nothing against this one.
    PassedOn,
    /// The client went away, or the proxy gave up for reasons of its own: nothing was learned.
    Abandoned,
}

/// What came of a [`Choice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// How the attempt ended.
    pub verdict: Verdict,
    /// The status of the peer's answer; 0 where there was none, and for TCP.
    pub status: u16,
    /// From the pick to the end of the answer, in milliseconds.
    pub latency_ms: u64,
    /// Bytes sent to the peer.
    pub sent: u64,
    /// Bytes received from the peer.
    pub received: u64,
}

impl Outcome {
    /// An attempt that moved no bytes.
    #[must_use]
    pub fn new(verdict: Verdict) -> Self {
        Self {
            verdict,
            status: 0,
            latency_ms: 0,
            sent: 0,
            received: 0,
        }
    }
}

/// No peer of the group may be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no live upstreams")]
pub struct NoLive;
