//! What a session is sent: deliveries, offers and answers.

use super::{Asked, Held, Session};
use crate::broker::book::Seen;
use crate::violation::{Violation, ensure};
use amqp::mail::{
    ConsumerId, Delivery, Notice, QueueId, Refusal, Request, SESSION_WINDOW_BYTES, Ticket,
};
use base::Clock;

impl Session {
    /// Takes a notice in; `late`: the session has left.
    pub(super) fn receive(&mut self, notice: Notice, late: bool) -> Result<(), Violation> {
        match notice {
            Notice::Published { ticket, rejected } => self.published(ticket, &rejected)?,
            Notice::Deliver {
                consumer,
                queue,
                deliveries,
            } => {
                for delivery in &deliveries {
                    self.delivered(queue, Some(consumer), delivery, late)?;
                }
            }
            Notice::Got { ticket, outcome } => self.got(ticket, outcome, late)?,
            Notice::Answer { ticket, outcome } => self.answered(ticket, outcome)?,
            Notice::Cancelled { consumer } => self.cancelled(consumer)?,
            Notice::Offer {
                queue, consumer, ..
            } => self.offers.push((queue, consumer)),
            Notice::Unused { count, .. } => self.use_credit(count)?,
            Notice::DirectReply { .. } => {
                return Err(Violation::new("mail", "a reply to nobody"));
            }
            Notice::Lost => self.lost = true,
        }
        Ok(())
    }

    fn use_credit(&mut self, count: u32) -> Result<(), Violation> {
        let left = self.granted.checked_sub(count);
        self.granted = left.ok_or_else(|| {
            Violation::new("prefetch", format!("{count} of {} granted", self.granted))
        })?;
        Ok(())
    }

    fn delivered(
        &mut self,
        queue: QueueId,
        consumer: Option<ConsumerId>,
        delivery: &Delivery,
        late: bool,
    ) -> Result<(), Violation> {
        let no_ack = match consumer {
            Some(consumer) => self.consumed(queue, consumer, delivery)?,
            None => false,
        };
        self.take(queue, consumer, delivery, (no_ack, late))
    }

    /// Checks what a consumer may get; returns whether it acknowledges.
    fn consumed(
        &mut self,
        queue: QueueId,
        consumer: ConsumerId,
        delivery: &Delivery,
    ) -> Result<bool, Violation> {
        let shard = self.broker.shard_of(queue);
        let unwritten = self.unwritten.entry(shard).or_default();
        let len = delivery.message.record().len();
        self.longest = self.longest.max(len);
        *unwritten += len;
        // The order between consumers is not that in which the host has counted.
        ensure(
            *unwritten < SESSION_WINDOW_BYTES + self.longest,
            "window",
            || format!("{unwritten} bytes were sent and not written"),
        )?;
        let stalled = *unwritten >= SESSION_WINDOW_BYTES;
        let Some(eater) = self.eaters.get_mut(&consumer) else {
            let detail = format!("queue {queue} delivers to {consumer:?}, which has ended");
            return Err(Violation::new("cancel", detail));
        };
        if !eater.no_ack {
            eater.held += 1;
            let held = eater.held;
            let max = eater.prefetch.unwrap_or(u32::MAX);
            ensure(held <= max, "prefetch", || format!("{held} of {max}"))?;
        }
        let (no_ack, shared) = (eater.no_ack, eater.shared);
        if shared {
            self.use_credit(1)?;
        }
        self.broker.books.lock().counts.full_windows += u64::from(stalled);
        Ok(no_ack)
    }

    fn take(
        &mut self,
        queue: QueueId,
        consumer: Option<ConsumerId>,
        delivery: &Delivery,
        (no_ack, late): (bool, bool),
    ) -> Result<(), Violation> {
        let now_ms = self.broker.clock.wall().0;
        let position = delivery.position;
        let (of, own) = {
            let mut book = self.broker.books.lock();
            let of = book.delivered(&Seen {
                queue,
                delivery,
                session: self.id,
                no_ack,
                late,
                not_before_ms: self.looked_ms,
                now_ms,
            })?;
            let own = self.own.as_mut();
            (
                of,
                own.filter(|(slot, _)| book.queue_of(*slot) == Some(queue)),
            )
        };
        self.broker.trace.note(format_args!(
            "{:?} got {of:?} from {queue} {position:?}, redelivered {}, late {late}",
            self.id, delivery.redelivered
        ));
        if let Some((_, expected)) = own {
            expected.took(position.level, of.0.0, now_ms)?;
            for asked in self.asked.values_mut() {
                if let Asked::Purge(_, sure) = asked {
                    sure.retain(|number| *number != of.0.0.number);
                }
            }
        }
        if !delivery.redelivered {
            let newest = self
                .newest
                .entry((queue, position.level, consumer))
                .or_insert(-1);
            ensure(position.offset > *newest, "order", || {
                format!("queue {queue}: {position:?} was delivered behind {newest}")
            })?;
            *newest = position.offset;
        }
        if !no_ack && !late {
            self.held.push(Held {
                queue,
                consumer,
                position,
                of,
            });
        }
        Ok(())
    }

    fn got(
        &mut self,
        ticket: Ticket,
        outcome: Result<Option<(Delivery, u64)>, Refusal>,
        late: bool,
    ) -> Result<(), Violation> {
        let Some(Asked::Get(queue, no_ack)) = self.asked.remove(&ticket) else {
            return Err(Violation::new("A2", format!("{ticket:?} is no get")));
        };
        match outcome {
            Ok(Some((delivery, _))) => self.take(queue, None, &delivery, (no_ack, late)),
            Ok(None) => {
                let now_ms = self.broker.clock.wall().0;
                let queue_of = |slot: usize| self.broker.books.lock().queue_of(slot);
                match &self.own {
                    Some((slot, expected)) if queue_of(*slot) == Some(queue) => {
                        expected.took_none(now_ms)
                    }
                    _ => Ok(()),
                }
            }
            Err(Refusal::NotFound) => self.check_missing(queue),
            Err(other) => Err(Violation::new("get", other.to_string())),
        }
    }

    pub(super) fn check_missing(&self, queue: QueueId) -> Result<(), Violation> {
        let missing = self.broker.books.lock().may_be_missing(queue);
        ensure(missing, "A1", || {
            format!("queue {queue} is there, and its host does not find it")
        })
    }

    fn cancelled(&mut self, consumer: ConsumerId) -> Result<(), Violation> {
        match self.eaters.remove(&consumer) {
            Some(eater) => {
                self.held.retain(|held| held.queue != eater.queue);
                self.check_missing(eater.queue)
            }
            None => Err(Violation::new("cancel", format!("{consumer:?} is none"))),
        }
    }

    /// Answers offers and says what was written.
    pub(super) async fn reply(&mut self) {
        while let Some((queue, consumer)) = self.offers.last().copied() {
            let shared = |held: &&Held| {
                let eater = held.consumer.and_then(|id| self.eaters.get(&id));
                eater.is_some_and(|eater| eater.shared)
            };
            let held = u32::try_from(self.held.iter().filter(shared).count()).unwrap_or(u32::MAX);
            let limit = self.limit.unwrap_or(0);
            let count = limit.saturating_sub(held + self.granted);
            if count == 0 {
                return;
            }
            self.offers.pop();
            if !self.eaters.contains_key(&consumer) {
                continue;
            }
            self.granted += count;
            let shard = self.broker.shard_of(queue);
            self.send(
                shard,
                Request::Grant {
                    queue,
                    consumer,
                    count,
                },
            )
            .await;
        }
    }
}
