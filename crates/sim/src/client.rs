//! Those who use the log in a run. Each is a future that ends when the log closes or its work is done.

mod cells;
mod idempotent;
mod janitor;
mod plain;
mod queues;
mod reader;

pub(crate) use cells::write_cells;
pub(crate) use idempotent::produce_idempotently;
pub(crate) use janitor::{look_after, new_stream, open_stream};
pub(crate) use plain::{filler_len, produce};
pub(crate) use queues::{check_queues, own_queues};
pub(crate) use reader::{follow, missed_bells, read_everything};

use crate::clock::SimClock;
use crate::model::Shared;
use crate::rng::Rng;
use crate::trace::Trace;
use base::{ShardId, StreamId};
use commitlog::{Log, ShardHandle};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// What the faults that are on right now excuse.
#[derive(Debug, Default)]
pub(crate) struct Excuses {
    /// Space is short, or was until a moment ago.
    pub(crate) full: AtomicBool,
    /// The disk fails to sync.
    pub(crate) failing: AtomicBool,
}

/// What every client has.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) log: Arc<Log>,
    pub(crate) clock: SimClock,
    pub(crate) model: Shared,
    pub(crate) trace: Trace,
    pub(crate) excuses: Arc<Excuses>,
    /// Becomes true when clients should finish.
    pub(crate) stop: watch::Receiver<bool>,
}

impl Context {
    pub(crate) fn stopping(&self) -> bool {
        *self.stop.borrow()
    }

    pub(crate) fn shard_of(&self, stream: StreamId) -> &ShardHandle {
        let shard = stream.0 % self.log.shards().len() as u64;
        self.log.shard(ShardId(u16::try_from(shard).unwrap_or(0)))
    }

    pub(crate) fn is_full(&self) -> bool {
        self.excuses.full.load(Ordering::Relaxed)
    }

    pub(crate) fn is_failing(&self) -> bool {
        self.excuses.failing.load(Ordering::Relaxed)
    }

    /// A little time between one thing and the next, or none.
    pub(crate) async fn linger(&self, rng: &mut Rng, ms_max: u64) {
        if rng.one_in(3) {
            let ms = rng.between(1, ms_max);
            self.clock.sleep_ms(ms).await;
        }
    }
}
