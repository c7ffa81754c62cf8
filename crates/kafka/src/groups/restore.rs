//! Getting groups back from the log after a restart.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Monotonic, Timestamp};

use super::entries::{self, BadEntry, Decoded};
use super::group::{Group, State};
use super::seat::Seat;
use super::{Coordinator, Entry, Settings, Ticket};

/// A coordinator that is being rebuilt; until it is finished nobody is served.
#[derive(Debug, Default)]
pub struct Restore {
    seats: BTreeMap<Arc<str>, Seat>,
}

impl Restore {
    /// Nothing restored yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one entry. Entries with equal keys come in the order in which they were written; the older ones may be
    /// missing, tombstones too.
    ///
    /// # Errors
    /// [`BadEntry`], with the group as it was before.
    pub fn apply(&mut self, entry: Entry) -> Result<(), BadEntry> {
        match entries::decode(entry)? {
            Decoded::Group { id, record } => {
                let seat = self.seat(&id);
                let shared = Arc::clone(&seat.group.id);
                seat.group = match record {
                    Some(record) => Group::restored(shared, record),
                    None => Group::new(shared, Timestamp::default()),
                };
                self.drop_unneeded(&id);
            }
            Decoded::Offset { group, change } => {
                self.seat(&group).offsets.restore(&change);
                self.drop_unneeded(&group);
            }
        }
        Ok(())
    }

    /// Ends the loading. All sessions start anew now, so that members have their full time to find the coordinator.
    #[must_use]
    pub fn finish(mut self, settings: Settings, now: Monotonic) -> Coordinator {
        for seat in self.seats.values_mut() {
            seat.group.begin_sessions(&settings, now);
        }
        Coordinator::new(settings, now, self.seats)
    }

    fn seat(&mut self, id: &str) -> &mut Seat {
        self.seats.entry(id.into()).or_insert_with_key(|id| {
            let group = Group::new(Arc::clone(id), Timestamp::default());
            Seat::new(group, Ticket(0))
        })
    }

    fn drop_unneeded(&mut self, id: &str) {
        if self.seats.get(id).is_some_and(Seat::is_forgettable) {
            self.seats.remove(id);
        }
    }
}

impl Group {
    /// Gives all members their full session. A group that has become too large is asked to join again, which leaves
    /// out the last ones.
    fn begin_sessions(&mut self, settings: &Settings, now: Monotonic) {
        for id in self.members.ids_where(|_| true) {
            self.extend_session(&id, now);
        }
        if self.members.len() > settings.group_size_max {
            self.state = State::PreparingRebalance;
            let ends = now + self.members.rebalance_timeout();
            self.join_ends = Some(ends);
            self.wake_by(ends);
        }
    }
}
