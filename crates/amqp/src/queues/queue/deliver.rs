//! Deliveries: from the head of a queue to whose turn it is.

use super::super::consumers::{Slot, Turn};
use super::super::kept::Kept;
use super::super::sessions::Sessions;
use super::super::unacked::Unacked;
use super::{Get, Queue};
use crate::mail::{Delivery, Extra, Notice, Position, SessionId, Ticket};

/// Deliveries of one queue that may be unsettled at the same time, so that consumers without a prefetch
/// limit that settle nothing do not fill memory. Each takes some 150 bytes.
const UNACKED_MAX: usize = 1 << 20;

/// What deliveries are made with.
pub(crate) struct Pump<'a> {
    /// The time, milliseconds since 1970.
    pub(crate) wall_ms: i64,
    pub(crate) sessions: &'a mut Sessions,
    pub(crate) kept: &'a mut Kept,
    /// What is to be sent.
    pub(crate) notices: &'a mut Vec<(SessionId, Notice)>,
}

/// Who a message goes to.
struct Recipient {
    session: SessionId,
    consumer: Option<(Slot, crate::mail::ConsumerId)>,
    no_ack: bool,
}

impl Queue {
    /// Delivers what can be delivered, and lets die what must.
    pub(crate) fn pump(&mut self, pump: &mut Pump<'_>) {
        self.expire(pump.wall_ms);
        self.serve_gets(pump);
        let mut offers = Vec::new();
        while self.deliveries.len() < UNACKED_MAX
            && let Some(level) = self.ready_head(pump.wall_ms)
        {
            match self.consumers.turn(pump.sessions, self.declared.id) {
                Turn::Nobody => break,
                Turn::Offer(slot) => offers.push(slot),
                Turn::Deliver(slot) => self.deliver(slot, level, pump),
            }
        }
        if self.is_over_limit() {
            self.shorten();
            self.expire(pump.wall_ms);
        }
        self.flush(pump);
        self.offer(offers, pump);
    }

    /// The level whose head can be delivered now.
    fn ready_head(&mut self, wall_ms: i64) -> Option<usize> {
        loop {
            let level = self.top_level()?;
            let head = self.levels[level].head()?;
            if head.expires_ms > wall_ms {
                return head.message.is_some().then_some(level);
            }
            self.expire(wall_ms);
        }
    }

    /// Takes the head of a level for somebody.
    fn take(&mut self, level: usize, to: &Recipient, kept: &mut Kept) -> Option<Delivery> {
        let ready = self.levels[level].pop()?;
        if self.levels[level].ready() == 0 {
            self.note_occupied(level);
        }
        let message = ready.message?;
        let position = Position {
            level: u8::try_from(level).unwrap_or(u8::MAX),
            offset: ready.offset,
        };
        self.tally.delivered += 1;
        self.tally.redelivered += u64::from(ready.redelivered);
        if to.no_ack {
            self.tally.acknowledged += 1;
            self.levels[level].settled.push(ready.offset);
        } else {
            let keep = if self.declared.stored {
                kept.keep(&message)
            } else {
                self.held_bytes += message.record().len();
                Some(message.clone())
            };
            let delivery = Unacked {
                session: to.session,
                consumer: to.consumer,
                returns: ready.returns,
                body_len: ready.body_len,
                expires_ms: ready.expires_ms,
                message: keep,
            };
            self.deliveries.insert(position, delivery);
        }
        let counted = self.declared.settings.counts_deliveries && ready.returns > 0;
        Some(Delivery {
            position,
            redelivered: ready.redelivered,
            extra: if counted {
                Extra::DeliveryCount(ready.returns)
            } else {
                Extra::None
            },
            message,
        })
    }

    /// Gives the head of a level to a consumer.
    fn deliver(&mut self, slot: Slot, level: usize, pump: &mut Pump<'_>) {
        let Some(consumer) = self.consumers.get(slot) else {
            return;
        };
        let to = Recipient {
            session: consumer.session,
            consumer: Some((slot, consumer.id)),
            no_ack: consumer.no_ack,
        };
        let Some(delivery) = self.take(level, &to, pump.kept) else {
            return;
        };
        pump.sessions
            .sent(to.session, delivery.message.record().len());
        if let Some(consumer) = self.consumers.get_mut(slot) {
            if consumer.outgoing.is_empty() {
                self.touched.push(slot);
            }
            consumer.outgoing.push(delivery);
        }
        self.consumers.delivered(slot);
    }

    /// Sends what was collected for each consumer.
    fn flush(&mut self, pump: &mut Pump<'_>) {
        for slot in self.touched.drain(..) {
            if let Some(consumer) = self.consumers.get_mut(slot) {
                let notice = Notice::Deliver {
                    consumer: consumer.id,
                    queue: self.declared.id,
                    deliveries: std::mem::take(&mut consumer.outgoing),
                };
                pump.notices.push((consumer.session, notice));
            }
        }
    }

    fn offer(&mut self, offers: Vec<Slot>, pump: &mut Pump<'_>) {
        if offers.is_empty() {
            return;
        }
        let count = u32::try_from(self.ready()).unwrap_or(u32::MAX);
        for slot in offers {
            match self.consumers.get(slot) {
                Some(consumer) if count > 0 => {
                    let (queue, consumer, session) =
                        (self.declared.id, consumer.id, consumer.session);
                    pump.notices.push((
                        session,
                        Notice::Offer {
                            queue,
                            consumer,
                            count,
                        },
                    ));
                }
                _ => self.consumers.grant_done(slot),
            }
        }
    }

    /// Delivers up to `count` messages that a sharing consumer was granted, and gives back the others.
    pub(crate) fn grant(&mut self, slot: Slot, count: u32, pump: &mut Pump<'_>) {
        let Some(consumer) = self.consumers.get(slot) else {
            return;
        };
        let (session, id) = (consumer.session, consumer.id);
        let mut left = self.consumers.granted(slot, count);
        let mut used = 0;
        while left > 0
            && self.deliveries.len() < UNACKED_MAX
            && pump.sessions.has_room(session)
            && let Some(level) = self.ready_head(pump.wall_ms)
        {
            self.deliver(slot, level, pump);
            (left, used) = (left - 1, used + 1);
        }
        self.flush(pump);
        if used < count {
            let notice = Notice::Unused {
                consumer: id,
                count: count - used,
            };
            pump.notices.push((session, notice));
        }
        self.consumers.grant_done(slot);
    }

    /// Takes a message for `basic.get`, now or when it has been read.
    pub(crate) fn get(
        &mut self,
        session: SessionId,
        ticket: Ticket,
        no_ack: bool,
        pump: &mut Pump<'_>,
    ) {
        self.gets.push_back(Get {
            session,
            ticket,
            no_ack,
        });
        self.serve_gets(pump);
    }

    fn serve_gets(&mut self, pump: &mut Pump<'_>) {
        while let Some(get) = self.gets.front().copied() {
            let to = Recipient {
                session: get.session,
                consumer: None,
                no_ack: get.no_ack,
            };
            let taken = match self.ready_head(pump.wall_ms) {
                Some(level) => self.take(level, &to, pump.kept),
                None if self.top_level().is_some() => return,
                None => None,
            };
            self.gets.pop_front();
            let notice = Notice::Got {
                ticket: get.ticket,
                outcome: Ok(taken.map(|delivery| (delivery, self.ready()))),
            };
            pump.notices.push((get.session, notice));
        }
    }

    /// Whether somebody waits for a message that is not in memory.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.gets.is_empty() || self.consumers.is_wanted()
    }

    /// Forgets what a session that has left was waiting for.
    pub(super) fn forget_gets(&mut self, session: SessionId) {
        self.gets.retain(|get| get.session != session);
    }

    /// Takes all waiting `basic.get`s: the queue is gone.
    pub(crate) fn take_gets(&mut self) -> Vec<(SessionId, Ticket)> {
        self.gets
            .drain(..)
            .map(|get| (get.session, get.ticket))
            .collect()
    }
}
