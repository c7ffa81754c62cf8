//! What must hold in every run, whatever clients, log and crashes do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::{Monotonic, Timestamp};

use super::super::entries::{self, Decoded, GroupRecord};
use super::super::*;

/// The place of a write in the log: the life of the coordinator, then its ticket.
pub(super) type Place = (u64, Ticket);

/// A position's key.
pub(super) type Key = (String, TopicId, i32);

/// What was asked and is not answered yet.
#[derive(Debug, Clone)]
pub(super) enum Asked {
    Join {
        group: String,
    },
    Sync {
        group: String,
        member_id: String,
        owner: String,
        generation: i32,
    },
    Commit {
        keys: Vec<(Key, i64)>,
    },
    Fetch {
        group: String,
    },
    Delete {
        group: String,
    },
    Other,
}

/// The log as it would be found after a crash, and what clients have been told so far.
#[derive(Default)]
pub(super) struct Checker {
    log: BTreeMap<Place, Vec<Entry>>,
    /// The same, by what it is about.
    groups: BTreeMap<String, BTreeMap<Place, Option<GroupRecord>>>,
    positions: BTreeMap<Key, BTreeMap<Place, Option<i64>>>,
    waiting: BTreeMap<Token, Asked>,
    /// For every position the newest write that a client has seen, by an acknowledgement or by fetching.
    seen: BTreeMap<Key, Place>,
    /// The assignments that members got, and who was told to assign, by group, era and generation.
    assigned: BTreeMap<(String, usize, i32), BTreeSet<String>>,
    leaders: BTreeMap<(u64, String, usize, i32), BTreeSet<String>>,
    rebalancing: BTreeMap<String, Monotonic>,
    /// How often each rule was looked at, so that a run that tests nothing is noticed.
    pub(super) counts: BTreeMap<&'static str, usize>,
}

/// How long a group may be rebalancing: the longest rebalance time-out, and the session of static members that do
/// not join.
pub(super) const REBALANCE_MAX: Duration = Duration::from_secs(5 + 10 + 5);

impl Checker {
    pub(super) fn asked(&mut self, token: Token, asked: Asked) {
        assert!(self.waiting.insert(token, asked).is_none());
    }

    pub(super) fn waiting_len(&self) -> usize {
        self.waiting.len()
    }

    /// A crash: nobody is answered any more.
    pub(super) fn crashed(&mut self) {
        self.waiting.clear();
        self.rebalancing.clear();
    }

    /// A write is in the log, told or not.
    pub(super) fn written(&mut self, place: Place, entries: Vec<Entry>) {
        for entry in &entries {
            match entries::decode(entry.clone()).expect("our own entries") {
                Decoded::Group { id, record } => {
                    self.groups.entry(id).or_default().insert(place, record);
                }
                Decoded::Offset { group, change } => {
                    let key = (group, change.topic.id, change.partition);
                    let offset = change.value.map(|stored| stored.position.offset);
                    self.positions.entry(key).or_default().insert(place, offset);
                }
            }
        }
        self.log.insert(place, entries);
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.log.values().flatten()
    }

    /// An answer was given; returns what it answers.
    pub(super) fn replied(&mut self, life: u64, token: Token, reply: &Reply) -> Asked {
        let asked = self.waiting.remove(&token);
        let asked = asked.unwrap_or_else(|| panic!("{token:?} is answered twice: {reply:?}"));
        match (&asked, reply) {
            (Asked::Join { group }, Reply::Join(Ok(joined))) => self.joined(life, group, joined),
            (
                Asked::Sync {
                    group,
                    member_id,
                    owner,
                    generation,
                },
                Reply::Sync(Ok(synced)),
            ) => {
                self.synced(group, (member_id, owner), *generation, synced);
            }
            (Asked::Commit { keys }, Reply::CommitOffsets(Ok(_))) => self.committed(keys),
            (Asked::Fetch { group }, Reply::FetchOffsets(fetched)) => self.fetched(group, fetched),
            (Asked::Delete { group }, Reply::Delete(Ok(()))) => {
                self.count("deletions");
                let newest = self.records(group).next_back().flatten();
                assert_eq!(newest, None, "a deletion was not written");
            }
            _ => {}
        }
        asked
    }

    fn joined(&mut self, life: u64, group: &str, joined: &Joined) {
        self.count("joins");
        self.rebalancing.remove(group);
        let leads = joined.leader == joined.member_id;
        assert_eq!(leads, !joined.members.is_empty(), "{joined:?}");
        if leads && !joined.skip_assignment {
            let key = (life, group.to_owned(), self.era(group), joined.generation);
            let leaders = self.leaders.entry(key).or_default();
            leaders.insert(joined.member_id.clone());
            assert_eq!(
                leaders.len(),
                1,
                "two leaders of one generation: {leaders:?}"
            );
        }
    }

    /// An assignment is what a durable record of that generation says, and all of a generation are from one leader.
    fn synced(
        &mut self,
        group: &str,
        (member_id, owner): (&str, &str),
        generation: i32,
        synced: &Synced,
    ) {
        self.count("assignments");
        let is_it = |record: &GroupRecord| {
            let mut members = record.members.iter();
            record.generation == generation
                && members.any(|m| m.id == member_id && m.assignment == synced.assignment)
        };
        let is_durable = self.records(group).flatten().any(is_it);
        assert!(
            is_durable,
            "{member_id} got an assignment that is not durable: {synced:?}"
        );
        if let Some((tag, of)) = split(&synced.assignment) {
            assert_eq!(of, owner, "somebody else's assignment");
            let key = (group.to_owned(), self.era(group), generation);
            let tags = self.assigned.entry(key).or_default();
            tags.insert(tag);
            assert_eq!(tags.len(), 1, "two assignments of one generation: {tags:?}");
        }
    }

    fn committed(&mut self, keys: &[(Key, i64)]) {
        for (key, offset) in keys {
            self.count("commits");
            let place = self.places(key, Some(*offset)).next();
            let place = place.unwrap_or_else(|| panic!("{key:?} {offset} is not durable"));
            let seen = self.seen.entry(key.clone()).or_insert(place);
            *seen = place.max(*seen);
        }
    }

    fn fetched(&mut self, group: &str, fetched: &[CommittedOffset]) {
        for committed in fetched {
            self.count("fetches");
            let key = (group.to_owned(), committed.topic, committed.partition);
            let seen = self.seen.get(&key).copied();
            let Some(position) = &committed.position else {
                let removed = self.places(&key, None).next_back();
                assert!(removed >= seen, "{key:?} is lost: {seen:?} {removed:?}");
                continue;
            };
            let place = self.places(&key, Some(position.offset)).next();
            let place = place.unwrap_or_else(|| panic!("{key:?} shows what is not durable"));
            assert!(
                Some(place) >= seen,
                "{key:?} went back from {seen:?} to {place:?}"
            );
            self.seen.insert(key, place);
        }
    }

    /// After a restart the newest entry of the log is shown, and nothing else.
    pub(super) fn restored(&mut self, group: &str, fetched: &[CommittedOffset]) {
        self.count("restarts");
        let of_group = self.positions.iter().filter(|(key, _)| key.0 == group);
        let newest: BTreeMap<(TopicId, i32), Option<i64>> = of_group
            .filter_map(|(key, places)| Some(((key.1, key.2), *places.values().next_back()?)))
            .filter(|(_, offset)| offset.is_some())
            .collect();
        let shown = |c: &CommittedOffset| {
            let position = c.position.as_ref();
            (
                (c.topic, c.partition),
                position.map(|position| position.offset),
            )
        };
        let shown: BTreeMap<_, _> = fetched.iter().map(shown).collect();
        assert_eq!(shown, newest);
    }

    /// No group is stuck.
    pub(super) fn listed(&mut self, now: Monotonic, listed: &[Listed]) {
        for group in listed {
            if group.state == State::PreparingRebalance {
                let since = *self
                    .rebalancing
                    .entry(group.group.to_string())
                    .or_insert(now);
                let time = now - since;
                assert!(
                    time <= REBALANCE_MAX,
                    "{} is stuck for {time:?}",
                    group.group
                );
            } else {
                self.rebalancing.remove(&*group.group);
            }
        }
    }

    /// A stable group's members have what its newest durable records say.
    pub(super) fn described(&mut self, group: &str, described: &Described) {
        if described.state != State::Stable {
            return;
        }
        self.count("stable groups");
        let tags: BTreeSet<String> = described
            .members
            .iter()
            .filter_map(|member| {
                let (tag, _) = split(&member.assignment)?;
                Some(tag)
            })
            .collect();
        assert!(tags.len() <= 1, "{group} mixes assignments: {described:?}");
    }

    /// How often the group was deleted: generations begin anew with each.
    fn era(&self, group: &str) -> usize {
        self.records(group)
            .filter(|record| record.is_none())
            .count()
    }

    /// What was written of a group, in the order of the log; none for a tombstone.
    fn records(&self, group: &str) -> impl DoubleEndedIterator<Item = Option<&GroupRecord>> {
        let records = self.groups.get(group).into_iter().flatten();
        records.map(|(_, record)| record.as_ref())
    }

    /// Where an offset was committed, or where offsets were removed. All offsets of a run are different.
    fn places(&self, key: &Key, offset: Option<i64>) -> impl DoubleEndedIterator<Item = Place> {
        let places = self.positions.get(key).into_iter().flatten();
        places
            .filter(move |(_, o)| **o == offset)
            .map(|(place, _)| *place)
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
}

/// An assignment of a run: `tag/member`.
fn split(assignment: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(assignment).expect("a run's own assignment");
    let (tag, member) = text.split_once('/')?;
    Some((tag.to_owned(), member.to_owned()))
}

/// The wall clock of a run.
pub(super) fn wall(now: Monotonic) -> Timestamp {
    Timestamp(1_700_000_000_000 + i64::try_from(now.0).expect("a short run"))
}
