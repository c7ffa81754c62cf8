//! What goes into a host machine and what comes out of it.

use super::level::LevelState;
use super::settings::Declared;
use crate::mail::{Notice, QueueId, Request, SessionId};
use crate::run::Run;
use base::{Offset, ShardId, StreamId};
use bytes::Bytes;
use commitlog::Entry;
use std::sync::Arc;

/// What a host is told.
#[derive(Debug)]
pub enum Input {
    /// A session wants something. The queues that it names were opened if they exist.
    Request {
        /// Who.
        session: SessionId,
        /// What.
        request: Request,
    },
    /// A queue that exists, with what the log knows of each of its levels; nothing where it is not stored.
    Opened {
        /// The queue.
        declared: Arc<Declared>,
        /// Its levels.
        levels: Vec<LevelState>,
    },
    /// A queue that was asked for by [`Effect::Open`] does not exist.
    Missing {
        /// The queue.
        queue: QueueId,
    },
    /// The oldest commit that was under way is durable.
    Landed,
    /// What [`Effect::Read`] asked for.
    Loaded {
        /// Of the effect.
        read: Read,
        /// The batches with their base offsets, or nothing where the log did not answer.
        outcome: Option<Batches>,
    },
    /// What [`Effect::Undeclare`] asked for is done.
    Undeclared {
        /// The queue.
        queue: QueueId,
    },
    /// Something from another host.
    Mail(HostMail),
    /// A time has come.
    Tick,
}

/// Batches of one stream.
#[derive(Debug)]
pub struct Batches {
    /// Each with its base offset in the stream.
    pub batches: Vec<(Offset, Bytes)>,
    /// The offset up to which they hold all that there is.
    pub end: Offset,
}

/// A place to read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// For which queue.
    pub queue: QueueId,
    /// For which of its levels.
    pub level: u8,
    /// The level's stream.
    pub stream: StreamId,
    /// The first offset that is wanted.
    pub offset: Offset,
}

/// What a host wants done, in this order.
#[derive(Debug)]
pub enum Effect {
    /// Sends something to a session.
    Notify(SessionId, Notice),
    /// Makes entries durable together, after those of earlier commits; answered by [`Input::Landed`].
    Commit(Vec<Entry>),
    /// Reads batches from an offset on; answered by [`Input::Loaded`].
    Read(Read),
    /// Opens a queue that a dead letter goes to; answered by [`Input::Opened`] or [`Input::Missing`].
    Open(QueueId),
    /// Removes a queue from the catalog, with its streams; answered by [`Input::Undeclared`].
    Undeclare(QueueId),
    /// Sends something to another shard's host.
    Send(ShardId, HostMail),
}

/// What hosts send to each other.
#[derive(Debug, Clone)]
pub enum HostMail {
    /// Dead letters, durable in the sender's outbox.
    Letters {
        /// The sender.
        from: ShardId,
        /// Which of its letters to this shard it is. They come in order.
        ordinal: u64,
        /// The one that was sent before it and is not known to have arrived; 0 where there is none.
        previous: u64,
        /// Queues of the receiver's shard.
        targets: Vec<QueueId>,
        /// The messages.
        run: Run,
    },
    /// A letter came that does not follow the last one: those behind `after` are to be sent again, in order.
    Again {
        /// By whose host.
        by: ShardId,
        /// The last one that was taken.
        after: u64,
    },
    /// Dead letters have been taken, durably.
    Taken {
        /// By whose host.
        by: ShardId,
        /// Which.
        ordinal: u64,
    },
}
