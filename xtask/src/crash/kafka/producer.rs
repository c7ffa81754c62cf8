//! A producer that outlives the server: plain ones send each batch once, idempotent ones until it is acknowledged.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail, ensure};

use super::pipe::Pipe;
use super::record::{Label, batch};
use crate::client::{PRODUCE, Reader, Writer};

/// Requests in flight: what Kafka's clients allow an idempotent producer.
const WINDOW: usize = 5;

/// Records of one request.
const RECORDS: i32 = 10;

/// Errors that a client answers by connecting and sending again: unknown topic or partition, leader not
/// available, not leader.
const RETRIABLE: [i16; 3] = [3, 5, 6];

/// An acknowledged batch of [`RECORDS`] records.
#[derive(Clone, Copy)]
pub(super) struct Acked {
    pub(super) first: u64,
    pub(super) base_offset: i64,
}

/// The producer.
pub(super) struct Producer {
    pub(super) id: u64,
    pub(super) topic: &'static str,
    pub(super) partition: i32,
    /// The producer id of an idempotent one.
    pub(super) identity: Option<i64>,
    pub(super) acked: Vec<Acked>,
    /// The number of the first record of each life of the server: what a plain producer sent in one life is
    /// stored up to some point, and nothing of it behind that.
    pub(super) lives: Vec<u64>,
    /// First record of every batch that was sent, or is about to be, without an answer.
    unanswered: VecDeque<u64>,
    next: u64,
    /// Of all records: recent, or the server's retention would take them away.
    timestamp_ms: i64,
    /// Records sent in this life of the server, for whoever kills it to look at.
    sent_now: Arc<AtomicU64>,
}

impl Producer {
    pub(super) fn new(
        id: u64,
        topic: &'static str,
        partition: i32,
        identity: Option<i64>,
    ) -> Producer {
        Producer {
            id,
            topic,
            partition,
            identity,
            acked: Vec::new(),
            lives: Vec::new(),
            unanswered: VecDeque::new(),
            next: 0,
            timestamp_ms: now_ms(),
            sent_now: Arc::default(),
        }
    }

    /// Records that were sent at all.
    pub(super) fn sent(&self) -> u64 {
        self.next
    }

    #[cfg(test)]
    pub(super) fn pretend_sent(&mut self, records: u64) {
        self.next = records;
    }

    /// How many records were sent in this life of the server.
    pub(super) fn sent_now(&self) -> Arc<AtomicU64> {
        self.sent_now.clone()
    }

    /// Sends until the server is gone; returns the number of records that it answered.
    pub(super) fn drive(&mut self, address: &str) -> Result<u64> {
        let acked_before = self.acked.len();
        self.use_server(address)?;
        Ok((self.acked.len() - acked_before) as u64 * u64::from(RECORDS.unsigned_abs()))
    }

    fn use_server(&mut self, address: &str) -> Result<()> {
        self.lives.push(self.next);
        if self.identity.is_none() {
            self.unanswered.clear();
        }
        let Ok(mut pipe) = Pipe::connect(address) else {
            return Ok(());
        };
        loop {
            while pipe.in_flight() < WINDOW {
                if pipe.in_flight() == self.unanswered.len() {
                    self.unanswered.push_back(self.next);
                    self.next += u64::from(RECORDS.unsigned_abs());
                }
                let request = self.request(self.unanswered[pipe.in_flight()])?;
                if pipe.send(PRODUCE, &request).is_err() {
                    return self.drain(&mut pipe);
                }
                let records = u64::from(RECORDS.unsigned_abs());
                self.sent_now.fetch_add(records, Ordering::SeqCst);
            }
            let Ok(answer) = pipe.receive() else {
                return Ok(());
            };
            if !self.take(&answer)? {
                return Ok(());
            }
        }
    }

    /// Reads what the server had answered before it went.
    fn drain(&mut self, pipe: &mut Pipe) -> Result<()> {
        while let Ok(answer) = pipe.receive() {
            if !self.take(&answer)? {
                break;
            }
        }
        Ok(())
    }

    /// Sends everything that has no answer once more, if this is an idempotent producer.
    pub(super) fn settle(&mut self, address: &str) -> Result<()> {
        if self.identity.is_none() {
            return Ok(());
        }
        let mut pipe = Pipe::connect(address)?;
        while let Some(first) = self.unanswered.front() {
            let request = self.request(*first)?;
            pipe.send(PRODUCE, &request)?;
            let answer = pipe.receive()?;
            ensure!(
                self.take(&answer)?,
                "a retriable error from a server that serves"
            );
        }
        Ok(())
    }

    fn request(&self, first: u64) -> Result<Vec<u8>> {
        let label = Label {
            producer: self.id,
            number: first,
        };
        let records = batch(label, RECORDS, self.timestamp_ms, self.identity)?;
        let mut body = Writer::default();
        body.i16(-1).i16(-1).i32(30_000);
        body.i32(1).string(self.topic);
        body.i32(1).i32(self.partition).blob(&records);
        Ok(body.bytes)
    }

    /// Takes the answer to the oldest batch; false where it must be sent again on another connection.
    fn take(&mut self, answer: &[u8]) -> Result<bool> {
        let mut reader = Reader::new(answer);
        let outcomes = reader.array(|reader| {
            reader.string()?;
            reader.array(|reader| {
                reader.i32()?;
                let outcome = (reader.i16()?, reader.i64()?);
                reader.i64()?;
                Ok(outcome)
            })
        })?;
        let outcome = outcomes.into_iter().flatten().next();
        match (outcome, self.unanswered.front().copied()) {
            (Some((0, base_offset)), Some(first)) => {
                self.unanswered.pop_front();
                self.acked.push(Acked { first, base_offset });
                Ok(true)
            }
            (Some((error, _)), _) if RETRIABLE.contains(&error) => Ok(false),
            (outcome, first) => bail!(
                "producer {} (idempotent: {}), batch from {first:?}: answered {outcome:?}",
                self.id,
                self.identity.is_some()
            ),
        }
    }
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.ok()
        .and_then(|now| i64::try_from(now.as_millis()).ok())
        .unwrap_or(0)
}

/// Records of an acknowledged batch: number and offset of each.
pub(super) fn records(acked: Acked) -> impl Iterator<Item = (u64, i64)> {
    (acked.first..).zip(acked.base_offset..acked.base_offset + i64::from(RECORDS))
}
