//! Publishes on their way to hosts: consecutive ones with the same targets travel as one run.

use super::Session;
use super::channel::Channel;
use super::confirms::Verdict;
use crate::broker::Counters;
use crate::mail::{Request, Ticket};
use crate::routing::Routed;
use crate::run::RunBuilder;
use amqp_wire::basic;
use std::collections::HashMap;
use std::sync::Arc;

/// Bytes of published messages that may wait to be answered before a connection is read no further: what
/// is under way stays in memory until it is on disk.
pub const UNANSWERED_BYTES_MAX: usize = 8 << 20;
/// Routes that are remembered; above it all are forgotten.
const ROUTES_MAX: usize = 1024;

/// A message as it is put into a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Envelope<'a> {
    pub(super) exchange: &'a str,
    pub(super) routing_key: &'a str,
    pub(super) properties: &'a [u8],
    pub(super) body: &'a [u8],
    pub(super) priority: u8,
    pub(super) ttl_ms: Option<u64>,
}

/// Consecutive publishes of a run that came on one channel, which wants to know what became of them.
#[derive(Debug, Clone, Copy)]
struct Origin {
    channel: u16,
    key: u64,
    /// The number of the first publish on the channel.
    first: u64,
    /// Its place in the run.
    place: u32,
    count: u32,
}

/// A run that is still open.
#[derive(Debug)]
struct Batch {
    targets: Arc<Routed>,
    run: RunBuilder,
    count: u32,
    origins: Vec<Origin>,
}

/// A run that hosts have not answered.
#[derive(Debug)]
struct Pending {
    /// Hosts that are to answer.
    left: usize,
    bytes: usize,
    origins: Vec<Origin>,
    rejected: Vec<u32>,
}

/// Where messages go that a user may publish, while the catalog does not change.
#[derive(Debug, Default)]
pub(super) struct Routes {
    version: u64,
    by_key: HashMap<Box<[u8]>, Arc<Routed>>,
    /// The newest answer: mostly the next question is the same.
    last: Option<(Box<[u8]>, Arc<Routed>)>,
    /// Room to put a key together.
    wanted: Vec<u8>,
}

impl Routes {
    /// What is known of this exchange and key at this version of the catalog.
    pub(super) fn get(&mut self, version: u64, exchange: &str, key: &str) -> Option<Arc<Routed>> {
        if self.version != version {
            *self = Self {
                version,
                wanted: std::mem::take(&mut self.wanted),
                ..Self::default()
            };
        }
        self.wanted.clear();
        // Exchanges have names of at most 255 bytes.
        self.wanted.push(exchange.len().to_le_bytes()[0]);
        self.wanted.extend_from_slice(exchange.as_bytes());
        self.wanted.extend_from_slice(key.as_bytes());
        if let Some((last, routed)) = &self.last
            && **last == *self.wanted
        {
            return Some(routed.clone());
        }
        let routed = self.by_key.get(&self.wanted[..])?.clone();
        self.last = Some((self.wanted[..].into(), routed.clone()));
        Some(routed)
    }

    /// Remembers the answer to what was asked last.
    pub(super) fn put(&mut self, routed: Arc<Routed>) {
        if self.by_key.len() >= ROUTES_MAX {
            self.by_key.clear();
        }
        let key: Box<[u8]> = self.wanted[..].into();
        self.by_key.insert(key.clone(), routed.clone());
        self.last = Some((key, routed));
    }
}

/// The publishes of a connection.
#[derive(Debug, Default)]
pub(super) struct Publisher {
    batch: Option<Box<Batch>>,
    pending: HashMap<Ticket, Pending>,
    /// Bytes of runs that are not answered.
    unanswered: usize,
    /// Bytes of properties and bodies that are being put together.
    pub(super) assembling: usize,
    pub(super) routes: Routes,
    published: bool,
    /// What was published since the counters were told.
    messages: u64,
    bytes: u64,
    /// Channels that have something to be told.
    due: Vec<u16>,
}

impl Publisher {
    /// Whether more may be taken in.
    pub(super) fn has_room(&self) -> bool {
        self.unanswered < UNANSWERED_BYTES_MAX
    }

    /// Whether everything is answered.
    pub(super) fn is_idle(&self) -> bool {
        self.batch.is_none() && self.pending.is_empty()
    }

    /// Whether the connection has ever published.
    pub(super) fn has_published(&self) -> bool {
        self.published
    }

    /// Counts a publish.
    pub(super) fn count(&mut self, bytes: usize) {
        self.published = true;
        self.messages += 1;
        self.bytes += bytes as u64;
    }

    /// Something is to be told on a channel.
    pub(super) fn remind(&mut self, channel: u16) {
        if self.due.last() != Some(&channel) {
            self.due.push(channel);
        }
    }

    /// Whether a message for these targets must not go into the open run.
    fn must_seal(&self, targets: &Arc<Routed>) -> bool {
        self.batch.as_ref().is_some_and(|batch| {
            let same =
                Arc::ptr_eq(&batch.targets, targets) || batch.targets.queues() == targets.queues();
            !same || batch.run.is_full()
        })
    }

    /// Adds a message to the open run, which is one for its targets.
    fn push(
        &mut self,
        channel: Option<&mut Channel>,
        message: &Envelope<'_>,
        targets: &Arc<Routed>,
        published_ms: i64,
    ) {
        let batch = self.batch.get_or_insert_with(|| {
            Box::new(Batch {
                targets: targets.clone(),
                run: RunBuilder::new(published_ms),
                count: 0,
                origins: Vec::new(),
            })
        });
        batch.run.push(
            message.exchange.as_bytes(),
            message.routing_key.as_bytes(),
            message.properties,
            message.body,
            message.priority,
            message.ttl_ms,
        );
        let place = batch.count;
        batch.count += 1;
        let Some(channel) = channel else { return };
        let Some(confirms) = &mut channel.confirms else {
            return;
        };
        if let Some(last) = batch.origins.last_mut()
            && (last.channel, last.key) == (channel.number, channel.key)
            && last.place + last.count == place
            && last.first + u64::from(last.count) == confirms.next()
        {
            last.count += 1;
            confirms.extend();
            return;
        }
        batch.origins.push(Origin {
            channel: channel.number,
            key: channel.key,
            first: confirms.begin(),
            place,
            count: 1,
        });
    }
}

impl Session {
    /// Publishes a message to queues; where it came on a channel in confirm mode, it is answered there.
    pub(super) fn enqueue(
        &mut self,
        channel: Option<u16>,
        message: &Envelope<'_>,
        targets: &Arc<Routed>,
    ) {
        self.seal_for(targets);
        let channel = channel.and_then(|number| self.channels.get_mut(number));
        self.publisher.push(channel, message, targets, self.wall.0);
    }

    /// Sends the run that is open where a message for these targets must not go into it.
    pub(super) fn seal_for(&mut self, targets: &Arc<Routed>) -> Option<Ticket> {
        let must = !targets.is_empty() && self.publisher.must_seal(targets);
        must.then(|| self.seal()).flatten()
    }

    /// Sends the run that is open; returns how it is answered.
    pub(super) fn seal(&mut self) -> Option<Ticket> {
        let Batch {
            targets,
            run,
            origins,
            ..
        } = *self.publisher.batch.take()?;
        let run = run.seal()?;
        let ticket = self.outbox.ticket();
        let bytes = run.batch().len();
        let mut shards = targets.by_shard().peekable();
        let (mut left, mut run) = (0, Some(run));
        while let Some((shard, targets)) = shards.next() {
            left += 1;
            // The last one gets the run itself, which mostly is the only one.
            let run = if shards.peek().is_some() {
                run.clone()
            } else {
                run.take()
            };
            let Some(run) = run else { continue };
            let request = Request::Publish {
                ticket,
                targets,
                run,
            };
            self.outbox.publish(shard, request);
        }
        self.publisher.unanswered += bytes;
        self.publisher.pending.insert(
            ticket,
            Pending {
                left,
                bytes,
                origins,
                rejected: Vec::new(),
            },
        );
        Some(ticket)
    }

    /// A host has answered a run.
    pub(super) fn published(&mut self, ticket: Ticket, rejected: &[u32]) {
        let publisher = &mut self.publisher;
        let Some(pending) = publisher.pending.get_mut(&ticket) else {
            return;
        };
        pending.rejected.extend_from_slice(rejected);
        pending.left -= 1;
        if pending.left > 0 {
            return;
        }
        let Some(mut pending) = publisher.pending.remove(&ticket) else {
            return;
        };
        publisher.unanswered -= pending.bytes;
        if publisher.pending.is_empty() && publisher.pending.capacity() > ROUTES_MAX {
            publisher.pending = HashMap::new();
        }
        pending.rejected.sort_unstable();
        pending.rejected.dedup();
        for origin in &pending.origins {
            self.answer_origin(origin, &pending.rejected);
        }
        if let Some(waiting) = self.finish_waiting(ticket) {
            // Only a commit waits for publishes.
            self.committed(waiting.channel);
        }
    }

    fn answer_origin(&mut self, origin: &Origin, rejected: &[u32]) {
        let Some(channel) = self.channels.keyed(origin.channel, origin.key) else {
            return;
        };
        let Some(confirms) = &mut channel.confirms else {
            return;
        };
        let places = origin.place..origin.place + origin.count;
        let rejected: Vec<u64> = rejected
            .iter()
            .filter(|place| places.contains(place))
            .map(|place| origin.first + u64::from(place - origin.place))
            .collect();
        let mut verdicts = Vec::new();
        confirms.settle(origin.first, &rejected, &mut verdicts);
        self.tell(origin.channel, verdicts);
        self.publisher.remind(origin.channel);
    }

    /// Tells a publisher what became of what it has published.
    pub(super) fn tell(&mut self, channel: u16, verdicts: impl IntoIterator<Item = Verdict>) {
        for verdict in verdicts {
            let ack = |delivery_tag, multiple| basic::Ack {
                delivery_tag,
                multiple,
            };
            match verdict {
                Verdict::AckUpTo(number) => self.outbox.send(channel, &ack(number, true)),
                Verdict::Ack(number) => self.outbox.send(channel, &ack(number, false)),
                Verdict::Nack(delivery_tag) => self.outbox.send(
                    channel,
                    &basic::Nack {
                        delivery_tag,
                        multiple: false,
                        requeue: false,
                    },
                ),
            }
        }
    }

    /// Tells everybody what was collected to be told, and grants what has room again.
    pub(super) fn tell_confirms(&mut self) {
        while let Some(number) = self.publisher.due.pop() {
            let verdict = self
                .channels
                .get_mut(number)
                .and_then(|channel| channel.confirms.as_mut()?.flush());
            self.tell(number, verdict);
            self.grant(number);
        }
        let counters = self.broker.counters();
        let publisher = &mut self.publisher;
        if publisher.messages > 0 {
            Counters::add(&counters.published, std::mem::take(&mut publisher.messages));
            Counters::add(
                &counters.published_bytes,
                std::mem::take(&mut publisher.bytes),
            );
        }
    }
}
