//! What becomes of deliveries.

use super::super::kept::Kept;
use super::super::level::Ready;
use super::super::unacked::Unacked;
use super::{Queue, Reason, is_redelivery_off};
use crate::mail::{Outcome, Position, SessionId};

impl Queue {
    /// A session says what became of deliveries; those that it does not hold are passed over.
    pub(crate) fn settle(
        &mut self,
        session: SessionId,
        positions: &[Position],
        outcome: Outcome,
        kept: &mut Kept,
    ) {
        for position in positions {
            let Some(delivery) = self.deliveries.take(session, *position) else {
                continue;
            };
            if let Some((slot, id)) = delivery.consumer {
                self.consumers.settled(slot, session, id);
            }
            self.settle_one(*position, delivery, outcome, kept);
        }
    }

    fn settle_one(
        &mut self,
        position: Position,
        delivery: Unacked,
        outcome: Outcome,
        kept: &mut Kept,
    ) {
        if self.declared.stored {
            kept.release(delivery.message.as_ref());
        } else if let Some(message) = &delivery.message {
            self.held_bytes -= message.record().len();
        }
        let level = usize::from(position.level);
        match outcome {
            Outcome::Acknowledged => {
                self.tally.acknowledged += 1;
                self.levels[level].settled.push(position.offset);
            }
            Outcome::Rejected => {
                let ready = back(position, delivery);
                self.die(level, ready, Reason::Rejected);
            }
            Outcome::Requeued => self.requeue(level, position, delivery),
        }
    }

    /// Puts a message back to its old place, unless it has come back too often.
    fn requeue(&mut self, level: usize, position: Position, delivery: Unacked) {
        let mut ready = back(position, delivery);
        ready.returns = ready.returns.saturating_add(1);
        let limit = self.declared.settings.delivery_limit;
        if limit.is_some_and(|limit| ready.returns > limit) {
            self.die(level, ready, Reason::DeliveryLimit);
            return;
        }
        if limit.is_some() || self.declared.settings.counts_deliveries {
            self.levels[level]
                .returns
                .push((ready.offset, ready.returns));
        }
        self.levels[level].put_back(ready);
        self.note_occupied(level);
    }

    /// A session has left: its consumers go, and what it held is ready again.
    pub(crate) fn leave(&mut self, session: SessionId, kept: &mut Kept) {
        for slot in self.consumers.of_session(session) {
            self.consumers.remove(slot);
        }
        self.forget_gets(session);
        let outcome = if is_redelivery_off() {
            Outcome::Acknowledged
        } else {
            Outcome::Requeued
        };
        for (position, delivery) in self.deliveries.take_session(session) {
            self.settle_one(position, delivery, outcome, kept);
        }
    }

    /// Whether something was settled or came back that is not written down.
    pub(crate) fn has_settles(&self) -> bool {
        self.declared.stored
            && self
                .levels
                .iter()
                .any(|level| !level.settled.is_empty() || !level.returns.is_empty())
    }
}

fn back(position: Position, delivery: Unacked) -> Ready {
    Ready {
        offset: position.offset,
        returns: delivery.returns,
        body_len: delivery.body_len,
        expires_ms: delivery.expires_ms,
        redelivered: true,
        message: delivery.message,
    }
}
