//! Takes everything out of all queues, and sees whether that is what must be there.

use super::Broker;
use super::book::Seen;
use super::copy::Key;
use crate::violation::{Violation, ensure};
use amqp::mail::{
    Answer, Consume, ConsumerId, Counts, Notice, Outcome, Position, QueueId, Request, SessionId,
    StreamStart, Ticket,
};
use amqp::queues::Queues;
use base::Clock;
use tokio::sync::mpsc::UnboundedReceiver;

/// Longer than anything is on its way.
const REST_MS: u64 = 2_000;

/// Nobody uses the broker any more. Compares what it counts with what must be there, takes everything out, and
/// accounts for every message.
pub(crate) async fn drain(broker: Broker) -> Result<(), Violation> {
    broker.clock.sleep_ms(REST_MS).await;
    broker.books.lock().check_claims()?;
    let mut drain = Drain::attach(&broker);
    let queues = drain.queues();
    for queue in &queues {
        let Some(counts) = drain.inspect(*queue).await? else {
            continue;
        };
        let now_ms = broker.clock.wall().0;
        broker.books.lock().check_counts(*queue, counts, now_ms)?;
    }
    for queue in &queues {
        drain.consume(*queue).await?;
    }
    drain.take().await?;
    broker.clock.sleep_ms(REST_MS).await;
    for queue in &queues {
        // What was delivered before the answer comes before it.
        let counts = drain.inspect(*queue).await?.unwrap_or_default();
        let held = broker.books.lock().held(*queue);
        ensure(counts.unacknowledged == held, "counts", || {
            format!("queue {queue}: {held} were delivered and not settled, and {counts:?}")
        })?;
    }
    drain.settle_all().await?;
    let mut quiet = 0;
    while quiet < 2 {
        drain.take().await?;
        broker.clock.sleep_ms(REST_MS).await;
        drain.take().await?;
        let mut rest = Counts::default();
        for queue in &queues {
            let counts = drain.inspect(*queue).await?.unwrap_or_default();
            rest.ready += counts.ready;
            rest.unacknowledged += counts.unacknowledged;
        }
        let empty = rest == Counts::default();
        quiet = if empty { quiet + 1 } else { 0 };
    }
    let now_ms = broker.clock.wall().0;
    broker.books.lock().check_drained(now_ms)?;
    broker.queues.leave(drain.session).await;
    Ok(())
}

/// Nothing is left, and nothing comes back: the life before has taken it all, durably.
pub(crate) async fn check_empty(broker: Broker) -> Result<(), Violation> {
    broker.clock.sleep_ms(REST_MS).await;
    let mut drain = Drain::attach(&broker);
    for queue in drain.queues() {
        let counts = drain.inspect(queue).await?;
        ensure(
            counts.unwrap_or_default() == Counts::default(),
            "A3",
            || format!("queue {queue} was drained, and has {counts:?}"),
        )?;
    }
    broker.queues.leave(drain.session).await;
    Ok(())
}

struct Drain<'a> {
    broker: &'a Broker,
    session: SessionId,
    notices: UnboundedReceiver<Notice>,
    next: u64,
    /// What it holds, until it begins to settle what it gets at once.
    kept: Option<Vec<Kept>>,
}

/// A delivery that is not settled yet.
type Kept = (QueueId, Position, (Key, u64));

impl<'a> Drain<'a> {
    fn attach(broker: &'a Broker) -> Self {
        let attached = Queues::attach(&broker.queues);
        Self {
            broker,
            session: attached.session,
            notices: attached.notices,
            next: 0,
            kept: Some(Vec::new()),
        }
    }

    /// All queues that are there.
    fn queues(&self) -> Vec<QueueId> {
        let book = self.broker.books.lock();
        (0..book.slots().len())
            .filter_map(|slot| book.queue_of(slot))
            .collect()
    }

    async fn ask(
        &mut self,
        queue: QueueId,
        request: impl FnOnce(Ticket) -> Request,
    ) -> Result<Option<Answer>, Violation> {
        self.next += 1;
        let ticket = Ticket(self.next);
        self.send(queue, request(ticket)).await?;
        loop {
            match self.notices.recv().await {
                Some(Notice::Answer {
                    ticket: of,
                    outcome,
                }) if of == ticket => return Ok(outcome.ok()),
                Some(notice) => self.receive(notice).await?,
                None => return Err(Violation::new("answer", "the host has ended")),
            }
        }
    }

    async fn inspect(&mut self, queue: QueueId) -> Result<Option<Counts>, Violation> {
        let answer = self.ask(queue, |ticket| Request::Inspect { ticket, queue });
        match answer.await? {
            Some(Answer::Counts(counts)) => Ok(Some(counts)),
            _ => {
                let missing = self.broker.books.lock().may_be_missing(queue);
                ensure(missing, "A1", || format!("queue {queue} is not found"))?;
                Ok(None)
            }
        }
    }

    async fn consume(&mut self, queue: QueueId) -> Result<(), Violation> {
        let consumer = ConsumerId(u32::try_from(self.next).unwrap_or(u32::MAX));
        let consume = |ticket| {
            Request::Consume(Consume {
                ticket,
                queue,
                consumer,
                tag: "drain".to_owned(),
                no_ack: false,
                exclusive: true,
                priority: 0,
                prefetch: None,
                shared: false,
                start: StreamStart::Next,
            })
        };
        self.ask(queue, consume).await.map(drop)
    }

    /// Takes what is there already.
    async fn take(&mut self) -> Result<(), Violation> {
        while let Ok(notice) = self.notices.try_recv() {
            self.receive(notice).await?;
        }
        Ok(())
    }

    async fn receive(&mut self, notice: Notice) -> Result<(), Violation> {
        let Notice::Deliver {
            queue, deliveries, ..
        } = notice
        else {
            // The answer to a settlement.
            return Ok(());
        };
        let (mut bytes, mut got) = (0, Vec::new());
        for delivery in &deliveries {
            bytes += delivery.message.record().len();
            let mut book = self.broker.books.lock();
            let of = book.delivered(&Seen {
                queue,
                delivery,
                session: self.session,
                no_ack: false,
                late: false,
                not_before_ms: i64::MIN,
                now_ms: self.broker.clock.wall().0,
            })?;
            book.counts.drained += 1;
            got.push((queue, delivery.position, of));
        }
        self.send(queue, Request::Written { bytes }).await?;
        match &mut self.kept {
            Some(kept) => kept.extend(got),
            None => self.settle(&got).await?,
        }
        Ok(())
    }

    /// Settles what it holds, and from now on what it gets.
    async fn settle_all(&mut self) -> Result<(), Violation> {
        let mut kept = self.kept.take().unwrap_or_default();
        kept.sort_by_key(|(queue, position, _)| (*queue, *position));
        for of_queue in kept.chunk_by(|left, right| left.0 == right.0) {
            self.settle(of_queue).await?;
        }
        Ok(())
    }

    /// Settles deliveries of one queue.
    async fn settle(&mut self, got: &[Kept]) -> Result<(), Violation> {
        let Some((queue, ..)) = got.first() else {
            return Ok(());
        };
        for (_, _, (key, generation)) in got {
            let mut book = self.broker.books.lock();
            book.settling(*key, *generation, Outcome::Acknowledged);
        }
        self.next += 1;
        let settle = Request::Settle {
            queue: *queue,
            positions: got.iter().map(|(_, position, _)| *position).collect(),
            outcome: Outcome::Acknowledged,
            ticket: Some(Ticket(self.next)),
        };
        self.send(*queue, settle).await
    }

    async fn send(&self, queue: QueueId, request: Request) -> Result<(), Violation> {
        let shard = self.broker.shard_of(queue);
        let sent = self.broker.queues.send(shard, self.session, request).await;
        sent.map_err(|gone| Violation::new("answer", gone.to_string()))
    }
}
