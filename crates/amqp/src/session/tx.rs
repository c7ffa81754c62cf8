//! Transactions: publishes and settlements of a channel that are kept until they are committed.
//!
//! A commit is answered when all that it publishes and settles is durable. Each queue gets its part at
//! once; as in RabbitMQ, a commit that touches several queues is not one event for all of them.

use super::Session;
use super::batch::Envelope;
use super::failure::{Failure, Outcome};
use super::unacked::Delivered;
use super::waiting::Purpose;
use crate::mail::{self, Position, QueueId, Request};
use crate::routing::Routed;
use amqp_wire::{RawProperties, tx};
use base::ShardId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of messages that one transaction may keep: all of it is in memory.
const KEPT_BYTES_MAX: usize = 32 << 20;
/// Publishes and settlements that one transaction may keep.
const KEPT_MAX: usize = 100_000;

/// A publish that waits for the commit.
#[derive(Debug)]
pub(super) struct Kept {
    exchange: Box<str>,
    routing_key: Box<str>,
    properties: Box<[u8]>,
    body: Box<[u8]>,
    priority: u8,
    ttl_ms: Option<u64>,
    mandatory: bool,
}

impl Kept {
    pub(super) fn new(message: &Envelope<'_>, mandatory: bool) -> Self {
        Self {
            exchange: message.exchange.into(),
            routing_key: message.routing_key.into(),
            properties: message.properties.into(),
            body: message.body.into(),
            priority: message.priority,
            ttl_ms: message.ttl_ms,
            mandatory,
        }
    }

    fn envelope(&self) -> Envelope<'_> {
        Envelope {
            exchange: &self.exchange,
            routing_key: &self.routing_key,
            properties: &self.properties,
            body: &self.body,
            priority: self.priority,
            ttl_ms: self.ttl_ms,
        }
    }
}

/// A transaction that is open.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    publishes: Vec<Kept>,
    bytes: usize,
    pub(super) settled: Vec<(Delivered, mail::Outcome)>,
}

impl Transaction {
    pub(super) fn keep(&mut self, kept: Kept) -> Outcome {
        self.bytes += kept.body.len() + kept.properties.len();
        self.publishes.push(kept);
        self.check_size()
    }

    pub(super) fn settle(
        &mut self,
        delivered: impl IntoIterator<Item = Delivered>,
        outcome: mail::Outcome,
    ) -> Outcome {
        let settled = delivered.into_iter().map(|delivered| (delivered, outcome));
        self.settled.extend(settled);
        self.check_size()
    }

    fn check_size(&self) -> Outcome {
        if self.bytes > KEPT_BYTES_MAX || self.publishes.len() + self.settled.len() > KEPT_MAX {
            return Err(Failure::precondition(format!(
                "a transaction of more than {KEPT_BYTES_MAX} bytes or {KEPT_MAX} operations"
            )));
        }
        Ok(())
    }
}

type ByQueue = BTreeMap<(ShardId, QueueId), Vec<Position>>;

impl Session {
    pub(super) fn tx_select(&mut self, number: u16) -> Outcome {
        let Some(channel) = self.channels.get_mut(number) else {
            return Ok(());
        };
        if channel.confirms.is_some() {
            return Err(Failure::precondition(
                "cannot switch from confirm to tx mode",
            ));
        }
        channel.tx.get_or_insert_default();
        self.outbox.send(number, &tx::SelectOk {});
        Ok(())
    }

    fn transaction(&mut self, number: u16) -> Outcome<Transaction> {
        self.channels
            .get_mut(number)
            .and_then(|channel| channel.tx.as_deref_mut())
            .map(std::mem::take)
            .ok_or_else(|| Failure::precondition("channel is not transactional"))
    }

    /// What was published is forgotten, what was settled waits for settlement again.
    pub(super) fn tx_rollback(&mut self, number: u16) -> Outcome {
        let transaction = self.transaction(number)?;
        if let Some(channel) = self.channels.get_mut(number) {
            let settled = transaction.settled.into_iter();
            channel
                .unacked
                .put_back(settled.map(|(delivered, _)| delivered));
        }
        self.outbox.send(number, &tx::RollbackOk {});
        Ok(())
    }

    pub(super) fn tx_commit(&mut self, number: u16) -> Outcome {
        let transaction = self.transaction(number)?;
        let routes = self.commit_routes(&transaction);
        let routes = match routes {
            Ok(routes) => routes,
            Err(failure) => {
                // Nothing was done yet: what it settles goes back to its queues with the channel.
                if let Some(channel) = self.channels.get_mut(number) {
                    channel.tx = Some(Box::new(transaction));
                }
                return Err(failure);
            }
        };
        self.seal();
        self.outbox.flush_settling();
        let (mut first, mut last, mut left) = (None, None, 0);
        let mut sent = |ticket| {
            first.get_or_insert(ticket);
            last = Some(ticket);
            left += 1;
        };
        for (kept, routed) in transaction.publishes.iter().zip(&routes) {
            // The run before it is completed where the message must not go into it.
            if let Some(ticket) = self.seal_for(routed) {
                sent(ticket);
            }
            self.put(number, &kept.envelope(), kept.mandatory, routed);
        }
        if let Some(ticket) = self.seal() {
            sent(ticket);
        }
        for (outcome, queues) in by_outcome(&transaction.settled) {
            for ((shard, queue), positions) in queues {
                let ticket = self.outbox.ticket();
                sent(ticket);
                let request = Request::Settle {
                    queue,
                    positions,
                    outcome,
                    ticket: Some(ticket),
                };
                self.outbox.request(shard, request);
            }
        }
        self.no_longer_unacked(
            number,
            transaction.settled.iter().map(|(delivered, _)| delivered),
        );
        match (first, last) {
            (Some(first), Some(last)) => {
                let at = (number, (90, 20));
                self.wait_for_hosts(at, (first, last), left, Purpose::Committing);
            }
            _ => self.committed(number),
        }
        Ok(())
    }

    /// Where the messages of a transaction go. An exchange may have gone since they were published.
    fn commit_routes(&mut self, transaction: &Transaction) -> Outcome<Vec<Arc<Routed>>> {
        let mut routes = Vec::with_capacity(transaction.publishes.len());
        for kept in &transaction.publishes {
            let headers = RawProperties::new(&kept.properties)
                .decode()
                .ok()
                .and_then(|properties| properties.headers);
            routes.push(self.routed(&kept.exchange, &kept.routing_key, headers)?);
        }
        Ok(routes)
    }

    /// Everything of a commit is durable.
    pub(super) fn committed(&mut self, number: u16) {
        self.outbox.send(number, &tx::CommitOk {});
    }
}

fn by_outcome(settled: &[(Delivered, mail::Outcome)]) -> Vec<(mail::Outcome, ByQueue)> {
    use mail::Outcome::{Acknowledged, Rejected, Requeued};
    [Acknowledged, Requeued, Rejected]
        .into_iter()
        .map(|outcome| {
            let mut queues = ByQueue::new();
            for (delivered, _) in settled.iter().filter(|(_, of)| *of == outcome) {
                let positions = queues.entry((delivered.shard, delivered.queue));
                positions.or_default().push(delivered.position);
            }
            (outcome, queues)
        })
        .collect()
}
