//! Messages on their way to the client: basic.deliver, and what basic.get-ok has in common with it.

use super::Session;
use super::unacked::Delivered;
use crate::broker::Counters;
use crate::mail::{self, ConsumerId, Delivery, Extra, QueueId};
use crate::message::Parts;
use amqp_wire::{
    MethodFields, Properties, RawProperties, RawTable, RawValue, ShortBytes, ShortStr, basic,
};
use bytes::{BufMut, Bytes, BytesMut};

/// The header that counts unsuccessful deliveries.
const DELIVERY_COUNT: &str = "x-delivery-count";
/// The header that says where in a stream queue a message is.
const STREAM_OFFSET: &str = "x-stream-offset";

impl Session {
    /// Messages for a consumer.
    pub(super) fn deliver(&mut self, id: ConsumerId, queue: QueueId, deliveries: Vec<Delivery>) {
        let Some(consumer) = self.consumers.get(id) else {
            return;
        };
        let (shard, no_ack) = (consumer.shard, consumer.no_ack);
        let channel = self.channels.keyed(consumer.channel, consumer.key);
        let Some(channel) = channel.filter(|_| !consumer.is_leaving()) else {
            for delivery in deliveries {
                self.outbox
                    .discarded(shard, delivery.message.record().len());
                if !no_ack {
                    let requeued = mail::Outcome::Requeued;
                    self.outbox
                        .settle(shard, queue, delivery.position, requeued);
                }
            }
            return;
        };
        let tag = ShortStr::clipped(&consumer.tag);
        let count = deliveries.len();
        for delivery in deliveries {
            let delivery_tag = channel.next_tag();
            let record_len = delivery.message.record().len();
            let Some(parts) = parts(&delivery) else {
                self.outbox.discarded(shard, record_len);
                continue;
            };
            let method = basic::Deliver {
                consumer_tag: tag,
                delivery_tag,
                redelivered: delivery.redelivered,
                exchange: text(&parts.exchange),
                routing_key: text(&parts.routing_key),
            };
            let frame_max = self.terms.frame_max;
            write(
                &mut self.outbox.out,
                (channel.number, frame_max),
                &method,
                &delivery,
                &parts,
            );
            self.outbox.delivered(shard, record_len);
            if !no_ack {
                channel.unacked.push(Delivered {
                    tag: delivery_tag,
                    position: delivery.position,
                    queue,
                    shard,
                    consumer: Some(id),
                });
            }
        }
        if !no_ack && let Some(shared) = &mut channel.shared {
            shared.delivered(id, u32::try_from(count).unwrap_or(u32::MAX));
        }
        Counters::add(&self.broker.counters().delivered, count as u64);
    }
}

/// Takes a message apart. What is no message cannot be in a queue, since only sessions fill queues.
pub(super) fn parts(delivery: &Delivery) -> Option<Parts> {
    match delivery.message.parts() {
        Ok(parts) => Some(parts),
        Err(error) => {
            tracing::error!(%error, offset = delivery.position.offset, "a message cannot be delivered");
            None
        }
    }
}

/// A name that came as a short string.
pub(super) fn text(bytes: &[u8]) -> ShortStr<'_> {
    ShortStr::clipped(std::str::from_utf8(bytes).unwrap_or_default())
}

/// Writes a delivery: method, header, body.
pub(super) fn write<M: MethodFields>(
    out: &mut amqp_wire::Output,
    (channel, frame_max): (u16, u32),
    method: &M,
    delivery: &Delivery,
    parts: &Parts,
) {
    let extended;
    let properties = match with_extra(&parts.properties, delivery.extra) {
        Some(bytes) => {
            extended = bytes;
            &extended[..]
        }
        None => &parts.properties[..],
    };
    // Messages came in frames, so that they fit frames.
    let _ = out.method(channel, method);
    let _ = out.content(
        channel,
        RawProperties::new(properties),
        &parts.body,
        frame_max,
    );
}

/// The properties with one header more, where there is one to add.
fn with_extra(properties: &[u8], extra: Extra) -> Option<Bytes> {
    let (name, value) = match extra {
        Extra::None => return None,
        Extra::DeliveryCount(count) => (DELIVERY_COUNT, i64::from(count)),
        Extra::StreamOffset(offset) => (STREAM_OFFSET, offset),
    };
    let properties = RawProperties::new(properties).decode().ok()?;
    let headers = properties.headers.unwrap_or_default();
    let mut extended = BytesMut::with_capacity(headers.as_bytes().len() + name.len() + 10);
    // The message may have come from such a queue before.
    let known = matches!(headers.get(name), Ok(Some(_)));
    if known {
        for (other, value) in headers.iter().flatten() {
            if other != name {
                put(&mut extended, other, value);
            }
        }
    } else {
        extended.put_slice(headers.as_bytes());
    }
    let name = ShortBytes::new(name.as_bytes()).ok()?;
    put(&mut extended, name, RawValue::I64(value));
    let properties = Properties {
        headers: Some(RawTable::new(&extended)),
        ..properties
    };
    properties.to_bytes().ok()
}

fn put(out: &mut BytesMut, name: ShortBytes<'_>, value: RawValue<'_>) {
    let mut table = amqp_wire::Table::new();
    let Ok(value) = amqp_wire::Value::decode(value) else {
        return;
    };
    table.push(Bytes::copy_from_slice(&name), value);
    // One entry of a table that was read fits a table.
    let _ = table.encode(out);
}
