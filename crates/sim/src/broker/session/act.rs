//! What a session does, one thing after the other.

use super::{Asked, Eater, Held, Session};
use crate::broker::text::Text;
use crate::violation::Violation;
use amqp::mail::{Consume, ConsumerId, Outcome, QueueId, Request, StreamStart};
use amqp::run::RunBuilder;
use base::{Clock, ShardId};
use std::collections::BTreeMap;
use std::num::NonZeroU32;

/// Only the queue of this slot, and that of the owner of this number, have consumers that acknowledge nothing:
/// what such a consumer was sent when its process ended is gone, and nobody can tell.
const CARELESS_SLOT: usize = 0;
const CARELESS_OWNER: u64 = 1;
/// Consumers of a session at once.
const EATERS_MAX: usize = 6;

impl Session {
    pub(super) async fn act(&mut self) -> Result<(), Violation> {
        if self.lost {
            return Ok(());
        }
        if !self.habits.mute && self.rng.one_in(2) {
            self.write().await;
        }
        match self.rng.below(100) {
            0..35 => self.publish().await?,
            35..50 => self.consume().await,
            50..58 => self.get().await,
            58..86 => self.settle().await,
            86..91 => self.cancel().await,
            91..95 => self.inspect().await,
            95..97 => self.purge().await,
            97..99 => self.delete().await,
            _ => self.declare_again().await?,
        }
        self.reply().await;
        Ok(())
    }

    /// The deliveries have gone out of the socket.
    async fn write(&mut self) {
        let written: Vec<_> = self
            .unwritten
            .iter_mut()
            .map(|(shard, bytes)| (*shard, std::mem::take(bytes)))
            .filter(|(_, bytes)| *bytes > 0)
            .collect();
        for (shard, bytes) in written {
            self.send(shard, Request::Written { bytes }).await;
        }
    }

    /// A queue that it may use.
    fn pick(&mut self) -> Option<(usize, QueueId)> {
        if self.rng.one_in(3)
            && let Some((slot, _)) = &self.own
        {
            let slot = *slot;
            return Some((slot, self.broker.books.lock().queue_of(slot)?));
        }
        let book = self.broker.books.lock();
        let open: Vec<_> = (0..book.slots().len())
            .filter(|slot| book.slots()[*slot].owner.is_none())
            .collect();
        let slot = *self.rng.pick(&open)?;
        Some((slot, book.queue_of(slot)?))
    }

    async fn publish(&mut self) -> Result<(), Violation> {
        let mut by_shard: BTreeMap<ShardId, Vec<(usize, QueueId)>> = BTreeMap::new();
        for _ in 0..self.rng.between(1, 3) {
            if let Some((slot, queue)) = self.pick() {
                let targets = by_shard.entry(self.broker.shard_of(queue)).or_default();
                if !targets.contains(&(slot, queue)) {
                    targets.push((slot, queue));
                }
            }
        }
        let now = self.broker.clock.wall();
        let all: Vec<_> = by_shard.values().flatten().copied().collect();
        let count = if self.habits.heavy {
            8
        } else {
            self.rng.between(1, 6)
        };
        let (mut run, mut labels) = (RunBuilder::new(now.0), Vec::new());
        let priority = self.rng.below(6);
        for _ in 0..count {
            let text = self.text(priority);
            let mut book = self.broker.books.lock();
            book.publishing(&text, &all, now.0);
            labels.push(text.label);
            run.push(
                b"",
                &text.routing_key,
                &text.properties,
                &text.body,
                text.priority,
                text.ttl_ms,
            );
        }
        let Some(run) = run.seal() else {
            return Err(Violation::new(
                "run",
                "a run with messages cannot be sealed",
            ));
        };
        for (shard, targets) in by_shard {
            let ids = targets.iter().map(|(_, id)| *id).collect();
            let ticket = self.ticket(Asked::Publish(labels.clone(), targets));
            let request = Request::Publish {
                ticket,
                targets: ids,
                run: run.clone(),
            };
            self.send(shard, request).await;
        }
        Ok(())
    }

    fn text(&mut self, priority: u64) -> Text {
        let priority = if self.rng.one_in(2) {
            priority
        } else {
            self.rng.below(6)
        };
        let ttl_ms = self.rng.one_in(8).then(|| self.rng.between(0, 300));
        let filler_len = match self.rng.below(20) {
            _ if self.habits.heavy => self.rng.between(40_000, 70_000),
            0 => self.rng.between(1000, 9000),
            _ => self.rng.below(200),
        };
        let label = self.broker.books.lock().label(self.habits.client);
        let priority = u8::try_from(priority).unwrap_or(0);
        Text::new(
            label,
            priority,
            ttl_ms,
            usize::try_from(filler_len).unwrap_or(0),
        )
    }

    /// Whether it takes from a queue without acknowledging.
    fn is_careless(&mut self, slot: usize, queue: QueueId) -> bool {
        let own = self.habits.client == CARELESS_OWNER
            && self.own.as_ref().is_some_and(|(own, _)| *own == slot);
        let careless = (slot == CARELESS_SLOT || own) && self.rng.one_in(3);
        if careless {
            self.broker.books.lock().careless(queue);
        }
        careless
    }

    async fn consume(&mut self) {
        let Some((slot, queue)) = self.pick().filter(|_| self.eaters.len() < EATERS_MAX) else {
            return;
        };
        // With two of its own there it could not tell which was served first.
        let is_own = self.own.as_ref().is_some_and(|(own, _)| *own == slot);
        if is_own && self.eaters.values().any(|eater| eater.queue == queue) {
            return;
        }
        self.next += 1;
        let consumer = ConsumerId(u32::try_from(self.next).unwrap_or(u32::MAX));
        let no_ack = self.is_careless(slot, queue);
        let limited = !self.habits.mute && !self.rng.one_in(3);
        let prefetch = limited.then(|| u32::try_from(self.rng.between(1, 5)).unwrap_or(1));
        let eater = Eater {
            queue,
            no_ack,
            prefetch,
            shared: self.limit.is_some() && !no_ack,
            held: 0,
            ending: false,
        };
        self.eaters.insert(consumer, eater);
        let consume = Consume {
            ticket: self.ticket(Asked::Consume(consumer)),
            queue,
            consumer,
            tag: format!("consumer {}", consumer.0),
            no_ack,
            exclusive: false,
            priority: i32::from(self.rng.one_in(4)),
            prefetch: prefetch.and_then(NonZeroU32::new),
            shared: eater.shared,
            start: StreamStart::Next,
        };
        self.send(self.broker.shard_of(queue), Request::Consume(consume))
            .await;
    }

    async fn get(&mut self) {
        let Some((slot, queue)) = self.pick() else {
            return;
        };
        let no_ack = self.is_careless(slot, queue);
        let ticket = self.ticket(Asked::Get(queue, no_ack));
        let request = Request::Get {
            ticket,
            queue,
            no_ack,
        };
        self.send(self.broker.shard_of(queue), request).await;
    }

    /// Settles some of what it has of one queue.
    async fn settle(&mut self) {
        let Some(queue) = self.rng.pick(&self.held).map(|held| held.queue) else {
            return;
        };
        let at_most = usize::try_from(self.rng.between(1, 6)).unwrap_or(1);
        let backwards = self.rng.one_in(3);
        let (mut taken, mut left): (Vec<Held>, Vec<Held>) = (Vec::new(), Vec::new());
        for held in self.held.drain(..) {
            if held.queue == queue && taken.len() < at_most && !self.rng.one_in(4) {
                taken.push(held);
            } else {
                left.push(held);
            }
        }
        self.held = left;
        if taken.is_empty() {
            return;
        }
        if backwards {
            taken.reverse();
        }
        let outcome = match self.rng.below(10) {
            0..5 => Outcome::Acknowledged,
            5..8 => Outcome::Requeued,
            _ => Outcome::Rejected,
        };
        self.broker.trace.note(format_args!(
            "{:?} settles {outcome:?} {:?}",
            self.id,
            taken.iter().map(|held| held.of).collect::<Vec<_>>()
        ));
        self.settling(&taken, outcome);
        let settling = self.note_settlement(&taken, outcome);
        let durable = self.rng.one_in(2);
        let ticket = durable.then(|| self.ticket(Asked::Settle(settling)));
        let request = Request::Settle {
            queue,
            positions: taken.iter().map(|held| held.position).collect(),
            outcome,
            ticket,
        };
        self.send(self.broker.shard_of(queue), request).await;
    }

    async fn cancel(&mut self) {
        let live = self.eaters.iter().filter(|(_, eater)| !eater.ending);
        let live: Vec<_> = live.map(|(id, eater)| (*id, eater.queue)).collect();
        let Some((consumer, queue)) = self.rng.pick(&live).copied() else {
            return;
        };
        if let Some(eater) = self.eaters.get_mut(&consumer) {
            eater.ending = true;
        }
        let ticket = self.ticket(Asked::Cancel(consumer));
        let request = Request::Cancel {
            ticket,
            queue,
            consumer,
        };
        self.send(self.broker.shard_of(queue), request).await;
    }

    async fn inspect(&mut self) {
        if let Some((_, queue)) = self.pick() {
            let ticket = self.ticket(Asked::Inspect(queue));
            self.send(
                self.broker.shard_of(queue),
                Request::Inspect { ticket, queue },
            )
            .await;
        }
    }

    async fn purge(&mut self) {
        /// Others' queues are purged less often, since that makes much uncertain.
        const OTHERS_ONE_IN: u64 = 8;
        let others = self.rng.one_in(OTHERS_ONE_IN);
        let Some((slot, queue)) = self.pick() else {
            return;
        };
        let sure = match &mut self.own {
            Some((own, expected)) if *own == slot => expected.clear(),
            _ if others => Vec::new(),
            _ => return,
        };
        self.broker.books.lock().purging(queue);
        self.broker
            .trace
            .note(format_args!("{:?} purges {queue}", self.id));
        let ticket = self.ticket(Asked::Purge(queue, sure));
        self.send(
            self.broker.shard_of(queue),
            Request::Purge { ticket, queue },
        )
        .await;
    }

    async fn delete(&mut self) {
        let Some((slot, queue)) = self.pick() else {
            return;
        };
        if !self.broker.books.lock().slots()[slot].may_go() {
            return;
        }
        self.broker.books.lock().deleting(queue);
        self.broker
            .trace
            .note(format_args!("{:?} deletes {queue}", self.id));
        let ticket = self.ticket(Asked::Delete(queue));
        let request = Request::Delete {
            ticket,
            queue,
            if_unused: self.rng.one_in(3),
            if_empty: self.rng.one_in(3),
        };
        self.send(self.broker.shard_of(queue), request).await;
    }

    /// Declares what somebody has deleted.
    async fn declare_again(&mut self) -> Result<(), Violation> {
        let missing = {
            let book = self.broker.books.lock();
            (0..book.slots().len()).find(|slot| book.queue_of(*slot).is_none())
        };
        if let Some(slot) = missing
            && self.broker.declare(slot).await?.is_none()
        {
            self.lost = true;
        }
        Ok(())
    }
}
