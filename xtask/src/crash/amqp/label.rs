//! Messages that say who sent them and as which, where they go, and what their consumer does with them.

use anyhow::{Context, Result, ensure};

use crate::crash::mix;

/// Queues of work, each with a consumer; exchange, queues and keys are in [`super::topology`].
pub(super) const WORK_QUEUES: u64 = 4;

/// Where rejected work goes. With eight, a queue of work has targets in its own shard and in others.
pub(super) const DEAD_QUEUES: u64 = 8;

/// Queues that get every message of the fan-out: more than there are shards, so that two share one.
pub(super) const FAN_QUEUES: u64 = 10;

/// Bytes of a body of the usual kind, and of one in sixteen; the larger exceeds what RabbitMQ keeps in its index.
const BODY_BYTES: usize = 100;
const LARGE_BODY_BYTES: usize = 5000;

/// Which message of which publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Label {
    pub(super) publisher: u64,
    pub(super) number: u64,
}

/// What a consumer does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Acknowledge,
    /// Put it back once, and acknowledge it when it comes again.
    RequeueFirst,
    /// Refuse it, so that it is dead-lettered.
    Reject,
}

impl Label {
    fn hash(self) -> u64 {
        mix(self.number ^ self.publisher.rotate_left(40))
    }

    /// The queue of work that it goes to, if it is work.
    pub(super) fn work_queue(self) -> u64 {
        self.hash() % WORK_QUEUES
    }

    /// Where it goes when it is rejected.
    pub(super) fn dead_queue(self) -> u64 {
        self.hash() / WORK_QUEUES % DEAD_QUEUES
    }

    /// The routing key of work: its queue, and the one that it is dead-lettered to.
    pub(super) fn work_key(self) -> String {
        format!("w{}.d{}", self.work_queue(), self.dead_queue())
    }

    /// The decision depends on nothing else, so a message that comes again is treated as before.
    pub(super) fn decision(self) -> Decision {
        match self.hash() >> 32 & 15 {
            0..=2 => Decision::Reject,
            3..=4 => Decision::RequeueFirst,
            _ => Decision::Acknowledge,
        }
    }

    /// One of two ways to say the same.
    pub(super) fn coin(self) -> bool {
        self.hash() >> 40 & 1 == 1
    }

    pub(super) fn body(self) -> Vec<u8> {
        let hash = self.hash();
        let large = (hash >> 48).is_multiple_of(16);
        let len = if large { LARGE_BODY_BYTES } else { BODY_BYTES };
        let mut body = [self.number.to_be_bytes(), self.publisher.to_be_bytes()].concat();
        let mut filling = hash;
        while body.len() < len {
            filling = filling.rotate_left(9).wrapping_add(1);
            body.push(filling.to_le_bytes()[0]);
        }
        body
    }

    /// Reads a body; fails unless every byte of it is as it was sent.
    pub(super) fn read(body: &[u8]) -> Result<Label> {
        let word = |at: usize| -> Result<u64> {
            let bytes = body.get(at..at + 8).context("a message that is no label")?;
            Ok(u64::from_be_bytes(bytes.try_into()?))
        };
        let label = Label {
            number: word(0)?,
            publisher: word(8)?,
        };
        ensure!(
            label.body() == body,
            "{label:?} is not byte for byte what was sent"
        );
        Ok(label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_any_other_byte_is_noticed() {
        for number in 0..64 {
            let label = Label {
                publisher: 3,
                number,
            };
            let body = label.body();
            assert_eq!(Label::read(&body).unwrap(), label);
            for at in 0..body.len().min(200) {
                let mut damaged = body.clone();
                damaged[at] ^= 4;
                Label::read(&damaged).unwrap_err();
            }
            Label::read(&body[..body.len() - 1]).unwrap_err();
        }
    }

    #[test]
    fn every_queue_and_decision_occurs() {
        let labels: Vec<Label> = (0..1000)
            .map(|number| Label {
                publisher: 1,
                number,
            })
            .collect();
        let count = |wanted: Decision| {
            labels
                .iter()
                .filter(|label| label.decision() == wanted)
                .count()
        };
        assert!(count(Decision::Reject) > 100);
        assert!(count(Decision::RequeueFirst) > 60);
        assert!(count(Decision::Acknowledge) > 500);
        let mut keys: Vec<String> = labels.iter().map(|label| label.work_key()).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 32);
    }
}
