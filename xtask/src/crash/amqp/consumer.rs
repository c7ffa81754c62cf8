//! The consumer of one queue, across all lives of the server: acknowledges, requeues, rejects, by itself or in
//! transactions, and always has some messages in hand.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::label::{Decision, Label};
use super::ledger::Ledger;
use super::publisher::Shared;
use super::topology::{Lane, Queue};
use crate::amqp_client::{CHANNEL, Connection, Event, Method, TX_COMMIT_OK};

/// Unacknowledged messages at most; more than what is in hand, acknowledged together or in a transaction.
const PREFETCH: u16 = 100;

/// Messages that stay in hand while the server lives.
const HOLD: usize = 20;

/// Acknowledgements of one transaction, and messages that are acknowledged together.
const TOGETHER: usize = 20;

/// An empty queue is quiet for this long.
const QUIET: Duration = Duration::from_millis(500);

/// What is still to come at the end comes within this time, or is missed.
const FINISH_LIMIT: Duration = Duration::from_secs(60);

/// How a consumer acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Each,
    /// With `multiple`.
    Together,
    Transactions,
}

/// A publisher as its consumers know it.
pub(super) struct Source {
    pub(super) lane: Lane,
    pub(super) shared: Arc<Shared>,
}

/// The consumer.
pub(super) struct Consumer {
    pub(super) queue: Queue,
    pub(super) style: Style,
    pub(super) ledger: Ledger,
    /// By the publisher's id.
    pub(super) sources: Arc<Vec<Source>>,
    /// The lane that waits for this consumer, if one does.
    pub(super) behind: Option<Arc<AtomicI64>>,
}

/// What a consumer holds in one life of the server.
struct Hand {
    connection: Connection,
    /// Not answered, oldest first: tag, message, whether it is its first delivery.
    held: VecDeque<(u64, Label, bool)>,
    /// To be acknowledged together with the next: those with lower tags than the last of them are settled or among them.
    together: Vec<Label>,
    last_together: u64,
    /// Answered, and waiting to leave with the next write.
    leaving: Vec<Label>,
}

impl Consumer {
    /// Consumes until the server is gone.
    pub(super) fn drive(&mut self, address: &str) -> Result<()> {
        let Some(mut hand) = self.open(address) else {
            return Ok(());
        };
        while hand.connection.link.read().is_ok() {
            self.take(&mut hand)?;
            while hand.held.len() > HOLD {
                self.answer(&mut hand);
            }
            if self.ledger.uncommitted() >= TOGETHER && !self.ledger.is_committing() {
                self.commit(&mut hand);
            }
            if hand.together.len() >= TOGETHER {
                hand.acknowledge_together();
            }
            if !self.flush(&mut hand) {
                break;
            }
        }
        Ok(())
    }

    /// Consumes until the queue is empty and everything is settled.
    pub(super) fn finish(&mut self, address: &str) -> Result<()> {
        let mut hand = self.open(address).context("the server is gone")?;
        hand.connection.link.stream.set_read_timeout(Some(QUIET))?;
        let mut heard = Instant::now();
        loop {
            let count = hand.connection.link.read()?;
            self.take(&mut hand)?;
            while !hand.held.is_empty() {
                self.answer(&mut hand);
            }
            if self.ledger.uncommitted() > 0 && !self.ledger.is_committing() {
                self.commit(&mut hand);
            }
            hand.acknowledge_together();
            ensure!(self.flush(&mut hand), "the server is gone");
            if count > 0 {
                heard = Instant::now();
            } else if heard.elapsed() > FINISH_LIMIT {
                // The verdict says what is missing.
                return Ok(());
            } else if !self.ledger.is_waiting() {
                let mut other = Connection::open(address)?;
                if other.ready(&self.queue.name())? == 0 {
                    return Ok(());
                }
            }
        }
    }

    fn open(&self, address: &str) -> Option<Hand> {
        let open = || {
            let mut connection = Connection::open(address)?;
            if self.style == Style::Transactions {
                connection.tx_select()?;
            }
            connection.consume(&self.queue.name(), PREFETCH)?;
            anyhow::Ok(connection)
        };
        // An error means that the server was killed meanwhile.
        let connection = open().ok()?;
        Some(Hand {
            connection,
            held: VecDeque::new(),
            together: Vec::new(),
            last_together: 0,
            leaving: Vec::new(),
        })
    }

    /// Takes what has arrived and checks it.
    fn take(&mut self, hand: &mut Hand) -> Result<()> {
        while let Some(event) = hand.connection.event()? {
            match event {
                Event::Delivery(delivery) => {
                    let label = Label::read(delivery.body)?;
                    let source = usize::try_from(label.publisher)
                        .ok()
                        .and_then(|id| self.sources.get(id))
                        .with_context(|| format!("{label:?}: there is no such publisher"))?;
                    ensure!(
                        self.queue.is_target(source.lane, label)
                            && delivery.routing_key == source.lane.key(label),
                        "{label:?} is in {:?} with key {}",
                        self.queue,
                        delivery.routing_key
                    );
                    let is_new = source.shared.is_new(label.number);
                    // A dead letter was delivered from its source; only there it is known in which life.
                    let is_new = is_new && !matches!(self.queue, Queue::Dead(_));
                    let (tag, redelivered) = (delivery.tag, delivery.redelivered);
                    let is_first = self
                        .ledger
                        .deliver(label, redelivered, is_new)
                        .with_context(|| self.queue.name())?;
                    if let (true, Some(behind)) = (is_first, &self.behind) {
                        behind.fetch_sub(1, Ordering::SeqCst);
                    }
                    hand.held.push_back((tag, label, is_first));
                }
                Event::Answer(TX_COMMIT_OK, _) => self.ledger.committed(),
                other => bail!("{other:?} for a consumer"),
            }
        }
        Ok(())
    }

    /// Answers the oldest message in hand.
    fn answer(&mut self, hand: &mut Hand) {
        let Some((tag, label, is_first)) = hand.held.pop_front() else {
            return;
        };
        let decision = label.decision();
        let link = &mut hand.connection.link;
        if decision == Decision::Reject && self.queue.dead_letters() {
            link.push(CHANNEL, &refusal(tag, label, false));
        } else if decision == Decision::RequeueFirst
            && self.style != Style::Transactions
            && is_first
        {
            link.push(CHANNEL, &refusal(tag, label, true));
            self.ledger.requeue(label);
            return;
        } else if self.style == Style::Together {
            hand.together.push(label);
            hand.last_together = tag;
            return;
        } else {
            link.push_ack(tag);
        }
        match self.style {
            Style::Transactions => self.ledger.settle_in_transaction(label),
            Style::Each | Style::Together => hand.leaving.push(label),
        }
    }

    fn commit(&mut self, hand: &mut Hand) {
        self.ledger.commit();
        hand.connection.link.push(CHANNEL, &Method::commit());
    }

    /// Sends the answers; false when the server is gone. They count as sent from when they have left.
    fn flush(&mut self, hand: &mut Hand) -> bool {
        let alive = hand.connection.link.flush().is_ok();
        self.ledger.settle(&hand.leaving, Instant::now());
        hand.leaving.clear();
        alive
    }
}

impl Hand {
    fn acknowledge_together(&mut self) {
        if !self.together.is_empty() {
            let ack = Method::ack(self.last_together, true);
            self.connection.link.push(CHANNEL, &ack);
            self.leaving.append(&mut self.together);
        }
    }
}

/// One of the two methods that refuse a message.
fn refusal(tag: u64, label: Label, requeue: bool) -> Method {
    if label.coin() {
        Method::nack(tag, requeue)
    } else {
        Method::reject(tag, requeue)
    }
}
