//! What a queue reads of the log, when and how much.

use super::super::level::Read;
use super::{Death, Queue};
use crate::mail::Position;
use crate::message::{Mark, Message};
use base::Offset;

/// Ready messages that a queue keeps in memory at most, and their bytes.
const WINDOW_MESSAGES_MAX: usize = 4096;
const WINDOW_BYTES_MAX: usize = 1 << 20;
/// Bytes that a queue may have in memory when the host's own limit is reached and somebody waits for them,
/// so that everybody gets on.
const WINDOW_BYTES_MIN: usize = 16 << 10;
/// What each of many levels may have all the same.
const LEVEL_MESSAGES_MIN: usize = 64;
const LEVEL_BYTES_MIN: usize = 64 << 10;
/// Messages in memory below which more are read.
const WINDOW_LOW: usize = 1024;

/// Dead messages that wait to be moved, above which nothing is read.
const DEATHS_MAX: usize = 1024;

/// Something to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) level: u8,
    pub(crate) offset: Offset,
}

impl Queue {
    /// Whether a level may keep one more message in memory; `host_is_full`: all queues together have enough.
    pub(crate) fn has_window_room(&self, level: usize, host_is_full: bool) -> bool {
        let (share, level) = (self.levels.len(), &self.levels[level]);
        if host_is_full {
            return self.is_wanted() && level.memory() < WINDOW_BYTES_MIN;
        }
        level.memory() < (WINDOW_BYTES_MAX / share).max(LEVEL_BYTES_MIN)
            && level.window_len() < (WINDOW_MESSAGES_MAX / share).max(LEVEL_MESSAGES_MIN)
    }

    /// What to read next, if anything; the answer goes to [`Self::loaded`] or [`Self::unreadable`].
    ///
    /// The highest level is kept filled. Of the others the head must be known, since it may expire.
    pub(crate) fn next_load(&mut self, host_is_full: bool) -> Option<Load> {
        if self.deleting || !self.declared.stored || self.deaths.len() >= DEATHS_MAX {
            return None;
        }
        let waiting = self.awaiting.first_key_value();
        let dead = waiting.map(|(position, _)| (usize::from(position.level), position.offset));
        let top = self.top_level();
        let levels = self.occupied_levels().filter_map(|at| {
            let level = &self.levels[at];
            let is_top = Some(at) == top;
            let low = level.window_len() < WINDOW_LOW;
            let refill = is_top && low && self.has_window_room(at, host_is_full);
            let wanted = is_top && self.is_wanted();
            Some((at, level.wants(wanted, refill || level.head().is_none())?))
        });
        // One at a time for each level: the next one begins where it ends.
        let free = |(at, _): &(usize, Offset)| self.levels[*at].reading.is_none();
        let (at, offset) = dead.into_iter().chain(levels).find(free)?;
        self.levels[at].reading = Some(offset);
        Some(Load {
            level: u8::try_from(at).unwrap_or(u8::MAX),
            offset,
        })
    }

    /// What was read, in the order of offsets, up to `end`; `records` may begin before what was asked for.
    pub(crate) fn loaded(
        &mut self,
        level: u8,
        end: Offset,
        records: impl Iterator<Item = (Offset, Message, Mark)>,
        host_is_full: bool,
    ) {
        let at = usize::from(level);
        let Some(start) = self
            .levels
            .get_mut(at)
            .and_then(|level| level.reading.take())
        else {
            return;
        };
        let mut expected = start;
        let mut refill = true;
        for (offset, message, mark) in records {
            if offset < start {
                continue;
            }
            self.give_up(at, expected..offset, refill);
            expected = offset + 1;
            let position = Position { level, offset };
            if let Some(unread) = self.awaiting.remove(&position) {
                self.deaths.push_back(Death {
                    position: Some(position),
                    reason: unread.reason,
                    message,
                });
                continue;
            }
            refill = refill && self.has_window_room(at, host_is_full);
            let read = Read {
                message: &message,
                body_len: mark.body_len,
                expires_ms: self.expires_ms(&mark),
                refill,
            };
            self.levels[at].loaded(offset, &read);
        }
        self.give_up(at, expected..end, refill);
        self.note_occupied(at);
    }

    /// Offsets that the log has no readable message for are settled: they are lost.
    fn give_up(&mut self, level: usize, range: std::ops::Range<Offset>, refill: bool) {
        if range.is_empty() {
            return;
        }
        let key = |offset| Position {
            level: u8::try_from(level).unwrap_or(u8::MAX),
            offset,
        };
        let waiting = self.awaiting.range(key(range.start)..key(range.end));
        let waiting: Vec<_> = waiting.map(|(position, _)| *position).collect();
        for position in &waiting {
            self.awaiting.remove(position);
            self.levels[level].settled.push(position.offset);
        }
        let lost = waiting.len() as u64 + self.levels[level].give_up(&range, refill);
        if lost > 0 {
            self.tally.damaged += lost;
            tracing::error!(queue = %self.declared.name, vhost = %self.declared.vhost, lost, from = range.start, "messages are damaged in the log and cannot be delivered");
        }
    }

    /// A read failed; it is tried again later.
    pub(crate) fn unreadable(&mut self, level: u8) {
        if let Some(level) = self.levels.get_mut(usize::from(level)) {
            level.reading = None;
        }
    }
}
