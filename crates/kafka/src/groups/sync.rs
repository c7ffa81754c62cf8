//! Syncing: the leader brings the assignment, everybody gets a part of it.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::context::Context;
use super::group::{Group, State};
use super::settings::GROUP_BYTES_MAX;
use super::writes::Then;
use super::{Error, Reply, Sync, Token, WriteFailed};

impl Group {
    pub(super) fn sync(&mut self, ctx: &mut Context<'_>, token: Token, sync: Sync) {
        if let Err(error) = self.check_sync(&sync) {
            return ctx.reply(token, Reply::Sync(Err(error)));
        }
        let is_stable = self.state == State::Stable;
        let Some(member) = self.members.get_mut(&sync.member_id) else {
            return ctx.reply(token, Reply::Sync(Err(Error::UnknownMemberId)));
        };
        member.owes_sync = false;
        if is_stable {
            let synced = self.members.get(&sync.member_id).map(|m| self.synced(m));
            return ctx.reply(token, Reply::Sync(synced.ok_or(Error::UnknownMemberId)));
        }
        if let Some(previous) = member.syncing.replace(token) {
            ctx.reply(previous, Reply::Sync(Err(Error::RebalanceInProgress)));
        }
        // The first assignment holds: a generation has one, even if its leader asks twice.
        if self.is_leader(&sync.member_id) && !self.is_assigning {
            self.assign(ctx, sync.assignments);
        }
    }

    fn check_sync(&self, sync: &Sync) -> Result<(), Error> {
        match self.state {
            State::Dead => return Err(Error::CoordinatorNotAvailable),
            State::Empty => return Err(Error::UnknownMemberId),
            _ => {}
        }
        self.check_member(&sync.member_id, sync.instance_id.as_deref())?;
        if sync.generation != self.generation {
            return Err(Error::IllegalGeneration);
        }
        let differs = |theirs: &Option<String>, ours: &Option<String>| match (theirs, ours) {
            (Some(theirs), Some(ours)) => theirs != ours,
            _ => false,
        };
        if differs(&sync.protocol_type, &self.protocol_type)
            || differs(&sync.protocol_name, &self.protocol_name)
        {
            return Err(Error::InconsistentGroupProtocol);
        }
        match self.state {
            State::PreparingRebalance => Err(Error::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    /// Writes what the leader decided. Members that it forgot get nothing, strangers are left out.
    fn assign(&mut self, ctx: &mut Context<'_>, given: Vec<(String, Bytes)>) {
        let is_member = |(id, _): &(String, Bytes)| self.members.get(id).is_some();
        let mut assignments: BTreeMap<String, Bytes> = BTreeMap::new();
        let mut bytes = 0;
        for (id, assignment) in given.into_iter().filter(is_member) {
            bytes += assignment.len();
            // Copied, so that it does not keep the whole request in memory.
            assignments.insert(id, Bytes::copy_from_slice(&assignment));
        }
        if bytes > GROUP_BYTES_MAX {
            return self.fail_assignment(ctx, WriteFailed::TooLarge);
        }
        self.is_assigning = true;
        self.assignment_bytes = bytes;
        self.is_written = true;
        let record = self.record(Some(&assignments));
        let then = Then::Assign {
            generation: self.generation,
            assignments,
        };
        ctx.persist_group(&self.id, &record, then);
    }

    /// The assignment of a generation is durable, or not.
    pub(super) fn assigned(
        &mut self,
        ctx: &mut Context<'_>,
        outcome: Result<(), WriteFailed>,
        generation: i32,
        mut assignments: BTreeMap<String, Bytes>,
    ) {
        // While it was written, somebody may have come or left; then everybody has been told to join again.
        if self.state != State::CompletingRebalance || self.generation != generation {
            return;
        }
        if let Err(failed) = outcome {
            return self.fail_assignment(ctx, failed);
        }
        self.enter(State::Stable, ctx.wall);
        for id in self.members.ids_where(|_| true) {
            let Some(member) = self.members.get_mut(&id) else {
                continue;
            };
            member.assignment = assignments.remove(&id).unwrap_or_default();
            if let Some(token) = member.syncing.take() {
                let synced = self.members.get(&id).map(|member| self.synced(member));
                ctx.reply(token, Reply::Sync(synced.ok_or(Error::UnknownMemberId)));
                self.extend_session(&id, ctx.now);
            }
        }
    }

    fn fail_assignment(&mut self, ctx: &mut Context<'_>, failed: WriteFailed) {
        tracing::warn!(group = &*self.id, generation = self.generation, %failed, "the assignment was not stored");
        self.fail_syncs(ctx, failed.of_group());
        self.prepare(ctx, "the assignment could not be stored");
    }
}
