//! Exchanges, and their durable form.

use super::VERSION;
use base::{Packer, Truncated, Unpacker};
use bytes::Bytes;
use std::sync::Arc;

/// Exchanges that every vhost has: name, kind, and whether clients may not publish to it.
pub(super) const PREDECLARED: &[(&str, &str, bool)] = &[
    ("", "direct", false),
    ("amq.direct", "direct", false),
    ("amq.fanout", "fanout", false),
    ("amq.headers", "headers", false),
    ("amq.match", "headers", false),
    ("amq.rabbitmq.trace", "topic", true),
    ("amq.topic", "topic", false),
];

/// Where messages are published to: routes them by its bindings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The vhost that it is in.
    pub vhost: Arc<str>,
    /// Its name, unique among the exchanges of its vhost; empty: the default exchange.
    pub name: Arc<str>,
    /// How it routes. Which kinds there are is the face's business.
    pub kind: Arc<str>,
    /// Whether it survives a restart.
    pub durable: bool,
    /// Whether it goes when the last binding from it is removed.
    pub auto_delete: bool,
    /// Whether only other exchanges may publish to it.
    pub internal: bool,
    /// The arguments of its declaration: an AMQP field table without its length, opaque here.
    pub arguments: Bytes,
}

impl Exchange {
    /// Whether it is made with its vhost and lives as long.
    #[must_use]
    pub fn is_predeclared(&self) -> bool {
        PREDECLARED.iter().any(|(name, ..)| **name == *self.name)
    }

    /// The exchanges that a vhost begins with. They are not written: the vhost stands for them.
    pub(super) fn predeclared(vhost: &Arc<str>) -> impl Iterator<Item = Self> {
        PREDECLARED.iter().map(|(name, kind, internal)| Self {
            vhost: vhost.clone(),
            name: Arc::from(*name),
            kind: Arc::from(*kind),
            durable: true,
            auto_delete: false,
            internal: *internal,
            arguments: Bytes::new(),
        })
    }

    /// The part of its cell's key that tells it from other exchanges.
    pub(crate) fn key(&self) -> Bytes {
        let mut key = Packer::new();
        key.str(&self.vhost).str(&self.name);
        key.finish()
    }

    pub(crate) fn pack(&self) -> Bytes {
        let mut packer = Packer::new();
        packer
            .u8(VERSION)
            .str(&self.kind)
            .u8(u8::from(self.auto_delete))
            .u8(u8::from(self.internal))
            .bytes(&self.arguments);
        packer.finish()
    }

    pub(crate) fn unpack(key: Bytes, value: Bytes) -> Result<Self, Truncated> {
        let (mut key, mut input) = (Unpacker::new(key), Unpacker::new(value));
        if input.u8()? != VERSION {
            return Err(Truncated);
        }
        Ok(Self {
            vhost: key.str()?.into(),
            name: key.str()?.into(),
            kind: input.str()?.into(),
            durable: true,
            auto_delete: input.u8()? != 0,
            internal: input.u8()? != 0,
            arguments: input.bytes()?,
        })
    }
}
