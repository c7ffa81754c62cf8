//! What sessions ask of stream queues, publishes aside.

use super::queue::{StreamQueue, messages};
use super::{Event, GONE, Lent, Streams};
use crate::mail::{
    Answer, Consume, ConsumerId, Counts, Notice, QueueId, Refusal, Request, SessionId, Ticket,
};
use crate::topic_keeper::TopicError;
use cluster::{ChangeError, Topic};
use commitlog::Closed;
use std::sync::Arc;

/// The vhost whose stream queues have their topics' names.
const ROOT_VHOST: &str = "/";

impl Streams {
    /// Answers a request for a stream queue.
    pub(crate) fn request(&mut self, session: SessionId, request: Request, lent: &mut Lent<'_>) {
        let mut answer = |ticket, outcome| {
            lent.notices
                .push((session, Notice::Answer { ticket, outcome }));
        };
        match request {
            Request::Consume(consume) => self.consume(session, consume, lent),
            Request::Share {
                queue,
                consumer,
                shared,
            } => self.with(queue, lent, |queue, scene| {
                queue.share(session, consumer, shared, scene);
            }),
            Request::Grant {
                queue,
                consumer,
                count,
            } => self.grant(session, (queue, consumer), count, lent),
            Request::Cancel {
                ticket,
                queue,
                consumer,
            } => {
                answer(ticket, Ok(Answer::Cancelled));
                self.with(queue, lent, |queue, _| queue.cancel(session, consumer));
            }
            Request::Settle {
                queue,
                positions,
                ticket,
                ..
            } => {
                // Nothing of it is stored, so there is nothing to wait for.
                if let Some(ticket) = ticket {
                    answer(ticket, Ok(Answer::Settled));
                }
                self.with(queue, lent, |queue, scene| {
                    queue.settle(session, &positions, scene);
                });
            }
            Request::Inspect { ticket, queue } => {
                answer(ticket, self.counts(queue).map(Answer::Counts).ok_or(GONE));
            }
            Request::Get { ticket, .. } => {
                let outcome = Err(Refusal::NotSupported(
                    "basic.get not supported by stream queues",
                ));
                lent.notices
                    .push((session, Notice::Got { ticket, outcome }));
            }
            Request::Purge { ticket, .. } => {
                let refusal = "queue.purge not supported by stream queues";
                answer(ticket, Err(Refusal::NotSupported(refusal)));
            }
            Request::Delete {
                ticket,
                queue,
                if_unused,
                if_empty,
            } => {
                if let Err(refusal) = self.delete(session, ticket, queue, if_unused, if_empty) {
                    answer(ticket, Err(refusal));
                }
            }
            // These are for all queues of a host together.
            Request::Publish { .. } | Request::Written { .. } | Request::Leave => {}
        }
    }

    fn grant(
        &mut self,
        session: SessionId,
        (queue, consumer): (QueueId, ConsumerId),
        count: u32,
        lent: &mut Lent<'_>,
    ) {
        if self.queues.contains_key(&queue) {
            self.with(queue, lent, |queue, scene| {
                queue.grant(session, consumer, count, scene);
            });
        } else {
            // The consumer went while the grant was on its way: the channel gets its credit back.
            lent.notices
                .push((session, Notice::Unused { consumer, count }));
        }
    }

    fn consume(&mut self, session: SessionId, consume: Consume, lent: &mut Lent<'_>) {
        let (id, ticket) = (consume.queue, consume.ticket);
        let Some(name) = self.name(id) else {
            let outcome = Err(GONE);
            lent.notices
                .push((session, Notice::Answer { ticket, outcome }));
            return;
        };
        let queue = self.queues.entry(id);
        queue.or_insert_with(|| StreamQueue::new(id, name));
        let used = self.used_by.entry(session).or_default();
        if !used.contains(&id) {
            used.push(id);
        }
        self.with(id, lent, |queue, scene| {
            queue.consume(session, consume, scene)
        });
    }

    /// The name that a stream has as a queue of vhost `/`.
    fn name(&self, queue: QueueId) -> Option<Arc<str>> {
        self.bounds(queue)?;
        let topics = self.ground.catalog.topics();
        let topic = topics.by_stream(queue)?;
        let mut partitions = topic.partitions.iter();
        let number = partitions.position(|partition| partition.stream == queue)?;
        let names = topic.stream_queues(ROOT_VHOST);
        names.into_iter().nth(number).map(Into::into)
    }

    /// How much there is in a stream queue; `None` where there is no such queue.
    pub(crate) fn counts(&self, queue: QueueId) -> Option<Counts> {
        let bounds = self.bounds(queue)?;
        let known = self.queues.get(&queue);
        Some(known.map_or_else(
            || Counts {
                ready: messages(bounds),
                ..Counts::default()
            },
            |queue| queue.counts(bounds),
        ))
    }

    /// A session has written something to its socket: its consumers may get more.
    pub(crate) fn written(&mut self, session: SessionId, lent: &mut Lent<'_>) {
        if !lent.sessions.has_room(session) {
            return;
        }
        for queue in self.stalled.remove(&session).unwrap_or_default() {
            self.with(queue, lent, |queue, scene| queue.wake(session, scene));
        }
    }

    /// A session has left.
    pub(crate) fn leave(&mut self, session: SessionId, lent: &mut Lent<'_>) {
        self.stalled.remove(&session);
        for queue in self.used_by.remove(&session).unwrap_or_default() {
            self.with(queue, lent, |queue, _| queue.leave(session));
        }
    }

    /// Begins to delete a stream queue, which is to delete its topic. RabbitMQ passes over both conditions
    /// where it deletes a stream; whoever asks for them had better get them.
    fn delete(
        &mut self,
        session: SessionId,
        ticket: Ticket,
        queue: QueueId,
        if_unused: bool,
        if_empty: bool,
    ) -> Result<(), Refusal> {
        let Counts {
            ready, consumers, ..
        } = self.counts(queue).ok_or(GONE)?;
        let topics = self.ground.catalog.topics();
        let topic = topics.by_stream(queue).ok_or(GONE)?.clone();
        if topic.partitions.len() > 1 {
            return Err(Refusal::NotSupported(
                "a partition of a super stream is deleted with its topic",
            ));
        }
        if if_unused && consumers > 0 {
            return Err(Refusal::InUse);
        }
        if if_empty && ready > 0 {
            return Err(Refusal::NotEmpty);
        }
        let keeper = self.ground.keeper.clone();
        self.others.push(Box::pin(async move {
            let outcome = keeper.delete(&topic.name).await;
            Event::Deleted {
                queue,
                session,
                ticket,
                ready,
                outcome,
            }
        }));
        Ok(())
    }

    pub(super) fn deleted(
        &mut self,
        queue: QueueId,
        (session, ticket): (SessionId, Ticket),
        ready: u64,
        outcome: &Result<Arc<Topic>, TopicError>,
        lent: &mut Lent<'_>,
    ) -> Result<(), Closed> {
        if let Err(TopicError::Change(ChangeError::Closed(closed))) = outcome {
            return Err(*closed);
        }
        // Its consumers are told before whoever deleted it.
        self.with(queue, lent, |_, _| {});
        // Where somebody else has deleted it meanwhile, it is gone all the same.
        let outcome = Ok(Answer::Deleted(ready));
        lent.notices
            .push((session, Notice::Answer { ticket, outcome }));
        Ok(())
    }
}
