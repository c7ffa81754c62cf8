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
#[derive(Debug, Default)]
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

/// What a slot costs besides its metadata, roughly.
const SLOT_BYTES: usize = 128;

impl Slot {
    fn bytes(&self) -> usize {
        let metadata = self.stored.as_ref().map(|s| s.position.metadata.len());
        SLOT_BYTES + metadata.unwrap_or(0)
    }

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
    bytes: usize,
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

    /// What they cost, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
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
        self.update(change, |slot| slot.in_flight += 1);
    }

    /// Notes the outcome of the write of a change that was begun.
    pub(super) fn settle(&mut self, ticket: Ticket, change: &Change, is_durable: bool) {
        self.update(change, |slot| {
            slot.in_flight = slot.in_flight.saturating_sub(1);
            if is_durable {
                // Equal tickets: one request names a partition twice, and the later mention holds.
                if ticket >= slot.settled {
                    slot.settled = ticket;
                    slot.stored.clone_from(&change.value);
                }
                if slot.doubtful.is_some_and(|failed| failed < ticket) {
                    slot.doubtful = None;
                }
            } else if ticket >= slot.settled {
                slot.doubtful = slot.doubtful.max(Some(ticket));
            }
        });
    }

    /// Takes a change that was found in the log, the older ones first.
    pub(super) fn restore(&mut self, change: &Change) {
        self.update(change, |slot| slot.stored.clone_from(&change.value));
    }

    /// Changes a slot, makes it before if it is missing, and drops it after if it is not needed.
    fn update(&mut self, change: &Change, work: impl FnOnce(&mut Slot)) {
        let id = change.topic.id;
        let partitions = self.topics.entry(id).or_insert_with(|| Partitions {
            name: Arc::clone(&change.topic.name),
            slots: BTreeMap::new(),
        });
        let known = partitions.slots.remove(&change.partition);
        self.bytes -= known.as_ref().map_or(0, Slot::bytes);
        let mut slot = known.unwrap_or_default();
        work(&mut slot);
        if slot.is_needed() {
            self.bytes += slot.bytes();
            partitions.slots.insert(change.partition, slot);
        } else if partitions.slots.is_empty() {
            self.topics.remove(&id);
        }
    }
}
