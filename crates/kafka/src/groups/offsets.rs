//! The committed positions of one group.
//!
//! A position becomes visible when its write is durable, and the write with the highest ticket wins, whatever the order
//! in which outcomes arrive: the log holds the entries in the order of their tickets, and a restart must find what
//! clients were shown (invariant K5).

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Offset, Timestamp};

use super::{Ticket, Topic, TopicId};

/// What a client committed for a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The next record to consume.
    pub offset: Offset,
    /// The epoch of the last consumed record, if it was told.
    pub leader_epoch: Option<i32>,
    /// Whatever the client wanted to remember with it.
    pub metadata: String,
}

/// A position, and what decides when it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) position: Position,
    pub(super) committed_at: Timestamp,
    /// Set by old clients that say how long to keep it.
    pub(super) expires_at: Option<Timestamp>,
}

/// A position that is to be stored, or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) topic: Topic,
    pub(super) partition: i32,
    pub(super) value: Option<Stored>,
}

/// What is known of one partition.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) stored: Option<Stored>,
    /// The write that `stored` comes from.
    settled: Ticket,
    /// Writes without an outcome.
    in_flight: u32,
    /// The newest write that failed. It may be in the log all the same, so that whoever deletes the group must write
    /// a tombstone for this partition too.
    doubtful: Option<Ticket>,
}

impl Slot {
    /// Whether writes are under way.
    pub(super) fn is_busy(&self) -> bool {
        self.in_flight > 0
    }

    fn is_needed(&self) -> bool {
        self.stored.is_some() || self.in_flight > 0 || self.doubtful.is_some()
    }
}

/// The positions of one group by topic and partition.
#[derive(Debug, Default)]
pub(super) struct Offsets {
    topics: BTreeMap<TopicId, Partitions>,
}

#[derive(Debug)]
struct Partitions {
    name: Arc<str>,
    slots: BTreeMap<i32, Slot>,
}

impl Offsets {
    /// Whether nothing is stored, under way, or in doubt.
    pub(super) fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// The durable position of a partition.
    pub(super) fn get(&self, topic: TopicId, partition: i32) -> Option<&Position> {
        let slot = self.topics.get(&topic)?.slots.get(&partition)?;
        slot.stored.as_ref().map(|stored| &stored.position)
    }

    /// Whether anything is stored, under way, or in doubt for a partition.
    pub(super) fn knows(&self, topic: TopicId, partition: i32) -> bool {
        let partitions = self.topics.get(&topic);
        partitions.is_some_and(|partitions| partitions.slots.contains_key(&partition))
    }

    /// Everything that is known, in the order of ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Topic, i32, &Slot)> {
        self.topics.iter().flat_map(|(id, partitions)| {
            partitions.slots.iter().map(|(partition, slot)| {
                let name = Arc::clone(&partitions.name);
                (Topic { id: *id, name }, *partition, slot)
            })
        })
    }

    /// The ids of all topics of which something is known.
    pub(super) fn topic_ids(&self) -> impl Iterator<Item = TopicId> {
        self.topics.keys().copied()
    }

    /// The removal of everything that is known, of one topic or of all.
    pub(super) fn removal(&self, of: Option<TopicId>) -> Vec<Change> {
        let is_meant = |topic: &Topic| of.is_none_or(|id| topic.id == id);
        self.iter()
            .filter(|(topic, ..)| is_meant(topic))
            .map(|(topic, partition, _)| Change {
                topic,
                partition,
                value: None,
            })
            .collect()
    }

    /// Notes that the write of a change is under way.
    pub(super) fn begin(&mut self, change: &Change) {
        self.slot(change).in_flight += 1;
    }

    /// Notes the outcome of the write of a change that was begun.
    pub(super) fn settle(&mut self, ticket: Ticket, change: Change, is_durable: bool) {
        let (id, partition) = (change.topic.id, change.partition);
        let slot = self.slot(&change);
        slot.in_flight = slot.in_flight.saturating_sub(1);
        if is_durable {
            // Equal tickets: one request names a partition twice, and the later mention holds.
            if ticket >= slot.settled {
                slot.settled = ticket;
                slot.stored = change.value;
            }
            if slot.doubtful.is_some_and(|failed| failed < ticket) {
                slot.doubtful = None;
            }
        } else if ticket >= slot.settled {
            slot.doubtful = slot.doubtful.max(Some(ticket));
        }
        self.drop_unneeded(id, partition);
    }

    /// Takes a change that was found in the log, the older ones first.
    pub(super) fn restore(&mut self, change: Change) {
        let (id, partition) = (change.topic.id, change.partition);
        let slot = self.slot(&change);
        slot.stored = change.value;
        self.drop_unneeded(id, partition);
    }

    fn slot(&mut self, change: &Change) -> &mut Slot {
        let partitions = self
            .topics
            .entry(change.topic.id)
            .or_insert_with(|| Partitions {
                name: Arc::clone(&change.topic.name),
                slots: BTreeMap::new(),
            });
        partitions
            .slots
            .entry(change.partition)
            .or_insert_with(|| Slot {
                stored: None,
                settled: Ticket(0),
                in_flight: 0,
                doubtful: None,
            })
    }

    fn drop_unneeded(&mut self, id: TopicId, partition: i32) {
        let Some(partitions) = self.topics.get_mut(&id) else {
            return;
        };
        if partitions
            .slots
            .get(&partition)
            .is_some_and(|slot| !slot.is_needed())
        {
            partitions.slots.remove(&partition);
        }
        if partitions.slots.is_empty() {
            self.topics.remove(&id);
        }
    }
}
