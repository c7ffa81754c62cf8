//! basic.consume and basic.cancel, and consumers that end without being cancelled.

use super::Session;
use super::failure::{Failure, Outcome};
use super::names::generated;
use super::waiting::Purpose;
use crate::arguments::{expected_integer, type_name};
use crate::mail::{Answer, Consume, ConsumerId, Refusal, Request, StreamStart};
use crate::permissions::Access;
use crate::replies::REPLY_TO;
use amqp_wire::{RawTable, RawValue, ReplyCode, ShortStr, basic};
use std::num::NonZeroU32;
use std::sync::Arc;

const PRIORITY: &str = "x-priority";
const STREAM_OFFSET: &str = "x-stream-offset";

impl Session {
    pub(super) fn consume(&mut self, number: u16, consume: &basic::Consume<'_>) -> Outcome {
        if consume.queue.as_str() == REPLY_TO {
            return self.consume_replies(number, consume);
        }
        let name = self.queue_name(number, &consume.queue)?;
        self.check_access(Access::Read, "queue", &name)?;
        let tag = self.consumer_tag(number, &consume.consumer_tag)?;
        let found = self.find_queue(&name)?;
        let is_stream = found.queue.is_none();
        let priority = self.priority(consume.arguments, &name, is_stream)?;
        let start = self.stream_start(consume.arguments, &name, is_stream)?;
        let (queue, shard, no_ack) = (found.id, found.shard, consume.no_ack);
        let Some(channel) = self.channels.get_mut(number) else {
            return Ok(());
        };
        let at = (number, channel.key);
        let consumer = self.consumers.add(at, &tag, (shard, queue), no_ack);
        channel.consumers.push(consumer);
        let prefetch = NonZeroU32::new(channel.prefetch.into()).filter(|_| !no_ack);
        let shared = channel.shared.is_some() && !no_ack;
        let (exclusive, nowait) = (consume.exclusive, consume.nowait);
        let request = |ticket| {
            Request::Consume(Consume {
                ticket,
                queue,
                consumer,
                tag,
                no_ack,
                exclusive,
                priority,
                prefetch,
                shared,
                start,
            })
        };
        let purpose = Purpose::Consuming {
            consumer,
            name,
            nowait,
        };
        self.wait_for_host((number, (60, 20)), shard, request, purpose);
        Ok(())
    }

    /// The tag that a consumer is to have on a channel; an empty one is made up.
    pub(super) fn consumer_tag(&self, number: u16, wanted: &str) -> Outcome<String> {
        if wanted.is_empty() {
            return Ok(generated("amq.ctag-", self.broker.random()));
        }
        if self.consumer_named(number, wanted).is_some()
            || self.reply_consumer_tag(number) == Some(wanted)
        {
            return Err(Failure::connection(
                ReplyCode::NotAllowed,
                format!("attempt to reuse consumer tag '{wanted}'"),
            ));
        }
        Ok(wanted.to_owned())
    }

    fn consumer_named(&self, number: u16, tag: &str) -> Option<ConsumerId> {
        let channel = self.channels.get(number)?;
        let mut ids = channel.consumers.iter().copied();
        ids.find(|id| {
            self.consumers
                .get(*id)
                .is_some_and(|consumer| &*consumer.tag == tag)
        })
    }

    fn priority(&self, arguments: RawTable<'_>, queue: &str, is_stream: bool) -> Outcome<i32> {
        let Ok(Some(value)) = arguments.get(PRIORITY) else {
            return Ok(0);
        };
        let vhost = &self.vhost;
        let invalid = |what: &str| {
            Failure::precondition(format!(
                "invalid arg '{PRIORITY}' for queue '{queue}' in vhost '{vhost}'{what}"
            ))
        };
        if is_stream {
            return Err(invalid(" of queue type rabbit_stream_queue"));
        }
        let priority = value
            .as_integer()
            .ok_or_else(|| invalid(&format!(": {}", expected_integer(value))))?;
        Ok(i32::try_from(priority).unwrap_or(if priority < 0 { i32::MIN } else { i32::MAX }))
    }

    fn stream_start(
        &self,
        arguments: RawTable<'_>,
        queue: &str,
        is_stream: bool,
    ) -> Outcome<StreamStart> {
        let Ok(Some(value)) = arguments.get(STREAM_OFFSET) else {
            return Ok(StreamStart::default());
        };
        let vhost = &self.vhost;
        let invalid = |what: &str| {
            Failure::precondition(format!(
                "invalid arg '{STREAM_OFFSET}' for queue '{queue}' in vhost '{vhost}'{what}"
            ))
        };
        if !is_stream {
            return Err(invalid(" of queue type rabbit_classic_queue"));
        }
        read_start(value, self.wall.0).ok_or_else(|| invalid(&format!(": {}", type_name(value))))
    }

    /// A host has taken a consumer, or not.
    pub(super) fn consuming(
        &mut self,
        number: u16,
        (consumer, name): (ConsumerId, &str),
        nowait: bool,
        outcome: Result<Answer, Refusal>,
    ) -> Outcome {
        if let Err(refusal) = outcome {
            self.forget_consumer(consumer);
            return Err(self.refusal(refusal, name));
        }
        if let Some(consumer) = self.consumers.get(consumer)
            && !nowait
        {
            let consumer_tag = ShortStr::clipped(&consumer.tag);
            self.outbox.send(number, &basic::ConsumeOk { consumer_tag });
        }
        Ok(())
    }

    pub(super) fn cancel(&mut self, number: u16, cancel: &basic::Cancel<'_>) -> Outcome {
        let (tag, nowait) = (cancel.consumer_tag, cancel.nowait);
        if self.reply_consumer_tag(number) == Some(tag.as_str())
            && let Some(channel) = self.channels.get_mut(number)
        {
            channel.reply_consumer = None;
        }
        let Some(consumer) = self.consumer_named(number, &tag) else {
            // One that is not there is cancelled already.
            if !nowait {
                let consumer_tag = tag;
                self.outbox.send(number, &basic::CancelOk { consumer_tag });
            }
            return Ok(());
        };
        let Some(known) = self.consumers.get(consumer) else {
            return Ok(());
        };
        let (shard, queue) = (known.shard, known.queue);
        let tag: Arc<str> = tag.as_str().into();
        let request = |ticket| Request::Cancel {
            ticket,
            queue,
            consumer,
        };
        let purpose = Purpose::Cancelling {
            consumer,
            tag,
            nowait,
        };
        self.wait_for_host((number, (60, 30)), shard, request, purpose);
        Ok(())
    }

    /// Nothing more comes for a consumer that was cancelled.
    pub(super) fn cancelled(&mut self, number: u16, consumer: ConsumerId, tag: &str, nowait: bool) {
        self.forget_consumer(consumer);
        if !nowait {
            let consumer_tag = ShortStr::clipped(tag);
            self.outbox.send(number, &basic::CancelOk { consumer_tag });
        }
    }

    /// The consumer's queue is going. Where this connection is deleting it, the client hears of its consumers after
    /// queue.delete-ok, as from RabbitMQ: clients take a cancellation before it for somebody else's doing.
    pub(super) fn consumer_lost_queue(&mut self, id: ConsumerId) {
        let queue = self.consumers.get(id).map(|consumer| consumer.queue);
        let purpose = self.waiting.as_deref_mut().map(|one| &mut one.purpose);
        match purpose {
            Some(Purpose::Deleting {
                queue: deleted,
                ended,
                ..
            }) if Some(*deleted) == queue => ended.push(id),
            _ => self.consumer_ended(id),
        }
    }

    /// The consumer's queue is gone.
    pub(super) fn consumer_ended(&mut self, id: ConsumerId) {
        let Some(consumer) = self.forget_consumer(id) else {
            return;
        };
        let open = self.channels.keyed(consumer.channel, consumer.key);
        if open.is_some() && self.can.consumer_cancel_notify {
            let cancel = basic::Cancel {
                consumer_tag: ShortStr::clipped(&consumer.tag),
                nowait: true,
            };
            self.outbox.send(consumer.channel, &cancel);
        }
    }

    fn forget_consumer(&mut self, id: ConsumerId) -> Option<super::consumers::Consumer> {
        let consumer = self.consumers.remove(id)?;
        if let Some(channel) = self.channels.keyed(consumer.channel, consumer.key) {
            channel.consumers.retain(|known| *known != id);
            if let Some(shared) = &mut channel.shared {
                // Its host may have let it go while a grant was on its way.
                shared.forget(id);
                self.publisher.remind(consumer.channel);
            }
        }
        Some(consumer)
    }
}

/// Where `x-stream-offset` says to begin: a word, an interval before now (`5m`), a time, or an offset.
fn read_start(value: RawValue<'_>, now_ms: i64) -> Option<StreamStart> {
    match value {
        RawValue::Timestamp(seconds) => {
            let seconds = i64::try_from(seconds).ok()?;
            Some(StreamStart::Timestamp(seconds.checked_mul(1000)?))
        }
        RawValue::LongStr(_) => match value.as_str()? {
            "first" => Some(StreamStart::First),
            "last" => Some(StreamStart::Last),
            "next" => Some(StreamStart::Next),
            interval => {
                let ms = crate::arguments::interval_ms(interval)?;
                Some(StreamStart::Timestamp(now_ms.saturating_sub(ms)))
            }
        },
        // One below the first is the first.
        other => other
            .as_integer()
            .map(|offset| StreamStart::Offset(offset.max(0))),
    }
}
