//! Emptying a file of which little is wanted: one stuck message shall keep no large file.

use super::{Log, Upkeep, UpkeepError};
use crate::commit::Place;
use crate::index::{Entry, Page};
use crate::shard::Command;
use crate::stream::Stream;
use base::ShardId;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A file is emptied when no more than one byte of so many is wanted: that many times less is written
/// than becomes free.
const WANTED_SHARE: u64 = 16;
/// Bytes that are moved at once at most: a sixteenth of a file of 128 MiB. They are in memory meanwhile.
const MOVED_BYTES_MAX: u64 = 8 << 20;

/// The pages of a file that only queues refer to, with their streams.
type Pages = Vec<(Arc<Stream>, Page)>;

impl Log {
    /// Moves what is wanted of one file that is nearly empty; whether there was such a file.
    pub(super) async fn empty_a_file(&self, upkeep: &Upkeep) -> Result<bool, UpkeepError> {
        // Whoever waits for space must not be who makes it.
        if self.progress.full.load(Ordering::Relaxed) {
            return Ok(false);
        }
        for file in self.ground.wal.files().await? {
            if file >= upkeep.kept_from {
                break;
            }
            let Some(pages) = self.pages_of(file).filter(|pages| !pages.is_empty()) else {
                continue;
            };
            let limit = (self.ground.wal.len(file).await? / WANTED_SHARE).min(MOVED_BYTES_MAX);
            let Some(wanted) = self.wanted(pages, limit).await? else {
                continue;
            };
            // Where all that is wanted is damaged, the file stays, and others have their turn.
            if self.move_all(file, wanted).await? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The pages of a file, where only queues refer to it and most of what they list is settled.
    fn pages_of(&self, file: u64) -> Option<Pages> {
        let mut all = Pages::new();
        for stream in self.streams.all() {
            for (page, live) in stream.live_pages(file)? {
                let listed = u64::try_from(page.last_offset - page.base_offset + 1).unwrap_or(0);
                // Batches are wanted whole, so this is no more than a first look: a page of few batches
                // is looked into all the same.
                if page.count > 64 && live * 2 > listed {
                    return None;
                }
                all.push((stream.clone(), page));
            }
        }
        Some(all)
    }

    /// The wanted batches of the pages; `None` where they have more bytes than `limit`.
    async fn wanted(
        &self,
        pages: Pages,
        limit: u64,
    ) -> Result<Option<Vec<(Arc<Stream>, Entry)>>, UpkeepError> {
        let (mut wanted, mut bytes) = (Vec::new(), 0);
        for (stream, page) in pages {
            let entries = self.reader.page(stream.id(), &page).await?;
            for entry in entries.iter().filter(|entry| stream.wants(entry)) {
                bytes += u64::from(entry.len);
                if bytes > limit {
                    return Ok(None);
                }
                wanted.push((stream.clone(), *entry));
            }
        }
        Ok(Some(wanted))
    }

    /// Writes the batches once more. All of a shard's go with one submission, so that a page is never
    /// moved in part. Returns how many were moved.
    async fn move_all(
        &self,
        file: u64,
        wanted: Vec<(Arc<Stream>, Entry)>,
    ) -> Result<usize, UpkeepError> {
        let mut moved = 0;
        let mut shards: BTreeMap<ShardId, Vec<_>> = BTreeMap::new();
        for (stream, entry) in wanted {
            let place = Place {
                stream: stream.id(),
                offset: entry.base_offset,
            };
            // What is damaged is reported by the reader, and stays behind.
            if let Some(batch) = self.reader.batch(stream.id(), file, &entry).await? {
                shards
                    .entry(stream.shard())
                    .or_default()
                    .push((place, batch));
            }
        }
        for (shard, batches) in shards {
            let count = batches.len();
            let command = |reply| Command::Move(batches, reply);
            self.shard(shard).ask(command).await??;
            moved += count;
            tracing::info!(file, %shard, count, "what is wanted of a nearly empty WAL file was moved");
        }
        Ok(moved)
    }
}
