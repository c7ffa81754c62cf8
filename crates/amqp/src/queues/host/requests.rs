//! What sessions ask for, one request after the other.

use super::super::queue::Pump;
use super::Host;
use crate::mail::{
    Answer, Consume, ConsumerId, Notice, Outcome, Position, QueueId, Refusal, Request, SessionId,
    Ticket,
};
use base::{Monotonic, Timestamp};

/// Calls `each` with every queue that a request names and that the request is for.
pub(super) fn for_each_queue(request: &Request, mut each: impl FnMut(QueueId)) {
    match request {
        Request::Publish { targets, .. } => targets.iter().for_each(|queue| each(*queue)),
        Request::Consume(consume) => each(consume.queue),
        Request::Get { queue, .. }
        | Request::Inspect { queue, .. }
        | Request::Purge { queue, .. }
        | Request::Delete { queue, .. } => each(*queue),
        // These are about consumers and deliveries of a queue that was open when it had them.
        Request::Share { .. }
        | Request::Grant { .. }
        | Request::Cancel { .. }
        | Request::Settle { .. }
        | Request::Written { .. }
        | Request::Leave => {}
    }
}

impl Host {
    pub(super) fn request(
        &mut self,
        now: Monotonic,
        wall: Timestamp,
        session: SessionId,
        request: Request,
    ) {
        match request {
            Request::Publish {
                ticket,
                targets,
                run,
            } => {
                self.publish(wall, session, ticket, &targets, run);
            }
            Request::Settle {
                queue,
                positions,
                outcome,
                ticket,
            } => self.settle(session, queue, &positions, outcome, ticket),
            Request::Written { bytes } => self.written(session, bytes),
            Request::Consume(consume) => self.consume(now, session, consume),
            Request::Cancel {
                ticket,
                queue,
                consumer,
            } => self.cancel(now, session, ticket, (queue, consumer)),
            Request::Share {
                queue,
                consumer,
                shared,
            } => {
                if let Some(known) = self.queues.get_mut(&queue)
                    && let Some(slot) = known.consumers.slot(session, consumer)
                {
                    known.consumers.share(slot, shared);
                    self.note(queue);
                }
            }
            Request::Grant {
                queue,
                consumer,
                count,
            } => self.grant(wall, session, (queue, consumer), count),
            Request::Get {
                ticket,
                queue,
                no_ack,
            } => self.get(now, wall, session, (ticket, queue, no_ack)),
            Request::Inspect { ticket, queue } => {
                let outcome = match self.queues.get_mut(&queue).filter(|known| !known.deleting) {
                    Some(known) => {
                        known.used = now;
                        Ok(Answer::Counts(known.counts()))
                    }
                    None => Err(Refusal::NotFound),
                };
                self.answer(session, ticket, outcome);
            }
            Request::Purge { ticket, queue } => self.purge(session, ticket, queue),
            Request::Delete {
                ticket,
                queue,
                if_unused,
                if_empty,
            } => self.delete(session, ticket, queue, (if_unused, if_empty)),
            Request::Leave => self.leave(now, session),
        }
    }

    fn cancel(
        &mut self,
        now: Monotonic,
        session: SessionId,
        ticket: Ticket,
        (id, consumer): (QueueId, ConsumerId),
    ) {
        if let Some(queue) = self.queues.get_mut(&id)
            && let Some(slot) = queue.consumers.slot(session, consumer)
        {
            queue.consumers.remove(slot);
            queue.used = now;
            self.unused(id);
        }
        self.answer(session, ticket, Ok(Answer::Cancelled));
    }

    pub(super) fn answer(
        &mut self,
        session: SessionId,
        ticket: Ticket,
        outcome: Result<Answer, Refusal>,
    ) {
        self.notices
            .push((session, Notice::Answer { ticket, outcome }));
    }

    fn settle(
        &mut self,
        session: SessionId,
        id: QueueId,
        positions: &[Position],
        outcome: Outcome,
        ticket: Option<Ticket>,
    ) {
        if let Some(queue) = self.queues.get_mut(&id) {
            queue.settle(session, positions, outcome, &mut self.kept);
            self.note(id);
        }
        let Some(ticket) = ticket else {
            return;
        };
        self.draft.urgent = true;
        if outcome == Outcome::Rejected {
            self.rejecting.push((id, session, ticket));
        } else {
            self.draft.answers.push(settled(session, ticket));
        }
    }

    /// Answers those who rejected messages, once none of their queue's dead messages waits for its way to be
    /// open: only then is it durable that they have left.
    pub(super) fn answer_rejections(&mut self) {
        let Self {
            rejecting, queues, ..
        } = self;
        let gone = |id: &QueueId| queues.get(id).is_none_or(|queue| !queue.has_deaths());
        let answered = rejecting.extract_if(.., |(id, ..)| gone(id));
        for (_, session, ticket) in answered {
            self.draft.answers.push(settled(session, ticket));
            self.draft.urgent = true;
        }
    }

    fn written(&mut self, session: SessionId, bytes: usize) {
        for id in self.sessions.written(session, bytes) {
            if let Some(queue) = self.queues.get_mut(&id) {
                queue.consumers.wake(session);
                self.note(id);
            }
        }
    }

    fn consume(&mut self, now: Monotonic, session: SessionId, consume: Consume) {
        let (ticket, id) = (consume.ticket, consume.queue);
        let outcome = match self.queues.get_mut(&id).filter(|queue| !queue.deleting) {
            Some(queue) => {
                let added = queue.consumers.add(session, consume);
                if added.is_ok() {
                    queue.used = now;
                    queue.had_consumer = true;
                    self.sessions.touch(session, id);
                    self.note(id);
                }
                added.map(|()| Answer::Consuming)
            }
            None => Err(Refusal::NotFound),
        };
        self.answer(session, ticket, outcome);
    }

    fn grant(
        &mut self,
        wall: Timestamp,
        session: SessionId,
        (id, consumer): (QueueId, ConsumerId),
        count: u32,
    ) {
        let queue = self.queues.get_mut(&id).filter(|queue| !queue.deleting);
        let known = queue.and_then(|queue| Some((queue.consumers.slot(session, consumer)?, queue)));
        if let Some((slot, queue)) = known {
            queue.grant(
                slot,
                count,
                &mut Pump {
                    wall_ms: wall.0,
                    sessions: &mut self.sessions,
                    kept: &mut self.kept,
                    notices: &mut self.notices,
                },
            );
            self.note(id);
        } else {
            // The consumer went while the grant was on its way: the channel gets its credit back.
            self.notices
                .push((session, Notice::Unused { consumer, count }));
        }
    }

    fn get(
        &mut self,
        now: Monotonic,
        wall: Timestamp,
        session: SessionId,
        (ticket, id, no_ack): (Ticket, QueueId, bool),
    ) {
        if let Some(queue) = self.queues.get_mut(&id).filter(|queue| !queue.deleting) {
            queue.used = now;
            self.sessions.touch(session, id);
            queue.get(
                session,
                ticket,
                no_ack,
                &mut Pump {
                    wall_ms: wall.0,
                    sessions: &mut self.sessions,
                    kept: &mut self.kept,
                    notices: &mut self.notices,
                },
            );
            self.note(id);
        } else {
            let outcome = Err(Refusal::NotFound);
            self.notices
                .push((session, Notice::Got { ticket, outcome }));
        }
    }

    fn purge(&mut self, session: SessionId, ticket: Ticket, id: QueueId) {
        match self.queues.get_mut(&id).filter(|queue| !queue.deleting) {
            Some(queue) => {
                let outcome = Ok(Answer::Purged(queue.purge()));
                self.draft
                    .answers
                    .push((session, Notice::Answer { ticket, outcome }));
                self.draft.urgent = true;
                self.note(id);
            }
            None => self.answer(session, ticket, Err(Refusal::NotFound)),
        }
    }

    fn leave(&mut self, now: Monotonic, session: SessionId) {
        for id in self.sessions.leave(session) {
            let Some(queue) = self.queues.get_mut(&id) else {
                continue;
            };
            let consumers = queue.consumers.len();
            queue.leave(session, &mut self.kept);
            if queue.consumers.len() < consumers {
                queue.used = now;
                self.unused(id);
            }
            self.note(id);
        }
        let is_owned = |id: &&QueueId| {
            let queue = self.queues.get(*id);
            queue.is_some_and(|queue| queue.declared.exclusive == Some(session.0))
        };
        let owned: Vec<_> = self.exclusive.iter().filter(is_owned).copied().collect();
        owned
            .into_iter()
            .for_each(|id| self.begin_deletion(id, None));
    }
}

fn settled(session: SessionId, ticket: Ticket) -> (SessionId, Notice) {
    let outcome = Ok(Answer::Settled);
    (session, Notice::Answer { ticket, outcome })
}
