//! One message, as the record that it is in the log.
//!
//! A message is encoded once, by the session that it was published on, and decoded by the sessions
//! that deliver it. Between them it is an opaque slice of its batch: queues look at its [`Mark`] only.
//! The record's layout is `docs/formats/amqp-in-record.md`.

use bytes::Bytes;

/// Record header that holds the name of the exchange that the message was published to.
pub const EXCHANGE: &[u8] = b"amqp.exchange";
/// Record header that holds the routing key.
pub const ROUTING_KEY: &[u8] = b"amqp.routing-key";
/// Record header that holds the property flags and the property list of the content header.
pub const PROPERTIES: &[u8] = b"amqp.properties";

/// A message: one record of a record batch of magic 2, in the layout that [`crate::run`] writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(Bytes);

/// What a queue must know of a message without decoding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The priority property; 0 where there is none.
    pub priority: u8,
    /// The expiration property in milliseconds.
    pub ttl_ms: Option<u64>,
    /// Length of the body in bytes.
    pub body_len: u32,
    /// When it was published, milliseconds since 1970 by the broker's clock.
    pub published_ms: i64,
}

/// A message taken apart; the parts are slices of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The exchange that it was published to.
    pub exchange: Bytes,
    /// The routing key.
    pub routing_key: Bytes,
    /// Property flags and property list, as in a content header.
    pub properties: Bytes,
    /// The body.
    pub body: Bytes,
}

/// The bytes are not a record of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the record is not an AMQP message")]
pub struct NotAMessage;

/// A reader of a record's variable-length fields.
pub(crate) struct Fields<'a> {
    whole: &'a Bytes,
    at: usize,
}

impl<'a> Fields<'a> {
    /// Reads `whole` from `at` on.
    pub(crate) fn new(whole: &'a Bytes, at: usize) -> Self {
        Self { whole, at }
    }

    /// Where the next field begins.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn varint(&mut self) -> Result<i64, NotAMessage> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.whole.get(self.at).ok_or(NotAMessage)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()));
            }
        }
        Err(NotAMessage)
    }

    /// A byte string behind its length; a null one reads as empty.
    fn bytes(&mut self) -> Result<Bytes, NotAMessage> {
        let len = self.varint()?;
        if len == -1 {
            return Ok(Bytes::new());
        }
        let len = usize::try_from(len).map_err(|_| NotAMessage)?;
        let end = self.at.checked_add(len).ok_or(NotAMessage)?;
        if end > self.whole.len() {
            return Err(NotAMessage);
        }
        let field = self.whole.slice(self.at..end);
        self.at = end;
        Ok(field)
    }
}

impl Message {
    /// Takes `record`, length prefix included, for a message. It is looked at when it is taken apart.
    #[must_use]
    pub fn from_record(record: Bytes) -> Self {
        Self(record)
    }

    /// The record's bytes, length prefix included.
    #[must_use]
    pub fn record(&self) -> &Bytes {
        &self.0
    }

    /// Takes the message apart without copying.
    pub fn parts(&self) -> Result<Parts, NotAMessage> {
        let mut fields = Fields::new(&self.0, 0);
        fields.varint()?;
        // The attributes of a record have no meaning in magic 2.
        fields.at += 1;
        fields.varint()?;
        fields.varint()?;
        fields.bytes()?;
        let mut parts = Parts {
            exchange: Bytes::new(),
            routing_key: Bytes::new(),
            properties: Bytes::new(),
            body: fields.bytes()?,
        };
        for _ in 0..fields.varint()? {
            let (key, value) = (fields.bytes()?, fields.bytes()?);
            match &key[..] {
                EXCHANGE => parts.exchange = value,
                ROUTING_KEY => parts.routing_key = value,
                PROPERTIES => parts.properties = value,
                _ => {}
            }
        }
        Ok(parts)
    }
}
