//! Opening queues: at the start those that are in the log, others when something is sent to them.

use super::Driver;
use crate::queues::catalog_directory::declared as declared_in;
use crate::queues::io::Input;
use crate::queues::level::LevelState;
use crate::queues::settings::Declared;
use commitlog::{Closed, ShardHandle};
use futures_util::StreamExt;
use futures_util::stream;
use std::sync::Arc;

/// Queues that are opened at the same time at the start.
const OPENING_MAX: usize = 64;

impl Driver {
    /// Opens the queues that are wanted, those of them that exist.
    pub(super) async fn open_wanted(&mut self) -> Result<(), Closed> {
        while let Some(queue) = self.wanted.pop() {
            let found = self.parts.directory.queue(queue);
            match found.filter(|found| found.shard == self.parts.machine.shard()) {
                Some(declared) => {
                    let levels = levels_of(&self.shard, &declared).await?;
                    self.input(Input::Opened { declared, levels });
                }
                None => self.input(Input::Missing { queue }),
            }
        }
        Ok(())
    }

    /// Opens all stored queues of the shard, so that what is due in them happens whether or not anybody asks.
    pub(super) async fn open_all(&mut self) -> Result<(), Closed> {
        let shard_id = self.parts.machine.shard();
        let topology = self.parts.catalog.topology();
        let stored = topology
            .queues()
            .filter(|queue| queue.shard == shard_id && queue.is_stored());
        let declared: Vec<_> = stored.map(|queue| Arc::new(declared_in(queue))).collect();
        let shard = self.shard.clone();
        let opening = declared.into_iter().map(|declared| {
            let shard = shard.clone();
            async move { (levels_of(&shard, &declared).await, declared) }
        });
        let mut opened = stream::iter(opening).buffered(OPENING_MAX);
        while let Some((levels, declared)) = opened.next().await {
            self.input(Input::Opened {
                levels: levels?,
                declared,
            });
        }
        Ok(())
    }
}

/// What the log knows of a queue's levels.
async fn levels_of(shard: &ShardHandle, declared: &Declared) -> Result<Vec<LevelState>, Closed> {
    let mut levels = Vec::new();
    if !declared.stored {
        return Ok(levels);
    }
    for level in 0..u64::from(declared.settings.levels.max(1)) {
        let stream = base::StreamId(declared.id.0 + level);
        let (stream, cursor) = shard.open_queue(stream).await?;
        levels.push(LevelState {
            cursor,
            end: stream.bounds().high_watermark,
            bytes: stream.bytes(),
        });
    }
    Ok(levels)
}
