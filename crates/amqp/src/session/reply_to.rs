//! Direct reply-to on this side: the consumer of `amq.rabbitmq.reply-to`, its name in requests, its replies.

use super::Session;
use super::deliver::text;
use super::failure::{Failure, Outcome};
use crate::message::Message;
use crate::replies::{REPLY_TO, Registration};
use amqp_wire::{Properties, RawProperties, ShortStr, basic};

/// Bytes for the client that may wait to be written before replies to it are dropped.
const REPLY_OUTPUT_MAX: usize = 8 << 20;

/// A channel's consumer of direct replies.
#[derive(Debug)]
pub(crate) struct ReplyConsumer {
    tag: Box<str>,
    registration: Registration,
}

impl Session {
    pub(super) fn consume_replies(&mut self, number: u16, consume: &basic::Consume<'_>) -> Outcome {
        if !consume.no_ack {
            return Err(Failure::precondition("reply consumer cannot acknowledge"));
        }
        if self.reply_consumer_tag(number).is_some() {
            return Err(Failure::precondition("reply consumer already set"));
        }
        let tag = self.consumer_tag(number, &consume.consumer_tag)?;
        let token = self.broker.random();
        let Some(channel) = self.channels.get_mut(number) else {
            return Ok(());
        };
        let registration =
            self.broker
                .replies
                .register(token, self.myself.clone(), number, channel.key);
        if !consume.nowait {
            let consumer_tag = ShortStr::clipped(&tag);
            self.outbox.send(number, &basic::ConsumeOk { consumer_tag });
        }
        channel.reply_consumer = Some(Box::new(ReplyConsumer {
            tag: tag.into(),
            registration,
        }));
        Ok(())
    }

    pub(super) fn reply_consumer_tag(&self, number: u16) -> Option<&str> {
        let consumer = self.channels.get(number)?.reply_consumer.as_ref()?;
        Some(&consumer.tag)
    }

    /// What `reply_to` of a message that asks for direct replies is to be.
    pub(super) fn reply_to(
        &self,
        number: u16,
        properties: &Properties<'_>,
    ) -> Outcome<Option<String>> {
        if properties.reply_to.is_none_or(|name| name != REPLY_TO) {
            return Ok(None);
        }
        let consumer = self
            .channels
            .get(number)
            .and_then(|channel| channel.reply_consumer.as_ref());
        match consumer {
            Some(consumer) => Ok(Some(consumer.registration.name())),
            None => Err(Failure::precondition("fast reply consumer does not exist")),
        }
    }

    /// A reply from another session.
    pub(super) fn direct_reply(&mut self, number: u16, key: u64, message: &Message) {
        let Some(channel) = self.channels.keyed(number, key) else {
            return;
        };
        let Ok(parts) = message.parts() else { return };
        let delivery_tag = match &channel.reply_consumer {
            Some(_) => channel.next_tag(),
            None => return,
        };
        let Some(consumer) = &channel.reply_consumer else {
            return;
        };
        consumer.registration.taken(message.record().len());
        if self.outbox.out.len() >= REPLY_OUTPUT_MAX {
            // The client does not read. Replies come at most once.
            return;
        }
        let method = basic::Deliver {
            consumer_tag: ShortStr::clipped(&consumer.tag),
            delivery_tag,
            redelivered: false,
            exchange: text(&parts.exchange),
            routing_key: text(&parts.routing_key),
        };
        let (out, properties) = (&mut self.outbox.out, RawProperties::new(&parts.properties));
        // Messages came in frames, so that they fit frames.
        let _ = out.method(number, &method);
        let _ = out.content(number, properties, &parts.body, self.terms.frame_max);
    }
}
