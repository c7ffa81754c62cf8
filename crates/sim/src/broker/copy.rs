//! One message in one of the queues that it was published to, followed through all of its deaths.

use super::history::History;
use crate::batch::Label;
use amqp::mail::{Outcome, QueueId, SessionId};

/// Names a copy: the message, the slot that it was published to, and the leaf that it was fanned out to.
pub(crate) type Key = (Label, usize, Option<usize>);

/// More than any message comes back: nobody knows how often it did.
pub(crate) const REQUEUES_UNKNOWN: u32 = 1 << 20;

/// Where a copy is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) queue: QueueId,
    pub(crate) history: History,
}

impl Place {
    /// How often the copy had died when it came here.
    pub(crate) fn generation(&self) -> u64 {
        self.history.generation()
    }
}

/// What somebody did with it where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// Nothing.
    No,
    /// The host was told, in this life; it may have forgotten by the next.
    Asked(Outcome, u32),
    /// The host has said that it is durable.
    Durable(Outcome),
}

/// A copy.
#[derive(Debug, Clone)]
pub(crate) struct Copy {
    pub(crate) published_ms: i64,
    pub(crate) published_life: u32,
    pub(crate) ttl_ms: Option<u64>,
    pub(crate) priority: u8,
    /// When the publisher was told that it is there.
    pub(crate) confirmed_ms: Option<i64>,
    /// The publisher was told that some queue did not take it.
    pub(crate) refused: bool,
    /// Where it was seen last, or published to.
    pub(crate) place: Place,
    /// Where it was before that, if its place is in memory only and it may go back there.
    pub(crate) before: Option<Place>,
    /// It was delivered where it is.
    pub(crate) seen: bool,
    /// The life in which it was published or seen last.
    pub(crate) evidence: u32,
    /// How often it was given back where it is.
    pub(crate) requeues: u32,
    pub(crate) holder: Option<SessionId>,
    pub(crate) done: Done,
    /// Something happened that may have ended it, unless it is seen again.
    pub(crate) uncertain: bool,
    /// It was in memory only: it is there no more.
    pub(crate) over: bool,
    /// It has become one copy for each leaf.
    pub(crate) fanned: bool,
}

impl Copy {
    /// A copy that is about to be published to `queue`.
    pub(crate) fn new(
        queue: QueueId,
        (priority, ttl_ms): (u8, Option<u64>),
        published_ms: i64,
        life: u32,
    ) -> Self {
        Self {
            published_ms,
            published_life: life,
            ttl_ms,
            priority,
            confirmed_ms: None,
            refused: false,
            place: Place {
                queue,
                history: History::default(),
            },
            before: None,
            seen: false,
            evidence: life,
            requeues: 0,
            holder: None,
            done: Done::No,
            uncertain: false,
            over: false,
            fanned: false,
        }
    }

    /// It was seen in another queue than before.
    pub(crate) fn move_to(&mut self, place: Place, from_is_stored: bool, to_is_stored: bool) {
        let from = std::mem::replace(&mut self.place, place);
        self.before = match self.before.take() {
            _ if to_is_stored => None,
            None if from_is_stored => Some(from),
            before => before,
        };
        self.seen = false;
        self.requeues = 0;
        self.holder = None;
        self.done = Done::No;
        self.over = false;
    }

    /// The process has ended: whatever was in memory only is gone.
    pub(crate) fn next_life(&mut self, place_is_stored: bool) {
        self.holder = None;
        if self.confirmed_ms.is_none() && !self.seen {
            self.uncertain = true;
        }
        if place_is_stored {
            return;
        }
        match self.before.take() {
            Some(before) => {
                self.place = before;
                self.seen = true;
                self.done = Done::No;
                self.requeues = REQUEUES_UNKNOWN;
                self.uncertain = true;
            }
            None => (self.over, self.uncertain) = (true, true),
        }
    }

    /// Its deadline in a queue with this time to live, milliseconds since 1970, if it was not dead-lettered.
    pub(crate) fn deadline(&self, ttl_ms: Option<u64>) -> Option<i64> {
        let ttl_ms = i64::try_from(ttl_ms?).unwrap_or(i64::MAX);
        Some(self.published_ms.saturating_add(ttl_ms))
    }
}
