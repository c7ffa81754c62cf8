//! Changes of a peer's state, as events tell them.

use std::fmt;
use std::sync::Arc;

use crate::address::Address;
use crate::retry::Failure;

/// What a peer is at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It is given requests.
    Up,
    /// The configuration marks it `down`.
    Down,
    /// The configuration marks it `drain`: it is given no new clients.
    Draining,
    /// It failed `max_fails` times: it is given nothing but one probing request every `fail_timeout`.
    Unavailable,
    /// Its first mandatory health check has not passed yet.
    Checking,
    /// Its health checks fail.
    Unhealthy,
}

impl State {
    /// The word that metrics, events and the API use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            State::Up => "up",
            State::Down => "down",
            State::Draining => "draining",
            State::Unavailable => "unavail",
            State::Checking => "checking",
            State::Unhealthy => "unhealthy",
        }
    }
}

/// Why a peer's state changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A request failed, for the `max_fails`th time.
    Failed(Failure),
    /// A request succeeded after the time of failure was over.
    Served,
    /// Health checks passed.
    ChecksPassed,
    /// Health checks failed.
    ChecksFailed,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Failed(failure) => write!(f, "{failure}"),
            Reason::Served => f.write_str("served a request"),
            Reason::ChecksPassed => f.write_str("health checks passed"),
            Reason::ChecksFailed => f.write_str("health checks failed"),
        }
    }
}

/// A peer went from one state to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The group's name.
    pub upstream: Arc<str>,
    /// The server as the configuration, or its SRV record, names it.
    pub server: Arc<str>,
    /// The peer's address.
    pub address: Address,
    /// What it was.
    pub from: State,
    /// What it is.
    pub to: State,
    /// Why.
    pub reason: Reason,
}
