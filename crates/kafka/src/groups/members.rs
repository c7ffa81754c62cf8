//! The members of one group, with the counts that decide when a rebalance is complete.
//!
//! Ordered by member id throughout, so that a run with the same inputs has the same effects.

use std::collections::BTreeMap;
use std::time::Duration;

use base::Monotonic;

use super::Token;
use super::member::{Member, Profile};

/// Members by id, and ids that were given out but have not joined.
#[derive(Debug, Default)]
pub(super) struct Members {
    by_id: BTreeMap<String, Member>,
    /// Instance id to member id.
    instances: BTreeMap<String, String>,
    /// Ids given out with MEMBER_ID_REQUIRED, and when they lapse.
    pending: BTreeMap<String, Monotonic>,
    /// How many members offer each protocol; never 0.
    offers: BTreeMap<String, usize>,
    joining: usize,
    bytes: usize,
}

impl Members {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// How many of them wait for the answer to a join.
    pub(super) fn joining(&self) -> usize {
        self.joining
    }

    /// What they cost, as [`Profile::bytes`] counts, with their ids and the ids that were given out.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn get(&self, id: &str) -> Option<&Member> {
        self.by_id.get(id)
    }

    /// A member whose waiting join must be left alone.
    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Member> {
        self.by_id.get_mut(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Member)> {
        self.by_id.iter().map(|(id, member)| (id.as_str(), member))
    }

    /// All members, whose waiting joins must be left alone.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Member)> {
        self.by_id
            .iter_mut()
            .map(|(id, member)| (id.as_str(), member))
    }

    /// The ids of the members of which something holds.
    pub(super) fn ids_where(&self, holds: impl Fn(&Member) -> bool) -> Vec<String> {
        self.by_id
            .iter()
            .filter(|(_, member)| holds(member))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Adds a member under an id that is not in use, or takes it over from the pending ones.
    pub(super) fn add(&mut self, id: String, member: Member) {
        debug_assert!(!self.by_id.contains_key(&id), "callers check the id");
        self.remove_pending(&id);
        self.bytes += id.len();
        self.count_in(&member);
        if let Some(instance) = &member.profile.instance_id {
            self.instances.insert(instance.clone(), id.clone());
        }
        self.by_id.insert(id, member);
    }

    /// Removes a member; its waiting tokens are the caller's to answer.
    pub(super) fn remove(&mut self, id: &str) -> Option<Member> {
        let member = self.by_id.remove(id)?;
        self.bytes -= id.len();
        self.count_out(&member);
        if let Some(instance) = &member.profile.instance_id {
            self.instances.remove(instance);
        }
        Some(member)
    }

    /// Replaces what a member says about itself. Its instance id stays: it is what identified the member.
    pub(super) fn set_profile(&mut self, id: &str, profile: Profile) {
        let Some(mut member) = self.by_id.remove(id) else {
            return;
        };
        self.count_out(&member);
        let instance_id = member.profile.instance_id.take();
        member.profile = Profile {
            instance_id,
            ..profile
        };
        self.count_in(&member);
        self.by_id.insert(id.to_owned(), member);
    }

    /// Lets a member go on under another id.
    pub(super) fn rename(&mut self, old: &str, new: &str) {
        let Some(member) = self.by_id.remove(old) else {
            return;
        };
        if let Some(instance) = &member.profile.instance_id {
            self.instances.insert(instance.clone(), new.to_owned());
        }
        self.bytes = self.bytes + new.len() - old.len();
        self.by_id.insert(new.to_owned(), member);
    }

    /// Lets a member wait for the answer to its join; returns the join it waited for before.
    pub(super) fn park_join(&mut self, id: &str, token: Token) -> Option<Token> {
        let member = self.by_id.get_mut(id)?;
        let previous = member.joining.replace(token);
        if previous.is_none() {
            self.joining += 1;
        }
        previous
    }

    /// The join that a member waits for, which the caller answers now.
    pub(super) fn take_join(&mut self, id: &str) -> Option<Token> {
        let token = self.by_id.get_mut(id)?.joining.take()?;
        self.joining -= 1;
        Some(token)
    }

    /// Whether the rebalance need not wait for anybody.
    pub(super) fn all_joined(&self) -> bool {
        self.joining == self.by_id.len() && self.pending.is_empty()
    }

    /// The member id of a static member.
    pub(super) fn of_instance(&self, instance_id: &str) -> Option<&str> {
        self.instances.get(instance_id).map(String::as_str)
    }

    /// The longest time that a member wants a rebalance to wait; zero without members.
    pub(super) fn rebalance_timeout(&self) -> Duration {
        self.by_id
            .values()
            .map(|member| member.profile.rebalance_timeout)
            .max()
            .unwrap_or_default()
    }

    /// Whether every member offers one of these protocols; true without members.
    pub(super) fn share_one_of<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> bool {
        names.any(|name| self.offers.get(name).copied().unwrap_or(0) == self.by_id.len())
    }

    /// The protocol that all offer and most prefer; on a tie the first by name. None without a common one.
    pub(super) fn elect_protocol(&self) -> Option<String> {
        let is_common = |name: &str| self.offers.get(name) == Some(&self.by_id.len());
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.by_id.values() {
            let mut names = member.profile.protocols.iter().map(|p| p.name.as_str());
            if let Some(favourite) = names.find(|name| is_common(name)) {
                *votes.entry(favourite).or_default() += 1;
            }
        }
        // `max_by_key` takes the last of equals, so the order is turned around.
        votes
            .into_iter()
            .rev()
            .max_by_key(|(_, count)| *count)
            .map(|(name, _)| name.to_owned())
    }

    pub(super) fn pending_len(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn is_pending(&self, id: &str) -> bool {
        self.pending.contains_key(id)
    }

    /// Remembers an id that was given out.
    pub(super) fn add_pending(&mut self, id: String, lapses: Monotonic) {
        self.bytes += id.len();
        self.pending.insert(id, lapses);
    }

    /// Forgets an id that was given out; says whether it was known.
    pub(super) fn remove_pending(&mut self, id: &str) -> bool {
        let was_pending = self.pending.remove(id).is_some();
        if was_pending {
            self.bytes -= id.len();
        }
        was_pending
    }

    /// Forgets the ids that have lapsed; says whether there were any.
    pub(super) fn expire_pending(&mut self, now: Monotonic) -> bool {
        let before = self.pending.len();
        let bytes = &mut self.bytes;
        self.pending.retain(|id, lapses| {
            let is_over = *lapses <= now;
            *bytes -= if is_over { id.len() } else { 0 };
            !is_over
        });
        self.pending.len() < before
    }

    /// The next time at which a session ends or a given id lapses.
    pub(super) fn next_end(&self) -> Option<Monotonic> {
        let sessions = self.by_id.values().filter_map(|member| member.session_ends);
        sessions.chain(self.pending.values().copied()).min()
    }

    fn count_in(&mut self, member: &Member) {
        for protocol in &member.profile.protocols {
            *self.offers.entry(protocol.name.clone()).or_default() += 1;
        }
        self.joining += usize::from(member.joining.is_some());
        self.bytes += member.profile.bytes();
    }

    fn count_out(&mut self, member: &Member) {
        for protocol in &member.profile.protocols {
            if let Some(count) = self.offers.get_mut(&protocol.name) {
                *count -= 1;
                if *count == 0 {
                    self.offers.remove(&protocol.name);
                }
            }
        }
        self.joining -= usize::from(member.joining.is_some());
        self.bytes -= member.profile.bytes();
    }
}
