//! Queues, and their durable form.

use super::VERSION;
use base::{Packer, ShardId, StreamId, Timestamp, Truncated, Unpacker};
use bytes::Bytes;
use std::sync::Arc;

/// What a queue promises by default. Both kinds are kept in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueKind {
    /// `x-queue-type: classic`, or none.
    Classic,
    /// `x-queue-type: quorum`.
    Quorum,
}

impl QueueKind {
    const NUMBERS: [(Self, u8); 2] = [(Self::Classic, 0), (Self::Quorum, 1)];

    /// As `x-queue-type` names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Quorum => "quorum",
        }
    }
}

/// A queue that is to be declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewQueue {
    /// The vhost that it will be in.
    pub vhost: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its kind.
    pub kind: QueueKind,
    /// Whether it shall survive a restart. An exclusive queue never does.
    pub durable: bool,
    /// Whether it goes with its last consumer.
    pub auto_delete: bool,
    /// The session that alone may use it, and that it goes with.
    pub exclusive: Option<u64>,
    /// Number of priority levels, each a stream; 0 counts as 1.
    pub levels: u16,
    /// The arguments of its declaration: an AMQP field table without its length, opaque here.
    pub arguments: Bytes,
}

/// A queue as it was declared. What is in it is its host's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// The stream of its level 0; the other levels follow. Never used again.
    pub id: StreamId,
    /// The shard that all of its streams are in.
    pub shard: ShardId,
    /// The vhost that it is in.
    pub vhost: Arc<str>,
    /// Its name, unique among the queues of its vhost.
    pub name: Arc<str>,
    /// Its kind.
    pub kind: QueueKind,
    /// Whether it was declared durable; see [`Self::is_stored`].
    pub durable: bool,
    /// Whether it goes with its last consumer.
    pub auto_delete: bool,
    /// The session that alone may use it, and that it goes with.
    pub exclusive: Option<u64>,
    /// Number of priority levels, at least 1.
    pub levels: u16,
    /// The arguments of its declaration: an AMQP field table without its length, opaque here.
    pub arguments: Bytes,
    /// When it was made.
    pub created: Timestamp,
}

impl Queue {
    /// Whether it survives a restart and its messages are in the log: it is durable and not exclusive.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.durable && self.exclusive.is_none()
    }

    /// The streams of its levels, from level 0 on.
    pub fn streams(&self) -> impl ExactSizeIterator<Item = StreamId> + use<> {
        let first = self.id.0;
        (0..self.levels).map(move |level| StreamId(first + u64::from(level)))
    }

    /// The part of its cell's key that tells it from other queues.
    pub(crate) fn key(&self) -> Bytes {
        let mut key = Packer::new();
        key.str(&self.vhost).str(&self.name);
        key.finish()
    }

    pub(crate) fn pack(&self) -> Bytes {
        let kind = QueueKind::NUMBERS
            .iter()
            .find(|(kind, _)| *kind == self.kind);
        let mut packer = Packer::new();
        packer
            .u8(VERSION)
            .u64(self.id.0)
            .u16(self.shard.0)
            .u8(kind.map_or(0, |(_, number)| *number))
            .u8(u8::from(self.auto_delete))
            .u16(self.levels)
            .i64(self.created.0)
            .bytes(&self.arguments);
        packer.finish()
    }

    pub(crate) fn unpack(key: Bytes, value: Bytes) -> Result<Self, Truncated> {
        let (mut key, mut input) = (Unpacker::new(key), Unpacker::new(value));
        if input.u8()? != VERSION {
            return Err(Truncated);
        }
        let (id, shard, kind) = (StreamId(input.u64()?), ShardId(input.u16()?), input.u8()?);
        let kind = QueueKind::NUMBERS
            .iter()
            .find(|(_, number)| *number == kind)
            .ok_or(Truncated)?
            .0;
        let (auto_delete, levels) = (input.u8()? != 0, input.u16()?);
        if levels == 0 || id.0.checked_add(u64::from(levels)).is_none() {
            return Err(Truncated);
        }
        Ok(Self {
            id,
            shard,
            vhost: key.str()?.into(),
            name: key.str()?.into(),
            kind,
            durable: true,
            auto_delete,
            exclusive: None,
            levels,
            created: Timestamp(input.i64()?),
            arguments: input.bytes()?,
        })
    }
}
