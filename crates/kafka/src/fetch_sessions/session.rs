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
    /// The topic whose partition was put last: its partitions share the name.
    topic: Str,
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
    /// A session without partitions, whose next request has epoch 1.
    pub(super) fn new(by_id: bool) -> Self {
        Self {
            epoch: 1,
            by_id,
            places: HashMap::new(),
            partitions: BTreeMap::new(),
            next_place: 0,
            topic: Str::default(),
        }
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
        for wanted in wanted {
            let place = self.places.get(&wanted.key()).copied();
            match place.and_then(|place| self.partitions.get_mut(&place)) {
                Some(known) => known.asked = wanted.partition,
                None => self.put(&wanted),
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

    /// Adds a partition of which nothing was told yet.
    pub(super) fn put(&mut self, wanted: &Wanted) {
        if self.topic != wanted.topic {
            // The name outlives its request.
            self.topic = wanted.topic.detach();
        }
        let topic = self.topic.clone();
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
