//! How a group gets from one generation to the next, and what happens when time runs out.

use std::time::Duration;

use base::Monotonic;

use super::context::Context;
use super::group::{Group, InitialDelay, State};
use super::settings::EMPTY_REBALANCE_RETRY_MIN;
use super::writes::Then;
use super::{Error, JoinRefused, Reply, Ticket};

impl Group {
    /// Begins a rebalance, or sees whether the one that is running is complete. Returns the write that makes it
    /// durable that the group is empty, if that is what came out.
    pub(super) fn rebalance(&mut self, ctx: &mut Context<'_>, reason: &str) -> Option<Ticket> {
        match self.state {
            State::Empty | State::CompletingRebalance | State::Stable => self.prepare(ctx, reason),
            State::PreparingRebalance => self.complete_if_joined(ctx),
            State::Dead => None,
        }
    }

    /// Ends the joining phase if it waits for nobody. The first rebalance after being empty always takes its time.
    pub(super) fn complete_if_joined(&mut self, ctx: &mut Context<'_>) -> Option<Ticket> {
        let is_waiting = self.initial.is_some() || !self.members.all_joined();
        if self.state != State::PreparingRebalance || is_waiting {
            return None;
        }
        self.complete_join(ctx)
    }

    /// Asks all members to join again.
    pub(super) fn prepare(&mut self, ctx: &mut Context<'_>, reason: &str) -> Option<Ticket> {
        tracing::info!(group = &*self.id, generation = self.generation, state = %self.state, reason, "rebalancing");
        if self.state == State::CompletingRebalance {
            self.fail_syncs(ctx, Error::RebalanceInProgress);
        }
        for (_, member) in self.members.iter_mut() {
            member.owes_sync = false;
        }
        self.sync_ends = None;
        self.is_assigning = false;
        let was_empty = self.state == State::Empty;
        self.enter(State::PreparingRebalance, ctx.wall);
        let timeout = self.members.rebalance_timeout();
        let delay = ctx.settings.initial_rebalance_delay;
        if was_empty && !delay.is_zero() {
            self.initial = Some(InitialDelay {
                delay,
                remaining: timeout.saturating_sub(delay),
                extend: false,
            });
            self.end_joining_after(delay, ctx.now);
            return None;
        }
        if self.members.all_joined() {
            return self.complete_join(ctx);
        }
        self.end_joining_after(timeout, ctx.now);
        None
    }

    /// Ends the joining phase: whoever has not joined is out, unless it is static, and the others form the next
    /// generation.
    fn complete_join(&mut self, ctx: &mut Context<'_>) -> Option<Ticket> {
        self.join_ends = None;
        self.initial = None;
        let is_out =
            |member: &super::member::Member| member.joining.is_none() && !member.is_static();
        for id in self.members.ids_where(is_out) {
            tracing::info!(group = &*self.id, member = id, "did not join in time");
            self.remove(ctx, &id);
        }
        if self.members.is_empty() {
            return Some(self.become_empty(ctx));
        }
        if !self.elect_leader() {
            // Only static members are left and none has joined: wait for one, or for the end of their sessions.
            let pause = self.members.rebalance_timeout();
            self.end_joining_after(pause.max(EMPTY_REBALANCE_RETRY_MIN), ctx.now);
            return None;
        }
        self.next_generation(ctx);
        None
    }

    fn become_empty(&mut self, ctx: &mut Context<'_>) -> Ticket {
        self.generation = next(self.generation);
        self.protocol_name = None;
        self.leader = None;
        self.assignment_bytes = 0;
        self.subscribed = self.subscriptions();
        self.enter(State::Empty, ctx.wall);
        self.is_written = true;
        ctx.persist_group(&self.id, &self.record(None), Then::Emptied { leave: None })
    }

    fn next_generation(&mut self, ctx: &mut Context<'_>) {
        self.generation = next(self.generation);
        self.protocol_name = self.members.elect_protocol();
        self.subscribed = self.subscriptions();
        self.enter(State::CompletingRebalance, ctx.wall);
        for id in self.members.ids_where(|_| true) {
            if let Some(token) = self.members.take_join(&id) {
                ctx.reply(token, Reply::Join(Ok(self.joined(&id))));
            }
            self.extend_session(&id, ctx.now);
            if let Some(member) = self.members.get_mut(&id) {
                member.is_new = false;
                member.owes_sync = true;
            }
        }
        let ends = ctx.now + self.members.rebalance_timeout();
        self.sync_ends = Some(ends);
        self.wake_by(ends);
    }

    /// Makes sure that the leader is a member that has joined; says whether there is one.
    fn elect_leader(&mut self) -> bool {
        let has_joined = |id: &str| self.members.get(id).is_some_and(|m| m.joining.is_some());
        if self.leader.as_deref().is_some_and(has_joined) {
            return true;
        }
        let mut joined = self.members.iter().filter(|(_, m)| m.joining.is_some());
        let Some((id, _)) = joined.next() else {
            return false;
        };
        self.leader = Some(id.to_owned());
        true
    }

    /// Tells everybody who waits for an assignment that there is none, and forgets the one before.
    pub(super) fn fail_syncs(&mut self, ctx: &mut Context<'_>, error: Error) {
        self.assignment_bytes = 0;
        let mut waited = Vec::new();
        for (id, member) in self.members.iter_mut() {
            member.assignment.clear();
            if let Some(token) = member.syncing.take() {
                ctx.reply(token, Reply::Sync(Err(error)));
                waited.push(id.to_owned());
            }
        }
        for id in waited {
            self.extend_session(&id, ctx.now);
        }
    }

    /// Takes a member out and answers what it waits for; the caller sees to the rebalance.
    pub(super) fn remove(&mut self, ctx: &mut Context<'_>, id: &str) {
        let Some(member) = self.members.remove(id) else {
            return;
        };
        if let Some(token) = member.joining {
            let refused = JoinRefused {
                error: Error::UnknownMemberId,
                member_id: String::new(),
            };
            ctx.reply(token, Reply::Join(Err(refused)));
        }
        if let Some(token) = member.syncing {
            ctx.reply(token, Reply::Sync(Err(Error::UnknownMemberId)));
        }
        if self.is_leader(id) {
            self.leader = self.members.iter().next().map(|(id, _)| id.to_owned());
        }
    }

    /// Does everything that is due, and sets the alarm to what comes next.
    pub(super) fn expire(&mut self, ctx: &mut Context<'_>) {
        self.expire_sessions(ctx);
        if self.join_ends.is_some_and(|ends| ends <= ctx.now) {
            self.end_joining(ctx);
        }
        if self.sync_ends.is_some_and(|ends| ends <= ctx.now) {
            self.expire_syncs(ctx);
        }
        self.reset_alarm();
    }

    fn expire_sessions(&mut self, ctx: &mut Context<'_>) {
        let now = ctx.now;
        let has_ended = |ends: Option<Monotonic>| ends.is_some_and(|ends| ends <= now);
        for (_, member) in self.members.iter_mut() {
            if has_ended(member.session_ends) && member.is_excused() {
                member.session_ends = None;
            }
        }
        let silent = self.members.ids_where(|m| has_ended(m.session_ends));
        for id in &silent {
            tracing::info!(group = &*self.id, member = id, "session expired");
            self.remove(ctx, id);
        }
        let have_lapsed = self.members.expire_pending(now);
        if !silent.is_empty() {
            self.rebalance(ctx, "a member's session expired");
        } else if have_lapsed {
            self.complete_if_joined(ctx);
        }
    }

    /// The time for joining is up. In the first rebalance there is more, if somebody came meanwhile.
    fn end_joining(&mut self, ctx: &mut Context<'_>) {
        match self.initial {
            Some(initial) if initial.extend && !initial.remaining.is_zero() => {
                let delay = initial.remaining.min(ctx.settings.initial_rebalance_delay);
                self.initial = Some(InitialDelay {
                    delay,
                    remaining: initial.remaining.saturating_sub(initial.delay),
                    extend: false,
                });
                self.end_joining_after(delay, ctx.now);
            }
            _ => {
                self.complete_join(ctx);
            }
        }
    }

    /// Members that were told their generation and never asked for their assignment are out, static ones too.
    fn expire_syncs(&mut self, ctx: &mut Context<'_>) {
        self.sync_ends = None;
        let owing = self.members.ids_where(|member| member.owes_sync);
        if owing.is_empty() {
            return;
        }
        for id in owing {
            tracing::info!(group = &*self.id, member = id, "did not sync in time");
            self.remove(ctx, &id);
        }
        self.prepare(ctx, "members did not sync in time");
    }

    fn end_joining_after(&mut self, wait: Duration, now: Monotonic) {
        let ends = now + wait;
        self.join_ends = Some(ends);
        self.wake_by(ends);
    }
}

/// Generations start at 1 and are never negative, which means 'no member' in requests.
fn next(generation: i32) -> i32 {
    generation.checked_add(1).unwrap_or(1)
}
