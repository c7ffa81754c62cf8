//! Bindings, and their durable form.

use super::VERSION;
use base::{Packer, Truncated, Unpacker};
use bytes::Bytes;
use std::sync::Arc;

/// Where a binding leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// The queue of this name.
    Queue(Arc<str>),
    /// The exchange of this name.
    Exchange(Arc<str>),
}

impl Destination {
    /// The queue's or the exchange's name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        match self {
            Self::Queue(name) | Self::Exchange(name) => name,
        }
    }
}

/// A rule of an exchange: which messages go where. All of it together is its identity.
///
/// It is as durable as the less durable of its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The vhost that both ends are in.
    pub vhost: Arc<str>,
    /// The exchange that messages come from.
    pub source: Arc<str>,
    /// Where they go.
    pub destination: Destination,
    /// What the exchange compares with the message's routing key.
    pub routing_key: Arc<str>,
    /// Further conditions: an AMQP field table without its length, opaque here.
    pub arguments: Bytes,
}

impl Binding {
    /// The part of its cell's key that tells it from other bindings: all of it.
    pub(crate) fn key(&self) -> Bytes {
        let mut key = Packer::new();
        key.str(&self.vhost).str(&self.source);
        match &self.destination {
            Destination::Queue(name) => key.u8(0).str(name),
            Destination::Exchange(name) => key.u8(1).str(name),
        };
        key.str(&self.routing_key).bytes(&self.arguments);
        key.finish()
    }

    /// The value says that there is such a binding; everything else is in the key.
    pub(crate) fn pack() -> Bytes {
        Bytes::from_static(&[VERSION])
    }

    pub(crate) fn unpack(key: Bytes, value: Bytes) -> Result<Self, Truncated> {
        let mut key = Unpacker::new(key);
        if Unpacker::new(value).u8()? != VERSION {
            return Err(Truncated);
        }
        let (vhost, source) = (key.str()?.into(), key.str()?.into());
        let destination = match key.u8()? {
            0 => Destination::Queue(key.str()?.into()),
            1 => Destination::Exchange(key.str()?.into()),
            _ => return Err(Truncated),
        };
        Ok(Self {
            vhost,
            source,
            destination,
            routing_key: key.str()?.into(),
            arguments: key.bytes()?,
        })
    }
}
