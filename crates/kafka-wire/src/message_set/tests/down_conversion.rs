//! What old consumers get.

use bytes::Bytes;

use super::read;
use crate::compression::{Compression, Limits};
use crate::message_set::{
    Cut, DownConvert, DownConverted, Magic, Message, TimestampType, down_convert,
};
use crate::record_batch::BatchError;
use crate::records::fixtures::{named, with};
use crate::records::{BatchBuilder, HeadersView, RecordsError};

fn ask(magic: Magic) -> DownConvert {
    DownConvert {
        magic,
        from_offset: 0,
        bytes_max: usize::MAX,
        cut: Cut::Partial,
        limits: Limits::default(),
    }
}

#[test]
fn batches_become_what_the_java_client_writes() {
    for (magic, name) in [
        (Magic::V0, "java-v0-none-small"),
        (Magic::V1, "java-v1-none-small"),
    ] {
        for compression in ["none", "gzip", "snappy", "lz4", "zstd"] {
            let batch = named(&format!("java-v2-{compression}-small"));
            let converted = down_convert([&batch[..]], &ask(magic)).unwrap();
            assert_eq!(converted.set, named(name), "{compression}");
            assert_eq!(converted.next_offset, 104);
        }
    }
}

#[test]
fn log_append_time_stays() {
    let batch = named("java-v2-gzip-small-append");
    for (magic, timestamp_type, timestamp) in [
        (Magic::V0, TimestampType::None, -1),
        (
            Magic::V1,
            TimestampType::LogAppendTime,
            1_700_000_000_000 + 9000,
        ),
    ] {
        let set = down_convert([&batch[..]], &ask(magic)).unwrap().set;
        for message in read(&set).unwrap() {
            assert_eq!(
                (message.timestamp_type, message.timestamp),
                (timestamp_type, timestamp)
            );
        }
    }
}

#[test]
fn every_client_and_compression_comes_down() {
    for fixture in with("v2") {
        let ask = ask(Magic::V1);
        let converted = down_convert([&fixture.bytes[..]], &ask).unwrap();
        let messages = read(&converted.set).unwrap();
        let offsets = fixture.base_offset()..;
        for ((message, offset), (timestamp, key, value, _)) in
            messages.iter().zip(offsets).zip(fixture.expected())
        {
            assert_eq!((message.offset, message.timestamp), (offset, timestamp));
            assert_eq!(message.key, key.map(Bytes::from));
            assert_eq!(message.value, value.map(Bytes::from));
        }
        assert_eq!(messages.len(), fixture.expected().len());
    }
}

/// Batches of two records of 100 bytes each from the offset on, which are 134 bytes of magic 1.
fn batch(base_offset: i64, control: bool) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::Lz4).assigned(base_offset, 0);
    if control {
        builder = builder.control();
    }
    for _ in 0..2 {
        builder
            .push(5, None, Some(&[7; 100]), HeadersView::default())
            .unwrap();
    }
    builder.build().unwrap()
}

const MESSAGE_BYTES: usize = 134;

fn offsets(messages: &[Message]) -> Vec<i64> {
    messages.iter().map(|message| message.offset).collect()
}

fn converted(batches: &[Bytes], ask: &DownConvert) -> (Vec<i64>, DownConverted) {
    let converted = down_convert(batches.iter().map(|batch| &batch[..]), ask).unwrap();
    let whole = converted.set.len() / MESSAGE_BYTES * MESSAGE_BYTES;
    let messages = read(&converted.set.slice(..whole)).unwrap();
    (offsets(&messages), converted)
}

#[test]
fn records_before_the_offset_and_control_batches_are_left_out() {
    let batches = [
        batch(0, false),
        batch(2, false),
        batch(4, true),
        batch(6, false),
        batch(8, true),
    ];
    for (from_offset, wanted) in [
        (0, &[0, 1, 2, 3, 6, 7][..]),
        (1, &[1, 2, 3, 6, 7]),
        (3, &[3, 6, 7]),
        (4, &[6, 7]),
        (8, &[]),
        (9, &[]),
    ] {
        let ask = DownConvert {
            from_offset,
            ..ask(Magic::V1)
        };
        let (offsets, converted) = converted(&batches, &ask);
        assert_eq!(offsets, wanted);
        // A reader goes on after the control batch at the end, even where it got nothing.
        assert_eq!(converted.next_offset, 10);
    }
    let nothing = down_convert([], &ask(Magic::V0)).unwrap();
    assert_eq!((nothing.set.len(), nothing.next_offset), (0, 0));
}

#[test]
fn the_limit_cuts_messages_or_leaves_them_whole() {
    let batches = [batch(0, false), batch(2, false)];
    for bytes_max in 0..5 * MESSAGE_BYTES {
        let ask = |cut| DownConvert {
            bytes_max,
            cut,
            ..ask(Magic::V1)
        };
        let fitting = (bytes_max / MESSAGE_BYTES).min(4);
        let (offsets, partial) = converted(&batches, &ask(Cut::Partial));
        assert_eq!(offsets.len(), fitting);
        assert_eq!(partial.set.len(), bytes_max.min(4 * MESSAGE_BYTES));
        assert_eq!(partial.next_offset, i64::try_from(fitting).unwrap());
        let (offsets, whole) = converted(&batches, &ask(Cut::FirstWhole));
        assert_eq!(offsets.len(), fitting.max(1));
        assert_eq!(whole.set.len(), fitting.max(1) * MESSAGE_BYTES);
        assert_eq!(whole.next_offset, i64::try_from(fitting.max(1)).unwrap());
        // A message that is cut is the beginning of the whole one.
        let all = ask(Cut::Partial);
        let all = DownConvert {
            bytes_max: usize::MAX,
            ..all
        };
        assert!(converted(&batches, &all).1.set.starts_with(&partial.set));
    }
}

#[test]
fn a_small_limit_takes_little_memory() {
    let mut builder = BatchBuilder::new(Compression::None);
    builder
        .push(0, None, Some(&vec![7; 1 << 20]), HeadersView::default())
        .unwrap();
    let batch = builder.build().unwrap();
    let ask = DownConvert {
        bytes_max: 4096,
        ..ask(Magic::V0)
    };
    let memory = allocation_counter::measure(|| {
        let converted = down_convert([&batch[..]], &ask).unwrap();
        assert_eq!(converted.set.len(), 4096);
    });
    assert!(memory.bytes_max < 3 * 4096, "{} bytes", memory.bytes_max);
}

#[test]
fn a_bad_batch_is_an_error_only_where_there_is_nothing_before_it() {
    let good = batch(0, false);
    let bad = &batch(2, false)[..80];
    let truncated = RecordsError::Batch(BatchError::Truncated);
    let ask = ask(Magic::V1);
    assert_eq!(down_convert([bad], &ask), Err(truncated));
    let converted = down_convert([&good[..], bad], &ask).unwrap();
    assert_eq!(offsets(&read(&converted.set).unwrap()), [0, 1]);
    assert_eq!(converted.next_offset, 2);
}
