//! Commits: what is put together while mail is handled, and what happens when it is durable.

use super::super::queue::Queue;
use super::{COMMITS_MAX, Effect, Host, WINDOWS_BYTES_MAX};
use crate::mail::{Notice, QueueId, SessionId};
use crate::run::Run;
use base::{Monotonic, Offset, ShardId, Timestamp};
use commitlog::{Cell, Entry};
use std::time::Duration;

/// How long acknowledgements wait for a commit to go with before they get one of their own. Their loss only
/// means that messages are delivered again.
pub(super) const SETTLE_DELAY: Duration = Duration::from_millis(20);

/// Messages with their places.
#[derive(Debug)]
pub(super) struct Deposited {
    pub(super) run: Run,
    /// Queue, level and the offset of the first message.
    pub(super) places: Vec<(QueueId, u8, Offset)>,
}

/// A commit that is being put together.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// What it holds, but for what queues have to say of settlements.
    pub(super) entries: Vec<Entry>,
    pub(super) deposited: Vec<Deposited>,
    /// What is said when it is durable.
    pub(super) answers: Vec<(SessionId, Notice)>,
    /// Letters that are in the outbox then: to whom, and up to which.
    pub(super) outgoing: Vec<(ShardId, u64)>,
    /// Letters that are in their queues then.
    pub(super) taken: Vec<(ShardId, u64)>,
    pub(super) bytes: usize,
    /// It does not wait for the time at which acknowledgements go.
    pub(super) urgent: bool,
}

/// What to do when a commit is durable.
#[derive(Debug, Default)]
pub(super) struct Landing {
    deposited: Vec<Deposited>,
    answers: Vec<(SessionId, Notice)>,
    outgoing: Vec<(ShardId, u64)>,
    taken: Vec<(ShardId, u64)>,
    bytes: usize,
}

impl Queue {
    /// Takes the messages of a run in that are as durable as they will be.
    pub(super) fn land_run(
        &mut self,
        level: u8,
        first: Offset,
        run: &Run,
        wall: Timestamp,
        host_has_room: bool,
    ) {
        for (offset, landed) in (first..).zip(run.messages()) {
            let keep = self.has_window_room(usize::from(level), !host_has_room);
            self.land(level, offset, landed, keep, wall.0);
        }
    }
}

impl Host {
    /// Hands what was put together to the log, if there is something that cannot wait.
    pub(super) fn commit(&mut self, now: Monotonic, effects: &mut Vec<Effect>) {
        if self.landings.len() >= COMMITS_MAX {
            return;
        }
        self.answer_rejections();
        let settles_due = self.settle_due.is_some_and(|due| due <= now);
        let urgent = self.draft.urgent || !self.undeclare.is_empty();
        if self.draft.entries.is_empty() && !settles_due && !urgent {
            self.answer_without_commit();
            return;
        }
        if !self.split.is_empty() {
            effects.push(Effect::Commit(std::mem::take(&mut self.split)));
            self.landings.push_back(Landing::default());
            return;
        }
        let mut draft = std::mem::take(&mut self.draft);
        self.settle_due = None;
        for id in self.unsettled.drain(..) {
            if let Some(queue) = self.queues.get_mut(&id) {
                draft
                    .entries
                    .extend(queue.take_settles().map(Entry::Settle));
            }
        }
        if draft.entries.is_empty() {
            self.draft = draft;
            self.draft.urgent = false;
            self.answer_without_commit();
        } else {
            effects.push(Effect::Commit(draft.entries));
            self.landings.push_back(Landing {
                deposited: draft.deposited,
                answers: draft.answers,
                outgoing: draft.outgoing,
                taken: draft.taken,
                bytes: draft.bytes,
            });
        }
        // Streams go after everything that is written to them.
        effects.extend(self.undeclare.drain(..).map(Effect::Undeclare));
    }

    /// Gives answers that no entry belongs to: when all that is under way has landed.
    fn answer_without_commit(&mut self) {
        let answers = self.draft.answers.drain(..);
        match self.landings.back_mut() {
            Some(landing) => landing.answers.extend(answers),
            None => self.notices.extend(answers),
        }
        let taken = self.draft.taken.drain(..);
        match self.landings.back_mut() {
            Some(landing) => landing.taken.extend(taken),
            None => self.outbox.answer(self.shard, taken),
        }
    }

    /// The oldest commit is durable: what it brought is ready, and who waited for it is told.
    pub(super) fn landed(&mut self, wall: Timestamp) {
        let Some(landing) = self.landings.pop_front() else {
            return;
        };
        self.pending_bytes = self.pending_bytes.saturating_sub(landing.bytes);
        let host_has_room = self.windows_bytes < WINDOWS_BYTES_MAX;
        for Deposited { run, places } in landing.deposited {
            for (id, level, first) in places {
                let queue = self.queues.get_mut(&id).filter(|queue| !queue.deleting);
                if let Some(queue) = queue {
                    queue.land_run(level, first, &run, wall, host_has_room);
                    self.note(id);
                }
            }
        }
        self.notices.extend(landing.answers);
        for (to, ordinal) in landing.outgoing {
            self.outbox.landed(to, ordinal);
        }
        self.outbox.answer(self.shard, landing.taken.into_iter());
    }

    /// Adds a cell to the commit that is being put together.
    pub(super) fn write(&mut self, cell: Cell) {
        let len = cell.value.as_ref().map_or(0, bytes::Bytes::len);
        self.draft.bytes += len;
        self.pending_bytes += len;
        self.draft.entries.push(Entry::Cell(cell));
    }
}
