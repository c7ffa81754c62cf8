//! One priority level of a queue: which of its messages are ready, and which of those are in memory.
//!
//! In the order of delivery: *returned* messages (requeued, sorted by offset), the *window* (loaded,
//! from the head on) and the *rest*, offsets up to the end that are in the log only. A message is in
//! one of the three, or was taken. It does not know consumers.

use super::ranges::Ranges;
use crate::message::Message;
use base::{Offset, StreamId};
use commitlog::Cursor;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

/// Never: a time that no message expires at.
pub(crate) const NEVER: i64 = i64::MAX;

/// A message that can be delivered.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) offset: Offset,
    /// How often it came back.
    pub(crate) returns: u32,
    /// Length of its body, in bytes.
    pub(crate) body_len: u32,
    /// When it expires, milliseconds since 1970; [`NEVER`] where it does not.
    pub(crate) expires_ms: i64,
    /// Whether it may have been delivered before.
    pub(crate) redelivered: bool,
    /// The message; `None` where it must be read again.
    pub(crate) message: Option<Message>,
}

impl Ready {
    /// Bytes that it takes in memory, about.
    fn memory(&self) -> usize {
        self.message
            .as_ref()
            .map_or(0, |message| message.record().len())
    }
}

/// What was there when the level was opened.
#[derive(Debug)]
struct Recovered {
    cursor: Cursor,
    end: Offset,
    /// How many of them are in the rest.
    rest: u64,
    /// Estimated length of a message's body: the log knows what batches take, not what bodies do.
    body_len: u32,
}

/// What a level is opened with.
#[derive(Debug, Clone, Default)]
pub struct LevelState {
    /// What is settled of it.
    pub cursor: Cursor,
    /// The offset behind its last message.
    pub end: Offset,
    /// Bytes that its batches take in the log.
    pub bytes: u64,
}

/// A level.
#[derive(Debug)]
pub(crate) struct Level {
    pub(crate) stream: StreamId,
    returned: BTreeMap<Offset, Ready>,
    window: VecDeque<Ready>,
    /// Bytes of messages in `returned` and `window`.
    memory: usize,
    /// The first offset of the rest.
    next_load: Offset,
    /// The offset behind the last message that has landed.
    end: Offset,
    /// The offset that the next deposit gets.
    next: Offset,
    /// Messages of the rest.
    rest: u64,
    /// Length of the bodies of those that came since the start.
    rest_bytes: u64,
    /// Length of the bodies of `returned` and `window`.
    loaded_bytes: u64,
    recovered: Option<Recovered>,
    /// Settled and not written down.
    pub(crate) settled: Ranges,
    /// Came back, how often, and not written down.
    pub(crate) returns: Vec<(Offset, u32)>,
    /// A read is under way, from this offset.
    pub(crate) reading: Option<Offset>,
}

impl Level {
    /// A level of a queue that is in the log.
    pub(crate) fn open(stream: StreamId, state: LevelState) -> Self {
        let LevelState { cursor, end, bytes } = state;
        let (floor, rest) = (cursor.floor(), cursor.unsettled_count(end));
        let span = u64::try_from(end.saturating_sub(floor)).unwrap_or(0).max(1);
        let body_len = u32::try_from(bytes / span).unwrap_or(u32::MAX);
        Self {
            next_load: floor.min(end),
            end,
            next: end,
            rest,
            recovered: (rest > 0).then_some(Recovered {
                cursor,
                end,
                rest,
                body_len,
            }),
            ..Self::new(stream)
        }
    }

    /// An empty level.
    pub(crate) fn new(stream: StreamId) -> Self {
        Self {
            stream,
            returned: BTreeMap::new(),
            window: VecDeque::new(),
            memory: 0,
            next_load: 0,
            end: 0,
            next: 0,
            rest: 0,
            rest_bytes: 0,
            loaded_bytes: 0,
            recovered: None,
            settled: Ranges::default(),
            returns: Vec::new(),
            reading: None,
        }
    }

    /// Ready messages.
    pub(crate) fn ready(&self) -> u64 {
        (self.returned.len() + self.window.len()) as u64 + self.rest
    }

    /// Length of the bodies of ready messages; an estimate for those that were there at the start and have
    /// not been read.
    pub(crate) fn ready_bytes(&self) -> u64 {
        let recovered = self.recovered.as_ref();
        let unread = recovered.map_or(0, |recovered| {
            recovered.rest * u64::from(recovered.body_len)
        });
        self.known_bytes() + unread
    }

    /// Length of the bodies of those ready messages whose bodies' length is known. Limits go by it: nothing
    /// dies of an estimate.
    pub(crate) fn known_bytes(&self) -> u64 {
        self.loaded_bytes + self.rest_bytes
    }

    /// Bytes that its messages take in memory.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// Messages that are in memory in the order of delivery, without those that came back.
    pub(crate) fn window_len(&self) -> usize {
        self.window.len()
    }

    /// Gives out offsets for `count` messages that are to be deposited.
    pub(crate) fn reserve(&mut self, count: Offset) -> Offset {
        let first = self.next;
        self.next += count;
        first
    }

    /// Whether a message that lands now would be next after the window.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.rest == 0 && self.next_load == self.end
    }

    /// A message has landed and stays in memory. Nothing is in the log only.
    pub(crate) fn land(&mut self, ready: Ready) {
        debug_assert!(self.is_caught_up() && ready.offset >= self.end);
        self.end = ready.offset + 1;
        self.next = self.next.max(self.end);
        self.next_load = self.end;
        self.push(ready);
    }

    /// A message has landed and is left in the log.
    pub(crate) fn land_in_rest(&mut self, offset: Offset, body_len: u32) {
        if self.rest == 0 {
            self.next_load = offset;
        }
        self.end = offset + 1;
        self.rest += 1;
        self.rest_bytes += u64::from(body_len);
    }

    /// Adds the message that follows the window. Without its bytes it can only be the head.
    fn push(&mut self, ready: Ready) {
        if ready.message.is_none() {
            self.put_back(ready);
            return;
        }
        self.memory += ready.memory();
        self.loaded_bytes += u64::from(ready.body_len);
        self.window.push_back(ready);
    }

    /// The message that is next, where it is known; `None` also where it has to be read first.
    pub(crate) fn head(&self) -> Option<&Ready> {
        match self.returned.first_key_value() {
            Some((_, ready)) => Some(ready),
            None => self.window.front(),
        }
    }

    /// Takes the message that is next.
    pub(crate) fn pop(&mut self) -> Option<Ready> {
        let ready = match self.returned.pop_first() {
            Some((_, ready)) => ready,
            None => self.window.pop_front()?,
        };
        self.memory -= ready.memory();
        self.loaded_bytes -= u64::from(ready.body_len);
        Some(ready)
    }

    /// Puts a message back to its old place.
    pub(crate) fn put_back(&mut self, ready: Ready) {
        self.memory += ready.memory();
        self.loaded_bytes += u64::from(ready.body_len);
        self.returned.insert(ready.offset, ready);
    }

    /// Takes the first message of the rest without reading it.
    pub(crate) fn skip_one(&mut self) -> Option<Offset> {
        let offset = self.next_of_rest(self.next_load)?;
        self.take_from_rest(offset, None);
        Some(offset)
    }

    fn next_of_rest(&self, from: Offset) -> Option<Offset> {
        let offset = match &self.recovered {
            Some(recovered) if from < recovered.end => {
                recovered.cursor.next_unsettled(from).min(recovered.end)
            }
            _ => from,
        };
        (offset < self.end && self.rest > 0).then_some(offset)
    }

    /// Takes an offset from the rest, whose first it is; `body_len` is the length of its body if known.
    fn take_from_rest(&mut self, offset: Offset, body_len: Option<u32>) {
        self.next_load = offset + 1;
        match &mut self.recovered {
            Some(recovered) if offset < recovered.end => {
                recovered.rest = recovered.rest.saturating_sub(1);
                if recovered.rest == 0 {
                    self.next_load = recovered.end;
                    self.recovered = None;
                }
            }
            _ => {
                let average = self.rest_bytes / self.rest.max(1);
                let body_len = body_len.map_or(average, u64::from);
                self.rest_bytes = self.rest_bytes.saturating_sub(body_len);
            }
        }
        self.rest -= 1;
        if self.rest == 0 {
            self.rest_bytes = 0;
            self.next_load = self.end;
        }
    }

    /// How often a message came back, as far as it was there at the start; whether it was.
    fn past(&self, offset: Offset) -> (u32, bool) {
        match &self.recovered {
            Some(recovered) if offset < recovered.end => (recovered.cursor.returned(offset), true),
            _ => (0, false),
        }
    }

    /// Takes all ready messages and settles them; returns how many they were.
    pub(crate) fn purge(&mut self) -> u64 {
        let count = self.ready();
        let waiting = self
            .returned
            .keys()
            .chain(self.window.iter().map(|ready| &ready.offset));
        for offset in waiting {
            self.settled.push(*offset);
        }
        if self.rest > 0 {
            self.settled.push_range(self.next_load..self.end);
        }
        self.forget();
        count
    }

    /// Lets go of all ready messages without settling them.
    pub(crate) fn forget(&mut self) {
        self.returned.clear();
        self.window.clear();
        (self.memory, self.loaded_bytes) = (0, 0);
        (self.rest, self.rest_bytes, self.next_load) = (0, 0, self.end);
        self.recovered = None;
    }

    /// Where to read next, if anything is missing: a head without its bytes where somebody wants it, or the
    /// rest where `refill` says so.
    pub(crate) fn wants(&self, wanted: bool, refill: bool) -> Option<Offset> {
        match self.returned.first_key_value() {
            Some((offset, ready)) if ready.message.is_none() => wanted.then_some(*offset),
            // What came back goes first; there is time.
            Some(_) if self.returned.len() > REFILL_BELOW => None,
            _ if refill => self.next_of_rest(self.next_load),
            _ => None,
        }
    }

    /// A message was read. Where there is no room for it, it is only looked at, if it is the head.
    pub(crate) fn loaded(&mut self, offset: Offset, read: &Read<'_>) {
        if let Some(ready) = self.returned.get_mut(&offset) {
            if ready.message.is_none() {
                ready.message = Some(read.message.clone());
                self.memory += read.message.record().len();
            }
            return;
        }
        let only_look = !read.refill && self.head().is_none();
        let is_next = Some(offset) == self.next_of_rest(self.next_load);
        if !is_next || !(read.refill || only_look) {
            return;
        }
        let (returns, recovered) = self.past(offset);
        self.take_from_rest(offset, Some(read.body_len));
        self.push(Ready {
            offset,
            returns,
            body_len: read.body_len,
            expires_ms: read.expires_ms,
            redelivered: recovered || returns > 0,
            message: read.refill.then(|| read.message.clone()),
        });
    }

    /// Offsets of a range that was read and were not in it: they are damaged and will never be read.
    /// Settles them, those of the rest only where `refill` says that they were read, and returns how many
    /// they were.
    pub(crate) fn give_up(&mut self, range: &Range<Offset>, refill: bool) -> u64 {
        let missing = self.returned.range(range.clone());
        let missing = missing.filter(|(_, ready)| ready.message.is_none());
        let missing: Vec<_> = missing.map(|(offset, _)| *offset).collect();
        for offset in &missing {
            if let Some(ready) = self.returned.remove(offset) {
                self.loaded_bytes -= u64::from(ready.body_len);
            }
            self.settled.push(*offset);
        }
        let mut count = missing.len() as u64;
        while refill
            && let Some(offset) = self.next_of_rest(self.next_load)
            && range.contains(&offset)
        {
            self.take_from_rest(offset, None);
            self.settled.push(offset);
            count += 1;
        }
        count
    }
}

/// Messages that came back, above which nothing else is read: they are delivered first.
const REFILL_BELOW: usize = 64;

/// A message that was read from the log.
pub(crate) struct Read<'a> {
    pub(crate) message: &'a Message,
    pub(crate) body_len: u32,
    pub(crate) expires_ms: i64,
    /// Whether the window has room for it.
    pub(crate) refill: bool,
}

#[cfg(test)]
mod tests;
