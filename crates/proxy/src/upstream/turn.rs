//! A server's turn to serve a request: chosen, used, and reported exactly once.

use std::sync::Arc;

use balancer::{Address, Ask, Change, Choice, NoLive, Outcome, PeerId, Tried, Verdict};
use base::Monotonic;

use super::Group;
use crate::net::{Endpoint, clock};
use crate::outlet::Outlet;

/// A server that was chosen. Dropped without a report, it counts for nothing.
pub(crate) struct Turn<V> {
    group: Arc<Group<V>>,
    choice: Choice,
    started: Monotonic,
    /// Bytes sent to the server.
    pub(crate) sent: u64,
    /// Bytes received from it.
    pub(crate) received: u64,
    /// The status of its answer.
    pub(crate) status: u16,
}

impl<V> Turn<V> {
    /// Lets the group choose.
    ///
    /// # Errors
    ///
    /// [`NoLive`] where no server may be used.
    pub(crate) fn new(
        group: &Arc<Group<V>>,
        ask: &Ask<'_>,
        tried: &mut Tried,
    ) -> Result<Self, NoLive> {
        let now = clock::now();
        let choice = group.upstream.pick(ask, tried, now)?;
        Ok(Self {
            group: group.clone(),
            choice,
            started: now,
            sent: 0,
            received: 0,
            status: 0,
        })
    }

    /// Which server.
    pub(crate) fn peer(&self) -> PeerId {
        self.choice.peer
    }

    /// Its address as text.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.choice.name
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> Endpoint {
        endpoint(&self.choice.address)
    }

    /// Tells that the server took a connection, which is all that can be known of a TCP session for as long as it lasts.
    pub(crate) fn connected(&self, outlet: &dyn Outlet) {
        let change = self.group.upstream.connected(&self.choice, clock::now());
        if let Some(change) = change {
            announce(&change, outlet);
        }
    }

    /// Tells that a kept connection was closed, and that another one is made.
    pub(crate) fn stale(&self) {
        self.group.upstream.stale(&self.choice);
    }

    /// Tells what came of it; a change of the server's state becomes an event.
    pub(crate) fn report(self, verdict: Verdict, outlet: &dyn Outlet) {
        let now = clock::now();
        let since = now - self.started;
        let outcome = Outcome {
            verdict,
            status: self.status,
            latency_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            sent: self.sent,
            received: self.received,
        };
        if let Some(change) = self.group.upstream.report(self.choice, &outcome, now) {
            announce(&change, outlet);
        }
    }
}

/// The address as sockets have it.
pub(crate) fn endpoint(address: &Address) -> Endpoint {
    match address {
        Address::Ip(address) => Endpoint::Ip(*address),
        Address::Unix(path) => Endpoint::Unix(path.to_string_lossy().into()),
    }
}

/// Makes an event of a change.
pub(crate) fn announce(change: &Change, outlet: &dyn Outlet) {
    let event = serde_json::json!({
        "event": "upstream",
        "time_ms": clock::wall().0,
        "upstream": &*change.upstream,
        "server": &*change.server,
        "address": change.address.to_string(),
        "from": change.from.word(),
        "to": change.to.word(),
        "reason": change.reason.to_string(),
    });
    outlet.event(event.to_string());
}
