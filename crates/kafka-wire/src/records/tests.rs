//! Batches of real clients, round trips, what Produce refuses, and damage.

mod validation;

use bytes::Bytes;

use super::fixtures::{Expected, Fixture, Random, damaged, named, small, with};
use super::{
    BatchBuilder, BuildError, Headers, OpenBatch, Record, Records, RecordsError, TimedOffset,
    first_at_or_after, latest,
};
use crate::compression::{Compression, Limits};
use crate::record_batch::{BatchHeader, renew_crc};

fn read(batch: &Bytes) -> Result<Vec<Record>, RecordsError> {
    Records::new(batch, Limits::default())?.collect()
}

fn headers_of(expected: &Expected) -> Headers {
    let headers = expected.3.iter();
    headers
        .map(|(key, value)| (key.as_bytes(), value.map(str::as_bytes)))
        .collect()
}

fn push(builder: &mut BatchBuilder, record: &Expected) {
    let (timestamp, key, value, _) = record;
    let headers = headers_of(record);
    builder
        .push(*timestamp, key.as_deref(), value.as_deref(), headers.view())
        .unwrap();
}

fn check(batch: &Bytes, base_offset: i64, expected: &[Expected]) {
    let header = BatchHeader::parse(batch).unwrap();
    header.verify(batch).unwrap();
    let records = read(batch).unwrap();
    assert_eq!(records.len(), expected.len());
    let open = OpenBatch::new(batch, Limits::default()).unwrap();
    let views = open.records().map(Result::unwrap);
    for ((record, view), (offset, expected)) in
        records.iter().zip(views).zip((base_offset..).zip(expected))
    {
        let (timestamp, key, value, _) = expected;
        assert_eq!((record.offset, record.timestamp), (offset, *timestamp));
        assert_eq!(record.key.as_deref(), key.as_deref());
        assert_eq!(record.value.as_deref(), value.as_deref());
        assert_eq!(record.headers, headers_of(expected));
        let headers = record.headers.iter();
        let headers: Vec<_> = headers.map(|header| (header.key, header.value)).collect();
        let wanted: Vec<_> = expected
            .3
            .iter()
            .map(|&(key, value)| (Bytes::from(key), value.map(Bytes::from)))
            .collect();
        assert_eq!(headers, wanted);
        assert_eq!((view.offset, view.timestamp), (offset, *timestamp));
        assert_eq!((view.key, view.value), (key.as_deref(), value.as_deref()));
        assert_eq!(view.headers, record.headers.view());
    }
}

#[test]
fn batches_of_real_clients_are_read() {
    let fixtures = with("v2");
    assert_eq!(fixtures.len(), 40);
    for fixture in fixtures {
        check(&fixture.bytes, fixture.base_offset(), &fixture.expected());
    }
}

#[test]
fn what_we_build_is_what_the_java_client_builds() {
    let mut builder = BatchBuilder::new(Compression::None).assigned(100, -1);
    for record in small() {
        push(&mut builder, &record);
    }
    assert_eq!(builder.build().unwrap(), named("java-v2-none-small"));
}

#[test]
fn batches_come_back() {
    let mut random = Random(2);
    for round in 0..12 {
        for compression in Compression::ALL {
            let records: Vec<Expected> = (0..=random.below(20))
                .map(|_| {
                    let timestamp = i64::try_from(random.next() >> 20).unwrap();
                    let headers = [("a", None), ("b", Some("")), ("trace", Some("00-4bf9"))];
                    let headers = headers[random.below(3)..random.below(4).max(2)].to_vec();
                    (timestamp, random.field(), random.field(), headers)
                })
                .collect();
            let mut builder = BatchBuilder::new(compression).assigned(round << 32, 7);
            for record in &records {
                push(&mut builder, record);
            }
            let uncompressed_len = builder.uncompressed_len();
            let batch = builder.build().unwrap();
            assert!(compression != Compression::None || batch.len() == uncompressed_len);
            check(&batch, round << 32, &records);
        }
    }
}

#[test]
fn every_field_of_the_header_is_set() {
    let mut builder = BatchBuilder::new(Compression::Lz4)
        .assigned(5, 6)
        .producer(7, 8, i32::MAX)
        .transactional()
        .control();
    for timestamp in [50, 70, 60] {
        let record = Record {
            offset: 99,
            timestamp,
            key: None,
            value: Some(Bytes::from_static(b"value")),
            headers: Headers::default(),
        };
        builder.push_record(&record).unwrap();
    }
    assert_eq!(builder.records_count(), 3);
    let batch = builder.build().unwrap();
    let header = BatchHeader::parse(&batch).unwrap();
    assert_eq!(
        header,
        BatchHeader {
            base_offset: 5,
            len: batch.len(),
            partition_leader_epoch: 6,
            crc: header.crc,
            attributes: 0b11_0011,
            last_offset_delta: 2,
            base_timestamp: 50,
            max_timestamp: 70,
            producer_id: 7,
            producer_epoch: 8,
            base_sequence: i32::MAX,
            records_count: 3,
        }
    );
    assert_eq!((header.last_offset(), header.last_sequence()), (7, 1));
    assert_eq!(header.encode(), batch[..61]);
}

#[test]
fn log_append_time_is_the_time_of_every_record() {
    let mut builder = BatchBuilder::new(Compression::None).log_append_time(1000);
    for timestamp in [5, 5000] {
        builder
            .push(timestamp, None, None, Headers::default().view())
            .unwrap();
    }
    let records = read(&builder.build().unwrap()).unwrap();
    assert!(records.iter().all(|record| record.timestamp == 1000));
}

#[test]
fn an_empty_batch_is_not_built() {
    let builder = BatchBuilder::new(Compression::Gzip);
    assert_eq!(builder.build(), Err(BuildError::Empty));
}

#[test]
fn records_are_slices_of_an_uncompressed_batch() {
    let batch = named("java-v2-none-small");
    let records = read(&batch).unwrap();
    let value = records[0].value.as_ref().unwrap();
    assert!(batch.as_ptr_range().contains(&value.as_ptr()));
    let memory = allocation_counter::measure(|| {
        let open = OpenBatch::new(&batch, Limits::default()).unwrap();
        assert_eq!(open.records().map(Result::unwrap).count(), 4);
    });
    assert_eq!(memory.count_total, 0);
}

#[test]
fn a_batch_holds_as_many_records_as_it_declares() {
    for fixture in with("v2") {
        for (declared, found) in [(-1, 1), (0, 1), (1, 2), (1000, -1)] {
            let mut batch = fixture.bytes.to_vec();
            batch[57..61].copy_from_slice(&i32::to_be_bytes(declared));
            let count = i32::try_from(fixture.expected().len()).unwrap();
            let found = if found < 0 { count } else { found };
            let batch = Bytes::from(batch);
            assert_eq!(
                read(&batch),
                Err(RecordsError::Count { declared, found }),
                "{}",
                fixture.name
            );
        }
    }
}

#[test]
fn malformed_records_are_refused() {
    let good: &[u8] = &[18, 0, 0, 0, 1, 2, b'v', 2, 0, 1];
    // Each case: the bytes of one record, of which the good one is the pattern.
    let cases: &[&[u8]] = &[
        &[],                                             // nothing
        &[1],                                            // length -1
        &[0],                                            // length 0
        &[19, 0, 0, 0, 1, 2, b'v', 2, 0, 1],             // negative length
        &[20, 0, 0, 0, 1, 2, b'v', 2, 0, 1],             // one byte short
        &[0x80, 0x80, 0x80, 0x80, 0x80, 0],              // a length of six bytes
        &[18, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0, 0], // a timestamp that does not end in time
        &[18, 0, 0, 0, 3, 2, b'v', 2, 0, 1],             // key of -2 bytes
        &[18, 0, 0, 0, 1, 40, b'v', 2, 0, 1],            // value of 20 bytes
        &[18, 0, 0, 0, 1, 2, b'v', 1, 0, 1],             // -1 headers
        &[18, 0, 0, 0, 1, 2, b'v', 4, 0, 1],             // a header less than declared
        &[18, 0, 0, 0, 1, 2, b'v', 40, 0, 1],            // 20 headers in 2 bytes
        &[18, 0, 0, 0, 1, 2, b'v', 2, 1, 1],             // a header without a key
        &[18, 0, 0, 0, 1, 2, b'v', 0, 0, 1],             // bytes after the headers
    ];
    assert_eq!(read(&batch_of(good)).map(|records| records.len()), Ok(1));
    for bytes in cases {
        let read = read(&batch_of(bytes));
        assert!(
            matches!(
                read,
                Err(RecordsError::Malformed { index: 0, .. } | RecordsError::Count { .. })
            ),
            "{bytes:?}: {read:?}"
        );
    }
}

/// An uncompressed batch that declares one record and holds these bytes.
fn batch_of(records: &[u8]) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None);
    builder
        .push(0, None, None, Headers::default().view())
        .unwrap();
    let mut header = BatchHeader::parse(&builder.build().unwrap()).unwrap();
    header.len = 61 + records.len();
    let mut batch = [&header.encode()[..], records].concat();
    renew_crc(&mut batch);
    batch.into()
}

#[test]
fn damage_never_panics_and_is_noticed_where_the_checksum_reaches() {
    for Fixture { name, bytes } in with("small") {
        if !name.contains("-v2-") {
            continue;
        }
        for (at, batch) in damaged(&bytes) {
            let batch = Bytes::from(batch);
            let whole = batch.len() == bytes.len();
            let verified = BatchHeader::parse(&batch).and_then(|header| header.verify(&batch));
            // Not covered: base offset, and leader epoch.
            let covered = !(0..8).contains(&at) && !(12..16).contains(&at);
            assert_eq!(verified.is_err(), covered || !whole, "{name} at {at}");
            let _ = read(&batch);
        }
    }
}

#[test]
fn unknown_compressions_are_refused() {
    let mut batch = named("java-v2-none-small").to_vec();
    batch[22] = 5;
    assert_eq!(
        read(&batch.into()),
        Err(RecordsError::UnknownCompression(5))
    );
}

#[test]
fn records_are_found_by_time() {
    const BASE: i64 = 1_700_000_000_000;
    for fixture in with("java") {
        if !fixture.is("v2") || !fixture.is("small") {
            continue;
        }
        // Seconds after the base: 0, 5, 2, 3; or 9 for all.
        let append = fixture.is("append");
        let find = |seconds: i64, from| {
            let timestamp = BASE + seconds * 1000;
            first_at_or_after(&fixture.bytes, timestamp, from, Limits::default())
                .unwrap()
                .map(|found| (found.offset, (found.timestamp - BASE) / 1000))
        };
        let found = [(-1, 0), (1, 0), (3, 102), (5, 102), (9, 0), (10, 0)]
            .map(|(seconds, from)| find(seconds, from));
        let all = Some((100, 9));
        let wanted = if append {
            [all, all, Some((102, 9)), Some((102, 9)), all, None]
        } else {
            let (first, max) = (Some((100, 0)), Some((101, 5)));
            [first, max, Some((103, 3)), None, None, None]
        };
        assert_eq!(found, wanted, "{}", fixture.name);
        let (offset, seconds) = if append { (100, 9) } else { (101, 5) };
        assert_eq!(
            latest(&fixture.bytes, Limits::default()),
            Ok(Some(TimedOffset {
                offset,
                timestamp: BASE + seconds * 1000
            }))
        );
    }
    let mut builder = BatchBuilder::new(Compression::None);
    builder
        .push(-1, None, None, Headers::default().view())
        .unwrap();
    let batch = builder.build().unwrap();
    assert_eq!(latest(&batch, Limits::default()), Ok(None));
}
