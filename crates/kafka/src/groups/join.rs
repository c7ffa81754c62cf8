//! Joining: new members, static members that come back, and members that join again.

use super::context::Context;
use super::group::{Group, State};
use super::member::{Member, Profile};
use super::settings::{GROUP_BYTES_MAX, NEW_MEMBER_JOIN_TIMEOUT, REASON_BYTES_MAX};
use super::subscription::{self, CONSUMER};
use super::writes::{Resumption, Then};
use super::{Error, Join, JoinRefused, Reply, Token, WriteFailed};

impl Group {
    /// Handles a join whose group name and session time-out are in order.
    pub(super) fn join(&mut self, ctx: &mut Context<'_>, token: Token, join: &Join) {
        let is_new = join.member_id.is_empty();
        if self.state == State::Dead {
            return refuse(ctx, token, Error::CoordinatorNotAvailable, &join.member_id);
        }
        if !self.has_room(ctx.settings.group_size_max, join) {
            // A member that joins again may be the one too many: it is out.
            self.remove(ctx, &join.member_id);
            self.members.remove_pending(&join.member_id);
            refuse(ctx, token, Error::GroupMaxSizeReached, "");
            self.complete_if_joined(ctx);
            return;
        }
        if !self.fits(join) {
            return refuse(
                ctx,
                token,
                Error::InconsistentGroupProtocol,
                &join.member_id,
            );
        }
        let profile = Profile::of(join);
        let freed = self
            .replaced(join)
            .map_or(0, |member| member.profile.bytes());
        if self.members.bytes() - freed + profile.bytes() > GROUP_BYTES_MAX {
            return refuse(ctx, token, Error::GroupMaxSizeReached, &join.member_id);
        }
        if is_new {
            self.join_new(ctx, token, join, profile);
        } else if self.members.is_pending(&join.member_id) && join.instance_id.is_none() {
            self.add_member(ctx, token, join, &join.member_id, profile);
        } else {
            self.join_again(ctx, token, join, profile);
        }
    }

    /// Whether one more may join. While members join, those count that have; then all do (Kafka's rule, which lets the
    /// first ones in after the limit was lowered).
    fn has_room(&self, size_max: usize, join: &Join) -> bool {
        let known = self.replaced(join);
        match self.state {
            State::Empty | State::Dead => true,
            State::PreparingRebalance => {
                known.is_some_and(|member| member.joining.is_some())
                    || self.members.joining() < size_max
            }
            State::CompletingRebalance | State::Stable => {
                known.is_some() || self.members.len() < size_max
            }
        }
    }

    /// The member that joins again, or whose place is taken. Kafka does not count the latter, so that in a full group a
    /// static member cannot come back.
    fn replaced(&self, join: &Join) -> Option<&Member> {
        let instance_id = join.instance_id.as_deref();
        let owner = instance_id.and_then(|id| self.members.of_instance(id));
        self.members.get(owner.unwrap_or(&join.member_id))
    }

    /// Whether the member's type is the group's, and one of its protocols is everybody's.
    fn fits(&self, join: &Join) -> bool {
        if self.state == State::Empty {
            return !join.protocol_type.is_empty() && !join.protocols.is_empty();
        }
        let names = join.protocols.iter().map(|protocol| protocol.name.as_str());
        self.protocol_type.as_deref() == Some(&join.protocol_type)
            && self.members.share_one_of(names)
    }

    fn join_new(&mut self, ctx: &mut Context<'_>, token: Token, join: &Join, profile: Profile) {
        let prefix = join.instance_id.as_deref().unwrap_or(&join.client_id);
        let id = member_id(prefix, join.fresh_id);
        if self.members.get(&id).is_some() || self.members.is_pending(&id) {
            // The driver's randomness repeats itself; asking again gets another number.
            return refuse(ctx, token, Error::CoordinatorNotAvailable, "");
        }
        if let Some(instance_id) = join.instance_id.as_deref() {
            match self.members.of_instance(instance_id) {
                Some(old_id) => {
                    let old_id = old_id.to_owned();
                    self.take_over(ctx, token, join, &old_id, id, profile);
                }
                None => self.add_member(ctx, token, join, &id, profile),
            }
        } else if join.member_id_required {
            if self.members.pending_len() >= ctx.settings.group_size_max {
                return refuse(ctx, token, Error::GroupMaxSizeReached, "");
            }
            let lapses = ctx.now + join.session_timeout;
            self.members.add_pending(id.clone(), lapses);
            self.wake_by(lapses);
            refuse(ctx, token, Error::MemberIdRequired, &id);
        } else {
            self.add_member(ctx, token, join, &id, profile);
        }
    }

    fn add_member(
        &mut self,
        ctx: &mut Context<'_>,
        token: Token,
        join: &Join,
        id: &str,
        profile: Profile,
    ) {
        if self.members.is_empty() {
            self.protocol_type = Some(join.protocol_type.clone());
        }
        if self.leader.is_none() {
            self.leader = Some(id.to_owned());
        }
        if let Some(initial) = &mut self.initial {
            initial.extend = true;
        }
        let ends = ctx.now + NEW_MEMBER_JOIN_TIMEOUT;
        let mut member = Member::new(profile, bytes::Bytes::new());
        member.is_new = true;
        member.session_ends = Some(ends);
        self.members.add(id.to_owned(), member);
        self.members.park_join(id, token);
        self.wake_by(ends);
        self.rebalance(ctx, &reason("a member joins", join));
    }

    /// A member that has an id joins again.
    fn join_again(&mut self, ctx: &mut Context<'_>, token: Token, join: &Join, profile: Profile) {
        let id = join.member_id.as_str();
        if let Err(error) = self.check_member(id, join.instance_id.as_deref()) {
            return refuse(ctx, token, error, id);
        }
        let known = self.members.get(id).map(|member| &member.profile);
        let is_same = known.is_some_and(|known| known.protocols == profile.protocols);
        // A member that says nothing new has missed its answer, or wants to sync again. Only the leader's word is
        // enough for a rebalance, because what it assigns may have changed without its subscription.
        let is_idle = match self.state {
            State::CompletingRebalance => is_same,
            State::Stable => is_same && !self.is_leader(id),
            _ => false,
        };
        self.members.set_profile(id, profile);
        if is_idle {
            self.extend_session(id, ctx.now);
            ctx.reply(token, Reply::Join(Ok(self.joined(id))));
            return;
        }
        self.wait_for_join(ctx, id, token);
        self.rebalance(ctx, &reason("a member joins again", join));
    }

    /// A new process takes the place of a static member (KIP-345): the old one is fenced, the new one goes on with its
    /// assignment, if the group's protocol and the member's topics allow it.
    fn take_over(
        &mut self,
        ctx: &mut Context<'_>,
        token: Token,
        join: &Join,
        old_id: &str,
        id: String,
        profile: Profile,
    ) {
        self.fence(ctx, old_id);
        let old_leader = self.leader.clone().unwrap_or_default();
        let Some(old_profile) = self.members.get(old_id).map(|m| m.profile.clone()) else {
            return refuse(ctx, token, Error::UnknownMemberId, "");
        };
        let reads_the_same = self.reads_the_same(&old_profile, &profile);
        self.members.rename(old_id, &id);
        self.members.set_profile(&id, profile);
        if self.is_leader(old_id) {
            self.leader = Some(id.clone());
        }
        if let Some(member) = self.members.get_mut(&id) {
            member.is_new = false;
        }
        self.wait_for_join(ctx, &id, token);
        self.extend_session(&id, ctx.now);
        let keeps_protocol = self.members.elect_protocol() == self.protocol_name;
        if self.state != State::Stable || !keeps_protocol || !reads_the_same {
            // While the leader assigns, it does so to the old id: that must be done again (KAFKA-9801).
            self.rebalance(ctx, &reason("a static member was replaced", join));
            return;
        }
        let then = Then::Resume(Box::new(Resumption {
            token,
            member_id: id,
            old_member_id: old_id.to_owned(),
            old_profile,
            old_leader,
            may_skip_assignment: join.may_skip_assignment,
        }));
        self.is_written = true;
        ctx.persist_group(&self.id, &self.record(None), then);
    }

    /// Answers what the process before waits for.
    fn fence(&mut self, ctx: &mut Context<'_>, old_id: &str) {
        if let Some(token) = self.members.take_join(old_id) {
            refuse(ctx, token, Error::FencedInstanceId, old_id);
        }
        if let Some(member) = self.members.get_mut(old_id)
            && let Some(token) = member.syncing.take()
        {
            ctx.reply(token, Reply::Sync(Err(Error::FencedInstanceId)));
        }
    }

    /// Whether a consumer's topics are what they were. Its bytes may differ: they also say what it owns, which a new
    /// process does not know. Kafka compares nothing here, and new topics wait for the next rebalance (KAFKA-12759).
    fn reads_the_same(&self, old: &Profile, new: &Profile) -> bool {
        if self.protocol_type.as_deref() != Some(CONSUMER) {
            return true;
        }
        let protocol = self.protocol_name.as_deref().unwrap_or_default();
        let topics = |profile: &Profile| subscription::topics(profile.metadata(protocol));
        topics(old) == topics(new)
    }

    /// A static member's new id is durable, or not.
    pub(super) fn resume(
        &mut self,
        ctx: &mut Context<'_>,
        outcome: Result<(), WriteFailed>,
        resumption: Resumption,
    ) {
        let id = resumption.member_id.as_str();
        let joining = self.members.get(id).and_then(|member| member.joining);
        if self.state != State::Stable || joining != Some(resumption.token) {
            // Meanwhile it was fenced itself, or a rebalance began, which answers it.
            return;
        }
        self.members.take_join(id);
        self.extend_session(id, ctx.now);
        if let Err(failed) = outcome {
            refuse(ctx, resumption.token, failed.of_group(), "");
            let old_id = resumption.old_member_id;
            if self.is_leader(id) {
                self.leader = Some(old_id.clone());
            }
            self.members.set_profile(id, resumption.old_profile);
            self.members.rename(id, &old_id);
            return;
        }
        let mut joined = self.joined(id);
        if resumption.may_skip_assignment {
            joined.skip_assignment = self.is_leader(id);
        } else {
            joined.leader = resumption.old_leader;
            joined.members.clear();
        }
        ctx.reply(resumption.token, Reply::Join(Ok(joined)));
    }

    /// Lets a member wait for the next generation. A join that it waited for before was given up by its client, which
    /// must not take the answer for the new one's.
    fn wait_for_join(&mut self, ctx: &mut Context<'_>, id: &str, token: Token) {
        if let Some(previous) = self.members.park_join(id, token) {
            refuse(ctx, previous, Error::RebalanceInProgress, id);
        }
    }
}

/// Refuses a join.
pub(super) fn refuse(ctx: &mut Context<'_>, token: Token, error: Error, member_id: &str) {
    let refused = JoinRefused {
        error,
        member_id: member_id.to_owned(),
    };
    ctx.reply(token, Reply::Join(Err(refused)));
}

/// `prefix-xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx`, a random UUID (RFC 9562) as Kafka has it.
fn member_id(prefix: &str, random: u128) -> String {
    const VERSION_4: u128 = 4 << 76;
    const VARIANT: u128 = 2 << 62;
    let uuid = (random & !(0xf << 76) & !(3 << 62)) | VERSION_4 | VARIANT;
    let hex = format!("{uuid:032x}");
    let (a, b, c, d, e) = (
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    );
    format!("{prefix}-{a}-{b}-{c}-{d}-{e}")
}

fn reason(what: &str, join: &Join) -> String {
    match join.reason.as_deref() {
        Some(said) => format!("{what}: {}", head(said)),
        None => what.to_owned(),
    }
}

/// The beginning of a client's reason.
pub(super) fn head(said: &str) -> &str {
    let mut end = said.len().min(REASON_BYTES_MAX);
    while !said.is_char_boundary(end) {
        end -= 1;
    }
    &said[..end]
}
