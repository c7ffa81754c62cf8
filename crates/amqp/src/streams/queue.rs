//! One stream queue: the consumers of a partition of a topic, and what they are sent.
//!
//! It promises that each consumer gets the messages from its start on, in order and each once, as far as
//! its prefetch limit and its session's window let it, and that consumers which are in one place share
//! what is read for them. Nothing is ever removed from a stream by consuming it, so a message that
//! comes back only makes room for another one. It owns no clock and reads nothing itself.

mod admit;
mod pump;

use super::chunk::{Chunk, Unreadable};
use super::consumer::Consumer;
use crate::mail::{ConsumerId, Counts, Notice, Position, QueueId, SessionId};
use crate::queues::Tally;
use crate::queues::sessions::Sessions;
use base::Offset;
use commitlog::Bounds;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};

/// Reads of one stream that are under way at once. Consumers in more places wait for their turn.
const READS_MAX: usize = 16;
/// Batches that are remembered as having been reported unreadable.
const REPORTED_MAX: usize = 64;

/// Something to be done for the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Read from an offset on; the answer goes to [`StreamQueue::loaded`].
    Read { from: Offset },
    /// Find the first message of a time; the answer goes to [`StreamQueue::found`].
    Seek {
        session: SessionId,
        consumer: ConsumerId,
        timestamp: i64,
    },
    /// Say when the stream is not as it was `seen` any more; the answer goes to [`StreamQueue::changed`].
    Watch { seen: Bounds },
}

/// What a queue is called with.
pub(crate) struct Scene<'a> {
    /// What can be read of the stream now.
    pub(crate) bounds: Bounds,
    /// The sessions' windows, which all queues of a host share.
    pub(crate) sessions: &'a mut Sessions,
    /// Sessions whose consumers wait for their window.
    pub(crate) stalled: &'a mut Vec<SessionId>,
    /// What is to be sent.
    pub(crate) notices: &'a mut Vec<(SessionId, Notice)>,
    /// What is to be done.
    pub(crate) effects: &'a mut Vec<Effect>,
}

/// A stream queue that somebody consumes from.
#[derive(Debug)]
pub(crate) struct StreamQueue {
    id: QueueId,
    /// Its name, for people and for what Kafka clients wrote.
    name: Arc<str>,
    /// By session and level.
    consumers: BTreeMap<(SessionId, u8), Consumer>,
    /// The level that the next consumer gets if it is free: used again as late as possible.
    level_next: u8,
    reads: BTreeSet<Offset>,
    watching: bool,
    /// What was read last, as long as somebody has it.
    recent: Weak<Chunk>,
    reported: BTreeSet<Offset>,
    /// What happened since this was last taken.
    tally: Tally,
}

impl StreamQueue {
    pub(crate) fn new(id: QueueId, name: Arc<str>) -> Self {
        Self {
            id,
            name,
            consumers: BTreeMap::new(),
            level_next: 0,
            reads: BTreeSet::new(),
            watching: false,
            recent: Weak::new(),
            reported: BTreeSet::new(),
            tally: Tally::default(),
        }
    }

    /// Whether nobody consumes from it, so that it need not be kept.
    pub(crate) fn is_unused(&self) -> bool {
        self.consumers.is_empty()
    }

    pub(crate) fn consumers(&self) -> impl ExactSizeIterator<Item = (SessionId, &Consumer)> {
        let each = self.consumers.iter();
        each.map(|((session, _), consumer)| (*session, consumer))
    }

    pub(crate) fn counts(&self, bounds: Bounds) -> Counts {
        let unsettled = self.consumers.values().map(Consumer::unsettled);
        Counts {
            ready: messages(bounds),
            unacknowledged: unsettled.map(u64::from).sum(),
            consumers: u32::try_from(self.consumers.len()).unwrap_or(u32::MAX),
        }
    }

    /// What happened since this was last asked.
    pub(crate) fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    fn key(&self, session: SessionId, id: ConsumerId) -> Option<(SessionId, u8)> {
        let of_session = self.consumers.range((session, 0)..=(session, u8::MAX));
        let mut of_session = of_session.filter(|(_, consumer)| consumer.id == id);
        of_session.next().map(|(key, _)| *key)
    }

    /// Ends a consumer.
    pub(crate) fn cancel(&mut self, session: SessionId, consumer: ConsumerId) {
        if let Some(key) = self.key(session, consumer) {
            self.consumers.remove(&key);
        }
    }

    /// A session has left.
    pub(crate) fn leave(&mut self, session: SessionId) {
        let of_session = self.consumers.range((session, 0)..=(session, u8::MAX));
        let keys: Vec<_> = of_session.map(|(key, _)| *key).collect();
        for key in keys {
            self.consumers.remove(&key);
        }
    }

    /// Whether deliveries to a consumer need grants.
    pub(crate) fn share(
        &mut self,
        session: SessionId,
        consumer: ConsumerId,
        shared: bool,
        scene: &mut Scene<'_>,
    ) {
        let Some(key) = self.key(session, consumer) else {
            return;
        };
        if let Some(consumer) = self.consumers.get_mut(&key) {
            consumer.share(shared);
        }
        self.pump_one(key, scene);
        self.watch(scene);
    }

    /// Delivers up to `count` messages that a sharing consumer was granted, and gives back the others.
    pub(crate) fn grant(
        &mut self,
        session: SessionId,
        consumer: ConsumerId,
        count: u32,
        scene: &mut Scene<'_>,
    ) {
        let key = self.key(session, consumer);
        let mut used = 0;
        if let Some(key) = key
            && let Some(consumer) = self.consumers.get_mut(&key)
        {
            consumer.set_offered(false);
            used = self.deliver(key, count, scene);
        }
        if used < count {
            let count = count - used;
            let notice = Notice::Unused { consumer, count };
            scene.notices.push((session, notice));
        }
        if let Some(key) = key {
            self.pump_one(key, scene);
            self.watch(scene);
        }
    }

    /// A session says that it is done with deliveries, whatever it made of them.
    pub(crate) fn settle(
        &mut self,
        session: SessionId,
        positions: &[Position],
        scene: &mut Scene<'_>,
    ) {
        let mut levels: Vec<u8> = Vec::new();
        for position in positions {
            if let Some(consumer) = self.consumers.get_mut(&(session, position.level)) {
                consumer.settled(position.offset);
                self.tally.acknowledged += 1;
                if !levels.contains(&position.level) {
                    levels.push(position.level);
                }
            }
        }
        for level in levels {
            self.pump_one((session, level), scene);
        }
        self.watch(scene);
    }

    /// A session has room again.
    pub(crate) fn wake(&mut self, session: SessionId, scene: &mut Scene<'_>) {
        let of_session = self.consumers.range((session, 0)..=(session, u8::MAX));
        let keys: Vec<_> = of_session.map(|(key, _)| *key).collect();
        for key in keys {
            self.pump_one(key, scene);
        }
        self.watch(scene);
    }

    /// What a read from `from` on gave. Where it gave nothing, nothing below `end` can be read. `None`: the
    /// offset was not there any more.
    pub(crate) fn loaded(
        &mut self,
        from: Offset,
        end: Offset,
        batches: Option<&[bytes::Bytes]>,
        scene: &mut Scene<'_>,
    ) {
        if !self.reads.remove(&from) {
            return;
        }
        if let Some(batches) = batches {
            let (chunk, unreadable) = Chunk::open(&self.name, from, end.max(from + 1), batches);
            unreadable.into_iter().for_each(|batch| self.report(&batch));
            let chunk = Arc::new(chunk);
            self.recent = Arc::downgrade(&chunk);
            for consumer in self.consumers.values_mut() {
                if consumer.waits_for(from) {
                    consumer.attach(&chunk, scene.bounds.log_start);
                }
            }
        }
        self.pump(scene);
    }

    fn report(&mut self, batch: &Unreadable) {
        let known = self.reported.len() >= REPORTED_MAX || !self.reported.insert(batch.base_offset);
        if known {
            return;
        }
        self.tally.damaged += 1;
        let Unreadable { base_offset, error } = batch;
        tracing::error!(queue = %self.name, offset = base_offset, %error, "a batch cannot be shown to AMQP consumers");
    }

    /// The first message of the time that a consumer begins at, if there is any yet.
    pub(crate) fn found(
        &mut self,
        session: SessionId,
        consumer: ConsumerId,
        offset: Option<Offset>,
        scene: &mut Scene<'_>,
    ) {
        let Some(key) = self.key(session, consumer) else {
            return;
        };
        if let Some(consumer) = self.consumers.get_mut(&key) {
            consumer.found(offset);
        }
        self.pump_one(key, scene);
        self.watch(scene);
    }

    /// Something was published or trimmed.
    pub(crate) fn changed(&mut self, scene: &mut Scene<'_>) {
        self.watching = false;
        self.pump(scene);
    }

    /// The stream is gone: all consumers end.
    pub(crate) fn gone(&mut self, notices: &mut Vec<(SessionId, Notice)>) {
        for ((session, _), consumer) in std::mem::take(&mut self.consumers) {
            let consumer = consumer.id;
            notices.push((session, Notice::Cancelled { consumer }));
        }
    }

    /// Whoever consumes must learn what comes, and when the stream goes.
    fn watch(&mut self, scene: &mut Scene<'_>) {
        if !self.watching && !self.is_unused() {
            self.watching = true;
            scene.effects.push(Effect::Watch { seen: scene.bounds });
        }
    }
}

/// Messages in a stream, as RabbitMQ counts them.
pub(crate) fn messages(bounds: Bounds) -> u64 {
    u64::try_from(bounds.high_watermark - bounds.log_start).unwrap_or(0)
}

#[cfg(test)]
mod tests;
