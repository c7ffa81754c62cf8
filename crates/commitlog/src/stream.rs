//! One stream as readers see it: what is durable, where it lies, and a bell for those who wait for more.
//!
//! Readers never enter the shard's task. What they share with the writer is this small state behind
//! a lock that is held for the length of an index look-up (decision 0004).

use crate::commit::Settle;
use crate::cursor::Cursor;
use crate::index::{Entry, Found, Index, Page};
use base::{Epoch, Offset, ShardId, StreamId};
use fail::fail_point;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::Notify;

/// How long a stream keeps what was written to it, and how it stamps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// Age in milliseconds beyond which batches go; `None`: no limit.
    pub retention_ms: Option<i64>,
    /// Length in bytes beyond which the oldest batches go; `None`: no limit.
    pub retention_bytes: Option<u64>,
    /// Whether batches get the broker's time instead of the producer's.
    pub log_append_time: bool,
}

/// What can be read of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The first offset that can still be read.
    pub log_start: Offset,
    /// The offset behind the last durable record (Kafka's *high watermark*).
    pub high_watermark: Offset,
}

/// A stream's shared state.
#[derive(Debug)]
pub struct Stream {
    id: StreamId,
    shard: ShardId,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    log_start: Offset,
    high_watermark: Offset,
    /// Each epoch under which something was written, with its first offset.
    epochs: Vec<(Epoch, Offset)>,
    index: Index,
    policy: Policy,
    waiting: Vec<Arc<Notify>>,
    removed: bool,
    /// What is durably settled of it, where it is a queue's.
    cursor: Option<Cursor>,
    /// Something was settled since the index was last rid of what is.
    untidy: bool,
}

impl Stream {
    pub(crate) fn new(id: StreamId, shard: ShardId) -> Self {
        Self {
            id,
            shard,
            state: RwLock::default(),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stream's id.
    #[must_use]
    pub fn id(&self) -> StreamId {
        self.id
    }

    /// The shard that it belongs to.
    #[must_use]
    pub fn shard(&self) -> ShardId {
        self.shard
    }

    /// What can be read now.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        let state = self.read();
        Bounds {
            log_start: state.log_start,
            high_watermark: state.high_watermark,
        }
    }

    /// Length of all batches in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.read().index.bytes()
    }

    /// Whether the stream was removed; it takes and gives nothing any more.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.read().removed
    }

    /// How long batches are kept, and how they are stamped.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.read().policy
    }

    /// Sets how long batches are kept, and how they are stamped.
    pub fn set_policy(&self, policy: Policy) {
        self.write().policy = policy;
    }

    /// Each epoch under which something was written, with its first offset, ascending.
    #[must_use]
    pub fn epochs(&self) -> Vec<(Epoch, Offset)> {
        self.read().epochs.clone()
    }

    /// The epoch under which the record at `offset` was written.
    #[must_use]
    pub fn epoch_at(&self, offset: Offset) -> Option<Epoch> {
        let state = self.read();
        let after = state.epochs.partition_point(|(_, start)| *start <= offset);
        after.checked_sub(1).map(|last| state.epochs[last].0)
    }

    /// Rings `bell` once when something is published, trimmed or removed from now on.
    pub fn notify_next(&self, bell: &Arc<Notify>) {
        self.write().waiting.push(bell.clone());
    }

    /// Takes back what [`Self::notify_next`] asked for.
    pub fn forget(&self, bell: &Arc<Notify>) {
        self.write()
            .waiting
            .retain(|waiting| !Arc::ptr_eq(waiting, bell));
    }

    /// Makes durable batches visible. They follow each other and what is visible already.
    pub(crate) fn publish(
        &self,
        file: u64,
        epoch: Epoch,
        entries: impl IntoIterator<Item = Entry>,
    ) {
        let mut state = self.write();
        for entry in entries {
            state.note(file, epoch, entry);
        }
        let bells = std::mem::take(&mut state.waiting);
        drop(state);
        for bell in bells {
            bell.notify_one();
        }
    }

    /// Moves the log start up, durably decided.
    pub(crate) fn trim(&self, log_start: Offset) {
        let mut state = self.write();
        state.trim(log_start);
        let bells = std::mem::take(&mut state.waiting);
        drop(state);
        for bell in bells {
            bell.notify_one();
        }
    }

    /// Makes it a queue's stream.
    pub(crate) fn set_cursor(&self, cursor: Cursor) {
        self.write().cursor = Some(cursor);
    }

    /// Settles offsets, durably decided. The log start follows the cursor's floor.
    pub(crate) fn settle(&self, settle: &Settle) {
        let mut state = self.write();
        let Some(cursor) = &mut state.cursor else {
            return;
        };
        settle.apply(cursor);
        let floor = cursor.floor();
        state.untidy = true;
        if floor > state.log_start {
            state.trim(floor);
        }
    }

    /// Forgets where batches lie that are settled as a whole, by pages and runs, so that they keep no file.
    pub(crate) fn forget_settled(&self) {
        if !self.read().untidy {
            return;
        }
        let mut state = self.write();
        state.untidy = false;
        let State { index, cursor, .. } = &mut *state;
        if let Some(cursor) = cursor {
            index.forget(|first, last| are_settled(cursor, first, last));
        }
    }

    pub(crate) fn remove(&self) {
        let mut state = self.write();
        state.removed = true;
        state.index = Index::default();
        state.cursor = None;
        for bell in std::mem::take(&mut state.waiting) {
            bell.notify_one();
        }
    }

    /// Sets what a checkpoint says, before anything else is known.
    pub(crate) fn restore(
        &self,
        log_start: Offset,
        high_watermark: Offset,
        epochs: Vec<(Epoch, Offset)>,
        cursor: Option<Cursor>,
    ) {
        let mut state = self.write();
        state.untidy = cursor.is_some();
        state.cursor = cursor;
        state.log_start = log_start;
        state.high_watermark = high_watermark;
        state.epochs = epochs;
    }

    /// All offsets below `end` have been given out, durably, whether or not their batches are left.
    pub(crate) fn reach(&self, end: Offset) {
        let mut state = self.write();
        state.high_watermark = state.high_watermark.max(end);
    }

    pub(crate) fn push_page(&self, page: Page) {
        let mut state = self.write();
        if page.last_offset >= state.log_start
            && !state.is_settled(page.base_offset, page.last_offset)
        {
            state.index.push_page(page);
        }
    }

    pub(crate) fn seal(&self, file: u64, pages: impl IntoIterator<Item = Page>) {
        self.write().index.seal(file, pages);
    }

    pub(crate) fn find(&self, offset: Offset, bytes_max: usize) -> Option<Found> {
        self.read().index.find(offset, bytes_max)
    }

    pub(crate) fn find_timestamp(&self, timestamp: i64, from: Offset) -> Option<Found> {
        self.read().index.find_timestamp(timestamp, from)
    }

    /// The largest timestamp of any batch, milliseconds since 1970.
    #[must_use]
    pub fn max_timestamp(&self) -> Option<i64> {
        self.read().index.max_timestamp()
    }

    /// Batches now lie in `file`, durably. They were moved together.
    pub(crate) fn publish_moved(&self, file: u64, entries: impl IntoIterator<Item = Entry>) {
        let mut state = self.write();
        for entry in entries {
            state.high_watermark = state.high_watermark.max(entry.last_offset() + 1);
            if entry.last_offset() >= state.log_start
                && !state.is_settled(entry.base_offset, entry.last_offset())
            {
                state.index.push_moved(file, entry);
            } else {
                state.index.forget_origin(entry.base_offset);
            }
        }
    }

    /// The batches that were moved to `file`, as long as it has no index.
    pub(crate) fn moved_entries(&self, file: u64) -> Vec<Entry> {
        self.read().index.moved_to(file).collect()
    }

    /// The stream's pages in `file`, each with how many of its offsets are not settled; `None` where
    /// it is no queue's, or has something there that is not in a page.
    pub(crate) fn live_pages(&self, file: u64) -> Option<Vec<(Page, u64)>> {
        let state = self.read();
        let files = state.index.files().filter(|of| *of == file).count();
        let pages: Vec<_> = state
            .index
            .pages()
            .filter(|page| page.file == file)
            .collect();
        if files == 0 {
            return Some(Vec::new());
        }
        let cursor = state.cursor.as_ref().filter(|_| files == pages.len())?;
        let live = |page: &Page| {
            let below = cursor.unsettled_count(page.last_offset + 1);
            below - cursor.unsettled_count(page.base_offset)
        };
        Some(pages.into_iter().map(|page| (page, live(&page))).collect())
    }

    /// Whether something of a batch is not settled.
    pub(crate) fn wants(&self, entry: &Entry) -> bool {
        let state = self.read();
        entry.last_offset() >= state.log_start
            && !state.is_settled(entry.base_offset, entry.last_offset())
    }

    /// The entries in memory that lie in `file` and are not settled as a whole.
    pub(crate) fn run_entries(&self, file: u64) -> Vec<Entry> {
        let state = self.read();
        let Some(run) = state.index.run(file) else {
            return Vec::new();
        };
        let wanted = |entry: &&Entry| !state.is_settled(entry.base_offset, entry.last_offset());
        run.entries.iter().filter(wanted).copied().collect()
    }

    /// Calls `each` with every file that holds a batch of this stream.
    pub(crate) fn for_each_file(&self, mut each: impl FnMut(u64)) {
        self.read().index.files().for_each(&mut each);
    }

    /// The offset up to which the policy lets batches go at `now_ms`.
    pub(crate) fn retention_point(&self, now_ms: i64) -> Option<Offset> {
        let state = self.read();
        let expired_before = state
            .policy
            .retention_ms
            .map(|age| now_ms.saturating_sub(age));
        state
            .index
            .retention_point(expired_before, state.policy.retention_bytes)
    }
}

/// Whether all of a page or of a run is settled.
fn are_settled(cursor: &Cursor, first: Offset, last: Offset) -> bool {
    // A planted bug, for the simulation to find.
    fail_point!("one-settled-is-all-settled", |_| cursor.is_settled(first));
    cursor.are_settled(first..last.saturating_add(1))
}

impl State {
    fn note(&mut self, file: u64, epoch: Epoch, entry: Entry) {
        let next = entry.last_offset() + 1;
        self.high_watermark = self.high_watermark.max(next);
        if self.epochs.last().is_none_or(|(last, _)| *last < epoch) {
            self.epochs.push((epoch, entry.base_offset));
        }
        if next > self.log_start {
            self.index.push(file, entry);
        }
    }

    fn is_settled(&self, first: Offset, last: Offset) -> bool {
        let cursor = self.cursor.as_ref();
        cursor.is_some_and(|cursor| are_settled(cursor, first, last))
    }

    fn trim(&mut self, log_start: Offset) {
        if let Some(cursor) = &mut self.cursor {
            cursor.settle(0..log_start);
        }
        self.log_start = self.log_start.max(log_start);
        let log_start = self.log_start;
        self.high_watermark = self.high_watermark.max(log_start);
        self.index.trim(log_start);
        // The epoch that holds the log start stays, with its start moved up.
        let keep = self
            .epochs
            .partition_point(|(_, start)| *start <= log_start)
            .saturating_sub(1);
        self.epochs.drain(..keep);
        if let Some(first) = self.epochs.first_mut() {
            first.1 = first.1.max(log_start);
        }
    }
}
