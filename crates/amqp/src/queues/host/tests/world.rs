//! A host over a model of the log: what is committed is durable when the test says so, and a restart keeps
//! just that.

use crate::mail::{
    Answer, Consume, ConsumerId, Delivery, Notice, Outcome, Position, QueueId, Refusal, Request,
    SessionId, StreamStart, Ticket,
};
use crate::queues::directory::Directory;
use crate::queues::host::Host;
use crate::queues::io::{Batches, Effect, HostMail, Input, Read};
use crate::queues::level::LevelState;
use crate::queues::settings::{DeadLetterTo, Declared, Settings};
use crate::run::{Run, RunBuilder};
use amqp_wire::{Properties, RawTable, ShortBytes};
use base::{Monotonic, Offset, ShardId, StreamId, Timestamp};
use bytes::Bytes;
use commitlog::{Cursor, Entry};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

/// Queues by their ids, and every exchange leads to the queue that a routing key names.
#[derive(Default)]
pub(crate) struct Fake(Mutex<BTreeMap<QueueId, Arc<Declared>>>);

impl Directory for Fake {
    fn queue(&self, id: QueueId) -> Option<Arc<Declared>> {
        self.0.lock().unwrap().get(&id).cloned()
    }

    fn route(&self, _: &str, _: &str, keys: &[&str], _: RawTable<'_>) -> Vec<(ShardId, QueueId)> {
        let queues = self.0.lock().unwrap();
        let named = queues.values().filter(|queue| keys.contains(&&*queue.name));
        named.map(|queue| (queue.shard, queue.id)).collect()
    }
}

impl Fake {
    pub(crate) fn declare(&self, declared: Declared) -> QueueId {
        let id = declared.id;
        self.0.lock().unwrap().insert(id, Arc::new(declared));
        id
    }

    fn forget(&self, id: QueueId) {
        self.0.lock().unwrap().remove(&id);
    }

    fn all(&self) -> Vec<Arc<Declared>> {
        self.0.lock().unwrap().values().cloned().collect()
    }
}

/// What is durable of one stream.
#[derive(Default)]
pub(crate) struct StoredStream {
    batches: Vec<(Offset, Bytes)>,
    end: Offset,
    cursor: Cursor,
}

/// One shard's host and log.
pub(crate) struct World {
    pub(crate) shard: ShardId,
    pub(crate) directory: Arc<Fake>,
    host: Host,
    pub(crate) now: Monotonic,
    streams: BTreeMap<StreamId, StoredStream>,
    pub(crate) cells: BTreeMap<Bytes, Bytes>,
    commits: VecDeque<Vec<Entry>>,
    reads: VecDeque<Read>,
    undeclared: VecDeque<QueueId>,
    wanted: Vec<QueueId>,
    /// What sessions got and nobody has looked at.
    pub(crate) notices: VecDeque<(SessionId, Notice)>,
    /// What other hosts are sent.
    pub(crate) sent: VecDeque<(ShardId, HostMail)>,
    ticket: u64,
}

/// A declared queue that is in the log, of shard 0.
pub(crate) fn stored(id: u64, name: &str, settings: Settings) -> Declared {
    Declared {
        id: StreamId(id),
        shard: ShardId(0),
        vhost: "/".into(),
        name: name.into(),
        stored: true,
        auto_delete: false,
        exclusive: None,
        settings,
    }
}

/// Settings with dead letters for the queue of this name.
pub(crate) fn dead_letters_to(name: &str) -> Settings {
    Settings {
        dead_letter: Some(DeadLetterTo {
            exchange: "dlx".into(),
            routing_key: Some(name.into()),
        }),
        ..Settings::default()
    }
}

/// A message to publish.
#[derive(Debug, Clone, Default)]
pub(crate) struct Letter {
    pub(crate) body: String,
    pub(crate) priority: Option<u8>,
    pub(crate) ttl: Option<u64>,
}

pub(crate) fn text(body: &str) -> Letter {
    Letter {
        body: body.to_owned(),
        ..Letter::default()
    }
}

pub(crate) fn run(letters: &[Letter], wall: Timestamp) -> Run {
    let mut run = RunBuilder::new(wall.0);
    for letter in letters {
        let ttl = letter.ttl.map(|ttl| ttl.to_string());
        let properties = Properties {
            priority: letter.priority,
            expiration: ttl
                .as_ref()
                .map(|ttl| ShortBytes::new(ttl.as_bytes()).unwrap()),
            ..Properties::default()
        };
        let properties = properties.to_bytes().unwrap();
        let priority = letter.priority.unwrap_or(0);
        run.push(
            b"",
            b"key",
            &properties,
            letter.body.as_bytes(),
            priority,
            letter.ttl,
        );
    }
    run.seal().unwrap()
}

pub(crate) fn body(delivery: &Delivery) -> String {
    let parts = delivery.message.parts().unwrap();
    String::from_utf8(parts.body.to_vec()).unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of_shard(ShardId(0), Arc::default())
    }

    pub(crate) fn of_shard(shard: ShardId, directory: Arc<Fake>) -> Self {
        Self {
            shard,
            host: Host::new(shard, directory.clone(), std::iter::empty()),
            directory,
            now: Monotonic(0),
            streams: BTreeMap::new(),
            cells: BTreeMap::new(),
            commits: VecDeque::new(),
            reads: VecDeque::new(),
            undeclared: VecDeque::new(),
            wanted: Vec::new(),
            notices: VecDeque::new(),
            sent: VecDeque::new(),
            ticket: 0,
        }
    }

    pub(crate) fn wall(&self) -> Timestamp {
        Timestamp(1_700_000_000_000 + i64::try_from(self.now.0).unwrap())
    }

    pub(crate) fn declare(&self, id: u64, name: &str, settings: Settings) -> QueueId {
        let declared = stored(id, name, settings);
        let shard = self.shard;
        self.directory.declare(Declared { shard, ..declared })
    }

    fn open(&mut self, id: QueueId) {
        let declared = self
            .directory
            .queue(id)
            .filter(|queue| queue.shard == self.shard);
        let input = match declared {
            None => Input::Missing { queue: id },
            Some(declared) => {
                let mut levels = Vec::new();
                if declared.stored {
                    for level in 0..u64::from(declared.settings.levels) {
                        let stream = self.streams.entry(StreamId(id.0 + level)).or_default();
                        levels.push(LevelState {
                            cursor: stream.cursor.clone(),
                            end: stream.end,
                            bytes: stream
                                .batches
                                .iter()
                                .map(|(_, batch)| batch.len() as u64)
                                .sum(),
                        });
                    }
                }
                Input::Opened { declared, levels }
            }
        };
        self.host.handle(self.now, self.wall(), input);
    }

    /// Several requests that the host finds in its mailbox together.
    pub(crate) fn drain(&mut self, requests: Vec<(SessionId, Request)>) {
        for (session, request) in requests {
            let mut unopened = Vec::new();
            self.host.unopened(&request, |queue| unopened.push(queue));
            unopened.into_iter().for_each(|queue| self.open(queue));
            self.host
                .handle(self.now, self.wall(), Input::Request { session, request });
        }
        self.finish();
    }

    pub(crate) fn send(&mut self, session: u64, request: Request) {
        self.drain(vec![(SessionId(session), request)]);
    }

    pub(crate) fn mail(&mut self, mail: HostMail) {
        let mut unopened = Vec::new();
        self.host
            .unopened_by_mail(&mail, |queue| unopened.push(queue));
        unopened.into_iter().for_each(|queue| self.open(queue));
        self.host.handle(self.now, self.wall(), Input::Mail(mail));
        self.finish();
    }

    fn finish(&mut self) {
        loop {
            let mut effects = Vec::new();
            self.host.finish(self.now, self.wall(), &mut effects);
            for effect in effects {
                match effect {
                    Effect::Notify(session, notice) => self.notices.push_back((session, notice)),
                    Effect::Commit(entries) => self.commits.push_back(entries),
                    Effect::Read(read) => self.reads.push_back(read),
                    Effect::Open(queue) => self.wanted.push(queue),
                    Effect::Undeclare(queue) => self.undeclared.push_back(queue),
                    Effect::Send(to, mail) => self.sent.push_back((to, mail)),
                }
            }
            if self.wanted.is_empty() {
                return;
            }
            for queue in std::mem::take(&mut self.wanted) {
                self.open(queue);
            }
        }
    }

    /// The oldest commit becomes durable; returns whether there was one.
    pub(crate) fn land_one(&mut self) -> bool {
        let Some(entries) = self.commits.pop_front() else {
            return false;
        };
        for entry in entries {
            match entry {
                Entry::Deposit(deposit) => {
                    let len = Run::open(deposit.batch.clone()).unwrap().len();
                    for place in deposit.places {
                        let stream = self.streams.get_mut(&place.stream).expect("it was opened");
                        assert_eq!(stream.end, place.offset, "offsets are dense");
                        stream.end += Offset::try_from(len).unwrap();
                        stream.batches.push((place.offset, deposit.batch.clone()));
                    }
                }
                Entry::Settle(settle) => {
                    let stream = self.streams.get_mut(&settle.stream).expect("it was opened");
                    for range in settle.settled {
                        assert!(
                            range.start < range.end && range.end <= stream.end,
                            "{range:?}"
                        );
                        assert!(
                            range
                                .clone()
                                .all(|offset| !stream.cursor.is_settled(offset)),
                            "{range:?} is settled once"
                        );
                        stream.cursor.settle(range);
                    }
                    for (offset, count) in settle.returned {
                        stream.cursor.note_returned(offset, count);
                    }
                }
                Entry::Cell(cell) => match cell.value {
                    Some(value) => drop(self.cells.insert(cell.key, value)),
                    None => drop(self.cells.remove(&cell.key)),
                },
            }
        }
        self.host.handle(self.now, self.wall(), Input::Landed);
        self.finish();
        true
    }

    /// The oldest read is answered; returns whether there was one.
    pub(crate) fn load_one(&mut self) -> bool {
        let Some(read) = self.reads.pop_front() else {
            return false;
        };
        let stream = self.streams.get(&read.stream).expect("it was opened");
        let wanted = |(base, batch): &&(Offset, Bytes)| {
            let len = Run::open(batch.clone()).map_or(1, |run| run.len());
            *base + Offset::try_from(len).unwrap() > read.offset
        };
        let batches: Vec<_> = stream
            .batches
            .iter()
            .filter(wanted)
            .take(3)
            .cloned()
            .collect();
        let end = batches.last().map_or(stream.end, |(base, batch)| {
            base + Offset::try_from(Run::open(batch.clone()).map_or(1, |run| run.len())).unwrap()
        });
        let outcome = Some(Batches { batches, end });
        self.host
            .handle(self.now, self.wall(), Input::Loaded { read, outcome });
        self.finish();
        true
    }

    /// Everything that is under way comes to its end; time does not pass.
    pub(crate) fn settle_down(&mut self) {
        loop {
            let mut moved = self.load_one() | self.land_one();
            if let Some(queue) = self.undeclared.pop_front() {
                self.directory.forget(queue);
                self.host
                    .handle(self.now, self.wall(), Input::Undeclared { queue });
                self.finish();
                moved = true;
            }
            if !moved {
                return;
            }
        }
    }

    /// Time passes, timers ring, and everything comes to its end.
    pub(crate) fn pass(&mut self, ms: u64) {
        let until = Monotonic(self.now.0 + ms);
        self.settle_down();
        while let Some(at) = self.host.deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.host.handle(self.now, self.wall(), Input::Tick);
            self.finish();
            self.settle_down();
        }
        self.now = until;
    }

    /// The next timer up to a time rings; returns whether there was one.
    pub(crate) fn tick_before(&mut self, until: u64) -> bool {
        let Some(at) = self.host.deadline().filter(|at| at.0 <= until) else {
            return false;
        };
        self.now = self.now.max(at);
        self.host.handle(self.now, self.wall(), Input::Tick);
        self.finish();
        true
    }

    /// The process dies and starts again: what is not durable is gone.
    pub(crate) fn restart(&mut self) {
        self.commits.clear();
        self.reads.clear();
        self.notices.clear();
        self.undeclared.clear();
        self.sent.clear();
        for queue in self.directory.all() {
            if !queue.stored {
                self.directory.forget(queue.id);
            }
        }
        self.host = Host::new(self.shard, self.directory.clone(), self.cells.iter());
        for queue in self.directory.all() {
            if queue.shard == self.shard {
                self.open(queue.id);
            }
        }
        self.finish();
    }

    pub(crate) fn ticket(&mut self) -> Ticket {
        self.ticket += 1;
        Ticket(self.ticket)
    }

    /// Publishes and lets it become durable; returns the messages that were refused.
    pub(crate) fn publish(&mut self, queue: QueueId, letters: &[Letter]) -> Vec<u32> {
        let ticket = self.ticket();
        let run = run(letters, self.wall());
        let targets = vec![queue];
        self.send(
            1,
            Request::Publish {
                ticket,
                targets,
                run,
            },
        );
        self.settle_down();
        let published = |notice: &(SessionId, Notice)| matches!(&notice.1, Notice::Published { ticket: of, .. } if *of == ticket);
        let at = self
            .notices
            .iter()
            .position(published)
            .expect("publishers are answered");
        match self.notices.remove(at) {
            Some((_, Notice::Published { rejected, .. })) => rejected,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn publish_texts(&mut self, queue: QueueId, bodies: &[&str]) {
        let letters: Vec<_> = bodies.iter().map(|body| text(body)).collect();
        assert_eq!(self.publish(queue, &letters), Vec::<u32>::new());
    }

    pub(crate) fn consume(
        &mut self,
        session: u64,
        queue: QueueId,
        consumer: u32,
        prefetch: u32,
    ) -> Result<Answer, Refusal> {
        self.consume_as(session, consumer_of(queue, consumer, prefetch))
    }

    pub(crate) fn consume_as(&mut self, session: u64, consume: Consume) -> Result<Answer, Refusal> {
        let ticket = self.ticket();
        self.send(session, Request::Consume(Consume { ticket, ..consume }));
        let outcome = self.answer(ticket);
        self.settle_down();
        outcome
    }

    /// The answer to a request; it is taken out of the notices.
    pub(crate) fn answer(&mut self, wanted: Ticket) -> Result<Answer, Refusal> {
        let is = |notice: &(SessionId, Notice)| matches!(&notice.1, Notice::Answer { ticket, .. } if *ticket == wanted);
        let at = self
            .notices
            .iter()
            .position(is)
            .expect("there is an answer");
        match self.notices.remove(at) {
            Some((_, Notice::Answer { outcome, .. })) => outcome,
            other => panic!("{other:?}"),
        }
    }

    /// Takes what has been delivered to a session's consumers.
    pub(crate) fn deliveries(&mut self, session: u64) -> Vec<(ConsumerId, Delivery)> {
        let mut found = Vec::new();
        self.notices.retain(|(to, notice)| match notice {
            Notice::Deliver {
                consumer,
                deliveries,
                ..
            } if to.0 == session => {
                found.extend(
                    deliveries
                        .iter()
                        .map(|delivery| (*consumer, delivery.clone())),
                );
                false
            }
            _ => true,
        });
        found
    }

    /// The bodies of what has been delivered to a session; redelivered ones have a `!`.
    pub(crate) fn bodies(&mut self, session: u64) -> Vec<String> {
        let deliveries = self.deliveries(session);
        let shown = deliveries.iter().map(|(_, delivery)| shown(delivery));
        shown.collect()
    }

    pub(crate) fn settle(
        &mut self,
        session: u64,
        queue: QueueId,
        offsets: &[Offset],
        outcome: Outcome,
    ) {
        let positions = offsets.iter().map(|offset| Position {
            level: 0,
            offset: *offset,
        });
        let request = Request::Settle {
            queue,
            positions: positions.collect(),
            outcome,
            ticket: None,
        };
        self.send(session, request);
    }

    /// `basic.get`.
    pub(crate) fn get(
        &mut self,
        session: u64,
        queue: QueueId,
        no_ack: bool,
    ) -> Option<(Delivery, u64)> {
        let ticket = self.ticket();
        self.send(
            session,
            Request::Get {
                ticket,
                queue,
                no_ack,
            },
        );
        self.settle_down();
        let is = |notice: &(SessionId, Notice)| matches!(&notice.1, Notice::Got { ticket: of, .. } if *of == ticket);
        let at = self
            .notices
            .iter()
            .position(is)
            .expect("there is an answer");
        match self.notices.remove(at) {
            Some((_, Notice::Got { outcome, .. })) => outcome.expect("the queue is there"),
            other => panic!("{other:?}"),
        }
    }

    /// Takes everything out of a queue, as [`Self::bodies`] shows it.
    pub(crate) fn empty(&mut self, queue: QueueId) -> Vec<String> {
        let mut found = Vec::new();
        while let Some((delivery, _)) = self.get(99, queue, true) {
            found.push(shown(&delivery));
        }
        found
    }

    /// Ready and unacknowledged messages, and consumers.
    pub(crate) fn counts(&self, queue: QueueId) -> (u64, u64, u32) {
        let counts = self.host.report(queue).expect("it is open").counts;
        (counts.ready, counts.unacknowledged, counts.consumers)
    }

    pub(crate) fn transient_bytes(&self) -> usize {
        self.host.transient_bytes()
    }

    pub(crate) fn report(&self, queue: QueueId) -> Option<crate::queues::QueueReport> {
        self.host.report(queue)
    }

    /// What is durably settled of a queue's first level, below its end.
    pub(crate) fn unsettled(&self, queue: QueueId) -> Vec<Offset> {
        let stream = &self.streams[&queue];
        stream.cursor.unsettled(0..stream.end).collect()
    }
}

fn shown(delivery: &Delivery) -> String {
    let mark = if delivery.redelivered { "!" } else { "" };
    format!("{}{mark}", body(delivery))
}

pub(crate) fn consumer_of(queue: QueueId, consumer: u32, prefetch: u32) -> Consume {
    Consume {
        ticket: Ticket(0),
        queue,
        consumer: ConsumerId(consumer),
        tag: format!("c{consumer}"),
        no_ack: false,
        exclusive: false,
        priority: 0,
        prefetch: std::num::NonZeroU32::new(prefetch),
        shared: false,
        start: StreamStart::Next,
    }
}
