//! Runs on their way into streams, from publishers and as dead letters.

use super::publish::{self, Prepared};
use super::{Event, Streams};
use crate::mail::{QueueId, SessionId, Ticket};
use crate::queues::HostMail;
use crate::run::Run;
use base::Clock;
use commitlog::{Batch, Closed, Refusal, ShardHandle};
use std::sync::Arc;
use std::time::Duration;

/// How long a dead letter waits for space on the disk before it is tried again.
const RETRY: Duration = Duration::from_secs(1);

impl Streams {
    /// Publishes a run to stream queues. Where `elsewhere`, it has gone to other queues too, whose answer
    /// comes by [`Self::join`]; the session gets one.
    pub(crate) fn publish(
        &mut self,
        session: SessionId,
        ticket: Ticket,
        targets: &[QueueId],
        run: &Run,
        elsewhere: bool,
    ) {
        let parts = targets.len() + usize::from(elsewhere);
        self.joints.expect(session, ticket, parts);
        for queue in targets {
            let (shard, queue) = (self.ground.shard.clone(), *queue);
            let bytes = run.batch().len();
            self.appending_bytes += bytes;
            let prepared = self.prepare(queue, run);
            self.tallies.entry(queue).or_default().published += run.len() as u64;
            // Ordered: they are polled, and so sent to the shard, in the order in which they came.
            self.appends.push_back(Box::pin(async move {
                let outcome = append(&shard, queue, prepared).await;
                Event::Appended {
                    session,
                    ticket,
                    bytes,
                    outcome: outcome.map(|left| left.rejected()),
                }
            }));
        }
    }

    /// Appends a dead letter to stream queues; [`Event::Posted`] comes when it is durable. Letters keep their
    /// order, those that go to no stream queue too. One that was not answered before a crash is appended again.
    pub(crate) fn post(&mut self, targets: Vec<QueueId>, run: &Run, letter: HostMail) {
        let (shard, clock) = (self.ground.shard.clone(), self.ground.clock.clone());
        let targets = targets.into_iter();
        let targets: Vec<_> = targets
            .map(|queue| (queue, self.prepare(queue, run)))
            .collect();
        self.letters.push_back(Box::pin(async move {
            let mut outcome = Ok(());
            for (queue, prepared) in targets {
                outcome = outcome.and(persist(&shard, &clock, queue, prepared).await);
            }
            Event::Posted { letter, outcome }
        }));
    }

    /// Whether letters wait for stream queues.
    pub(crate) fn has_letters(&self) -> bool {
        !self.letters.is_empty()
    }

    fn prepare(&self, queue: QueueId, run: &Run) -> Prepared {
        let topics = self.ground.catalog.topics();
        match topics.by_stream(queue) {
            Some(topic) => publish::prepare(run, self.ground.keeper.rules(topic)),
            // It went meanwhile: what is published to nowhere is accepted and dropped, as in RabbitMQ.
            None => Prepared::default(),
        }
    }
}

/// What of a run is not in a stream.
#[derive(Debug, Default)]
struct Left {
    /// Places of messages that the topic does not take.
    refused: Vec<u32>,
    /// Batches that there is no space for.
    no_space: Vec<(bytes::Bytes, Vec<u32>)>,
}

impl Left {
    fn rejected(self) -> Vec<u32> {
        let places = self.no_space.into_iter().flat_map(|(_, places)| places);
        let mut rejected = self.refused;
        rejected.extend(places);
        rejected
    }
}

async fn append(shard: &ShardHandle, stream: QueueId, prepared: Prepared) -> Result<Left, Closed> {
    let mut left = Left {
        refused: prepared.rejected,
        no_space: Vec::new(),
    };
    if prepared.batches.is_empty() {
        return Ok(left);
    }
    let batches = prepared.batches.iter().map(|(bytes, _)| Batch {
        stream,
        bytes: bytes.clone(),
    });
    let landing = shard.append(batches.collect()).await?;
    let outcomes = landing.await.unwrap_or(Err(Closed))?;
    for (outcome, (bytes, places)) in outcomes.into_iter().zip(prepared.batches) {
        match outcome {
            // Where the stream went meanwhile it is as if it had gone before.
            Ok(_) | Err(Refusal::NoStream) => {}
            Err(Refusal::Full) => left.no_space.push((bytes, places)),
            Err(_) => left.refused.extend(places),
        }
    }
    Ok(left)
}

/// Appends until there is space for everything that the topic takes.
async fn persist(
    shard: &ShardHandle,
    clock: &Arc<dyn Clock>,
    stream: QueueId,
    mut prepared: Prepared,
) -> Result<(), Closed> {
    loop {
        let left = append(shard, stream, prepared).await?;
        if !left.refused.is_empty() {
            let messages = left.refused.len();
            tracing::warn!(%stream, messages, "dead letters are dropped that their stream queue does not take");
        }
        if left.no_space.is_empty() {
            return Ok(());
        }
        prepared = Prepared {
            batches: left.no_space,
            rejected: Vec::new(),
        };
        clock.sleep_until(clock.now() + RETRY).await;
    }
}
