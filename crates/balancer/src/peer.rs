//! One address of a group: whether it may be used, and what its failures do.
//!
//! Failures are counted as nginx counts them: `max_fails` of them, none more than `fail_timeout` after the one before,
//! put the peer aside. Then one request in each `fail_timeout` probes it, and the first that succeeds brings it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use base::Monotonic;

use crate::address::Address;
use crate::change::State;
use crate::choice::{PeerId, Tried};
use crate::health::Machine;
use crate::spec::{ServerSpec, WEIGHT_MAX};
use crate::stats::Stats;

/// What a peer's full weight is multiplied with, so that slow start has fractions of it. The factor is the same for
/// all peers, so that it changes no choice.
const RAMP_FULL: u32 = 256;

/// What all generations of a peer share: a request counts until it ends, whatever was reloaded meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) conns: AtomicU32,
    pub(crate) stats: Stats,
}

#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) address: Address,
    pub(crate) name: Arc<str>,
    pub(crate) server: Arc<str>,
    /// The `server` line that it comes from.
    pub(crate) line: usize,
    /// The number of its name on the ketama ring.
    pub(crate) mark: u32,
    pub(crate) weight: u32,
    pub(crate) max_conns: u32,
    pub(crate) max_fails: u32,
    pub(crate) fail_timeout: Duration,
    pub(crate) slow_start: Duration,
    pub(crate) down: bool,
    pub(crate) drain: bool,
    /// What smooth round robin has saved up for the peer.
    pub(crate) current: i64,
    /// The weight less what recent failures took from it.
    pub(crate) effective: u32,
    pub(crate) fails: u32,
    /// When it failed last.
    pub(crate) failed_at: Monotonic,
    /// When a window of `fail_timeout` began last, by a failure or by a pick.
    pub(crate) window_at: Monotonic,
    /// When it came back, while slow start lasts.
    pub(crate) back_at: Option<Monotonic>,
    pub(crate) health: Option<Machine>,
    pub(crate) shared: Arc<Shared>,
}

impl Peer {
    pub(crate) fn new(
        spec: &ServerSpec,
        line: usize,
        address: Address,
        server: Arc<str>,
        weight: u32,
        health: Option<Machine>,
    ) -> Self {
        let weight = weight.clamp(1, WEIGHT_MAX);
        Self {
            id: PeerId::next(),
            name: address.to_string().into(),
            address,
            server,
            line,
            mark: 0,
            weight,
            max_conns: spec.max_conns,
            max_fails: spec.max_fails,
            fail_timeout: spec.fail_timeout,
            slow_start: spec.slow_start,
            down: spec.down,
            drain: spec.drain,
            current: 0,
            effective: weight,
            fails: 0,
            failed_at: Monotonic::default(),
            window_at: Monotonic::default(),
            back_at: None,
            health,
            shared: Arc::default(),
        }
    }

    pub(crate) fn conns(&self) -> u32 {
        self.shared.conns.load(Ordering::Relaxed)
    }

    /// Whether the peer takes requests as far as its configuration, its checks and its limit say.
    pub(crate) fn open(&self) -> bool {
        let healthy = self.health.as_ref().is_none_or(Machine::usable);
        let room = self.max_conns == 0 || self.conns() < self.max_conns;
        !self.down && !self.drain && healthy && room
    }

    /// Whether a group of several peers may give the peer to a request that has tried others.
    pub(crate) fn usable(&self, tried: &Tried, now: Monotonic) -> bool {
        let aside = self.is_failed() && now - self.window_at <= self.fail_timeout;
        !aside && self.open() && !tried.contains(self.id)
    }

    pub(crate) fn is_failed(&self) -> bool {
        self.max_fails > 0 && self.fails >= self.max_fails
    }

    pub(crate) fn state(&self) -> State {
        match &self.health {
            _ if self.down => State::Down,
            _ if self.drain => State::Draining,
            Some(machine) if !machine.usable() => machine.state(),
            _ if self.is_failed() => State::Unavailable,
            _ => State::Up,
        }
    }

    /// The weight with slow start's fraction, in 256ths.
    pub(crate) fn ramped(&self, weight: u32, now: Monotonic) -> u64 {
        u64::from(weight) * u64::from(self.ramp(now))
    }

    fn ramp(&self, now: Monotonic) -> u32 {
        let Some(back_at) = self.back_at else {
            return RAMP_FULL;
        };
        let whole = self.slow_start.as_millis().max(1);
        let done = (now - back_at).as_millis() * u128::from(RAMP_FULL) / whole;
        u32::try_from(done).map_or(RAMP_FULL, |done| done.min(RAMP_FULL))
    }

    /// One turn of smooth round robin: adds the peer's weight to what it has saved, and returns what was added.
    pub(crate) fn save_up(&mut self, now: Monotonic) -> i64 {
        let added = self.ramped(self.effective, now).cast_signed();
        self.current += added;
        if self.effective < self.weight {
            self.effective += 1;
        }
        if self.back_at.is_some() && self.ramp(now) == RAMP_FULL {
            self.back_at = None;
        }
        added
    }

    /// The peer is given to a request. Of a peer that was put aside this is the probe: until it is reported, or for
    /// another `fail_timeout`, nobody else is given the peer.
    pub(crate) fn picked(&mut self, now: Monotonic) {
        if now - self.window_at > self.fail_timeout {
            self.window_at = now;
        }
    }

    /// A failure that counts. Returns whether it was the one that put the peer aside.
    pub(crate) fn failed(&mut self, now: Monotonic) -> bool {
        let before = self.is_failed();
        self.fails = self.fails.saturating_add(1);
        self.failed_at = now;
        self.window_at = now;
        if let Some(cost) = self.weight.checked_div(self.max_fails) {
            self.effective = self.effective.saturating_sub(cost);
        }
        !before && self.is_failed()
    }

    /// A success. Returns whether it brought the peer back.
    pub(crate) fn served(&mut self, now: Monotonic) -> bool {
        if self.failed_at >= self.window_at {
            return false;
        }
        let before = self.is_failed();
        self.fails = 0;
        if before {
            self.come_back(now);
        }
        before
    }

    /// Begins slow start.
    pub(crate) fn come_back(&mut self, now: Monotonic) {
        if !self.slow_start.is_zero() {
            self.back_at = Some(now);
        }
    }
}
