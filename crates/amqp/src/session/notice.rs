//! What hosts, other sessions and the driver tell a session.

use super::Session;
use super::failure::{Failure, Outcome};
use super::waiting::{Purpose, Waiting};
use crate::mail::{Delivery, Notice, Refusal, Ticket};
use crate::task::Done;
use cluster::Made;

impl Session {
    pub(super) fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Published { ticket, rejected } => self.published(ticket, &rejected),
            Notice::Deliver {
                consumer,
                queue,
                deliveries,
            } => self.deliver(consumer, queue, deliveries),
            Notice::Got { ticket, outcome } => self.got(ticket, outcome),
            Notice::Answer { ticket, outcome } => self.answered(ticket, outcome),
            Notice::Cancelled { consumer } => self.consumer_lost_queue(consumer),
            Notice::Offer {
                consumer, count, ..
            } => self.offered(consumer, count),
            Notice::Unused { consumer, count } => self.unused(consumer, count),
            Notice::DirectReply {
                channel,
                key,
                message,
            } => self.direct_reply(channel, key, &message),
            Notice::Lost => self.lost(),
        }
    }

    fn got(&mut self, ticket: Ticket, outcome: Result<Option<(Delivery, u64)>, Refusal>) {
        let Some(waiting) = self.finish_waiting(ticket) else {
            return;
        };
        let Waiting {
            channel,
            method,
            purpose,
            ..
        } = *waiting;
        let handled = match purpose {
            Purpose::Getting {
                queue,
                shard,
                no_ack,
                name,
            } => self.taken(channel, (shard, queue, &name), no_ack, outcome),
            _ => Err(Failure::internal("an answer of the wrong kind")),
        };
        self.settle_outcome(channel, method, handled);
    }

    /// What became of the task.
    pub(super) fn done(&mut self, done: Done) {
        let Some(waiting) = self.waiting.take() else {
            self.done_too_late(&done);
            return;
        };
        // The catalog may have changed.
        self.view = None;
        let Waiting {
            channel,
            method,
            purpose,
            ..
        } = *waiting;
        let handled = self.task_done(channel, method, purpose, done);
        self.settle_outcome(channel, method, handled);
    }

    /// The connection ended meanwhile: a queue that was made for it alone goes, too.
    fn done_too_late(&mut self, done: &Done) {
        if let Done::Queue(Ok((queue, Made::New))) = done
            && queue.exclusive == Some(self.id.0)
        {
            self.exclusive.push((queue.shard, queue.id));
        }
    }

    fn task_done(
        &mut self,
        channel: u16,
        method: (u16, u16),
        purpose: Purpose,
        done: Done,
    ) -> Outcome {
        match (purpose, done) {
            (Purpose::Login { user }, Done::Authenticated(verdict)) => {
                self.logged_in(user, verdict);
                Ok(())
            }
            (Purpose::Exchange { wanted, nowait }, Done::Exchange(outcome)) => {
                self.exchange_declared(channel, &wanted, nowait, outcome)
            }
            (Purpose::ExchangeDeleted { name, nowait }, Done::ExchangeDeleted(outcome)) => {
                self.exchange_deleted(channel, &name, nowait, outcome)
            }
            (Purpose::Queue { wanted, nowait }, Done::Queue(outcome)) => {
                self.queue_declared((channel, method), &wanted, nowait, outcome)
            }
            (Purpose::Stream { name, nowait }, Done::Stream(outcome)) => {
                self.stream_declared(channel, &name, nowait, outcome)
            }
            (Purpose::Bound { to, nowait }, Done::Bound(outcome)) => {
                self.bound(channel, &to, nowait, outcome)
            }
            _ => Err(Failure::internal("an answer of the wrong kind")),
        }
    }

    /// The log takes no more writes: nobody knows what of the unanswered is stored.
    fn lost(&mut self) {
        let failure = Failure::internal("the log takes no more writes");
        self.close_connection((0, 0), &failure);
    }
}
