//! One group of the classic protocol: its state, and the rules that all requests share.
//!
//! ```text
//!            join                     all joined, or time is up             leader's sync is durable
//!   Empty ─────────▶ PreparingRebalance ──────────▶ CompletingRebalance ──────────▶ Stable
//!     ▲                │       ▲                            │                          │
//!     └── nobody left ─┘       └──────── join, leave, session or sync time-out ────────┘
//! ```
//! A group is Dead while its deletion is under way; then it is gone.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base::{Monotonic, Timestamp};
use bytes::Bytes;

use super::context::Context;
use super::entries::{GroupRecord, MemberRecord};
use super::member::Member;
use super::members::Members;
use super::subscription::{CONSUMER, Subscribed};
use super::{
    Described, DescribedMember, Error, Heartbeat, Joined, JoinedMember, Listed, Reply, Synced,
    Token,
};

/// Where a group stands; `Display` gives Kafka's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// No members; there may be offsets.
    Empty,
    /// Members are joining.
    PreparingRebalance,
    /// The members are known, the leader's assignment is not.
    CompletingRebalance,
    /// All members have their assignment or can ask for it.
    Stable,
    /// Being deleted, or unknown.
    Dead,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        })
    }
}

/// The type of these groups in ListGroups (KIP-848).
pub(super) const GROUP_TYPE: &str = "classic";

/// What a group costs besides its name and members, roughly.
const GROUP_BYTES: usize = 512;

/// The first rebalance of a group that was empty: it goes on for another delay as long as members come.
#[derive(Debug, Clone, Copy)]
pub(super) struct InitialDelay {
    /// The delay that is running.
    pub(super) delay: Duration,
    /// What is left of the rebalance time-out after it.
    pub(super) remaining: Duration,
    /// Somebody came during the delay.
    pub(super) extend: bool,
}

/// A group's state machine.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: Arc<str>,
    pub(super) state: State,
    pub(super) state_since: Timestamp,
    pub(super) generation: i32,
    pub(super) protocol_type: Option<String>,
    pub(super) protocol_name: Option<String>,
    pub(super) leader: Option<String>,
    pub(super) members: Members,
    pub(super) subscribed: Subscribed,
    /// Only in the first rebalance after being empty.
    pub(super) initial: Option<InitialDelay>,
    /// When joining ends; only in PreparingRebalance.
    pub(super) join_ends: Option<Monotonic>,
    /// When members that owe a sync are removed.
    pub(super) sync_ends: Option<Monotonic>,
    /// The leader's assignment for this generation is being written.
    pub(super) is_assigning: bool,
    /// Of all assignments, in force or being written.
    pub(super) assignment_bytes: usize,
    /// Its state has been written at least once, so that its end must be written too.
    pub(super) is_written: bool,
    /// No later than the first thing that is due.
    pub(super) alarm: Option<Monotonic>,
}

impl Group {
    pub(super) fn new(id: Arc<str>, wall: Timestamp) -> Self {
        Self {
            id,
            state: State::Empty,
            state_since: wall,
            generation: 0,
            protocol_type: None,
            protocol_name: None,
            leader: None,
            members: Members::default(),
            subscribed: Subscribed::Unknown,
            initial: None,
            join_ends: None,
            sync_ends: None,
            is_assigning: false,
            assignment_bytes: 0,
            is_written: false,
            alarm: None,
        }
    }

    /// A group as it was written. A group with members is stable: nothing else is ever written.
    pub(super) fn restored(id: Arc<str>, record: GroupRecord) -> Self {
        let mut group = Self::new(id, record.state_since);
        group.generation = record.generation;
        group.protocol_type = record.protocol_type;
        group.protocol_name = record.protocol_name;
        group.leader = record.leader;
        group.is_written = true;
        for member in record.members {
            let id = member.id;
            group.assignment_bytes += member.assignment.len();
            group
                .members
                .add(id, Member::new(member.profile, member.assignment));
        }
        if !group.members.is_empty() {
            group.state = State::Stable;
        }
        group.subscribed = group.subscriptions();
        group
    }

    /// What is to be written of the group, with the assignments that its members are about to get.
    pub(super) fn record(&self, assignments: Option<&BTreeMap<String, Bytes>>) -> GroupRecord {
        let member = |(id, member): (&str, &Member)| MemberRecord {
            id: id.to_owned(),
            profile: member.profile.clone(),
            assignment: match assignments {
                Some(given) => given.get(id).cloned().unwrap_or_default(),
                None => member.assignment.clone(),
            },
        };
        GroupRecord {
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol_name.clone(),
            leader: self.leader.clone(),
            state_since: self.state_since,
            members: self.members.iter().map(member).collect(),
        }
    }

    /// What the group costs, positions aside.
    pub(super) fn bytes(&self) -> usize {
        GROUP_BYTES + self.id.len() + self.members.bytes() + self.assignment_bytes
    }

    pub(super) fn enter(&mut self, state: State, wall: Timestamp) {
        self.state = state;
        self.state_since = wall;
    }

    /// Whether nothing would be lost by forgetting it, positions aside.
    pub(super) fn is_forgettable(&self) -> bool {
        self.state == State::Empty && !self.is_written && self.members.pending_len() == 0
    }

    pub(super) fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    /// Whether the member exists and is who it says it is.
    pub(super) fn check_member(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), Error> {
        if let Some(instance_id) = instance_id {
            match self.members.of_instance(instance_id) {
                None => return Err(Error::UnknownMemberId),
                Some(owner) if owner != member_id => return Err(Error::FencedInstanceId),
                Some(_) => {}
            }
        }
        match self.members.get(member_id) {
            Some(_) => Ok(()),
            None => Err(Error::UnknownMemberId),
        }
    }

    pub(super) fn heartbeat(&mut self, ctx: &mut Context<'_>, token: Token, beat: &Heartbeat) {
        let outcome = self.check_heartbeat(beat);
        if matches!(outcome, Ok(()) | Err(Error::RebalanceInProgress)) {
            self.extend_session(&beat.member_id, ctx.now);
        }
        ctx.reply(token, Reply::Heartbeat(outcome));
    }

    fn check_heartbeat(&self, beat: &Heartbeat) -> Result<(), Error> {
        if self.state == State::Dead {
            return Err(Error::CoordinatorNotAvailable);
        }
        self.check_member(&beat.member_id, beat.instance_id.as_deref())?;
        if beat.generation != self.generation {
            return Err(Error::IllegalGeneration);
        }
        match self.state {
            State::PreparingRebalance => Err(Error::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    /// Gives a member its full session time-out from now on.
    pub(super) fn extend_session(&mut self, member_id: &str, now: Monotonic) {
        if let Some(member) = self.members.get_mut(member_id) {
            let ends = now + member.profile.session_timeout;
            member.session_ends = Some(ends);
            self.wake_by(ends);
        }
    }

    /// Has the group woken at this time or before.
    pub(super) fn wake_by(&mut self, at: Monotonic) {
        self.alarm = Some(self.alarm.map_or(at, |alarm| alarm.min(at)));
    }

    /// Sets the alarm to the first thing that is really due.
    pub(super) fn reset_alarm(&mut self) {
        let times = [self.members.next_end(), self.join_ends, self.sync_ends];
        self.alarm = times.into_iter().flatten().min();
    }

    /// What a member of the current generation is told, its joining being answered.
    pub(super) fn joined(&self, member_id: &str) -> Joined {
        let is_leader = self.is_leader(member_id);
        Joined {
            member_id: member_id.to_owned(),
            generation: self.generation,
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol_name: self.protocol_name.clone().unwrap_or_default(),
            leader: self.leader.clone().unwrap_or_default(),
            skip_assignment: false,
            members: if is_leader {
                self.joined_members()
            } else {
                Vec::new()
            },
        }
    }

    fn joined_members(&self) -> Vec<JoinedMember> {
        let protocol = self.protocol_name.as_deref().unwrap_or_default();
        let member = |(id, member): (&str, &Member)| JoinedMember {
            member_id: id.to_owned(),
            instance_id: member.profile.instance_id.clone(),
            metadata: member.profile.metadata(protocol),
        };
        self.members.iter().map(member).collect()
    }

    /// What a member of a stable group is told when it asks for its assignment.
    pub(super) fn synced(&self, member: &Member) -> Synced {
        Synced {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol_name: self.protocol_name.clone().unwrap_or_default(),
            assignment: member.assignment.clone(),
        }
    }

    pub(super) fn is_of_consumers(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }

    /// The topics that the members read under the chosen protocol.
    pub(super) fn subscriptions(&self) -> Subscribed {
        if !self.is_of_consumers() {
            return Subscribed::Unknown;
        }
        let protocol = self.protocol_name.as_deref().unwrap_or_default();
        let metadata = |(_, member): (&str, &Member)| member.profile.metadata(protocol);
        Subscribed::union(self.members.iter().map(metadata))
    }

    /// Whether a topic's offsets are to be left alone. Of consumers nobody knows the topics of, all are.
    pub(super) fn reads(&self, topic: &str) -> bool {
        match &self.subscribed {
            Subscribed::To(topics) => topics.contains(topic),
            Subscribed::Unknown => self.is_of_consumers(),
        }
    }

    pub(super) fn described(&self) -> Described {
        let is_stable = self.state == State::Stable;
        let protocol_name = self.protocol_name.clone().filter(|_| is_stable);
        let protocol_name = protocol_name.unwrap_or_default();
        let member = |(id, member): (&str, &Member)| DescribedMember {
            member_id: id.to_owned(),
            instance_id: member.profile.instance_id.clone(),
            client_id: member.profile.client_id.clone(),
            client_host: member.profile.client_host.clone(),
            metadata: member.profile.metadata(&protocol_name),
            assignment: member.assignment.clone(),
        };
        Described {
            state: self.state,
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            members: self.members.iter().map(member).collect(),
            protocol_name,
        }
    }

    pub(super) fn listed(&self) -> Listed {
        Listed {
            group: Arc::clone(&self.id),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            state: self.state,
            group_type: GROUP_TYPE,
        }
    }

    /// Whether the group may be deleted.
    pub(super) fn check_delete(&self) -> Result<(), Error> {
        match self.state {
            State::Empty => Ok(()),
            State::Dead => Err(Error::GroupIdNotFound),
            _ => Err(Error::NonEmptyGroup),
        }
    }

    /// Whether single offsets may be deleted; those of topics that are read may not.
    pub(super) fn check_delete_offsets(&self) -> Result<(), Error> {
        match self.state {
            State::Empty => Ok(()),
            State::Dead => Err(Error::GroupIdNotFound),
            _ if self.is_of_consumers() => Ok(()),
            _ => Err(Error::NonEmptyGroup),
        }
    }
}
