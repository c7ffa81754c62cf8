//! What sessions did with what they had.

use super::Book;
use crate::broker::copy::{Done, Key};
use amqp::mail::{Outcome, QueueId, SessionId};

impl Book {
    /// A settlement is about to be sent for a delivery of the copy in its generation.
    pub(crate) fn settling(&mut self, key: Key, generation: u64, outcome: Outcome) {
        let life = self.life;
        let Some(copy) = self.copies.get_mut(&key) else {
            return;
        };
        if copy.place.generation() != generation {
            return;
        }
        copy.holder = None;
        if outcome == Outcome::Requeued {
            copy.requeues += 1;
            self.counts.requeued += 1;
        } else {
            copy.done = Done::Asked(outcome, life);
        }
    }

    /// A settlement is durable.
    pub(crate) fn settled(&mut self, key: Key, generation: u64) {
        let Some(copy) = self.copies.get_mut(&key) else {
            return;
        };
        if copy.place.generation() == generation
            && let Done::Asked(outcome, _) = copy.done
        {
            copy.done = Done::Durable(outcome);
            self.counts.settled_durably += 1;
        }
    }

    /// A session leaves: what it holds comes back.
    pub(crate) fn leaving(&mut self, session: SessionId) {
        self.leaving.insert(session);
        let held = self.copies.values_mut();
        for copy in held.filter(|copy| copy.holder == Some(session)) {
            copy.holder = None;
            copy.requeues += 1;
        }
    }

    /// A session that has left has looked at everything that it was sent.
    pub(crate) fn left(&mut self, session: SessionId) {
        self.leaving.remove(&session);
    }

    /// How many copies sessions hold of a queue that is there.
    pub(crate) fn held(&self, queue: QueueId) -> u64 {
        let held = self.copies.values();
        held.filter(|copy| copy.holder.is_some() && copy.place.queue == queue)
            .count() as u64
    }
}
