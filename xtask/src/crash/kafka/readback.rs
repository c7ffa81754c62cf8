//! Reads everything back and compares it with what was sent and acknowledged.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use super::producer::{Producer, records};
use super::record::{Label, for_each};
use super::report::Report;
use super::{IDEMPOTENT_TOPIC, PARTITIONS, PLAIN_TOPIC};
use crate::client::{Client, FETCH, Reader, Writer};

/// Bytes of one answer.
const FETCH_BYTES_MAX: i32 = 8 << 20;

pub(super) fn check(address: &str, producers: &[Producer], report: &mut Report) -> Result<()> {
    let mut client = Client::connect(address)?;
    for topic in [PLAIN_TOPIC, IDEMPOTENT_TOPIC] {
        let ends = client.end_offsets(topic, PARTITIONS)?;
        for (partition, end) in (0..PARTITIONS).zip(ends) {
            let end = end.with_context(|| format!("{topic} {partition} does not answer"))?;
            let place = || format!("{topic} {partition}");
            let stored = read(&mut client, topic, partition, end).with_context(place)?;
            report.records_stored += stored.len() as u64;
            let here =
                |producer: &&Producer| producer.topic == topic && producer.partition == partition;
            for producer in producers.iter().filter(here) {
                compare(producer, &stored, report).with_context(place)?;
            }
        }
    }
    Ok(())
}

/// All records of a partition up to `end`; the index is the offset.
fn read(client: &mut Client, topic: &str, partition: i32, end: i64) -> Result<Vec<Label>> {
    let mut stored = Vec::new();
    while (stored.len() as i64) < end {
        let next = stored.len() as i64;
        let records = fetch(client, topic, partition, next)?;
        for_each(&records, |offset, label| {
            // The first batch may begin before the offset that was asked for.
            if offset < next {
                return Ok(());
            }
            ensure!(
                offset == stored.len() as i64,
                "K3: offset {offset} follows {}",
                stored.len()
            );
            stored.push(label);
            Ok(())
        })?;
        ensure!(
            stored.len() as i64 > next,
            "K1: nothing is at {next}, the end is {end}"
        );
    }
    Ok(stored)
}

fn fetch(client: &mut Client, topic: &str, partition: i32, offset: i64) -> Result<Vec<u8>> {
    let mut body = Writer::default();
    body.i32(-1).i32(500).i32(1).i32(FETCH_BYTES_MAX).i8(0);
    body.i32(1).string(topic);
    body.i32(1).i32(partition).i64(offset).i32(FETCH_BYTES_MAX);
    let answer = client.call(FETCH, &body.bytes)?;
    let mut reader = Reader::new(&answer);
    reader.i32()?;
    let blobs = reader.array(|reader| {
        reader.string()?;
        reader.array(|reader| {
            reader.i32()?;
            let error = reader.i16()?;
            ensure!(error == 0, "Fetch: error {error}");
            reader.i64()?;
            reader.i64()?;
            reader.array(|reader| Ok((reader.i64()?, reader.i64()?)))?;
            Ok(reader.blob()?.to_vec())
        })
    })?;
    Ok(blobs.into_iter().flatten().next().unwrap_or_default())
}

fn compare(producer: &Producer, stored: &[Label], report: &mut Report) -> Result<()> {
    let id = producer.id;
    for acked in &producer.acked {
        for (number, offset) in records(*acked) {
            let expected = Label {
                producer: id,
                number,
            };
            let found = usize::try_from(offset).ok().and_then(|at| stored.get(at));
            ensure!(
                found == Some(&expected),
                "K1: {expected:?} was acknowledged at {offset}, where {found:?} is"
            );
            report.records_acked += 1;
        }
    }
    let numbers: Vec<u64> = stored
        .iter()
        .filter(|label| label.producer == id)
        .map(|label| label.number)
        .collect();
    if producer.identity.is_some() {
        let sent = producer.sent();
        ensure!(
            numbers.iter().copied().eq(0..sent),
            "K2: producer {id} sent {sent} records and {} are stored; the first that is out of place: {:?}",
            numbers.len(),
            numbers
                .iter()
                .zip(0..sent)
                .find(|(found, sent)| **found != *sent)
        );
        report.idempotent_records += numbers.len() as u64;
        return Ok(());
    }
    ensure!(
        numbers.is_sorted_by(|a, b| a < b),
        "K3: producer {id}: order, or a record that is there twice"
    );
    // In each life the first ones are stored and nothing behind the first that is not.
    let mut lives: BTreeMap<u64, u64> = BTreeMap::new();
    for number in numbers {
        let life = producer.lives.partition_point(|first| *first <= number);
        let first = producer.lives[life.saturating_sub(1)];
        let count = lives.entry(first).or_default();
        ensure!(
            number == first + *count,
            "K3: producer {id}: {number} is stored and {} is not",
            first + *count
        );
        *count += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::kafka::producer::Acked;

    /// Compares a producer of two lives, of which the second begins at 20, with numbers stored at offsets 0, 1, ….
    fn check(idempotent: bool, acked: &[(u64, i64)], stored: &[u64]) -> Result<(), String> {
        let mut producer = Producer::new(7, PLAIN_TOPIC, 0, idempotent.then_some(1));
        producer.pretend_sent(30);
        producer.lives = vec![0, 20];
        producer.acked = acked
            .iter()
            .map(|(first, base_offset)| Acked {
                first: *first,
                base_offset: *base_offset,
            })
            .collect();
        let stored: Vec<_> = stored
            .iter()
            .map(|number| Label {
                producer: 7,
                number: *number,
            })
            .collect();
        compare(&producer, &stored, &mut Report::default()).map_err(|error| error.to_string())
    }

    fn broken(outcome: Result<(), String>) -> String {
        outcome.unwrap_err()[..2].to_owned()
    }

    #[test]
    fn every_broken_promise_is_noticed() {
        let all: Vec<u64> = (0..30).collect();
        let with_gap: Vec<u64> = (0..10).chain(20..30).collect();
        check(true, &[(0, 0), (10, 10), (20, 20)], &all).unwrap();
        check(false, &[(0, 0), (20, 10)], &with_gap).unwrap();
        // Lost, and elsewhere than acknowledged.
        assert_eq!(broken(check(false, &[(20, 20)], &all[..20])), "K1");
        assert_eq!(broken(check(false, &[(20, 20)], &with_gap)), "K1");
        // A gap, a repetition, and the end missing.
        assert_eq!(broken(check(true, &[], &with_gap)), "K2");
        let twice: Vec<u64> = (0..30).chain(20..30).collect();
        assert_eq!(broken(check(true, &[], &twice)), "K2");
        assert_eq!(broken(check(true, &[], &all[..20])), "K2");
        // A repetition, another order, and a hole inside a life.
        assert_eq!(broken(check(false, &[], &twice)), "K3");
        let reversed: Vec<u64> = (20..30).chain(0..10).collect();
        assert_eq!(broken(check(false, &[], &reversed)), "K3");
        assert_eq!(broken(check(false, &[], &all[10..])), "K3");
    }
}
