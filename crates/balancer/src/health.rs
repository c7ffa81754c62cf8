//! Active health checks: when each peer is checked next, and what the results make of it.
//!
//! What a check sends and what it expects is the proxy's; here are only times and counts.

use std::sync::Arc;
use std::time::Duration;

use base::Monotonic;

use crate::address::Address;
use crate::change::{Reason, State};
use crate::choice::PeerId;
use crate::snapshot::HealthSnapshot;

/// `health_check` without the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthSpec {
    /// From the end of one check to the next.
    pub interval: Duration,
    /// Up to so much later, at random, so that checks do not come in step.
    pub jitter: Duration,
    /// So many failures in a row make a peer unhealthy.
    pub fails: u32,
    /// So many passes in a row make it healthy again.
    pub passes: u32,
    /// A new peer is given requests only after its first check has passed.
    pub mandatory: bool,
    /// Accepted for nginx's sake: what the checks found out always survives a reload here.
    pub persistent: bool,
}

impl Default for HealthSpec {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            jitter: Duration::ZERO,
            fails: 1,
            passes: 1,
            mandatory: false,
            persistent: false,
        }
    }
}

/// A check that is to be made now; its result is owed to [`crate::Upstream::checked`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Of which peer.
    pub peer: PeerId,
    /// Where it is.
    pub address: Address,
    /// The server as the configuration, or its SRV record, names it.
    pub server: Arc<str>,
}

/// One peer's checks.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    state: State,
    /// When the next check is due; while one is under way, none is.
    due: Option<Monotonic>,
    fails: u32,
    passes: u32,
    checks: u64,
    failures: u64,
    last_passed: Option<bool>,
}

impl Machine {
    pub(crate) fn new(spec: &HealthSpec, now: Monotonic) -> Self {
        Self {
            state: if spec.mandatory {
                State::Checking
            } else {
                State::Up
            },
            due: Some(now),
            fails: 0,
            passes: 0,
            checks: 0,
            failures: 0,
            last_passed: None,
        }
    }

    pub(crate) fn usable(&self) -> bool {
        self.state == State::Up
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn due(&self) -> Option<Monotonic> {
        self.due
    }

    /// Whether a check begins now.
    pub(crate) fn begin(&mut self, now: Monotonic) -> bool {
        let begins = self.due.is_some_and(|due| due <= now);
        if begins {
            self.due = None;
        }
        begins
    }

    /// A check that was under way in another generation is made again in this one.
    pub(crate) fn taken_over(&self, now: Monotonic) -> Self {
        Self {
            due: self.due.or(Some(now)),
            ..self.clone()
        }
    }

    /// A result. Returns what changed the state, if something did.
    pub(crate) fn end(
        &mut self,
        spec: &HealthSpec,
        passed: bool,
        now: Monotonic,
        random: u64,
    ) -> Option<(State, State, Reason)> {
        let jitter_ms = u64::try_from(spec.jitter.as_millis()).unwrap_or(u64::MAX);
        let jitter = Duration::from_millis(random % jitter_ms.saturating_add(1).max(1));
        self.due = Some(now + spec.interval + jitter);
        self.checks += 1;
        self.last_passed = Some(passed);
        let before = self.state;
        if passed {
            self.fails = 0;
            self.passes = self.passes.saturating_add(1);
            // The first check of a mandatory peer decides at once.
            if self.passes >= spec.passes || before == State::Checking {
                self.state = State::Up;
            }
        } else {
            self.failures += 1;
            self.passes = 0;
            self.fails = self.fails.saturating_add(1);
            if self.fails >= spec.fails {
                self.state = State::Unhealthy;
            }
        }
        let reason = if passed {
            Reason::ChecksPassed
        } else {
            Reason::ChecksFailed
        };
        (self.state != before).then_some((before, self.state, reason))
    }

    pub(crate) fn snapshot(&self) -> HealthSnapshot {
        HealthSnapshot {
            checks: self.checks,
            failures: self.failures,
            last_passed: self.last_passed,
        }
    }
}
