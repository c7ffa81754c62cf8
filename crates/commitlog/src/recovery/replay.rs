//! What the checkpoint and each frame after it say, put together.
//!
//! Whatever is said twice changes nothing the second time.

use super::Recovered;
use crate::cell::{Cell, Cells};
use crate::commit::Settle;
use crate::cursor::Cursor;
use crate::frame::{Frame, Kind};
use crate::placed_batch::batch_of;
use crate::shard::{Head, ShardState};
use crate::stream::Stream;
use base::{ShardId, StreamId, Timestamp};
use fail::fail_point;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

impl Recovered {
    /// The streams and cells of a shard; the cells are also told to whoever opens the log.
    pub(crate) fn take(&mut self, id: ShardId) -> (HashMap<StreamId, Head>, Cells) {
        let heads = self.heads.extract_if(|_, (shard, _)| *shard == id);
        let heads = heads.map(|(stream, (_, head))| (stream, head)).collect();
        (heads, self.cells.get(&id).cloned().unwrap_or_default())
    }

    pub(super) fn restore(&mut self, shard: ShardState) {
        for state in shard.streams {
            let stream = Arc::new(Stream::new(state.id, shard.shard));
            stream.restore(
                state.log_start,
                state.next_offset,
                state.epochs,
                state.cursor.clone(),
            );
            let head = Head {
                stream,
                next_offset: state.next_offset,
                producers: state.producers,
                cursor: state.cursor,
            };
            self.heads.insert(state.id, (shard.shard, head));
        }
        self.cells.insert(shard.shard, shard.cells);
    }

    pub(super) fn replay(
        &mut self,
        file: u64,
        position: u32,
        frame: Frame,
        now: Timestamp,
        removed: &mut HashSet<StreamId>,
    ) {
        self.report.frames += 1;
        match frame.kind {
            Kind::Batch | Kind::Deposit | Kind::Moved => {
                self.replay_batch(file, position, &frame, now, removed);
            }
            Kind::Settle if removed.contains(&frame.stream) => {}
            Kind::Settle => match Settle::unpack(frame.stream, &frame.payload) {
                Ok(settle) => self.replay_settle(frame.shard, &settle),
                Err(error) => {
                    tracing::error!(file, position, %error, "a settlement is malformed and is left out")
                }
            },
            Kind::Group | Kind::Producer | Kind::Catalog | Kind::Queue => {
                match Cell::unpack(frame.kind, &frame.payload) {
                    Ok(cell) => self.cells.entry(frame.shard).or_default().apply(cell),
                    Err(error) => {
                        tracing::error!(file, position, %error, "a cell is malformed and is left out")
                    }
                }
            }
            Kind::Trim => {
                if let Some((_, head)) = self.heads.get_mut(&frame.stream) {
                    head.stream.trim(frame.base_offset);
                    if let Some(cursor) = &mut head.cursor {
                        cursor.settle(0..frame.base_offset);
                    }
                    head.next_offset = head.next_offset.max(frame.base_offset);
                }
            }
            Kind::StreamRemoved => {
                self.heads.remove(&frame.stream);
                removed.insert(frame.stream);
            }
            Kind::Mark | Kind::Release => {}
        }
    }

    /// The appending side of a stream, which is made where it is not known.
    fn head(&mut self, id: StreamId, shard: ShardId) -> &mut Head {
        let fresh = || (shard, Head::new(Arc::new(Stream::new(id, shard))));
        let (_, head) = self.heads.entry(id).or_insert_with(fresh);
        head
    }

    fn replay_batch(
        &mut self,
        file: u64,
        position: u32,
        frame: &Frame,
        now: Timestamp,
        removed: &HashSet<StreamId>,
    ) {
        let Some(batch) = batch_of(file, position, frame) else {
            return;
        };
        for (id, entry) in batch.entries() {
            if removed.contains(&id) {
                continue;
            }
            let head = self.head(id, frame.shard);
            if frame.kind == Kind::Moved {
                // A planted bug, for the simulation to find.
                fail_point!("move-not-replayed", |_| ());
                head.stream.publish_moved(file, [entry]);
                head.next_offset = head.next_offset.max(entry.last_offset() + 1);
                continue;
            }
            if entry.base_offset >= head.next_offset {
                head.producers.note(&batch.header, entry.base_offset, now);
                head.next_offset = entry.last_offset() + 1;
            }
            head.stream.publish(file, frame.epoch, [entry]);
        }
    }

    fn replay_settle(&mut self, shard: ShardId, settle: &Settle) {
        let Some(end) = settle.end() else {
            tracing::error!(stream = %settle.stream, "a settlement is impossible and is left out");
            return;
        };
        let head = self.head(settle.stream, shard);
        let (cursor, stream) = (&mut head.cursor, &head.stream);
        let cursor = cursor.get_or_insert_with(|| {
            let cursor = Cursor::new(stream.bounds().log_start);
            stream.set_cursor(cursor.clone());
            cursor
        });
        // A planted bug, for the simulation to find.
        fail_point!("settlement-not-replayed", |_| ());
        settle.apply(cursor);
        stream.settle(settle);
        // What is settled existed, though its deposit may be damaged: its offsets are not used again, and
        // whoever chooses the next one sees that.
        head.next_offset = head.next_offset.max(end);
        stream.reach(end);
    }
}
