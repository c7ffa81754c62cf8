//! Dispatch and timers: finds the group that an input is about, and knows when the next thing is due.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use base::{Monotonic, Timestamp};

use super::context::{Context, Step};
use super::group::{GROUP_TYPE, Group};
use super::join::refuse;
use super::seat::Seat;
use super::settings::{COORDINATOR_BYTES_MAX, GROUPS_MAX, RETENTION_GROUPS_PER_TICK};
use super::timers::Timers;
use super::writes::{Then, Write, Writes};
use super::{
    CommitOffsets, DeleteGroup, Effect, Error, Heartbeat, Input, Join, Leave, Left, List, Reply,
    Request, Settings, Sync, Ticket, Token, TopicId, WriteFailed, commit, retention,
};

/// All groups of one shard.
#[derive(Debug)]
pub struct Coordinator {
    settings: Settings,
    seats: BTreeMap<Arc<str>, Seat>,
    timers: Timers,
    writes: Writes,
    sweep: Sweep,
    /// What all groups cost.
    pub(super) bytes: usize,
}

/// The walk over all groups that looks for expired positions.
#[derive(Debug)]
struct Sweep {
    next: Monotonic,
    /// Where the walk that is under way goes on.
    after: Option<Arc<str>>,
}

impl Coordinator {
    /// A coordinator of groups that were restored, or none.
    pub(super) fn new(settings: Settings, now: Monotonic, seats: BTreeMap<Arc<str>, Seat>) -> Self {
        let next = now + settings.offsets_retention_check_interval;
        let mut coordinator = Self {
            settings,
            seats,
            timers: Timers::default(),
            writes: Writes::new(),
            sweep: Sweep { next, after: None },
            bytes: 0,
        };
        let ids: Vec<Arc<str>> = coordinator.seats.keys().cloned().collect();
        for id in ids {
            coordinator.touched(&id);
        }
        coordinator
    }

    /// When [`Input::Tick`] is wanted next. It may be in the past, and it may come before anything is really due. A tick
    /// does something or moves it; several may be needed until it is later than `now`, never without end.
    #[must_use]
    pub fn deadline(&self) -> Option<Monotonic> {
        let sweep = (!self.seats.is_empty()).then_some(self.sweep.next);
        [self.timers.next(), sweep].into_iter().flatten().min()
    }

    /// The topics that positions are stored for. After a restart the driver compares them with its catalog and reports
    /// the missing ones as deleted.
    #[must_use]
    pub fn topic_ids(&self) -> BTreeSet<TopicId> {
        let seats = self.seats.values();
        seats.flat_map(|seat| seat.offsets.topic_ids()).collect()
    }

    /// How many groups there are.
    #[must_use]
    pub fn group_count(&self) -> usize {
        self.seats.len()
    }

    /// Takes one input and appends what is to be done about it. `now` must not run backwards.
    pub fn handle(
        &mut self,
        now: Monotonic,
        wall: Timestamp,
        input: Input,
        effects: &mut Vec<Effect>,
    ) {
        let mut step = Step { now, wall, effects };
        match input {
            Input::Request { token, request } => self.request(&mut step, token, request),
            Input::Persisted { ticket, outcome } => self.persisted(&mut step, ticket, outcome),
            Input::TopicsDeleted(topics) => self.forget_topics(&mut step, &topics),
            Input::Tick => self.tick(&mut step),
            Input::Resign => self.resign(&mut step),
        }
    }

    fn request(&mut self, step: &mut Step<'_>, token: Token, request: Request) {
        match request {
            Request::Join(join) => self.join(step, token, &join),
            Request::Sync(sync) => self.sync(step, token, sync),
            Request::Heartbeat(beat) => self.heartbeat(step, token, &beat),
            Request::Leave(leave) => self.leave(step, token, leave),
            Request::CommitOffsets(commit) => self.commit(step, token, commit),
            Request::FetchOffsets(fetch) => {
                let offsets = self.seats.get(&*fetch.group).map(|seat| &seat.offsets);
                let committed = commit::fetch(offsets, fetch.wanted);
                step.reply(token, Reply::FetchOffsets(committed));
            }
            Request::Describe(describe) => {
                let seat = self.seats.get(&*describe.group);
                let described = seat.map(|seat| seat.group.described());
                step.reply(
                    token,
                    Reply::Describe(described.ok_or(Error::GroupIdNotFound)),
                );
            }
            Request::List(list) => self.list(step, token, &list),
            Request::Delete(deletion) => self.delete(step, token, &deletion),
            Request::DeleteOffsets(deletion) => {
                let id = deletion.group.clone();
                let delete = |seat: &mut Seat, ctx: &mut Context<'_>| {
                    commit::delete(seat, ctx, token, deletion);
                };
                self.with(step, &id, delete).unwrap_or_else(|| {
                    step.reply(token, Reply::DeleteOffsets(Err(Error::GroupIdNotFound)));
                });
            }
        }
    }

    fn join(&mut self, step: &mut Step<'_>, token: Token, join: &Join) {
        let settings = &self.settings;
        let allowed = settings.session_timeout_min..=settings.session_timeout_max;
        let is_known = self.seats.contains_key(&*join.group);
        let refusal = if join.group.is_empty() {
            Some(Error::InvalidGroupId)
        } else if !allowed.contains(&join.session_timeout) {
            Some(Error::InvalidSessionTimeout)
        } else if !is_known && !join.member_id.is_empty() {
            Some(Error::UnknownMemberId)
        } else if self.is_full(join.protocols.iter().map(|p| p.metadata.len()).sum()) {
            Some(Error::CoordinatorNotAvailable)
        } else {
            self.seat(&join.group, step.wall).err()
        };
        let id = &join.group;
        match refusal {
            Some(error) => {
                let mut ctx = step.context(&self.settings, &mut self.writes);
                refuse(&mut ctx, token, error, &join.member_id);
            }
            None => {
                self.with(step, id, |seat, ctx| seat.group.join(ctx, token, join));
            }
        }
    }

    fn sync(&mut self, step: &mut Step<'_>, token: Token, sync: Sync) {
        let refusal = if sync.group.is_empty() {
            Some(Error::InvalidGroupId)
        } else if self.is_full(sync.assignments.iter().map(|(_, a)| a.len()).sum()) {
            Some(Error::CoordinatorNotAvailable)
        } else {
            None
        };
        if let Some(error) = refusal {
            return step.reply(token, Reply::Sync(Err(error)));
        }
        let id = sync.group.clone();
        let known = self.with(step, &id, |seat, ctx| seat.group.sync(ctx, token, sync));
        known.unwrap_or_else(|| step.reply(token, Reply::Sync(Err(Error::UnknownMemberId))));
    }

    fn heartbeat(&mut self, step: &mut Step<'_>, token: Token, beat: &Heartbeat) {
        if beat.group.is_empty() {
            return step.reply(token, Reply::Heartbeat(Err(Error::InvalidGroupId)));
        }
        let known = self.with(step, &beat.group, |seat, ctx| {
            seat.group.heartbeat(ctx, token, beat);
        });
        known.unwrap_or_else(|| step.reply(token, Reply::Heartbeat(Err(Error::UnknownMemberId))));
    }

    fn leave(&mut self, step: &mut Step<'_>, token: Token, leave: Leave) {
        if leave.group.is_empty() {
            return step.reply(token, Reply::Leave(Err(Error::InvalidGroupId)));
        }
        if !self.seats.contains_key(&*leave.group) {
            let stranger = |leaver: super::Leaver| Left {
                member_id: leaver.member_id,
                instance_id: leaver.instance_id,
                error: Some(Error::UnknownMemberId),
            };
            let left = leave.members.into_iter().map(stranger).collect();
            return step.reply(token, Reply::Leave(Ok(left)));
        }
        let id = leave.group.clone();
        self.with(step, &id, |seat, ctx| seat.group.leave(ctx, token, leave));
    }

    fn commit(&mut self, step: &mut Step<'_>, token: Token, request: CommitOffsets) {
        let is_known = self.seats.contains_key(&*request.group);
        let metadata = request.offsets.iter().map(|offset| offset.metadata.len());
        let refusal = if self.is_full(metadata.sum()) {
            Some(Error::CoordinatorNotAvailable)
        } else if is_known {
            None
        } else if request.generation < 0 {
            // A simple consumer, or an operator's tool, makes the group by committing to it.
            self.seat(&request.group, step.wall).err()
        } else if request.names_unknown_group {
            Some(Error::GroupIdNotFound)
        } else {
            Some(Error::IllegalGeneration)
        };
        if let Some(error) = refusal {
            return step.reply(token, Reply::CommitOffsets(Err(error)));
        }
        let id = request.group.clone();
        self.with(step, &id, |seat, ctx| {
            commit::commit(seat, ctx, token, request)
        });
    }

    fn list(&mut self, step: &mut Step<'_>, token: Token, list: &List) {
        let is_in = |filter: &[String], name: &str| {
            filter.is_empty() || filter.iter().any(|f| f.trim().eq_ignore_ascii_case(name))
        };
        let groups = self.seats.values().map(|seat| &seat.group);
        let wanted = groups.filter(|group| {
            is_in(&list.types, GROUP_TYPE) && is_in(&list.states, &group.state.to_string())
        });
        step.reply(token, Reply::List(wanted.map(Group::listed).collect()));
    }

    fn delete(&mut self, step: &mut Step<'_>, token: Token, deletion: &DeleteGroup) {
        let delete = |seat: &mut Seat, ctx: &mut Context<'_>| match seat.group.check_delete() {
            Err(error) => ctx.reply(token, Reply::Delete(Err(error))),
            Ok(()) => {
                let changes = seat.offsets.removal(None);
                let token = Some(token);
                retention::delete(seat, ctx, changes, Then::GroupDeleted { token });
            }
        };
        self.with(step, &deletion.group, delete).unwrap_or_else(|| {
            step.reply(token, Reply::Delete(Err(Error::GroupIdNotFound)));
        });
    }

    fn forget_topics(&mut self, step: &mut Step<'_>, topics: &[TopicId]) {
        let mut ctx = step.context(&self.settings, &mut self.writes);
        for seat in self.seats.values_mut() {
            for topic in topics {
                let changes = seat.offsets.removal(Some(*topic));
                if !changes.is_empty() {
                    ctx.persist_offsets(&seat.group.id, &mut seat.offsets, changes, Then::Nothing);
                }
            }
        }
    }

    fn tick(&mut self, step: &mut Step<'_>) {
        for id in self.timers.due(step.now) {
            self.with(step, &id, |seat, ctx| seat.group.expire(ctx));
        }
        if self.sweep.next <= step.now {
            self.sweep(step);
        }
    }

    /// Checks some groups for expired positions, and asks to be called again at once if there are more.
    fn sweep(&mut self, step: &mut Step<'_>) {
        let after = self.sweep.after.take();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = self.seats.range::<Arc<str>, _>((start, Bound::Unbounded));
        let some: Vec<Arc<str>> = rest
            .take(RETENTION_GROUPS_PER_TICK)
            .map(|(id, _)| Arc::clone(id))
            .collect();
        for id in &some {
            self.with(step, id, retention::sweep);
        }
        if some.len() == RETENTION_GROUPS_PER_TICK {
            self.sweep.after = some.into_iter().next_back();
            self.sweep.next = step.now;
        } else {
            self.sweep.next = step.now + self.settings.offsets_retention_check_interval;
        }
    }

    fn persisted(&mut self, step: &mut Step<'_>, ticket: Ticket, outcome: Result<(), WriteFailed>) {
        let Some(write) = self.writes.finish(ticket) else {
            tracing::warn!(ticket = ticket.0, "outcome of an unknown write");
            return;
        };
        let Write {
            group: id,
            changes,
            then,
        } = write;
        let is_its_own = |seat: &&mut Seat| seat.born_after < ticket;
        let mut is_gone = false;
        if let Some(seat) = self.seats.get_mut(&id).filter(is_its_own) {
            for change in &changes {
                seat.offsets.settle(ticket, change, outcome.is_ok());
            }
            let mut ctx = step.context(&self.settings, &mut self.writes);
            is_gone = seat.follow(&mut ctx, outcome, then);
        } else if let Some((token, reply)) = then.answer(outcome) {
            // The group was deleted by a later write whose outcome came first.
            step.reply(token, reply);
        }
        if is_gone {
            self.unseat(&id);
        }
        self.touched(&id);
    }

    fn resign(&mut self, step: &mut Step<'_>) {
        let lost = Err(WriteFailed::Lost);
        for write in self.writes.abandon() {
            if let Some((token, reply)) = write.then.answer(lost) {
                step.reply(token, reply);
            }
        }
        let error = Error::NotCoordinator;
        let ids: Vec<Arc<str>> = self.seats.keys().cloned().collect();
        for id in ids {
            let Some(mut seat) = self.unseat(&id) else {
                continue;
            };
            let group = &mut seat.group;
            for member_id in group.members.ids_where(|_| true) {
                let mut ctx = step.context(&self.settings, &mut self.writes);
                if let Some(token) = group.members.take_join(&member_id) {
                    refuse(&mut ctx, token, error, &member_id);
                }
                let member = group.members.get_mut(&member_id);
                if let Some(token) = member.and_then(|member| member.syncing.take()) {
                    ctx.reply(token, Reply::Sync(Err(error)));
                }
            }
        }
    }

    /// Makes sure that the group exists.
    fn seat(&mut self, id: &str, wall: Timestamp) -> Result<(), Error> {
        if self.seats.contains_key(id) {
            return Ok(());
        }
        if self.seats.len() >= GROUPS_MAX {
            return Err(Error::CoordinatorNotAvailable);
        }
        let id: Arc<str> = id.into();
        let seat = Seat::new(Group::new(Arc::clone(&id), wall), self.writes.last());
        self.seats.insert(id, seat);
        Ok(())
    }

    /// Whether so many bytes more are too many.
    fn is_full(&self, more: usize) -> bool {
        self.bytes + more > COORDINATOR_BYTES_MAX
    }

    /// Lets a group do something, and then sees to its alarm and its bytes. None if there is no such group.
    fn with<R>(
        &mut self,
        step: &mut Step<'_>,
        id: &str,
        work: impl FnOnce(&mut Seat, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let seat = self.seats.get_mut(id)?;
        let mut ctx = step.context(&self.settings, &mut self.writes);
        let result = work(seat, &mut ctx);
        self.touched(id);
        Some(result)
    }

    /// Counts a group's bytes and sets its alarm, or forgets it if nothing would be lost.
    fn touched(&mut self, id: &str) {
        let Some(seat) = self.seats.get_mut(id) else {
            return;
        };
        if seat.is_forgettable() {
            self.unseat(id);
            return;
        }
        let bytes = seat.bytes();
        self.bytes = self.bytes - seat.counted + bytes;
        seat.counted = bytes;
        if seat.armed != seat.group.alarm {
            self.timers
                .set(&seat.group.id, seat.armed, seat.group.alarm);
            seat.armed = seat.group.alarm;
        }
    }

    fn unseat(&mut self, id: &str) -> Option<Seat> {
        let seat = self.seats.remove(id)?;
        self.bytes -= seat.counted;
        self.timers.set(&seat.group.id, seat.armed, None);
        Some(seat)
    }
}
