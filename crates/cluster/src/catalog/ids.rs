//! The allocation of streams.

use super::{NEXT_STREAM, STREAMS_MAX, packed};
use crate::topic::Partition;
use base::{ShardId, StreamId};
use bytes::Bytes;
use commitlog::{Cell, Kind};

/// Stream ids that are logged as given out at once, so that queues that are never written cost a sync
/// only now and then. A multiple of every usual number of shards.
const RESERVED: u64 = 1024;

/// Which stream comes next. No id is given out twice, not even that of a queue that was never written: a dead
/// letter on its way may name it.
#[derive(Debug, Clone)]
pub(super) struct Ids {
    /// Number of shards.
    shards: u16,
    /// The id that comes next.
    next: u64,
    /// Ids below it are logged as given out.
    logged: u64,
    /// Streams that are stored.
    stored: usize,
}

impl Ids {
    pub(super) fn new(shards: u16, next: u64, stored: usize) -> Self {
        Self {
            shards,
            next,
            logged: next,
            stored,
        }
    }

    /// New stored streams, round-robin over the shards; `None` where there would be too many.
    pub(super) fn spread(&mut self, count: u32) -> Option<Vec<Partition>> {
        self.store(count as usize)?;
        let first = self.next;
        self.next += u64::from(count);
        let partition = |id| Partition {
            stream: StreamId(id),
            shard: self.shard(id),
        };
        Some((first..self.next).map(partition).collect())
    }

    /// The first of `count` consecutive streams, which are all in its shard; `None` where there would be
    /// too many that are stored.
    pub(super) fn together(&mut self, count: u16, stored: bool) -> Option<Partition> {
        if stored {
            self.store(usize::from(count))?;
        }
        let first = self.next;
        self.next += u64::from(count);
        Some(Partition {
            stream: StreamId(first),
            shard: self.shard(first),
        })
    }

    /// Streams are stored no longer.
    pub(super) fn release(&mut self, count: usize) {
        self.stored = self.stored.saturating_sub(count);
    }

    /// The cell that must be durable before anybody hears of the ids that were given out; `None` where
    /// it is.
    pub(super) fn reserve(&mut self) -> Option<Cell> {
        if self.next <= self.logged {
            return None;
        }
        self.logged = self.next.next_multiple_of(RESERVED);
        Some(Cell {
            kind: Kind::Catalog,
            key: Bytes::from_static(NEXT_STREAM),
            value: Some(packed(self.logged)),
        })
    }

    fn store(&mut self, count: usize) -> Option<()> {
        let stored = self.stored + count;
        (stored <= STREAMS_MAX).then(|| self.stored = stored)
    }

    fn shard(&self, id: u64) -> ShardId {
        ShardId(u16::try_from(id % u64::from(self.shards)).unwrap_or(0))
    }
}
