//! Stream queues: the topics of a shard, as their consumers and publishers see them.
//!
//! A stream queue *is* a partition of a topic: what is published to it is appended as Kafka's producers
//! append, and its consumers read the log from an offset on. Nothing is kept of a stream that nobody
//! consumes from. It promises that publishes reach the log in the order in which they come, that a
//! publisher is answered when its messages are durable, and that consumers learn when a topic goes,
//! whoever deletes it. It runs inside of a queue host's driver, which owns the mailbox and the sessions' windows.

mod append;
mod chunk;
mod consumer;
mod io;
mod joint;
mod publish;
mod queue;
mod report;
mod requests;

use crate::mail::{ConsumerId, Notice, QueueId, Refusal, SessionId, Ticket};
use crate::queues::keyed::KeyedMap;
use crate::queues::sessions::Sessions;
use crate::queues::{HostMail, Tally};
use crate::topic_keeper::{TopicError, TopicKeeper};
use base::{BoxFuture, Clock, Offset};
use cluster::{Catalog, Topic};
use commitlog::{Bounds, Closed, Log, ShardHandle, Stream};
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, abortable};
use futures_util::stream::{FuturesOrdered, FuturesUnordered};
use io::{Loaded, Source};
use joint::Joints;
use queue::{Effect, Scene, StreamQueue};
use std::sync::Arc;

/// Appends under way to the log. While there are more the host takes no mail, so that a slow disk holds
/// publishers up instead of filling memory.
const APPENDS_MAX: usize = 256;
/// Bytes of these appends above which the same holds.
const APPENDING_BYTES_MAX: usize = 32 << 20;

/// Something that has come to its end.
pub(crate) enum Event {
    /// Messages are durable, or those with these places in the run are refused.
    Appended {
        session: SessionId,
        ticket: Ticket,
        /// Length of the run.
        bytes: usize,
        outcome: Result<Vec<u32>, Closed>,
    },
    Loaded {
        queue: QueueId,
        from: Offset,
        loaded: Loaded,
    },
    Found {
        queue: QueueId,
        session: SessionId,
        consumer: ConsumerId,
        offset: Option<Offset>,
    },
    Changed {
        queue: QueueId,
    },
    /// Nobody waits for a change any more.
    Unwatched,
    /// A dead letter is durable in the stream queues that it goes to.
    Posted {
        letter: HostMail,
        outcome: Result<(), Closed>,
    },
    Deleted {
        queue: QueueId,
        session: SessionId,
        ticket: Ticket,
        ready: u64,
        outcome: Result<Arc<Topic>, TopicError>,
    },
}

/// What stream queues stand on.
pub(crate) struct Ground {
    pub(crate) log: Arc<Log>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) keeper: Arc<dyn TopicKeeper>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The shard whose host this is for.
    pub(crate) shard: ShardHandle,
}

/// What the host lends.
pub(crate) struct Lent<'a> {
    /// The windows of its sessions.
    pub(crate) sessions: &'a mut Sessions,
    /// What is to be sent to sessions.
    pub(crate) notices: &'a mut Vec<(SessionId, Notice)>,
}

/// All stream queues of a shard.
pub(crate) struct Streams {
    ground: Ground,
    source: Source,
    /// Those that somebody consumes from.
    queues: KeyedMap<QueueId, StreamQueue>,
    watches: KeyedMap<QueueId, AbortHandle>,
    /// Queues that a session has consumers of, and those of them that wait for its window.
    used_by: KeyedMap<SessionId, Vec<QueueId>>,
    stalled: KeyedMap<SessionId, Vec<QueueId>>,
    joints: Joints,
    /// What happened in queues since the start.
    tallies: KeyedMap<QueueId, Tally>,
    appends: FuturesOrdered<BoxFuture<'static, Event>>,
    appending_bytes: usize,
    /// In the order in which they came, which the machine relies on.
    letters: FuturesOrdered<BoxFuture<'static, Event>>,
    others: FuturesUnordered<BoxFuture<'static, Event>>,
}

impl Streams {
    pub(crate) fn new(ground: Ground) -> Self {
        Self {
            source: Source {
                log: ground.log.clone(),
                clock: ground.clock.clone(),
            },
            ground,
            queues: KeyedMap::default(),
            watches: KeyedMap::default(),
            used_by: KeyedMap::default(),
            stalled: KeyedMap::default(),
            joints: Joints::default(),
            tallies: KeyedMap::default(),
            appends: FuturesOrdered::new(),
            appending_bytes: 0,
            letters: FuturesOrdered::new(),
            others: FuturesUnordered::new(),
        }
    }

    /// Whether a queue is a stream queue.
    pub(crate) fn has(&self, queue: QueueId) -> bool {
        let topics = self.ground.catalog.topics();
        self.queues.contains_key(&queue) || topics.by_stream(queue).is_some()
    }

    /// Whether no more publishes should come until some have become durable.
    pub(crate) fn is_busy(&self) -> bool {
        self.appends.len() >= APPENDS_MAX || self.appending_bytes >= APPENDING_BYTES_MAX
    }

    /// Whether something is under way, so that [`Self::next`] will complete.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.appends.is_empty() || !self.letters.is_empty() || !self.others.is_empty()
    }

    /// Waits until what was published is durable; nobody is left to be told.
    ///
    /// # Errors
    /// Where the log takes no more writes.
    pub(crate) async fn finish(&mut self) -> Result<(), Closed> {
        while let Some(event) = self.appends.next().await {
            if let Event::Appended { outcome, .. } = event {
                outcome?;
            }
        }
        Ok(())
    }

    /// What comes to its end next, to be handed to [`Self::handle`]. Nothing is lost where it is dropped.
    pub(crate) async fn next(&mut self) -> Event {
        tokio::select! {
            biased;
            Some(event) = self.appends.next(), if !self.appends.is_empty() => event,
            Some(event) = self.letters.next(), if !self.letters.is_empty() => event,
            Some(event) = self.others.next(), if !self.others.is_empty() => event,
            else => std::future::pending().await,
        }
    }

    /// Adds the answer of other queues to that of stream queues that the same run went to; returns the answer
    /// that the session gets, if it is complete.
    pub(crate) fn join(
        &mut self,
        session: SessionId,
        ticket: Ticket,
        rejected: Vec<u32>,
    ) -> Option<Notice> {
        self.joints.done(session, ticket, rejected)
    }

    /// Carries on after something has come to its end.
    ///
    /// # Errors
    /// Where the log takes no more writes.
    pub(crate) fn handle(&mut self, event: Event, lent: &mut Lent<'_>) -> Result<(), Closed> {
        match event {
            Event::Appended {
                session,
                ticket,
                bytes,
                outcome,
            } => {
                self.appending_bytes = self.appending_bytes.saturating_sub(bytes);
                let answer = self.joints.done(session, ticket, outcome?);
                lent.notices.extend(answer.map(|answer| (session, answer)));
            }
            Event::Loaded {
                queue,
                from,
                loaded,
            } => self.with(queue, lent, |queue, scene| {
                queue.loaded(from, loaded.end, loaded.batches.as_deref(), scene);
            }),
            Event::Found {
                queue,
                session,
                consumer,
                offset,
            } => self.with(queue, lent, |queue, scene| {
                queue.found(session, consumer, offset, scene);
            }),
            Event::Changed { queue } => {
                self.watches.remove(&queue);
                self.with(queue, lent, StreamQueue::changed);
            }
            // Letters are their driver's.
            Event::Unwatched | Event::Posted { .. } => {}
            Event::Deleted {
                queue,
                session,
                ticket,
                ready,
                outcome,
            } => self.deleted(queue, (session, ticket), ready, &outcome, lent)?,
        }
        Ok(())
    }

    /// Calls a queue that somebody consumes from, where it is one, and does what it wants.
    fn with(
        &mut self,
        id: QueueId,
        lent: &mut Lent<'_>,
        call: impl FnOnce(&mut StreamQueue, &mut Scene<'_>),
    ) {
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        let stream = self.ground.log.stream(id);
        let Some(stream) = stream.filter(|stream| !stream.is_removed()) else {
            queue.gone(lent.notices);
            self.forget(id);
            self.tallies.remove(&id);
            return;
        };
        let (mut stalled, mut effects) = (Vec::new(), Vec::new());
        call(
            queue,
            &mut Scene {
                bounds: stream.bounds(),
                sessions: lent.sessions,
                stalled: &mut stalled,
                notices: lent.notices,
                effects: &mut effects,
            },
        );
        let (unused, tally) = (queue.is_unused(), queue.take_tally());
        let sum = self.tallies.entry(id).or_default();
        sum.delivered += tally.delivered;
        sum.acknowledged += tally.acknowledged;
        sum.damaged += tally.damaged;
        for session in stalled {
            let queues = self.stalled.entry(session).or_default();
            if !queues.contains(&id) {
                queues.push(id);
            }
        }
        for effect in effects {
            self.carry_out(id, &stream, effect);
        }
        if unused {
            self.forget(id);
        }
    }

    /// Nobody consumes from a queue any more.
    fn forget(&mut self, queue: QueueId) {
        self.queues.remove(&queue);
        if let Some(watch) = self.watches.remove(&queue) {
            watch.abort();
        }
    }

    fn carry_out(&mut self, queue: QueueId, stream: &Arc<Stream>, effect: Effect) {
        let (source, stream) = (self.source.clone(), stream.clone());
        self.others.push(match effect {
            Effect::Read { from } => Box::pin(async move {
                let loaded = source.read(stream, from).await;
                Event::Loaded {
                    queue,
                    from,
                    loaded,
                }
            }),
            Effect::Seek {
                session,
                consumer,
                timestamp,
            } => Box::pin(async move {
                let offset = source.seek(stream, timestamp).await;
                Event::Found {
                    queue,
                    session,
                    consumer,
                    offset,
                }
            }),
            Effect::Watch { seen } => {
                let (change, abort) = abortable(io::changed(stream, seen));
                self.watches.insert(queue, abort);
                Box::pin(async move {
                    let changed = change.await;
                    changed.map_or(Event::Unwatched, |()| Event::Changed { queue })
                })
            }
        });
    }

    fn bounds(&self, queue: QueueId) -> Option<Bounds> {
        let stream = self.ground.log.stream(queue)?;
        (!stream.is_removed()).then(|| stream.bounds())
    }
}

/// Why a request for a stream queue that is not there is refused.
const GONE: Refusal = Refusal::NotFound;

#[cfg(test)]
mod tests;
