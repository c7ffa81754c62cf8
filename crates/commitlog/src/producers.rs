//! What a stream knows of idempotent producers: enough to tell a retry from a gap (KIP-98).

use base::{Offset, Packer, Timestamp, Truncated, Unpacker};
use kafka_wire::record_batch::BatchHeader;
use std::collections::{HashMap, VecDeque};

/// A client has at most five batches in flight for a partition, so any retry is of one of these.
const BATCHES_KEPT: usize = 5;

/// Producers that one stream remembers. Clients choose their ids, so they must not choose our memory (about
/// 200 bytes each). A producer that was forgotten may go on like one that was idle for too long.
const PRODUCERS_MAX: usize = 20_000;

/// What is to be done with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is next.
    Append,
    /// It was appended before, at this offset.
    Duplicate(Offset),
    /// Batches between the last one and this one are missing.
    OutOfOrder,
    /// A newer instance of the producer has written.
    Fenced,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Appended {
    base_sequence: i32,
    last_sequence: i32,
    base_offset: Offset,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Producer {
    epoch: i16,
    last_used: Timestamp,
    batches: VecDeque<Appended>,
    /// The sequence number that a producer must come back with whose first batch was refused. It is
    /// not kept over a restart, after which a client sends everything again in order.
    refused: Option<i32>,
}

/// The producers of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Producers(HashMap<i64, Producer>);

fn next_sequence(last: i32) -> i32 {
    last.wrapping_add(1) & i32::MAX
}

impl Producers {
    /// Judges a batch before it is appended. A producer that is not known, because it is new or was
    /// forgotten while idle, may start with any sequence number, as with Kafka.
    pub(crate) fn judge(&self, header: &BatchHeader) -> Verdict {
        if header.producer_id < 0 {
            return Verdict::Append;
        }
        let Some(producer) = self.0.get(&header.producer_id) else {
            return Verdict::Append;
        };
        if header.producer_epoch < producer.epoch {
            return Verdict::Fenced;
        }
        if header.producer_epoch > producer.epoch {
            return if header.base_sequence == 0 {
                Verdict::Append
            } else {
                Verdict::OutOfOrder
            };
        }
        let last_sequence = header.last_sequence();
        let same = |batch: &&Appended| {
            batch.base_sequence == header.base_sequence && batch.last_sequence == last_sequence
        };
        if let Some(batch) = producer.batches.iter().find(same) {
            return Verdict::Duplicate(batch.base_offset);
        }
        let last = producer.batches.back();
        let expected = last
            .map(|last| next_sequence(last.last_sequence))
            .or(producer.refused);
        if expected.is_none_or(|expected| expected == header.base_sequence) {
            Verdict::Append
        } else {
            Verdict::OutOfOrder
        }
    }

    /// Notes that a batch was refused and will be sent again. Otherwise the next batch in flight of a
    /// producer that is not known yet would be taken for its first.
    pub(crate) fn refuse(&mut self, header: &BatchHeader, now: Timestamp) {
        if header.producer_id < 0 {
            return;
        }
        self.make_room(header.producer_id);
        self.0
            .entry(header.producer_id)
            .or_insert_with(|| Producer {
                epoch: header.producer_epoch,
                last_used: now,
                batches: VecDeque::new(),
                refused: Some(header.base_sequence),
            });
    }

    /// Notes a batch that is appended at `base_offset`.
    pub(crate) fn note(&mut self, header: &BatchHeader, base_offset: Offset, now: Timestamp) {
        if header.producer_id < 0 {
            return;
        }
        self.make_room(header.producer_id);
        let fresh = || Producer {
            epoch: header.producer_epoch,
            last_used: now,
            batches: VecDeque::new(),
            refused: None,
        };
        let producer = self.0.entry(header.producer_id).or_insert_with(fresh);
        if producer.epoch != header.producer_epoch {
            *producer = fresh();
        }
        producer.last_used = now;
        if producer.batches.len() == BATCHES_KEPT {
            producer.batches.pop_front();
        }
        let (base_sequence, last_sequence) = (header.base_sequence, header.last_sequence());
        producer.batches.push_back(Appended {
            base_sequence,
            last_sequence,
            base_offset,
        });
    }

    /// Makes room for another producer, and for a good while: the half that has not written for longest goes.
    fn make_room(&mut self, producer_id: i64) {
        if self.0.len() < PRODUCERS_MAX || self.0.contains_key(&producer_id) {
            return;
        }
        let mut used: Vec<_> = self.0.values().map(|producer| producer.last_used).collect();
        let middle = used.len() / 2;
        let (_, median, _) = used.select_nth_unstable(middle);
        let median = *median;
        let mut surplus = middle;
        self.0.retain(|_, producer| {
            let goes = surplus > 0 && producer.last_used <= median;
            surplus -= usize::from(goes);
            !goes
        });
    }

    /// Forgets producers that have not written since `limit`.
    pub(crate) fn expire(&mut self, limit: Timestamp) {
        self.0.retain(|_, producer| producer.last_used >= limit);
    }

    pub(crate) fn pack(&self, out: &mut Packer) {
        // In order, so that the same state has the same bytes; without those that were only refused.
        let mut producers: Vec<_> = self.0.iter().collect();
        producers.retain(|(_, producer)| !producer.batches.is_empty());
        producers.sort_by_key(|(id, _)| **id);
        out.count(producers.len());
        for (id, producer) in producers {
            out.i64(*id)
                .u16(producer.epoch.cast_unsigned())
                .i64(producer.last_used.0)
                .count(producer.batches.len());
            for batch in &producer.batches {
                out.i32(batch.base_sequence)
                    .i32(batch.last_sequence)
                    .i64(batch.base_offset);
            }
        }
    }

    pub(crate) fn unpack(input: &mut Unpacker) -> Result<Self, Truncated> {
        let mut producers = HashMap::new();
        for _ in 0..input.count(22)? {
            let id = input.i64()?;
            let epoch = input.u16()?.cast_signed();
            let last_used = Timestamp(input.i64()?);
            let mut batches = VecDeque::new();
            for _ in 0..input.count(16)? {
                let (base_sequence, last_sequence) = (input.i32()?, input.i32()?);
                batches.push_back(Appended {
                    base_sequence,
                    last_sequence,
                    base_offset: input.i64()?,
                });
            }
            producers.insert(
                id,
                Producer {
                    epoch,
                    last_used,
                    batches,
                    refused: None,
                },
            );
        }
        Ok(Self(producers))
    }
}

#[cfg(test)]
mod tests {
    use super::{Producers, Verdict};
    use base::{Packer, Timestamp, Unpacker};
    use kafka_wire::record_batch::BatchHeader;

    fn batch(producer_epoch: i16, base_sequence: i32, count: i32) -> BatchHeader {
        BatchHeader {
            base_offset: 0,
            len: 100,
            partition_leader_epoch: 0,
            crc: 0,
            attributes: 0,
            last_offset_delta: count - 1,
            base_timestamp: 0,
            max_timestamp: 0,
            producer_id: 7,
            producer_epoch,
            base_sequence,
            records_count: count,
        }
    }

    /// Appends where the verdict says so and compares the verdicts of a whole conversation.
    fn check(steps: &[((i16, i32, i32), Verdict)]) -> Producers {
        let mut producers = Producers::default();
        let mut offset = 0;
        for (step, ((epoch, sequence, count), expected)) in steps.iter().enumerate() {
            let header = batch(*epoch, *sequence, *count);
            assert_eq!(producers.judge(&header), *expected, "step {step}");
            if *expected == Verdict::Append {
                producers.note(&header, offset, Timestamp(i64::from(*sequence)));
                offset += i64::from(*count);
            }
        }
        producers
    }

    #[test]
    fn retries_of_the_last_five_batches_are_recognised() {
        let append = |sequence| ((0, sequence, 2), Verdict::Append);
        check(&[
            append(0),
            append(2),
            append(4),
            append(6),
            append(8),
            ((0, 0, 2), Verdict::Duplicate(0)),
            append(10),
            ((0, 0, 2), Verdict::OutOfOrder),
            ((0, 2, 2), Verdict::Duplicate(2)),
            ((0, 10, 2), Verdict::Duplicate(10)),
            ((0, 10, 1), Verdict::OutOfOrder),
            ((0, 13, 1), Verdict::OutOfOrder),
            ((0, 12, 1), Verdict::Append),
        ]);
    }

    #[test]
    fn sequences_wrap_from_the_largest_to_zero() {
        check(&[
            ((0, i32::MAX - 1, 2), Verdict::Append),
            ((0, 0, 1), Verdict::Append),
            ((0, 1, 1), Verdict::Append),
        ]);
        check(&[
            ((0, i32::MAX, 3), Verdict::Append),
            ((0, 2, 1), Verdict::Append),
        ]);
    }

    #[test]
    fn epochs_fence_and_start_over() {
        check(&[
            ((1, 5, 1), Verdict::Append),
            ((0, 6, 1), Verdict::Fenced),
            ((2, 6, 1), Verdict::OutOfOrder),
            ((2, 0, 1), Verdict::Append),
            ((2, 1, 1), Verdict::Append),
        ]);
    }

    #[test]
    fn a_forgotten_producer_may_go_on() {
        let mut producers = check(&[((0, 0, 1), Verdict::Append), ((0, 1, 1), Verdict::Append)]);
        producers.expire(Timestamp(1));
        assert_eq!(producers.judge(&batch(0, 7, 1)), Verdict::OutOfOrder);
        producers.expire(Timestamp(2));
        assert_eq!(producers.judge(&batch(0, 7, 1)), Verdict::Append);
    }

    #[test]
    fn a_producer_whose_first_batch_was_refused_must_send_it_again() {
        let mut producers = Producers::default();
        producers.refuse(&batch(0, 5, 2), Timestamp(0));
        producers.refuse(&batch(0, 7, 2), Timestamp(0));
        assert_eq!(producers.judge(&batch(0, 7, 2)), Verdict::OutOfOrder);
        assert_eq!(producers.judge(&batch(0, 5, 2)), Verdict::Append);
        producers.note(&batch(0, 5, 2), 0, Timestamp(0));
        assert_eq!(producers.judge(&batch(0, 7, 2)), Verdict::Append);
    }

    #[test]
    fn producers_beyond_the_limit_push_out_those_unused_for_longest() {
        let mut producers = Producers::default();
        for id in 0..super::PRODUCERS_MAX as i64 + 1 {
            let header = BatchHeader {
                producer_id: id,
                ..batch(0, 0, 1)
            };
            if id % 2 == 0 {
                producers.note(&header, id, Timestamp(id));
            } else {
                producers.refuse(&header, Timestamp(id));
            }
        }
        assert_eq!(producers.0.len(), super::PRODUCERS_MAX / 2 + 1);
        assert!(!producers.0.contains_key(&0));
        assert!(producers.0.contains_key(&(super::PRODUCERS_MAX as i64)));
    }

    #[test]
    fn the_state_survives_packing() {
        let producers = check(&[((3, 0, 1), Verdict::Append), ((3, 1, 4), Verdict::Append)]);
        let mut packer = Packer::new();
        producers.pack(&mut packer);
        assert_eq!(
            Producers::unpack(&mut Unpacker::new(packer.finish())),
            Ok(producers)
        );
    }
}
