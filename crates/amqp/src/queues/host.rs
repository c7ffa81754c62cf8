//! All queues of one shard as one machine: mail in, commits, reads and notices out.
//!
//! It promises that nothing is shown or confirmed before it is durable, that what happened in one drain of
//! its mailbox is one commit, and that a dead letter leaves its queue in the commit that brings it into
//! the next one (or into the outbox). Inputs are handled one by one, then [`Host::finish`] makes of them
//! what is to be done. It owns no clock and no socket.

mod commit;
mod delete;
mod letters;
mod loads;
mod publish;
mod requests;
#[cfg(test)]
pub(crate) mod tests;
mod timers;

use super::directory::Directory;
use super::io::{Effect, HostMail, Input};
use super::kept::Kept;
use super::keyed::KeyedMap;
use super::level::LevelState;
use super::outbox::{Inbox, Outbox};
use super::queue::{Pump, Queue};
use super::report::QueueReport;
use super::sessions::Sessions;
use super::settings::Declared;
use crate::mail::{Notice, QueueId, Request, SessionId, Ticket};
use base::{Monotonic, ShardId, Timestamp};
use commit::{Draft, Landing};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Commits under way to the log. More would not be durable sooner: they wait for the same disk.
const COMMITS_MAX: usize = 32;
/// Bytes that wait for their commit, or are on their way in one; while there are more no mail is taken.
const PENDING_BYTES_MAX: usize = 32 << 20;
/// Bytes of one commit, but for one message more. The log takes more, in one piece of memory.
const DRAFT_BYTES_MAX: usize = 8 << 20;
/// Bytes of messages that all queues of a host keep in memory together, so that many queues with a backlog
/// take no more than a few.
const WINDOWS_BYTES_MAX: usize = 16 << 20;

/// A host.
pub struct Host {
    shard: ShardId,
    directory: Arc<dyn Directory>,
    queues: KeyedMap<QueueId, Queue>,
    sessions: Sessions,
    kept: Kept,
    notices: Vec<(SessionId, Notice)>,
    /// Queues that may have something to send, and those that have something to write down.
    dirty: Vec<QueueId>,
    unsettled: Vec<QueueId>,
    /// Queues that have dead letters.
    mourning: BTreeSet<QueueId>,
    /// Who waits for rejected messages to be durably on their way, and of which queue.
    rejecting: Vec<(QueueId, SessionId, Ticket)>,
    /// Queues that want to read and have to wait.
    hungry: VecDeque<QueueId>,
    reads: usize,
    draft: Draft,
    landings: VecDeque<Landing>,
    pending_bytes: usize,
    settle_due: Option<Monotonic>,
    timers: BTreeSet<(Monotonic, QueueId)>,
    /// Queues that are being removed from the catalog, with those who wait for it.
    deleting: KeyedMap<QueueId, delete::Deletion>,
    undeclare: Vec<QueueId>,
    outbox: Outbox,
    inbox: Inbox,
    /// Queues that were asked to be opened for dead letters.
    opening: BTreeSet<QueueId>,
    /// Queues that go with a session.
    exclusive: BTreeSet<QueueId>,
    /// Settlements that a planted bug has taken out of the commit that they belong to.
    split: Vec<commitlog::Entry>,
    /// What each queue takes in memory, and their sum: stored ones, and the others.
    memory: KeyedMap<QueueId, usize>,
    windows_bytes: usize,
    transient_bytes: usize,
    /// The process ends.
    winding_up: bool,
}

impl Host {
    /// A host without queues, with what its shard's cells of kind [`commitlog::Kind::Queue`] say of dead letters
    /// on their way.
    #[must_use]
    pub fn new<'a>(
        shard: ShardId,
        directory: Arc<dyn Directory>,
        cells: impl Iterator<Item = (&'a bytes::Bytes, &'a bytes::Bytes)>,
    ) -> Self {
        let (outbox, inbox) = super::outbox::restore(cells);
        Self {
            shard,
            directory,
            queues: KeyedMap::default(),
            sessions: Sessions::default(),
            kept: Kept::default(),
            notices: Vec::new(),
            dirty: Vec::new(),
            unsettled: Vec::new(),
            mourning: BTreeSet::new(),
            rejecting: Vec::new(),
            hungry: VecDeque::new(),
            reads: 0,
            draft: Draft::default(),
            landings: VecDeque::new(),
            pending_bytes: 0,
            settle_due: None,
            timers: BTreeSet::new(),
            deleting: KeyedMap::default(),
            undeclare: Vec::new(),
            outbox,
            inbox,
            opening: BTreeSet::new(),
            exclusive: BTreeSet::new(),
            split: Vec::new(),
            memory: KeyedMap::default(),
            windows_bytes: 0,
            transient_bytes: 0,
            winding_up: false,
        }
    }

    /// The shard whose queues these are.
    #[must_use]
    pub fn shard(&self) -> ShardId {
        self.shard
    }

    /// Whether a queue is open.
    pub(crate) fn is_open(&self, queue: QueueId) -> bool {
        self.queues.contains_key(&queue)
    }

    /// The sessions' windows: stream queues fill the same.
    pub(crate) fn sessions_mut(&mut self) -> &mut Sessions {
        &mut self.sessions
    }

    /// Whether a letter of another shard is one that was taken before.
    pub(crate) fn has_taken(&self, from: ShardId, ordinal: u64) -> bool {
        self.inbox.get(&from).is_some_and(|seen| ordinal <= *seen)
    }

    /// Asks other shards for letters that were on their way when this host began anew.
    pub(crate) fn ask_all_again(&mut self, shards: impl Iterator<Item = ShardId>) {
        for shard in shards.filter(|shard| *shard != self.shard) {
            let (by, after) = (self.shard, self.inbox.get(&shard).copied().unwrap_or(0));
            self.outbox.ask_again(shard, HostMail::Again { by, after });
        }
    }

    /// Queues that this input names and that have to be opened first, if they exist.
    pub fn unopened(&self, request: &Request, mut each: impl FnMut(QueueId)) {
        requests::for_each_queue(request, |queue| {
            if !self.queues.contains_key(&queue) {
                each(queue);
            }
        });
    }

    /// As [`Self::unopened`], for mail of another host.
    pub fn unopened_by_mail(&self, mail: &HostMail, mut each: impl FnMut(QueueId)) {
        if let HostMail::Letters { targets, .. } = mail {
            let unopened = targets
                .iter()
                .filter(|queue| !self.queues.contains_key(*queue));
            unopened.for_each(|queue| each(*queue));
        }
    }

    /// Whether it can take mail now. Where not, it can when a commit has landed.
    #[must_use]
    pub fn takes_mail(&self) -> bool {
        self.pending_bytes < PENDING_BYTES_MAX
    }

    /// Whether what is being put together has to go to the log before more comes. Where it cannot, it can when
    /// a commit has landed.
    #[must_use]
    pub fn is_burdened(&self) -> bool {
        self.draft.bytes >= DRAFT_BYTES_MAX
    }

    /// Bytes of messages that are in memory only.
    #[must_use]
    pub fn transient_bytes(&self) -> usize {
        self.transient_bytes
    }

    /// All queues that are open.
    #[must_use]
    pub fn reports(&self) -> Vec<QueueReport> {
        let mut reports: Vec<_> = self.queues.values().map(Queue::report).collect();
        reports.sort_unstable_by_key(|report| report.queue);
        reports
    }

    /// One queue.
    #[must_use]
    pub fn report(&self, queue: QueueId) -> Option<QueueReport> {
        self.queues.get(&queue).map(Queue::report)
    }

    /// Takes one input in. What it leads to comes with [`Self::finish`].
    pub fn handle(&mut self, now: Monotonic, wall: Timestamp, input: Input) {
        match input {
            Input::Request { session, request } => self.request(now, wall, session, request),
            Input::Opened { declared, levels } => self.open(declared, levels, now),
            Input::Missing { queue } => {
                self.opening.remove(&queue);
            }
            Input::Landed => self.landed(wall),
            Input::Loaded { read, outcome } => self.loaded(now, read, outcome),
            Input::Undeclared { queue } => self.undeclared(queue),
            Input::Mail(HostMail::Letters {
                from,
                ordinal,
                previous,
                targets,
                run,
            }) => self.letters(from, (previous, ordinal), &targets, run, wall),
            Input::Mail(HostMail::Taken { by, ordinal }) => self.taken(by, ordinal),
            Input::Mail(HostMail::Again { by, after }) => {
                self.taken(by, after);
                self.outbox.rewind(by);
            }
            Input::Tick => self.tick(now),
        }
    }

    /// The process ends: what was settled is written down at once, and nothing is delivered any more.
    pub fn wind_up(&mut self) {
        self.winding_up = true;
        self.draft.urgent = true;
    }

    /// Makes of what was handled what is to be done.
    pub fn finish(&mut self, now: Monotonic, wall: Timestamp, effects: &mut Vec<Effect>) {
        loop {
            while !self.dirty.is_empty() || self.has_letters() {
                self.pump(now, wall);
                self.bury(wall, effects);
            }
            self.commit(now, effects);
            if self.dirty.is_empty() && !self.has_letters() {
                break;
            }
        }
        effects.extend(
            self.notices
                .drain(..)
                .map(|(to, notice)| Effect::Notify(to, notice)),
        );
        self.outbox.send(self.shard, effects);
        self.feed(effects);
    }

    /// When [`Input::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Monotonic> {
        let timer = self.timers.first().map(|(at, _)| *at);
        let settle = self
            .settle_due
            .filter(|_| self.landings.len() < COMMITS_MAX);
        [timer, settle].into_iter().flatten().min()
    }

    fn open(&mut self, declared: Arc<Declared>, levels: Vec<LevelState>, now: Monotonic) {
        let id = declared.id;
        self.opening.remove(&id);
        if !self.queues.contains_key(&id) {
            if declared.exclusive.is_some() {
                self.exclusive.insert(id);
            }
            self.queues.insert(id, Queue::open(declared, levels, now));
            self.note(id);
        }
    }

    /// Something happened to a queue: it is looked at when this drain is finished.
    fn note(&mut self, id: QueueId) {
        if let Some(queue) = self.queues.get_mut(&id)
            && !queue.is_dirty
        {
            queue.is_dirty = true;
            self.dirty.push(id);
        }
    }

    /// Delivers what can be delivered, in all queues that something happened to.
    fn pump(&mut self, now: Monotonic, wall: Timestamp) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for id in dirty.drain(..) {
            let Some(queue) = self.queues.get_mut(&id) else {
                continue;
            };
            queue.is_dirty = false;
            if queue.deleting {
                continue;
            }
            if !self.winding_up {
                queue.pump(&mut Pump {
                    wall_ms: wall.0,
                    sessions: &mut self.sessions,
                    kept: &mut self.kept,
                    notices: &mut self.notices,
                });
            }
            if queue.next_death().is_some() {
                self.mourning.insert(id);
            }
            if !queue.is_unsettled && queue.has_settles() {
                queue.is_unsettled = true;
                self.unsettled.push(id);
                self.settle_due.get_or_insert(now + commit::SETTLE_DELAY);
            }
            if queue.is_stored() && !queue.is_hungry {
                queue.is_hungry = true;
                self.hungry.push_back(id);
            }
            self.account(id);
            self.arm(id, now, wall);
        }
        // The list's memory is used again.
        if self.dirty.is_empty() {
            self.dirty = dirty;
        }
    }

    /// Counts what a queue takes in memory now.
    fn account(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get(&id) else {
            return;
        };
        let memory = queue.memory();
        let sum = if queue.is_stored() {
            &mut self.windows_bytes
        } else {
            &mut self.transient_bytes
        };
        let known = self.memory.entry(id).or_default();
        *sum = (*sum + memory).saturating_sub(*known);
        *known = memory;
    }
}
