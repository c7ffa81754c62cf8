//! One consumer of a stream queue: a cursor, and how much it may have at once.

use super::chunk::Chunk;
use crate::mail::{ConsumerId, Delivery, Extra, Position};
use base::Offset;
use std::sync::Arc;

/// A consumer.
#[derive(Debug)]
pub(crate) struct Consumer {
    pub(crate) id: ConsumerId,
    /// For people.
    pub(crate) tag: String,
    /// Tells it from others of its session, in the positions of what it gets.
    pub(crate) level: u8,
    /// How many unsettled deliveries it may have.
    prefetch: Option<u32>,
    /// How many it has.
    unsettled: u32,
    /// Deliveries to it need grants.
    shared: bool,
    /// It was told that there are messages, and has not answered.
    offered: bool,
    /// The offset that it wants next.
    next: Offset,
    /// It begins with the batch that holds `next`, and not with `next` itself.
    with_batch: bool,
    /// It waits to be told where a time begins.
    seeking: bool,
    /// What it gets next, and the place in it.
    ahead: Option<(Arc<Chunk>, usize)>,
}

/// What a consumer is started with.
pub(crate) struct Start {
    pub(crate) id: ConsumerId,
    pub(crate) tag: String,
    pub(crate) level: u8,
    pub(crate) prefetch: Option<u32>,
    pub(crate) shared: bool,
    pub(crate) next: Offset,
    pub(crate) with_batch: bool,
    pub(crate) seeking: bool,
}

impl Consumer {
    pub(crate) fn new(start: Start) -> Self {
        Self {
            id: start.id,
            tag: start.tag,
            level: start.level,
            prefetch: start.prefetch,
            unsettled: 0,
            shared: start.shared,
            offered: false,
            next: start.next,
            with_batch: start.with_batch,
            seeking: start.seeking,
            ahead: None,
        }
    }

    /// How many more deliveries its own limit lets it have.
    pub(crate) fn credit(&self) -> u32 {
        let left = |max: u32| max.saturating_sub(self.unsettled);
        self.prefetch.map_or(u32::MAX, left)
    }

    /// How many unsettled deliveries it may have.
    pub(crate) fn prefetch(&self) -> Option<u32> {
        self.prefetch
    }

    /// Deliveries that it has not settled.
    pub(crate) fn unsettled(&self) -> u32 {
        self.unsettled
    }

    /// Whether it cannot get anything by itself now, whatever there is.
    pub(crate) fn rests(&self) -> bool {
        self.seeking || self.offered || self.credit() == 0
    }

    /// The offset that it waits for, where it has nothing ahead. What lies before `log_start` is gone.
    pub(crate) fn wants(&mut self, log_start: Offset) -> Option<Offset> {
        if self.next < log_start {
            self.next = log_start;
            if let Some((chunk, place)) = &mut self.ahead {
                *place = chunk.place(log_start);
            }
        }
        if let Some((chunk, place)) = &self.ahead {
            if *place < chunk.len() {
                return None;
            }
            self.next = self.next.max(chunk.end());
            self.ahead = None;
        }
        Some(self.next)
    }

    /// Whether a chunk that another consumer has read has what it wants next.
    pub(crate) fn can_use(&self, chunk: &Chunk) -> bool {
        !self.with_batch && chunk.covers(self.next)
    }

    /// Gets a chunk that speaks for what it wants next.
    pub(crate) fn attach(&mut self, chunk: &Arc<Chunk>, log_start: Offset) {
        let from = if self.with_batch {
            log_start
        } else {
            self.next
        };
        self.with_batch = false;
        self.ahead = Some((chunk.clone(), chunk.place(from)));
    }

    /// Whether it waits for a read from `offset` on.
    pub(crate) fn waits_for(&self, offset: Offset) -> bool {
        self.ahead.is_none() && !self.seeking && self.next == offset
    }

    /// It is told where the time that it begins at begins: nowhere yet, perhaps.
    pub(crate) fn found(&mut self, offset: Option<Offset>) {
        self.seeking = false;
        self.next = offset.unwrap_or(self.next);
    }

    /// Takes the next message for it.
    pub(crate) fn take(&mut self) -> Option<Delivery> {
        let (chunk, place) = self.ahead.as_mut()?;
        let (offset, message) = chunk.get(*place)?;
        let (offset, message) = (*offset, message.clone());
        *place += 1;
        self.next = offset + 1;
        self.unsettled += 1;
        Some(Delivery {
            position: Position {
                level: self.level,
                offset,
            },
            redelivered: false,
            extra: Extra::StreamOffset(offset),
            message,
        })
    }

    /// How many messages it has ahead.
    pub(crate) fn ahead(&self) -> u32 {
        let left = |(chunk, place): &(Arc<Chunk>, usize)| chunk.len().saturating_sub(*place);
        let left = self.ahead.as_ref().map_or(0, left);
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    /// A delivery of it was settled.
    pub(crate) fn settled(&mut self, offset: Offset) {
        // What it cannot have been sent is not its own.
        if offset < self.next {
            self.unsettled = self.unsettled.saturating_sub(1);
        }
    }

    /// Whether it shares a limit with others.
    pub(crate) fn is_shared(&self) -> bool {
        self.shared
    }

    /// Whether deliveries to it need grants.
    pub(crate) fn share(&mut self, shared: bool) {
        self.shared = shared;
        self.offered = false;
    }

    /// Whether it has been made an offer that it has not answered.
    pub(crate) fn set_offered(&mut self, offered: bool) {
        self.offered = offered;
    }
}
