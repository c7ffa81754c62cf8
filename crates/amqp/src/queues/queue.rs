//! One queue: its levels, its consumers and what they hold.
//!
//! It promises that a message is in exactly one state (ready, with a session, dying or settled), that it
//! goes back to its old place, and that nothing expired is delivered. It is told what has landed in the log
//! and says what is settled; writing that down is the host's business.

mod accept;
mod deliver;
mod die;
mod loads;
mod settle;

pub(crate) use deliver::Pump;
pub(crate) use die::{Death, Reason};

use super::consumers::{Consumers, Slot};
use super::kept::Kept;
use super::level::{Level, LevelState, NEVER, Ready};
use super::settings::{Declared, Overflow};
use super::unacked::Deliveries;
use crate::mail::{Counts, Position, SessionId, Ticket};
use crate::message::{Mark, Message};
use base::{Monotonic, Offset, StreamId};
use commitlog::Settle;
use fail::fail_point;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A `basic.get` that waits for a message to be read.
#[derive(Debug, Clone, Copy)]
struct Get {
    session: SessionId,
    ticket: Ticket,
    no_ack: bool,
}

/// A dead message whose bytes are not in memory.
#[derive(Debug, Clone, Copy)]
struct Unread {
    reason: Reason,
}

/// What a queue has seen since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages that came in.
    pub published: u64,
    /// Messages that were sent to consumers and getters.
    pub delivered: u64,
    /// Of these, those that may have been sent before.
    pub redelivered: u64,
    /// Messages that were acknowledged, or sent where that was not asked for.
    pub acknowledged: u64,
    /// Messages that were dead-lettered or dropped.
    pub dead: u64,
    /// Of these, those that came back too often and had nowhere to go.
    pub poison_dropped: u64,
    /// Messages that the log could not give back.
    pub damaged: u64,
}

/// A queue.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) declared: Arc<Declared>,
    levels: Vec<Level>,
    /// A bit for each level that has ready messages.
    occupied: [u64; 4],
    pub(crate) consumers: Consumers,
    deliveries: Deliveries,
    /// Bytes of unsettled messages of a queue that is in memory only.
    held_bytes: usize,
    gets: VecDeque<Get>,
    /// Messages that died and are to be dead-lettered.
    deaths: VecDeque<Death>,
    /// Of these, those that must be read from the log first.
    awaiting: BTreeMap<Position, Unread>,
    /// Messages that have their offsets and have not landed, and length of their bodies.
    landing: u64,
    landing_bytes: u64,
    /// Consumers that have something outgoing.
    touched: Vec<Slot>,
    pub(crate) had_consumer: bool,
    /// It takes nothing any more.
    pub(crate) deleting: bool,
    /// It is in the host's list of queues that may have something to send.
    pub(crate) is_dirty: bool,
    /// It is in the host's list of queues that may want to read.
    pub(crate) is_hungry: bool,
    /// It is in the host's list of queues that have something to write down.
    pub(crate) is_unsettled: bool,
    /// When it was used last, for `x-expires`.
    pub(crate) used: Monotonic,
    /// When its timer rings.
    pub(crate) armed: Option<Monotonic>,
    pub(crate) tally: Tally,
}

impl Queue {
    /// A queue with what the log knows of its levels; there are none where it is not in the log.
    pub(crate) fn open(declared: Arc<Declared>, states: Vec<LevelState>, now: Monotonic) -> Self {
        let first = declared.id.0;
        let mut states = states.into_iter();
        let levels = (0..u64::from(declared.settings.levels.max(1))).map(|number| {
            let stream = StreamId(first + number);
            let state = states.next();
            state.map_or_else(|| Level::new(stream), |state| Level::open(stream, state))
        });
        let mut queue = Self {
            levels: levels.collect(),
            occupied: [0; 4],
            consumers: Consumers::new(declared.settings.single_active),
            deliveries: Deliveries::default(),
            held_bytes: 0,
            gets: VecDeque::new(),
            deaths: VecDeque::new(),
            awaiting: BTreeMap::new(),
            landing: 0,
            landing_bytes: 0,
            touched: Vec::new(),
            had_consumer: false,
            deleting: false,
            is_dirty: false,
            is_hungry: false,
            is_unsettled: false,
            used: now,
            armed: None,
            tally: Tally::default(),
            declared,
        };
        if is_redelivery_off() {
            queue.purge();
        }
        for level in 0..queue.levels.len() {
            queue.note_occupied(level);
        }
        queue
    }

    /// Messages that can be delivered.
    pub(crate) fn ready(&self) -> u64 {
        self.levels.iter().map(Level::ready).sum()
    }

    pub(crate) fn ready_bytes(&self) -> u64 {
        self.levels.iter().map(Level::ready_bytes).sum()
    }

    /// As [`Level::known_bytes`].
    fn known_bytes(&self) -> u64 {
        self.levels.iter().map(Level::known_bytes).sum()
    }

    /// Bytes that its messages take in memory, but for those that a host keeps for a while.
    pub(crate) fn memory(&self) -> usize {
        self.held_bytes + self.levels.iter().map(Level::memory).sum::<usize>()
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            ready: self.ready(),
            unacknowledged: self.deliveries.len() as u64,
            consumers: u32::try_from(self.consumers.len()).unwrap_or(u32::MAX),
        }
    }

    /// Whether its messages are in the log.
    pub(crate) fn is_stored(&self) -> bool {
        self.declared.stored
    }

    fn note_occupied(&mut self, level: usize) {
        let (word, bit) = (level / 64 % 4, 1 << (level % 64));
        if self.levels[level].ready() > 0 {
            self.occupied[word] |= bit;
        } else {
            self.occupied[word] &= !bit;
        }
    }

    /// The highest level that has ready messages.
    fn top_level(&self) -> Option<usize> {
        let word = self.occupied.iter().rposition(|word| *word != 0)?;
        Some(word * 64 + 63 - self.occupied[word].leading_zeros() as usize)
    }

    /// Levels that have ready messages, the highest first.
    fn occupied_levels(&self) -> impl Iterator<Item = usize> + use<> {
        let mut occupied = self.occupied;
        std::iter::from_fn(move || {
            let word = occupied.iter().rposition(|word| *word != 0)?;
            let bit = 63 - occupied[word].leading_zeros() as usize;
            occupied[word] &= !(1 << bit);
            Some(word * 64 + bit)
        })
    }

    /// When a message expires that is published with this mark.
    pub(crate) fn expires_ms(&self, mark: &Mark) -> i64 {
        let ttl = match (mark.ttl_ms, self.declared.settings.message_ttl_ms) {
            (Some(own), Some(all)) => own.min(all),
            (Some(ttl), None) | (None, Some(ttl)) => ttl,
            (None, None) => return NEVER,
        };
        mark.published_ms
            .saturating_add(i64::try_from(ttl).unwrap_or(NEVER))
    }

    /// The earliest time, milliseconds since 1970, that a message at the head of a level expires at.
    pub(crate) fn expires_next_ms(&self) -> Option<i64> {
        let heads = self
            .occupied_levels()
            .filter_map(|level| self.levels[level].head());
        heads
            .map(|head| head.expires_ms)
            .min()
            .filter(|expires| *expires != NEVER)
    }

    /// Gives out offsets in a level for messages that are to be deposited.
    pub(crate) fn reserve(&mut self, level: u8, marks: impl Iterator<Item = Mark>) -> Offset {
        let mut count: Offset = 0;
        for mark in marks {
            count += 1;
            self.landing_bytes += u64::from(mark.body_len);
        }
        self.landing += count.unsigned_abs();
        self.levels[usize::from(level)].reserve(count)
    }

    /// The stream of a level.
    pub(crate) fn stream(&self, level: u8) -> StreamId {
        StreamId(self.declared.id.0 + u64::from(level))
    }

    /// Whether messages that it refuses are dead-lettered.
    pub(crate) fn dead_letters_refused(&self) -> bool {
        let settings = &self.declared.settings;
        settings.overflow == Overflow::RejectPublishDeadLetter && settings.dead_letter.is_some()
    }

    /// A message is durable, or as durable as it will be: it is ready from now on. Where memory is short
    /// (`keep` is false) it stays in the log alone, and of the head it is known when it expires. Its time to live does not pass before it was offered
    /// once: with one of 0 it is delivered now or not at all.
    pub(crate) fn land(
        &mut self,
        level: u8,
        offset: Offset,
        landed: (Message, Mark),
        keep: bool,
        wall_ms: i64,
    ) {
        let (message, mark) = landed;
        self.landing = self.landing.saturating_sub(1);
        self.landing_bytes = self.landing_bytes.saturating_sub(u64::from(mark.body_len));
        self.tally.published += 1;
        let expires_ms = self.expires_ms(&mark).max(wall_ms.saturating_add(1));
        let at = usize::from(level);
        let stored = self.declared.stored;
        let level = &mut self.levels[at];
        let keep = keep || !stored;
        if level.is_caught_up() && (keep || level.ready() == 0) {
            level.land(Ready {
                offset,
                returns: 0,
                body_len: mark.body_len,
                expires_ms,
                redelivered: false,
                message: keep.then_some(message),
            });
        } else {
            level.land_in_rest(offset, mark.body_len);
        }
        self.occupied[at / 64 % 4] |= 1 << (at % 64);
    }

    /// Removes all ready messages; returns how many they were.
    pub(crate) fn purge(&mut self) -> u64 {
        let purged = self.levels.iter_mut().map(Level::purge).sum();
        self.occupied = [0; 4];
        purged
    }

    /// What is to be written down of what was settled.
    pub(crate) fn take_settles(&mut self) -> impl Iterator<Item = Settle> {
        self.is_unsettled = false;
        let stored = self.declared.stored;
        self.levels.iter_mut().filter_map(move |level| {
            let settle = Settle {
                stream: level.stream,
                settled: level.settled.take(),
                returned: std::mem::take(&mut level.returns),
            };
            let empty = settle.settled.is_empty() && settle.returned.is_empty();
            (stored && !empty).then_some(settle)
        })
    }

    /// Lets everything go that it holds: it is being deleted. What has been settled is written down all the same,
    /// since what moved to another queue is there. What has not is left unsettled: should the process end before
    /// the catalog says that the queue is gone, it is there with everything in it.
    pub(crate) fn abandon(&mut self, kept: &mut Kept) {
        for (_, delivery) in self.deliveries.take_all() {
            kept.release(delivery.message.as_ref().filter(|_| self.declared.stored));
        }
        self.held_bytes = 0;
        self.levels.iter_mut().for_each(Level::forget);
        self.occupied = [0; 4];
        self.deaths.clear();
        self.awaiting.clear();
    }
}

/// Planted bug for the simulation: what nobody has settled is lost with the session or the process.
fn is_redelivery_off() -> bool {
    fail_point!("amqp-redelivery-off", |_| true);
    false
}
