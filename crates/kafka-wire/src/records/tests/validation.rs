//! What Produce accepts and refuses.

use super::push;
use crate::compression::Compression;
use crate::record_batch::{
    BatchError, BatchHeader, assign, renew_crc, set_log_append_time, set_max_timestamp,
};
use crate::records::fixtures::{damaged, named, small, with};
use crate::records::{Accepted, BatchBuilder, Headers, Refusal, validate};

const VERSION: i16 = 9;

fn batch() -> Vec<u8> {
    let mut builder = BatchBuilder::new(Compression::None).producer(1, 0, 0);
    for record in small() {
        push(&mut builder, &record);
    }
    builder.build().unwrap().to_vec()
}

#[test]
fn what_clients_produce_is_accepted() {
    for fixture in with("v2") {
        let mut batch = fixture.bytes.to_vec();
        assign(&mut batch, 0, -1);
        let header = BatchHeader::parse(&batch).unwrap();
        let compressed = header.compression() != 0;
        let wanted = if fixture.is("append") {
            Err(Refusal::LogAppendTime)
        } else {
            Ok(Accepted {
                header,
                max_timestamp: (!compressed).then_some(header.max_timestamp),
            })
        };
        assert_eq!(validate(&batch, VERSION), wanted, "{}", fixture.name);
    }
}

/// Changes the good batch, gives it a new checksum and compares what becomes of it.
fn check(change: impl Fn(&mut Vec<u8>), wanted: Option<(i16, &str)>) {
    let mut batch = batch();
    change(&mut batch);
    renew_crc(&mut batch);
    let refused = validate(&batch, VERSION).err();
    let refused = refused.map(|refusal| (refusal.error_code(), refusal.to_string()));
    let wanted = wanted.map(|(code, text)| (code, text.to_owned()));
    assert_eq!(refused, wanted);
}

fn put(at: usize, bytes: &[u8]) -> impl Fn(&mut Vec<u8>) {
    let bytes = bytes.to_vec();
    move |batch| batch[at..at + bytes.len()].copy_from_slice(&bytes)
}

#[test]
fn a_wrong_header_is_refused() {
    let unassigned = "the batch has the base offset 1, not 0";
    let count = |count, delta| {
        format!("the batch declares {count} records and the last offset delta {delta}")
    };
    let producer = |id, epoch, sequence| {
        format!("the producer {id} has epoch {epoch} and sequence {sequence}")
    };
    check(|_| {}, None);
    check(put(7, &[1]), Some((87, unassigned)));
    check(put(57, &[0; 4]), Some((87, &count(0, 3))));
    check(put(57, &[0xff; 4]), Some((87, &count(-1, 3))));
    check(put(57, &[0x80, 0, 0, 0]), Some((87, &count(i32::MIN, 3))));
    check(put(60, &[5]), Some((87, &count(5, 3))));
    check(put(23, &[0xff; 4]), Some((87, &count(4, -1))));
    let unsupported =
        |id| format!("the compression {id} is not supported in this version of Produce");
    for id in 5..8 {
        check(put(22, &[id]), Some((76, &unsupported(id))));
    }
    let control = "clients may not write control batches";
    check(put(22, &[0x20]), Some((87, control)));
    check(put(22, &[0x30]), Some((87, control)));
    let append = "clients may not set the timestamp type LogAppendTime";
    check(put(22, &[0x08]), Some((32, append)));
    let horizon = "clients may not set a delete horizon";
    check(put(22, &[0x40]), Some((87, horizon)));
    // Bits that are not defined are kept, and transactional batches have a producer.
    check(put(21, &[0xff, 0x80]), None);
    check(put(22, &[0x10]), None);
    check(put(51, &[0xff; 2]), Some((87, &producer(1, -1, 0))));
    check(put(53, &[0xff; 4]), Some((87, &producer(1, 0, -1))));
    // Without a producer, epoch and sequence mean nothing.
    check(put(43, &[0xff; 8]), None);
    let transactional = |batch: &mut Vec<u8>| {
        put(22, &[0x10])(batch);
        put(43, &[0xff; 8])(batch);
    };
    check(transactional, Some((87, &producer(-1, 0, 0))));
    check(
        put(53, &[0x7f, 0xff, 0xff, 0xff]),
        None, // The sequences of the next records wrap.
    );
}

#[test]
fn wrong_records_of_an_uncompressed_batch_are_refused() {
    let malformed = |reason| format!("record 0 of the batch is malformed: {reason}");
    let more = |batch: &mut Vec<u8>| {
        put(23, &2_i32.to_be_bytes())(batch);
        put(57, &3_i32.to_be_bytes())(batch);
    };
    let fewer = |batch: &mut Vec<u8>| {
        put(23, &4_i32.to_be_bytes())(batch);
        put(57, &5_i32.to_be_bytes())(batch);
    };
    let wrong = "the batch declares 3 records and has more";
    check(more, Some((87, wrong)));
    let wrong = "the batch declares 5 records and has fewer";
    check(fewer, Some((87, wrong)));
    // The first record: length, attributes, timestamp delta, offset delta.
    check(put(64, &[2]), Some((87, "record 0 has the offset delta 1")));
    check(
        put(64, &[1]),
        Some((87, "record 0 has the offset delta -1")),
    );
    check(
        put(61, &[0x29]),
        Some((87, &malformed("a length is negative"))),
    );
    check(
        put(61, &[0x2a]),
        Some((87, &malformed("its length is larger than its parts"))),
    );
    check(
        put(66, &[0x1e]),
        Some((87, &malformed("a length is larger than what is left"))),
    );
}

#[test]
fn zstd_needs_version_7() {
    let zstd = named("kpy3-v2-zstd-small");
    assert!(validate(&zstd, 7).is_ok());
    let refusal = validate(&zstd, 6).unwrap_err();
    assert_eq!(refusal, Refusal::Compression(4));
    assert_eq!(refusal.error_code(), 76);
}

#[test]
fn there_is_exactly_one_batch() {
    let batch = batch();
    for extra in [1, 60, 200] {
        let refusal = validate(&[&batch[..], &vec![0; extra]].concat(), VERSION);
        assert_eq!(refusal, Err(Refusal::Trailing(extra)));
        assert_eq!(refusal.unwrap_err().error_code(), 87);
    }
    let none = validate(&[], VERSION).unwrap_err();
    assert_eq!(none, Refusal::Batch(BatchError::Truncated));
}

#[test]
fn damage_is_refused_before_anything_else() {
    let batch = batch();
    for (at, damaged) in damaged(&batch) {
        let result = validate(&damaged, VERSION);
        let cut = damaged.len() < batch.len();
        let code = result.err().map(|refusal| refusal.error_code());
        let wanted = match at {
            _ if cut => Some(2),
            // The base offset must be 0; the leader epoch is the broker's.
            0..8 => Some(87),
            12..16 => None,
            // The magic byte tells another format.
            16 => Some(87),
            _ => Some(2),
        };
        assert_eq!(code, wanted, "at {at}, cut: {cut}");
    }
}

#[test]
fn a_wrong_maximum_timestamp_is_put_right() {
    let mut batch = batch();
    let right = BatchHeader::parse(&batch).unwrap().max_timestamp;
    let accepted = validate(&batch, VERSION).unwrap();
    assert_eq!(accepted.max_timestamp_correction(), None);
    for wrong in [i64::MAX, -1] {
        set_max_timestamp(&mut batch, wrong);
        let correction = validate(&batch, VERSION)
            .unwrap()
            .max_timestamp_correction();
        assert_eq!(correction, Some(right));
    }
    set_max_timestamp(&mut batch, right);
    assert_eq!(batch, super::validation::batch());
    set_log_append_time(&mut batch, 5);
    let header = BatchHeader::parse(&batch).unwrap();
    assert!(header.verify(&batch).is_ok() && header.is_log_append_time());
}

#[test]
fn validation_takes_no_memory_and_opens_no_compressed_batch() {
    let mut builder = BatchBuilder::new(Compression::None);
    for _ in 0..1000 {
        let headers = [(&b"k"[..], Some(&b"v"[..]))]
            .into_iter()
            .collect::<Headers>();
        builder
            .push(0, None, Some(&[7; 100]), headers.view())
            .unwrap();
    }
    let plain = builder.build().unwrap();
    // A batch whose records are no gzip at all passes: only its readers are harmed.
    let mut nonsense = named("kpy3-v2-gzip-small").to_vec();
    nonsense[61..].fill(0xee);
    renew_crc(&mut nonsense);
    for batch in [&plain[..], &nonsense, &named("kpy3-v2-gzip-big")] {
        let memory = allocation_counter::measure(|| {
            assert!(validate(batch, VERSION).is_ok());
        });
        assert_eq!(memory.count_total, 0);
    }
}
