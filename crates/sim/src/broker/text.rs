//! Messages that say which they are.

use crate::batch::Label;
use amqp::message::Parts;
use amqp_wire::{Properties, ShortBytes};
use bytes::{BufMut, Bytes, BytesMut};

/// A message as it is published.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) label: Label,
    pub(crate) priority: u8,
    pub(crate) ttl_ms: Option<u64>,
    pub(crate) routing_key: Bytes,
    pub(crate) properties: Bytes,
    pub(crate) body: Bytes,
}

impl Text {
    pub(crate) fn new(label: Label, priority: u8, ttl_ms: Option<u64>, filler_len: usize) -> Self {
        let ttl = ttl_ms.map(|ttl| ttl.to_string());
        let properties = Properties {
            priority: (priority > 0).then_some(priority),
            expiration: ttl
                .as_ref()
                .and_then(|ttl| ShortBytes::new(ttl.as_bytes()).ok()),
            ..Properties::default()
        };
        let mut body = BytesMut::with_capacity(16 + filler_len);
        body.put_u64(label.producer);
        body.put_u64(label.number);
        for at in 0..filler_len {
            let mixed = label.number.wrapping_mul(131) ^ (at as u64).wrapping_mul(7);
            body.put_u8(mixed.to_le_bytes()[0]);
        }
        Self {
            label,
            priority,
            ttl_ms,
            routing_key: Bytes::from(format!("key-{}", label.number % 3)),
            properties: properties.to_bytes().unwrap_or_default(),
            body: body.freeze(),
        }
    }

    /// The label in a body.
    pub(crate) fn label_of(body: &Bytes) -> Option<Label> {
        let word = |at: usize| Some(u64::from_be_bytes(body.get(at..at + 8)?.try_into().ok()?));
        Some(Label {
            producer: word(0)?,
            number: word(8)?,
        })
    }

    /// Whether a message is this one as it was published.
    pub(crate) fn is(&self, parts: &Parts) -> bool {
        self.body == parts.body
            && self.properties == parts.properties
            && self.routing_key == parts.routing_key
            && parts.exchange.is_empty()
    }
}
