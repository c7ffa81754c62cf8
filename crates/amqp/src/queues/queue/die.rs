//! How messages die: by expiry, by a limit, by rejection, or by having come back too often.

use super::super::level::Ready;
use super::{Queue, Unread};
use crate::mail::Position;
use crate::message::Message;

/// Why a message died, as `x-death` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A consumer rejected it.
    Rejected,
    /// Its time to live passed.
    Expired,
    /// The queue was full.
    MaxLength,
    /// It came back too often.
    DeliveryLimit,
}

impl Reason {
    /// Its name in headers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::MaxLength => "maxlen",
            Self::DeliveryLimit => "delivery_limit",
        }
    }
}

/// A dead message that is to be dead-lettered.
#[derive(Debug, Clone)]
pub(crate) struct Death {
    /// Where it is settled once it has moved; `None` where it never got in.
    pub(crate) position: Option<Position>,
    pub(crate) reason: Reason,
    pub(crate) message: Message,
}

impl Queue {
    /// A message dies that is in no list of the queue any more.
    pub(super) fn die(&mut self, level: usize, ready: Ready, reason: Reason) {
        self.tally.dead += 1;
        if self.declared.settings.dead_letter.is_none() {
            if reason == Reason::DeliveryLimit {
                self.tally.poison_dropped += 1;
                tracing::warn!(queue = %self.declared.name, vhost = %self.declared.vhost, offset = ready.offset, returns = ready.returns, "a message came back too often and is dropped");
            }
            self.levels[level].settled.push(ready.offset);
            return;
        }
        let position = Position {
            level: u8::try_from(level).unwrap_or(u8::MAX),
            offset: ready.offset,
        };
        match ready.message {
            Some(message) => self.deaths.push_back(Death {
                position: Some(position),
                reason,
                message,
            }),
            None => drop(self.awaiting.insert(position, Unread { reason })),
        }
    }

    /// A message was refused and is dead-lettered all the same.
    pub(crate) fn die_refused(&mut self, message: Message) {
        self.tally.dead += 1;
        self.deaths.push_back(Death {
            position: None,
            reason: Reason::MaxLength,
            message,
        });
    }

    /// The next message to dead-letter.
    pub(crate) fn next_death(&self) -> Option<&Death> {
        self.deaths.front()
    }

    /// Whether messages of it have died and are still its own.
    pub(crate) fn has_deaths(&self) -> bool {
        !self.deaths.is_empty() || !self.awaiting.is_empty()
    }

    /// The next message to dead-letter is on its way: it is settled here.
    pub(crate) fn bury(&mut self) -> Option<Death> {
        let death = self.deaths.pop_front()?;
        if let Some(position) = death.position {
            self.levels[usize::from(position.level)]
                .settled
                .push(position.offset);
        }
        Some(death)
    }

    /// Lets every message at the head of a level die whose time has come.
    pub(crate) fn expire(&mut self, wall_ms: i64) {
        for level in self.occupied_levels() {
            while self.levels[level]
                .head()
                .is_some_and(|head| head.expires_ms <= wall_ms)
            {
                if let Some(ready) = self.levels[level].pop() {
                    self.die(level, ready, Reason::Expired);
                }
            }
            self.note_occupied(level);
        }
    }

    /// Lets messages at the head die while there are too many. What has to be read for that waits until it
    /// is.
    pub(super) fn shorten(&mut self) {
        while self.is_over_limit()
            && let Some(level) = self.top_level()
        {
            if let Some(ready) = self.levels[level].pop() {
                self.die(level, ready, Reason::MaxLength);
            } else if self.declared.settings.dead_letter.is_none()
                && let Some(offset) = self.levels[level].skip_one()
            {
                self.tally.dead += 1;
                self.levels[level].settled.push(offset);
            } else {
                break;
            }
            self.note_occupied(level);
        }
    }
}
