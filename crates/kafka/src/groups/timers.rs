//! Which group wants to be woken when.

use std::collections::BTreeSet;
use std::sync::Arc;

use base::Monotonic;

/// An alarm clock for groups: one alarm each.
///
/// An alarm may come before anything is due: a heartbeat moves a session's end without touching the clock, and the
/// group sets the next alarm when this one rings. That keeps heartbeats, the commonest request, free of it.
#[derive(Debug, Default)]
pub(super) struct Timers {
    alarms: BTreeSet<(Monotonic, Arc<str>)>,
}

impl Timers {
    /// Moves a group's alarm.
    pub(super) fn set(&mut self, group: &Arc<str>, from: Option<Monotonic>, to: Option<Monotonic>) {
        if let Some(at) = from {
            self.alarms.remove(&(at, Arc::clone(group)));
        }
        if let Some(at) = to {
            self.alarms.insert((at, Arc::clone(group)));
        }
    }

    /// The next alarm.
    pub(super) fn next(&self) -> Option<Monotonic> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// The groups whose alarms ring at `now`; they stay set.
    pub(super) fn due(&self, now: Monotonic) -> Vec<Arc<str>> {
        let rings = self.alarms.iter().take_while(|(at, _)| *at <= now);
        rings.map(|(_, group)| Arc::clone(group)).collect()
    }
}
