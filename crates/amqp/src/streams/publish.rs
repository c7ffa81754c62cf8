//! A run on its way into a topic: one batch, or as many as the topic's limits ask for.

use crate::message::Message;
use crate::run::{Run, RunBuilder};
use crate::topic_keeper::TopicRules;
use crate::topic_record;
use bytes::Bytes;
use std::ops::Range;

/// What of a run can be appended to a topic, and what cannot.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Prepared {
    /// Batches in order, each with the places in the run of its messages.
    pub(crate) batches: Vec<(Bytes, Vec<u32>)>,
    /// Places of messages that the topic does not take.
    pub(crate) rejected: Vec<u32>,
}

/// Turns a run into batches that obey the topic's rules. Messages that cannot are rejected one by one:
/// those that are larger than a batch may be, and in a compacted topic those without a key.
pub(crate) fn prepare(run: &Run, rules: TopicRules) -> Prepared {
    let mut prepared = Prepared::default();
    let count = u32::try_from(run.len()).unwrap_or(u32::MAX);
    let takes = |message: &Message| !rules.needs_keys || topic_record::has_key(message);
    let (taken, rejected): (Vec<_>, Vec<_>) = (0..count)
        .zip(run.messages())
        .partition(|(_, (message, _))| takes(message));
    prepared.rejected = rejected.into_iter().map(|(place, _)| place).collect();
    let places: Vec<u32> = taken.into_iter().map(|(place, _)| place).collect();
    if places.len() == run.len()
        && let Some(batch) = fitting(run, rules)
    {
        prepared.batches.push((batch, places));
        return prepared;
    }
    prepared.split(run, &places, 0..places.len(), rules);
    prepared.rejected.sort_unstable();
    prepared
}

fn fitting(run: &Run, rules: TopicRules) -> Option<Bytes> {
    let batch = topic_record::to_batch(run).ok()?;
    (batch.len() <= rules.batch_bytes_max).then_some(batch)
}

impl Prepared {
    /// Halves a range of places until each part fits into a batch. A run has few messages, so that it is
    /// not halved often.
    fn split(&mut self, run: &Run, places: &[u32], range: Range<usize>, rules: TopicRules) {
        let part = &places[range.clone()];
        let Some(smaller) = excerpt(run, part) else {
            return;
        };
        if let Some(batch) = fitting(&smaller, rules) {
            self.batches.push((batch, part.to_vec()));
        } else if let [place] = part {
            self.rejected.push(*place);
        } else {
            let middle = range.start + range.len() / 2;
            self.split(run, places, range.start..middle, rules);
            self.split(run, places, middle..range.end, rules);
        }
    }
}

/// A run of some messages of a run; `None` where there are none.
fn excerpt(run: &Run, places: &[u32]) -> Option<Run> {
    let mut messages = (0..).zip(run.messages());
    let first = run.messages().next()?;
    let mut builder = RunBuilder::new(first.1.published_ms);
    for wanted in places {
        let (_, (message, mark)) = messages.find(|(place, _)| place == wanted)?;
        // A session made the run, so that its messages can be taken apart.
        let parts = message.parts().ok()?;
        builder.push(
            &parts.exchange,
            &parts.routing_key,
            &parts.properties,
            &parts.body,
            mark.priority,
            mark.ttl_ms,
        );
    }
    builder.seal()
}

#[cfg(test)]
mod tests {
    use super::prepare;
    use crate::run::{Run, RunBuilder};
    use crate::topic_keeper::TopicRules;
    use amqp_wire::{Properties, RawTable, Table, Value};
    use bytes::Bytes;
    use kafka_wire::compression::Limits;
    use kafka_wire::records::Records;

    fn keyed(key: &str) -> Bytes {
        let table = Table::from_iter([("x-kafka-key", Value::from(key))]);
        let table = table.to_bytes().expect("a short table");
        let properties = Properties {
            headers: Some(RawTable::new(&table)),
            ..Properties::default()
        };
        properties.to_bytes().expect("short properties")
    }

    fn run(messages: &[(&[u8], usize)]) -> Run {
        let mut run = RunBuilder::new(7);
        for (properties, len) in messages {
            run.push(b"", b"s", properties, &vec![b'x'; *len], 0, None);
        }
        run.seal().expect("messages")
    }

    #[test]
    fn a_run_becomes_batches_that_the_topic_takes() {
        let plain: &[u8] = b"\0\0";
        let key = keyed("k");
        for (messages, bytes_max, needs_keys, batches, rejected) in [
            // All fit into one batch.
            (
                vec![(plain, 10), (plain, 10)],
                1000,
                false,
                vec![vec![0, 1]],
                vec![],
            ),
            // Not all at once.
            (
                vec![(plain, 300), (plain, 300), (plain, 300), (plain, 10)],
                1000,
                false,
                vec![vec![0, 1], vec![2, 3]],
                vec![],
            ),
            // One is too large by itself; the order of the others is kept.
            (
                vec![(plain, 10), (plain, 2000), (plain, 10), (plain, 850)],
                1000,
                false,
                vec![vec![0], vec![2], vec![3]],
                vec![1],
            ),
            (vec![(plain, 2000)], 1000, false, vec![], vec![0]),
            // A compacted topic takes what has a key.
            (
                vec![(plain, 10), (&key[..], 10), (plain, 10), (&key[..], 10)],
                1000,
                true,
                vec![vec![1, 3]],
                vec![0, 2],
            ),
            (vec![(plain, 10)], 1000, true, vec![], vec![0]),
            (
                vec![(plain, 10), (&key[..], 2000)],
                1000,
                true,
                vec![],
                vec![0, 1],
            ),
        ] {
            let rules = TopicRules {
                batch_bytes_max: bytes_max,
                needs_keys,
            };
            let run = run(&messages);
            let prepared = prepare(&run, rules);
            let places: Vec<_> = prepared.batches.iter().map(|(_, of)| of.clone()).collect();
            assert_eq!(
                (&places, &prepared.rejected),
                (&batches, &rejected),
                "{messages:?}"
            );
            for (batch, of) in &prepared.batches {
                assert!(batch.len() <= bytes_max);
                let records = Records::new(batch, Limits::default()).expect("a batch");
                let lens: Vec<_> = records
                    .map(|record| {
                        record
                            .expect("a record")
                            .value
                            .map_or(0, |value| value.len())
                    })
                    .collect();
                let wanted: Vec<_> = of.iter().map(|place| messages[*place as usize].1).collect();
                assert_eq!(lens, wanted);
            }
        }
    }
}
