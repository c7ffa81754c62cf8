//! Deliveries of a channel that wait for their acknowledgement, in the order of their tags.
//!
//! A tag is found by bisection; taking one out of the middle leaves a hole, and holes are squeezed out
//! when they are in the majority. So one message that is never settled costs itself, not what came
//! after it.

use crate::mail::{ConsumerId, Position, QueueId};
use base::ShardId;
use std::collections::VecDeque;

/// Holes up to this many are left alone.
const HOLES_MIN: usize = 64;

/// One delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivered {
    /// Its tag.
    pub(crate) tag: u64,
    /// Where the message is.
    pub(crate) position: Position,
    /// The queue that it is in.
    pub(crate) queue: QueueId,
    /// The queue's shard.
    pub(crate) shard: ShardId,
    /// Whom it was delivered to; `None`: taken by basic.get.
    pub(crate) consumer: Option<ConsumerId>,
}

/// Deliveries that are not settled.
#[derive(Debug, Default)]
pub(crate) struct Unacked {
    /// In the order of tags; `None` with a tag is a hole.
    entries: VecDeque<(u64, Option<Delivered>)>,
    holes: usize,
}

impl Unacked {
    /// How many there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.holes
    }

    /// How many of them were delivered to consumers.
    pub(crate) fn of_consumers(&self) -> u32 {
        let delivered = self.entries.iter().filter_map(|(_, delivered)| *delivered);
        let count = delivered
            .filter(|delivered| delivered.consumer.is_some())
            .count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Adds one whose tag is the highest so far.
    pub(crate) fn push(&mut self, delivered: Delivered) {
        self.entries.push_back((delivered.tag, Some(delivered)));
    }

    /// Takes the one with this tag.
    pub(crate) fn take(&mut self, tag: u64) -> Option<Delivered> {
        let index = self.find(tag)?;
        let taken = self.entries.get_mut(index)?.1.take();
        self.holes += 1;
        self.tidy();
        taken
    }

    /// Takes all up to the one with this tag, which must be there; with tag 0 all there are.
    pub(crate) fn take_up_to(&mut self, tag: u64) -> Option<Vec<Delivered>> {
        let end = match tag {
            0 => self.entries.len(),
            _ => self.find(tag)? + 1,
        };
        let taken: Vec<_> = self
            .entries
            .drain(..end)
            .filter_map(|(_, delivered)| delivered)
            .collect();
        self.holes -= end - taken.len();
        self.tidy();
        Some(taken)
    }

    /// Puts back what was taken, in any order.
    pub(crate) fn put_back(&mut self, taken: impl IntoIterator<Item = Delivered>) {
        let mut all: Vec<_> = self.take_up_to(0).unwrap_or_default();
        all.extend(taken);
        all.sort_unstable_by_key(|delivered| delivered.tag);
        all.into_iter().for_each(|delivered| self.push(delivered));
    }

    /// The place of an entry that is not a hole.
    fn find(&self, tag: u64) -> Option<usize> {
        // Mostly it is the first one.
        if let Some((first, Some(_))) = self.entries.front()
            && *first == tag
        {
            return Some(0);
        }
        let index = self
            .entries
            .binary_search_by_key(&tag, |(tag, _)| *tag)
            .ok()?;
        self.entries[index].1.is_some().then_some(index)
    }

    fn tidy(&mut self) {
        while let Some((_, None)) = self.entries.front() {
            self.entries.pop_front();
            self.holes -= 1;
        }
        if self.holes > HOLES_MIN && self.holes > self.entries.len() / 2 {
            self.entries.retain(|(_, delivered)| delivered.is_some());
            self.holes = 0;
        }
        if self.entries.is_empty() && self.entries.capacity() > HOLES_MIN {
            // An idle channel keeps nothing of a busy time.
            self.entries = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Delivered, HOLES_MIN, Unacked};
    use crate::mail::Position;
    use base::{ShardId, StreamId};

    fn delivered(tag: u64) -> Delivered {
        Delivered {
            tag,
            position: Position {
                level: 0,
                offset: 0,
            },
            queue: StreamId(1),
            shard: ShardId(0),
            consumer: None,
        }
    }

    fn filled(last: u64) -> Unacked {
        let mut unacked = Unacked::default();
        (1..=last).for_each(|tag| unacked.push(delivered(tag)));
        unacked
    }

    fn tags(taken: Option<Vec<Delivered>>) -> Option<Vec<u64>> {
        taken.map(|all| all.iter().map(|delivered| delivered.tag).collect())
    }

    #[test]
    fn a_tag_is_taken_once() {
        let mut unacked = filled(5);
        assert!(unacked.take(3).is_some() && unacked.take(3).is_none());
        assert!(unacked.take(6).is_none() && unacked.take(0).is_none());
        assert_eq!(tags(unacked.take_up_to(3)), None, "it was taken");
        assert_eq!(tags(unacked.take_up_to(4)), Some(vec![1, 2, 4]));
        assert_eq!(unacked.len(), 1);
        assert_eq!(tags(unacked.take_up_to(0)), Some(vec![5]));
        assert_eq!(tags(unacked.take_up_to(0)), Some(vec![]));
    }

    #[test]
    fn what_is_put_back_is_in_its_place() {
        let mut unacked = filled(4);
        let taken = [unacked.take(3), unacked.take(1)];
        unacked.put_back(taken.into_iter().flatten());
        assert_eq!(tags(unacked.take_up_to(3)), Some(vec![1, 2, 3]));
    }

    #[test]
    fn one_that_stays_does_not_keep_the_holes_behind_it() {
        let mut unacked = filled(1);
        for tag in 2..10_000 {
            unacked.push(delivered(tag));
            assert!(unacked.take(tag).is_some());
            assert!(unacked.entries.len() <= 2 * HOLES_MIN);
        }
        assert_eq!(unacked.len(), 1);
        assert!(unacked.take(1).is_some());
    }
}
