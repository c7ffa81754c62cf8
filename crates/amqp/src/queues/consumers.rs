//! The consumers of one queue, and whose turn it is.
//!
//! Among the consumers of the highest priority that can take a message it goes round. A consumer is in
//! the ring of its priority while it has credit; one that turns out to have no room is taken out of
//! it and put back when that changes, so that a turn costs the same however many consumers there are.
//! It does not know messages.

use super::keyed::KeyedMap;
use super::sessions::Sessions;
use crate::mail::{Consume, ConsumerId, Delivery, QueueId, Refusal, SessionId};
use std::collections::VecDeque;

/// Where a consumer is kept; used again after it is gone.
pub(crate) type Slot = u32;

/// Rings that are kept while they are empty: making them anew costs memory, and looking at them time.
const EMPTY_RINGS_MAX: usize = 8;

/// One consumer.
#[derive(Debug)]
pub(crate) struct Consumer {
    pub(crate) session: SessionId,
    pub(crate) id: ConsumerId,
    /// For people.
    pub(crate) tag: String,
    pub(crate) no_ack: bool,
    pub(crate) exclusive: bool,
    pub(crate) priority: i32,
    /// How many unsettled deliveries it may have.
    pub(crate) prefetch: Option<u32>,
    /// How many it has.
    unsettled: u32,
    /// Deliveries to it need grants.
    shared: bool,
    /// It was told that there are messages, and has not answered.
    offered: bool,
    /// It is in a ring.
    waiting: bool,
    /// What it gets with the next notice.
    pub(crate) outgoing: Vec<Delivery>,
}

impl Consumer {
    /// Whether its own limit lets it have one more.
    fn has_credit(&self) -> bool {
        self.no_ack || self.prefetch.is_none_or(|max| self.unsettled < max)
    }
}

/// Who gets the next message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// This one.
    Deliver(Slot),
    /// This one, once it says how many it can take.
    Offer(Slot),
    /// Nobody.
    Nobody,
}

/// All consumers of a queue.
#[derive(Debug, Default)]
pub(crate) struct Consumers {
    slots: Vec<Option<Consumer>>,
    free: Vec<Slot>,
    by_name: KeyedMap<(SessionId, ConsumerId), Slot>,
    /// In the order of arrival.
    arrivals: Vec<Slot>,
    /// Those that may be served, by priority, the highest first.
    rings: Vec<(i32, VecDeque<Slot>)>,
    /// Only one of them is served at a time (`x-single-active-consumer`).
    single_active: bool,
    active: Option<Slot>,
}

impl Consumers {
    pub(crate) fn new(single_active: bool) -> Self {
        Self {
            single_active,
            ..Self::default()
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.arrivals.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.arrivals.is_empty()
    }

    /// The consumers in the order of arrival.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Consumer> {
        self.arrivals.iter().filter_map(|slot| self.get(*slot))
    }

    /// Whether the consumer is the one that is served, where only one is.
    pub(crate) fn is_active(&self, consumer: &Consumer) -> bool {
        let slot = self.slot(consumer.session, consumer.id);
        !self.single_active || (slot.is_some() && slot == self.active)
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&Consumer> {
        self.slots.get(slot as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut Consumer> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    pub(crate) fn slot(&self, session: SessionId, id: ConsumerId) -> Option<Slot> {
        self.by_name.get(&(session, id)).copied()
    }

    /// Takes a consumer in.
    pub(crate) fn add(&mut self, session: SessionId, consume: Consume) -> Result<(), Refusal> {
        let taken = self.iter().any(|consumer| consumer.exclusive);
        if taken || (consume.exclusive && !self.is_empty()) {
            return Err(Refusal::ExclusiveUse);
        }
        if self.slot(session, consume.consumer).is_some() {
            return Err(Refusal::InUse);
        }
        let consumer = Consumer {
            session,
            id: consume.consumer,
            tag: consume.tag,
            no_ack: consume.no_ack,
            exclusive: consume.exclusive,
            priority: consume.priority,
            prefetch: consume.prefetch.map(Into::into),
            unsettled: 0,
            shared: consume.shared && !consume.no_ack,
            offered: false,
            waiting: false,
            outgoing: Vec::new(),
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            Slot::try_from(self.slots.len() - 1).unwrap_or(Slot::MAX)
        });
        self.by_name.insert((session, consumer.id), slot);
        self.slots[slot as usize] = Some(consumer);
        self.arrivals.push(slot);
        self.activate();
        self.rejoin(slot);
        Ok(())
    }

    /// Takes a consumer out.
    pub(crate) fn remove(&mut self, slot: Slot) -> Option<Consumer> {
        let consumer = self.slots.get_mut(slot as usize)?.take()?;
        self.by_name.remove(&(consumer.session, consumer.id));
        self.arrivals.retain(|arrived| *arrived != slot);
        if consumer.waiting {
            for (_, ring) in &mut self.rings {
                ring.retain(|waiting| *waiting != slot);
            }
        }
        self.free.push(slot);
        if self.active == Some(slot) {
            self.active = None;
            self.activate();
        }
        Some(consumer)
    }

    /// The slots of a session's consumers.
    pub(crate) fn of_session(&self, session: SessionId) -> Vec<Slot> {
        let of_session = |slot: &Slot| self.get(*slot).is_some_and(|c| c.session == session);
        self.arrivals.iter().copied().filter(of_session).collect()
    }

    /// All slots in the order of arrival.
    pub(crate) fn all(&self) -> Vec<Slot> {
        self.arrivals.clone()
    }

    /// Chooses who is served next where only one is: the first of the highest priority.
    fn activate(&mut self) {
        if !self.single_active || self.active.is_some() {
            return;
        }
        let mut best: Option<(i32, Slot)> = None;
        for slot in &self.arrivals {
            let Some(consumer) = self.get(*slot) else {
                continue;
            };
            if best.is_none_or(|(priority, _)| consumer.priority > priority) {
                best = Some((consumer.priority, *slot));
            }
        }
        self.active = best.map(|(_, slot)| slot);
        if let Some(slot) = self.active {
            self.rejoin(slot);
        }
    }

    /// Puts a consumer into its ring where it can be served and is not in it.
    fn rejoin(&mut self, slot: Slot) {
        if self.single_active && self.active != Some(slot) {
            return;
        }
        let Some(consumer) = self.get_mut(slot) else {
            return;
        };
        if consumer.waiting || consumer.offered || !consumer.has_credit() {
            return;
        }
        consumer.waiting = true;
        let priority = consumer.priority;
        let at = self.rings.partition_point(|(of, _)| *of > priority);
        match self.rings.get_mut(at) {
            Some((of, ring)) if *of == priority => ring.push_back(slot),
            _ => self.rings.insert(at, (priority, VecDeque::from([slot]))),
        }
    }

    /// Whose turn it is. [`Turn::Deliver`] is answered by [`Self::delivered`].
    pub(crate) fn turn(&mut self, sessions: &mut Sessions, queue: QueueId) -> Turn {
        let mut at = 0;
        while let Some((_, ring)) = self.rings.get_mut(at) {
            let Some(slot) = ring.pop_front() else {
                if self.rings.len() > EMPTY_RINGS_MAX {
                    self.rings.remove(at);
                } else {
                    at += 1;
                }
                continue;
            };
            let Some(consumer) = self.get_mut(slot) else {
                continue;
            };
            consumer.waiting = false;
            if !consumer.has_credit() {
                continue;
            }
            let session = consumer.session;
            if !sessions.has_room(session) {
                sessions.stall(session, queue);
                continue;
            }
            if consumer.shared {
                consumer.offered = true;
                return Turn::Offer(slot);
            }
            return Turn::Deliver(slot);
        }
        Turn::Nobody
    }

    /// A consumer got a message.
    pub(crate) fn delivered(&mut self, slot: Slot) {
        if let Some(consumer) = self.get_mut(slot) {
            if !consumer.no_ack {
                consumer.unsettled += 1;
            }
            self.rejoin(slot);
        }
    }

    /// A delivery of a consumer was settled. The slot may have gone to somebody else meanwhile.
    pub(crate) fn settled(&mut self, slot: Slot, session: SessionId, id: ConsumerId) {
        let Some(consumer) = self.get_mut(slot) else {
            return;
        };
        if consumer.session == session && consumer.id == id {
            consumer.unsettled = consumer.unsettled.saturating_sub(1);
            self.rejoin(slot);
        }
    }

    /// A session has room again.
    pub(crate) fn wake(&mut self, session: SessionId) {
        for slot in self.of_session(session) {
            self.rejoin(slot);
        }
    }

    /// Whether deliveries to a consumer need grants.
    pub(crate) fn share(&mut self, slot: Slot, shared: bool) {
        if let Some(consumer) = self.get_mut(slot) {
            consumer.shared = shared && !consumer.no_ack;
            consumer.offered = false;
            self.rejoin(slot);
        }
    }

    /// How many messages a consumer may have at once of `count` that it was granted; its offer is answered.
    pub(crate) fn granted(&mut self, slot: Slot, count: u32) -> u32 {
        if self.single_active && self.active != Some(slot) {
            return 0;
        }
        let Some(consumer) = self.get_mut(slot) else {
            return 0;
        };
        consumer.offered = false;
        let room = consumer
            .prefetch
            .map_or(u32::MAX, |max| max.saturating_sub(consumer.unsettled));
        count.min(room)
    }

    /// A grant was dealt with, or an offer is not made after all: the consumer may be offered more.
    pub(crate) fn grant_done(&mut self, slot: Slot) {
        if let Some(consumer) = self.get_mut(slot) {
            consumer.offered = false;
        }
        self.rejoin(slot);
    }

    /// Whether somebody waits for a message.
    pub(crate) fn is_wanted(&self) -> bool {
        self.rings.iter().any(|(_, ring)| !ring.is_empty())
    }
}

#[cfg(test)]
mod tests;
