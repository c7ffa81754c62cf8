//! The end of channels and connections, whoever wants it.

use super::Session;
use super::failure::{Failure, Level, Outcome};
use super::handshake::Stage;
use super::waiting::Purpose;
use crate::mail::{self, Request};
use amqp_wire::{ReplyCode, ShortStr, channel, connection};
use std::time::Duration;

/// How long a client may take to agree to a close, and hosts to delete the queues that go with it.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

impl Session {
    /// Closes what an operation's failure demands.
    pub(super) fn settle_outcome(&mut self, number: u16, method: (u16, u16), outcome: Outcome) {
        let Err(failure) = outcome else { return };
        match failure.level {
            Level::Channel if number != 0 => self.close_channel(number, method, &failure),
            _ => self.close_connection(method, &failure),
        }
    }

    /// Closes a channel for a mistake that was made on it.
    fn close_channel(&mut self, number: u16, method: (u16, u16), failure: &Failure) {
        tracing::info!(user = %self.user, vhost = %self.vhost, channel = number, reason = %failure, "a channel is closed");
        self.release_channel(number);
        if let Some(channel) = self.channels.get_mut(number) {
            channel.closing = true;
        }
        let text = failure.to_string();
        self.outbox.send(
            number,
            &channel::Close {
                reply_code: failure.code.code(),
                reply_text: ShortStr::clipped(&text),
                class_id: method.0,
                method_id: method.1,
            },
        );
    }

    /// Closes the connection for a mistake that was made on it, or because we have to.
    pub(super) fn close_connection(&mut self, method: (u16, u16), failure: &Failure) {
        if matches!(self.stage, Stage::Closing | Stage::Over) {
            return;
        }
        tracing::info!(user = %self.user, vhost = %self.vhost, reason = %failure, "a RabbitMQ connection is closed");
        self.release_everything();
        let text = failure.to_string();
        self.outbox.send(
            0,
            &connection::Close {
                reply_code: failure.code.code(),
                reply_text: ShortStr::clipped(&text),
                class_id: method.0,
                method_id: method.1,
            },
        );
        self.enter(Stage::Closing, CLOSE_LIMIT);
    }

    /// Closes the connection because the node stops.
    pub(super) fn force_close(&mut self) {
        if matches!(self.stage, Stage::Open) {
            let failure = Failure::connection(
                ReplyCode::ConnectionForced,
                "broker forced connection closure with reason 'shutdown'",
            );
            self.close_connection((0, 0), &failure);
        } else if !matches!(self.stage, Stage::Closing | Stage::Leaving) {
            self.end();
        }
    }

    /// The client closes a channel.
    pub(super) fn client_closes_channel(&mut self, number: u16) {
        self.release_channel(number);
        self.channels.close(number);
        self.outbox.send(number, &channel::CloseOk {});
    }

    /// The client closes the connection: when it hears that it is closed, its queues are gone.
    pub(super) fn client_closes(&mut self, method: (u16, u16)) {
        let queues = std::mem::take(&mut self.exclusive);
        self.release_everything();
        if queues.is_empty() {
            self.goodbye();
            return;
        }
        let first = self.outbox.ticket();
        let (mut last, left) = (first, queues.len());
        for (index, (shard, queue)) in queues.into_iter().enumerate() {
            last = if index == 0 {
                first
            } else {
                self.outbox.ticket()
            };
            let request = Request::Delete {
                ticket: last,
                queue,
                if_unused: false,
                if_empty: false,
            };
            self.outbox.request(shard, request);
        }
        self.enter(Stage::Leaving, CLOSE_LIMIT);
        self.wait_for_hosts((0, method), (first, last), left, Purpose::Goodbye);
    }

    /// Agrees to the client's close.
    pub(super) fn goodbye(&mut self) {
        self.outbox.send(0, &connection::CloseOk {});
        self.end();
    }

    /// The connection has ended.
    pub(super) fn end(&mut self) {
        self.stage = Stage::Over;
        self.stage_deadline = None;
        self.waiting = None;
    }

    pub(super) fn enter(&mut self, stage: Stage, limit: Duration) {
        self.stage = stage;
        self.stage_deadline = Some(self.now + limit);
    }

    /// A stage has lasted too long.
    pub(super) fn stage_is_late(&mut self) {
        match self.stage {
            Stage::Open if self.draining => self.force_close(),
            Stage::Open => {}
            Stage::Leaving => self.goodbye(),
            _ => self.end(),
        }
    }

    fn release_everything(&mut self) {
        self.waiting = None;
        for number in self.channels.numbers() {
            self.release_channel(number);
            self.channels.close(number);
        }
        self.seal();
        self.outbox.flush_settling();
        for (shard, queue) in std::mem::take(&mut self.exclusive) {
            let ticket = self.outbox.ticket();
            let request = Request::Delete {
                ticket,
                queue,
                if_unused: false,
                if_empty: false,
            };
            self.outbox.request(shard, request);
        }
    }

    /// Gives back what a channel holds: its consumers end, what it has not settled is ready again. What it
    /// has published stays published, and answers that are there are given.
    fn release_channel(&mut self, number: u16) {
        self.tell_confirms();
        let Some(channel) = self.channels.get_mut(number) else {
            return;
        };
        let consumers = std::mem::take(&mut channel.consumers);
        let mut held = channel.unacked.take_up_to(0).unwrap_or_default();
        if let Some(tx) = channel.tx.take() {
            held.extend(tx.settled.iter().map(|(delivered, _)| *delivered));
        }
        let assembled = channel
            .partial
            .take()
            .map_or(0, |partial| partial.assembled());
        self.publisher.assembling -= assembled;
        channel.confirms = None;
        channel.shared = None;
        channel.reply_consumer = None;
        for id in consumers {
            let ticket = self.outbox.ticket();
            let Some(consumer) = self.consumers.get(id) else {
                continue;
            };
            let (shard, queue) = (consumer.shard, consumer.queue);
            self.consumers.leave(id, ticket);
            let request = Request::Cancel {
                ticket,
                queue,
                consumer: id,
            };
            self.outbox.request(shard, request);
        }
        for delivered in held {
            self.outbox.settle(
                delivered.shard,
                delivered.queue,
                delivered.position,
                mail::Outcome::Requeued,
            );
        }
    }
}
