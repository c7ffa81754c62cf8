//! What must be done now and then: indexes of complete files, checkpoints, retention, removal of files.

mod rewrite;

use super::Log;
use crate::checkpoint::{self, Checkpoint};
use crate::file_index;
use crate::shard::Command;
use crate::writer::Closed;
use base::{ShardId, Timestamp};
use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::Ordering;

/// Checkpoints that are kept: the newest, and one before it in case that is damaged.
const CHECKPOINTS_KEPT: u64 = 2;

/// How far it is.
pub(super) struct Upkeep {
    pub(super) checkpoint_next: u64,
    /// The file that was being written when the last checkpoint was made.
    pub(super) checkpoint_file: u64,
    /// From which file on the newest checkpoint is replayed.
    pub(super) replay_from: u64,
    /// From which file on the oldest kept checkpoint is replayed: files before it may go when no
    /// stream refers to them.
    pub(super) kept_from: u64,
    /// Every file before this one has its index, be it empty.
    pub(super) sealed_before: u64,
}

/// Why the log could not be looked after. The next call tries again.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The store did not do what it was asked.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The log takes no more writes.
    #[error(transparent)]
    Closed(#[from] Closed),
}

impl Log {
    /// Looks after the log: writes indexes of complete files, makes a checkpoint when a file has
    /// been filled since the last, and watches the space that is left. To be called every second or so.
    pub async fn look_after(&self) -> Result<(), UpkeepError> {
        self.progress.check_space(&*self.ground.wal);
        let active = self.progress.active_file.load(Ordering::Relaxed);
        let mut upkeep = self.upkeep.lock().await;
        self.seal_before(&mut upkeep, active).await?;
        if active > upkeep.checkpoint_file {
            self.checkpoint(&mut upkeep, active).await?;
        }
        Ok(())
    }

    /// Lets go what the streams' policies no longer keep at `now`, and files that nothing refers to.
    pub async fn retain(&self, now: Timestamp) -> Result<(), UpkeepError> {
        for stream in self.streams.all() {
            if let Some(offset) = stream
                .retention_point(now.0)
                .filter(|offset| *offset > stream.bounds().log_start)
            {
                self.shard(stream.shard()).trim(stream.id(), offset).await?;
            }
        }
        let age = i64::try_from(self.options.producer_expiration.as_millis()).unwrap_or(i64::MAX);
        for shard in &self.shards {
            shard
                .send(Command::ExpireProducers(Timestamp(
                    now.0.saturating_sub(age),
                )))
                .await?;
        }
        self.remove_unused_files().await
    }

    /// Ends the current file, and makes a checkpoint, so that the next start replays nothing.
    pub async fn close(&self) -> Result<(), UpkeepError> {
        let mut upkeep = self.upkeep.lock().await;
        // Everything submitted before must be in the file that ends here.
        self.flush().await?;
        let next = self.ground.wal.roll();
        // What others submitted meanwhile may have gone into that file and be known to the WAL only.
        self.flush().await?;
        self.seal_before(&mut upkeep, next).await?;
        if self.progress.blocks.load(Ordering::Relaxed) > 0 || upkeep.replay_from < next {
            self.checkpoint(&mut upkeep, next).await?;
        }
        Ok(())
    }

    /// Returns when everything submitted before is durable and can be read.
    async fn flush(&self) -> Result<(), Closed> {
        for shard in &self.shards {
            shard.write(Vec::new()).await?;
        }
        Ok(())
    }

    /// Writes the indexes of all files before `active` that have none yet. A file without batches
    /// gets one too, so that the next start need not look into it.
    async fn seal_before(&self, upkeep: &mut Upkeep, active: u64) -> io::Result<()> {
        if active <= upkeep.sealed_before {
            return Ok(());
        }
        let unsealed = upkeep.sealed_before..active;
        let streams = self.streams.all();
        for file in self.ground.wal.files().await? {
            if !unsealed.contains(&file) {
                continue;
            }
            let mut runs = Vec::new();
            for stream in &streams {
                let moved = stream.moved_entries(file).into_iter();
                runs.extend(moved.map(|entry| (stream.id(), vec![entry])));
                let run = stream.run_entries(file);
                runs.extend((!run.is_empty()).then(|| (stream.id(), run)));
            }
            let (body, pages) = file_index::pack(file, &runs);
            self.indexes.write(file, body).await?;
            for stream in &streams {
                stream.seal(
                    file,
                    pages
                        .iter()
                        .filter(|(id, _)| *id == stream.id())
                        .map(|(_, page)| *page),
                );
            }
            // One by one: a file that has its index must not get another, from what is left in memory.
            upkeep.sealed_before = file + 1;
        }
        upkeep.sealed_before = active;
        Ok(())
    }

    /// Writes what all shards know; frames of `replay_from` and later files may be missing in it.
    async fn checkpoint(&self, upkeep: &mut Upkeep, replay_from: u64) -> Result<(), UpkeepError> {
        let mut shards = Vec::new();
        for shard in &self.shards {
            shards.push(shard.ask(Command::Snapshot).await??);
        }
        let number = upkeep.checkpoint_next;
        let body = Checkpoint {
            replay_from,
            shards,
        }
        .pack();
        // A try whose answer was lost may have left an older state under its number.
        upkeep.checkpoint_next = number + 1;
        self.ground
            .objects
            .create(&checkpoint::name(number), body)
            .await?;
        upkeep.checkpoint_file = replay_from;
        self.shard(ShardId(0))
            .ask(|reply| Command::Mark(number, reply))
            .await??;
        upkeep.kept_from = std::mem::replace(&mut upkeep.replay_from, replay_from);
        for name in self.ground.objects.list(checkpoint::PREFIX).await? {
            if name
                .parse::<u64>()
                .is_ok_and(|old| old + CHECKPOINTS_KEPT <= number)
            {
                self.ground
                    .objects
                    .delete(&format!("{}/{name}", checkpoint::PREFIX))
                    .await?;
            }
        }
        tracing::debug!(number, replay_from, "checkpoint written");
        Ok(())
    }

    async fn remove_unused_files(&self) -> Result<(), UpkeepError> {
        // Nobody may seal or checkpoint meanwhile.
        let upkeep = self.upkeep.lock().await;
        let streams = self.streams.all();
        streams.iter().for_each(|stream| stream.forget_settled());
        self.remove_unused(&upkeep).await?;
        if self.empty_a_file(&upkeep).await? {
            self.remove_unused(&upkeep).await?;
        }
        Ok(())
    }

    async fn remove_unused(&self, upkeep: &Upkeep) -> io::Result<()> {
        let mut used = BTreeSet::new();
        for stream in self.streams.all() {
            stream.for_each_file(|file| {
                used.insert(file);
            });
        }
        for file in self.ground.wal.files().await? {
            if file < upkeep.kept_from && !used.contains(&file) {
                self.ground.wal.remove(file).await?;
                self.indexes.remove(file).await?;
                tracing::info!(file, "a WAL file that nothing refers to was removed");
            }
        }
        Ok(())
    }
}
