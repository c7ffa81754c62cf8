//! Reads a topic from its first record to its last: one connection, one partition after the other.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::client::{Client, FETCH, Reader, Writer};
use crate::server::{Server, Usage};

/// The default of Kafka's consumers for one partition.
const PARTITION_BYTES_MAX: i32 = 1024 * 1024;

/// What reading came to.
pub(super) struct Reading {
    pub(super) records: i64,
    pub(super) elapsed: Duration,
    pub(super) server_cpu: Duration,
    pub(super) client_cpu: Duration,
}

/// Reads at most `records_max` records of every partition; fails if one is missing.
pub(super) fn read(
    server: &Server,
    topic: &str,
    partitions: i32,
    records_max: i64,
) -> Result<Reading> {
    let mut client = Client::connect(&server.address())?;
    let (server_before, client_before) = (server.usage()?, Usage::own()?);
    let started = Instant::now();
    let mut records = 0;
    let ends = client.end_offsets(topic, partitions)?;
    for (partition, end) in (0..).zip(ends) {
        let end = end
            .with_context(|| format!("{topic} {partition} does not answer"))?
            .min(records_max);
        let mut offset = 0;
        while offset < end {
            let next = fetch(&mut client, topic, partition, offset)?;
            ensure!(
                next > offset,
                "{topic} {partition}: nothing at offset {offset}, the end is {end}"
            );
            offset = next;
        }
        records += offset;
    }
    Ok(Reading {
        records,
        elapsed: started.elapsed(),
        server_cpu: server.usage()? - server_before,
        client_cpu: Usage::own()? - client_before,
    })
}

/// One request; returns the offset after the last whole batch in its answer.
fn fetch(client: &mut Client, topic: &str, partition: i32, offset: i64) -> Result<i64> {
    let mut body = Writer::default();
    body.i32(-1).i32(500).i32(1).i32(64 * 1024 * 1024).i8(0);
    body.i32(1)
        .string(topic)
        .i32(1)
        .i32(partition)
        .i64(offset)
        .i32(PARTITION_BYTES_MAX);
    let answer = client.call(FETCH, &body.bytes)?;
    let mut reader = Reader::new(&answer);
    reader.i32()?;
    let ends = reader.array(|reader| {
        reader.string()?;
        reader.array(|reader| {
            reader.i32()?;
            let error = reader.i16()?;
            ensure!(error == 0, "Fetch: error {error}");
            reader.i64()?;
            reader.i64()?;
            reader.array(|reader| Ok((reader.i64()?, reader.i64()?)))?;
            after_last_batch(reader.blob()?, offset)
        })
    })?;
    Ok(ends.into_iter().flatten().next().unwrap_or(offset))
}

/// Walks the batches' headers; the last batch of an answer may be cut off.
fn after_last_batch(mut batches: &[u8], offset: i64) -> Result<i64> {
    let mut next = offset;
    loop {
        let mut header = Reader::new(batches);
        let (Ok(base), Ok(length)) = (header.i64(), header.i32()) else {
            return Ok(next);
        };
        let Ok(rest) = header.bytes(usize::try_from(length)?) else {
            return Ok(next);
        };
        // Leader epoch, magic, checksum and attributes stand before it.
        let last_delta = Reader::new(&rest[11..]).i32()?;
        next = base + i64::from(last_delta) + 1;
        batches = &batches[12 + rest.len()..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::record_batch;

    #[test]
    fn batches_are_walked() {
        let mut batches = record_batch(3, 100, 0);
        let mut second = record_batch(2, 100, 0);
        second[..8].copy_from_slice(&3_i64.to_be_bytes());
        batches.extend(second);
        assert_eq!(after_last_batch(&batches, 0).unwrap(), 5);
        assert_eq!(
            after_last_batch(&batches[..batches.len() - 1], 0).unwrap(),
            3
        );
        assert_eq!(after_last_batch(&[], 7).unwrap(), 7);
    }
}
