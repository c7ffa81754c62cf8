//! A session: it publishes, consumes and settles as the seed says, and compares what it is told with what it
//! knows.

mod act;
mod answer;
mod receive;

use super::book::Book;
use super::expected::Expected;
use super::{Broker, copy::Key};
use crate::batch::Label;
use crate::rng::Rng;
use crate::violation::Violation;
use amqp::mail::{ConsumerId, Notice, Outcome, Position, QueueId, Request, SessionId, Ticket};
use base::{Clock, ShardId};
use std::collections::BTreeMap;
use tokio::sync::mpsc::UnboundedReceiver;

/// How a session behaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    /// The publisher, over all lives.
    pub(crate) client: u64,
    /// What it does in a life.
    pub(crate) acts: u64,
    /// It never says that it has written a delivery.
    pub(crate) mute: bool,
    /// It publishes a lot at once.
    pub(crate) heavy: bool,
}

/// A delivery that it has.
#[derive(Debug, Clone, Copy)]
struct Held {
    queue: QueueId,
    consumer: Option<ConsumerId>,
    position: Position,
    of: (Key, u64),
}

/// One of its consumers.
#[derive(Debug, Clone, Copy)]
struct Eater {
    queue: QueueId,
    no_ack: bool,
    prefetch: Option<u32>,
    shared: bool,
    /// Deliveries that it has.
    held: u32,
    /// The host was asked to end it.
    ending: bool,
}

/// What it waits for.
#[derive(Debug)]
enum Asked {
    Publish(Vec<Label>, Vec<(usize, QueueId)>),
    Consume(ConsumerId),
    Cancel(ConsumerId),
    Get(QueueId, bool),
    Settle(Settling),
    Inspect(QueueId),
    Purge(QueueId, Vec<u64>),
    Delete(QueueId),
}

/// A settlement that was asked for durably.
#[derive(Debug)]
struct Settling {
    shard: ShardId,
    /// It is the so-manieth settlement of the session.
    number: u64,
    requeued: Vec<Key>,
}

/// A settlement that is not known to be durable.
#[derive(Debug)]
struct Unsure {
    shard: ShardId,
    number: u64,
    /// A rejected message may have to wait until there is a way for it.
    rejected: bool,
    of: (Key, u64),
}

/// A session.
struct Session {
    broker: Broker,
    rng: Rng,
    habits: Habits,
    id: SessionId,
    notices: UnboundedReceiver<Notice>,
    /// When nothing waited to be looked at, milliseconds since 1970.
    looked_ms: i64,
    held: Vec<Held>,
    eaters: BTreeMap<ConsumerId, Eater>,
    asked: BTreeMap<Ticket, Asked>,
    /// What each host has sent and was not told to be written.
    unwritten: BTreeMap<ShardId, usize>,
    /// Length of the longest record.
    longest: usize,
    unsure: Vec<Unsure>,
    settlements: u64,
    /// In which settlement each message was given back last.
    returned: BTreeMap<Key, u64>,
    /// The slot that it alone uses, with what is ready there.
    own: Option<(usize, Expected)>,
    /// The newest offset that each consumer, or a get, was given for the first time. Between consumers there is
    /// no order.
    newest: BTreeMap<(QueueId, u8, Option<ConsumerId>), i64>,
    /// Deliveries that its sharing consumers may have together, and what was granted of them.
    limit: Option<u32>,
    granted: u32,
    offers: Vec<(QueueId, ConsumerId)>,
    next: u64,
    /// The log takes no more writes.
    lost: bool,
}

/// Uses the queues until the session has done what it wanted, or the log has failed.
pub(crate) async fn use_queues(broker: Broker, rng: Rng, habits: Habits) -> Result<(), Violation> {
    let mut session = Session::attach(broker, rng, habits);
    for _ in 0..habits.acts {
        if session.broker.stopping() || session.lost {
            break;
        }
        let ms = session.pause_ms();
        session.listen(ms).await?;
        session.act().await?;
        if session.rng.one_in(60) && !session.lost {
            session.leave().await?;
            let Session {
                broker,
                mut rng,
                habits,
                ..
            } = session;
            let next = rng.fork();
            session = Session::attach(broker, next, habits);
        }
    }
    session.wait(|_| true).await?;
    session.leave().await
}

impl Session {
    fn attach(broker: Broker, mut rng: Rng, habits: Habits) -> Self {
        let attached = broker.queues.attach();
        let own = {
            let book = broker.books.lock();
            let mine = |slot: &super::slot::Slot| slot.owner == Some(habits.client);
            let slot = book.slots().iter().position(mine);
            slot.map(|slot| (slot, expected(&book, slot)))
        };
        let limit = rng.between(1, 6);
        Self {
            looked_ms: broker.clock.wall().0,
            id: attached.session,
            notices: attached.notices,
            held: Vec::new(),
            eaters: BTreeMap::new(),
            asked: BTreeMap::new(),
            unwritten: BTreeMap::new(),
            longest: 0,
            unsure: Vec::new(),
            settlements: 0,
            returned: BTreeMap::new(),
            own,
            newest: BTreeMap::new(),
            limit: rng.one_in(3).then(|| u32::try_from(limit).unwrap_or(1)),
            granted: 0,
            offers: Vec::new(),
            next: 0,
            lost: false,
            broker,
            rng,
            habits,
        }
    }

    fn pause_ms(&mut self) -> u64 {
        match self.rng.below(12) {
            0..5 => 0,
            5..11 => self.rng.between(1, 15),
            _ => self.rng.between(20, 200),
        }
    }

    /// Sends a request to the host of a queue.
    async fn send(&mut self, shard: ShardId, request: Request) {
        if self
            .broker
            .queues
            .send(shard, self.id, request)
            .await
            .is_err()
        {
            self.lost = true;
        }
    }

    fn ticket(&mut self, asked: Asked) -> Ticket {
        self.next += 1;
        let ticket = Ticket(self.next);
        self.asked.insert(ticket, asked);
        ticket
    }

    /// Looks at what comes for some time.
    async fn listen(&mut self, ms: u64) -> Result<(), Violation> {
        let deadline = self.broker.clock.now() + std::time::Duration::from_millis(ms);
        let mut sleep = self.broker.clock.sleep_until(deadline);
        self.look().await?;
        while !self.lost {
            tokio::select! {
                biased;
                notice = self.notices.recv() => self.heard(notice).await?,
                () = &mut sleep => break,
            }
        }
        Ok(())
    }

    /// Looks at what is there.
    async fn look(&mut self) -> Result<(), Violation> {
        while let Ok(notice) = self.notices.try_recv() {
            self.receive(notice, false)?;
            self.reply().await;
        }
        self.looked_ms = self.broker.clock.wall().0;
        Ok(())
    }

    /// Something came while it was listening: just now.
    async fn heard(&mut self, notice: Option<Notice>) -> Result<(), Violation> {
        self.looked_ms = self.broker.clock.wall().0;
        match notice {
            Some(notice) => {
                self.receive(notice, false)?;
                self.reply().await;
                self.look().await?;
            }
            None => self.lost = true,
        }
        Ok(())
    }

    /// Waits for answers.
    async fn wait(&mut self, wanted: impl Fn(&Asked) -> bool) -> Result<(), Violation> {
        self.look().await?;
        while !self.lost && (self.asked.values().any(&wanted) || self.granted > 0) {
            let notice = self.notices.recv().await;
            self.heard(notice).await?;
        }
        Ok(())
    }

    /// Ends; what was sent to it meanwhile counts as delivered and given back.
    async fn leave(&mut self) -> Result<(), Violation> {
        // A host that hears of a session only after it has left hands it messages that nobody can see.
        let counts = |asked: &Asked| {
            !matches!(
                asked,
                Asked::Publish(..) | Asked::Settle(_) | Asked::Inspect(_) | Asked::Cancel(_)
            )
        };
        self.wait(counts).await?;
        self.broker.books.lock().leaving(self.id);
        self.broker.queues.leave(self.id).await;
        while let Some(notice) = self.notices.recv().await {
            self.receive(notice, true)?;
        }
        self.broker.books.lock().left(self.id);
        Ok(())
    }

    /// The copies that a settlement is about, told to the book before the host hears of it.
    fn settling(&mut self, held: &[Held], outcome: Outcome) {
        let mut book = self.broker.books.lock();
        for one in held {
            book.settling(one.of.0, one.of.1, outcome);
            if let Some(eater) = one.consumer.and_then(|id| self.eaters.get_mut(&id)) {
                eater.held -= 1;
            }
        }
    }
}

fn expected(book: &Book, slot: usize) -> Expected {
    let mut expected = Expected::default();
    for (label, level, deadline) in book.surely_ready(slot) {
        expected.ready(level, label, deadline);
    }
    expected
}
