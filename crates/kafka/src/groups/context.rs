//! What every step of a group needs to know and to say: the time, the settings, and where effects go.

use std::sync::Arc;

use base::{Monotonic, Timestamp};

use super::entries::GroupRecord;
use super::offsets::{Change, Offsets};
use super::writes::{Then, Write, Writes};
use super::{Effect, Entry, Reply, Settings, Ticket, Token, entries};

/// The surroundings of one step.
pub(super) struct Context<'a> {
    pub(super) now: Monotonic,
    pub(super) wall: Timestamp,
    pub(super) settings: &'a Settings,
    pub(super) writes: &'a mut Writes,
    pub(super) effects: &'a mut Vec<Effect>,
}

impl Context<'_> {
    /// Answers a request.
    pub(super) fn reply(&mut self, token: Token, reply: Reply) {
        self.effects.push(Effect::Reply { token, reply });
    }

    /// Writes a group's state.
    pub(super) fn persist_group(
        &mut self,
        group: &Arc<str>,
        record: &GroupRecord,
        then: Then,
    ) -> Ticket {
        let entry = entries::group(group, Some(record));
        self.persist(group, vec![entry], Vec::new(), then)
    }

    /// Writes changes of a group's positions; `changes` must not be empty.
    pub(super) fn persist_offsets(
        &mut self,
        group: &Arc<str>,
        offsets: &mut Offsets,
        changes: Vec<Change>,
        then: Then,
    ) {
        let entries = begin(group, offsets, &changes);
        self.persist(group, entries, changes, then);
    }

    /// Removes a group and positions, which must be all that are known.
    pub(super) fn persist_deletion(
        &mut self,
        group: &Arc<str>,
        offsets: &mut Offsets,
        changes: Vec<Change>,
        then: Then,
    ) {
        let mut entries = begin(group, offsets, &changes);
        entries.push(entries::group(group, None));
        self.persist(group, entries, changes, then);
    }

    fn persist(
        &mut self,
        group: &Arc<str>,
        entries: Vec<Entry>,
        changes: Vec<Change>,
        then: Then,
    ) -> Ticket {
        let group = Arc::clone(group);
        let ticket = self.writes.begin(Write {
            group,
            changes,
            then,
        });
        self.effects.push(Effect::Persist { ticket, entries });
        ticket
    }
}

/// When an input came, and where its effects go.
pub(super) struct Step<'a> {
    pub(super) now: Monotonic,
    pub(super) wall: Timestamp,
    pub(super) effects: &'a mut Vec<Effect>,
}

impl Step<'_> {
    /// What a group needs for its part of it.
    pub(super) fn context<'a>(
        &'a mut self,
        settings: &'a Settings,
        writes: &'a mut Writes,
    ) -> Context<'a> {
        Context {
            now: self.now,
            wall: self.wall,
            settings,
            writes,
            effects: self.effects,
        }
    }

    /// Answers a request that needs no group.
    pub(super) fn reply(&mut self, token: Token, reply: Reply) {
        self.effects.push(Effect::Reply { token, reply });
    }
}

fn begin(group: &str, offsets: &mut Offsets, changes: &[Change]) -> Vec<Entry> {
    let write = |change: &Change| {
        offsets.begin(change);
        entries::offset(group, change)
    };
    changes.iter().map(write).collect()
}
