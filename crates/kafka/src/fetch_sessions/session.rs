//! One session: its partitions in the order in which they get their turn.

use super::{Key, Told, Wanted};
use kafka_wire::messages::fetch::{FetchPartition, ForgottenTopic};
use kafka_wire::{ErrorCode, Str, Uuid};
use std::collections::{BTreeMap, HashMap};

/// Stands in place of a high watermark when the client must be told again.
const UNTOLD: i64 = -1;

/// A session's state.
#[derive(Debug)]
pub(crate) struct FetchSession {
    /// The epoch that the next request must have.
    epoch: i32,
    /// Whether topics are named by id.
    by_id: bool,
    places: HashMap<Key, u64>,
    /// By place: a partition that gave records goes to the end, so that none is starved by those before it.
    partitions: BTreeMap<u64, Partition>,
    next_place: u64,
}

#[derive(Debug)]
struct Partition {
    topic: Str,
    topic_id: Uuid,
    asked: FetchPartition,
    high_watermark: i64,
    log_start_offset: i64,
}

impl FetchSession {
    /// A session whose first response told this.
    pub(super) fn new(by_id: bool, told: &[(Wanted, Told)]) -> Self {
        let mut session = Self {
            epoch: 1,
            by_id,
            places: HashMap::new(),
            partitions: BTreeMap::new(),
            next_place: 0,
        };
        let mut topic = Str::default();
        for (wanted, told) in told {
            // The name outlives its request; partitions of one topic share it.
            if topic != wanted.topic {
                topic = wanted.topic.detach();
            }
            session.put(topic.clone(), wanted);
            session.tell(&wanted.key(), *told);
        }
        session
    }

    pub(super) fn len(&self) -> usize {
        self.partitions.len()
    }

    /// Moves on to the next request, which must be the one that is expected.
    pub(super) fn advance(&mut self, epoch: i32, by_id: bool) -> Result<(), ErrorCode> {
        if epoch != self.epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if by_id != self.by_id {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        // Epochs wrap to 1: 0 opens a session.
        self.epoch = self.epoch.checked_add(1).unwrap_or(1);
        Ok(())
    }

    /// Adds and changes partitions, and forgets others.
    pub(super) fn update(
        &mut self,
        wanted: impl Iterator<Item = Wanted>,
        forgotten: &[ForgottenTopic],
    ) {
        let mut topic = Str::default();
        for wanted in wanted {
            let place = self.places.get(&wanted.key()).copied();
            match place.and_then(|place| self.partitions.get_mut(&place)) {
                Some(known) => known.asked = wanted.partition,
                None => {
                    if topic != wanted.topic {
                        topic = wanted.topic.detach();
                    }
                    self.put(topic.clone(), &wanted);
                }
            }
        }
        for topic in forgotten {
            for &partition in &topic.partitions {
                let key = Key {
                    topic: topic.topic.clone(),
                    topic_id: topic.topic_id,
                    partition,
                };
                if let Some(place) = self.places.remove(&key) {
                    self.partitions.remove(&place);
                }
            }
        }
    }

    /// All partitions, in their order.
    pub(super) fn wanted(&self) -> Vec<Wanted> {
        let wanted = |partition: &Partition| Wanted {
            topic: partition.topic.clone(),
            topic_id: partition.topic_id,
            partition: partition.asked.clone(),
        };
        self.partitions.values().map(wanted).collect()
    }

    /// Notes what there is to tell of a partition; returns whether the client has to be told.
    pub(super) fn tell(&mut self, key: &Key, told: Told) -> bool {
        let Some(place) = self.places.get(key).copied() else {
            return false;
        };
        let Some(mut partition) = self.partitions.remove(&place) else {
            return false;
        };
        let new = told.failed
            || told.has_records
            || told.high_watermark != partition.high_watermark
            || told.log_start_offset != partition.log_start_offset;
        partition.log_start_offset = told.log_start_offset;
        // After an error the client is told again as soon as it is over.
        partition.high_watermark = if told.failed {
            UNTOLD
        } else {
            told.high_watermark
        };
        let place = if told.has_records {
            self.take_place()
        } else {
            place
        };
        self.partitions.insert(place, partition);
        self.places.insert(key.clone(), place);
        new
    }

    fn put(&mut self, topic: Str, wanted: &Wanted) {
        let key = Key {
            topic: topic.clone(),
            ..wanted.key()
        };
        let place = self.take_place();
        let partition = Partition {
            topic,
            topic_id: wanted.topic_id,
            asked: wanted.partition.clone(),
            high_watermark: UNTOLD,
            log_start_offset: UNTOLD,
        };
        if let Some(before) = self.places.insert(key, place) {
            self.partitions.remove(&before);
        }
        self.partitions.insert(place, partition);
    }

    fn take_place(&mut self) -> u64 {
        self.next_place += 1;
        self.next_place
    }
}
