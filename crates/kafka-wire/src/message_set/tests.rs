//! Message sets of real clients, conversions both ways, and damage.

mod down_conversion;

use bytes::Bytes;

use super::message::Entry;
use super::{Magic, Message, MessageSetError, Messages, TimestampType, magic_of, up_convert};
use crate::compression::{Compression, DecompressError, Limits};
use crate::record_batch::BatchHeader;
use crate::records::fixtures::{Expected, Fixture, Random, damaged, named, with};
use crate::records::{BuildError, Records, validate};

fn read(set: &Bytes) -> Result<Vec<Message>, MessageSetError> {
    Messages::new(set, Limits::default()).collect()
}

fn fixtures() -> Vec<Fixture> {
    let mut fixtures = with("v0");
    fixtures.extend(with("v1"));
    assert_eq!(fixtures.len(), 47);
    fixtures
}

fn compression_of(fixture: &Fixture) -> Compression {
    let mut all = Compression::ALL.into_iter();
    all.find(|of| fixture.is(of.name())).unwrap()
}

#[test]
fn message_sets_of_real_clients_are_read() {
    for fixture in fixtures() {
        let messages = read(&fixture.bytes).unwrap();
        let expected = fixture.expected();
        assert_eq!(messages.len(), expected.len(), "{}", fixture.name);
        let magic = if fixture.is("v0") {
            Magic::V0
        } else {
            Magic::V1
        };
        assert_eq!(magic_of(&fixture.bytes), Some(magic.byte()));
        let timestamp_type = match magic {
            Magic::V0 => TimestampType::None,
            Magic::V1 if fixture.is("append") => TimestampType::LogAppendTime,
            Magic::V1 => TimestampType::CreateTime,
        };
        let offsets = fixture.base_offset()..;
        for ((message, offset), (timestamp, key, value, _)) in
            messages.into_iter().zip(offsets).zip(expected)
        {
            let wanted = Message {
                // SimpleProducer gives every message the offset 0.
                offset: if fixture.is("simple") { 0 } else { offset },
                magic,
                timestamp,
                timestamp_type,
                key: key.map(Bytes::from),
                value: value.map(Bytes::from),
            };
            assert_eq!(message, wanted, "{}", fixture.name);
        }
    }
}

#[test]
fn produced_sets_become_one_batch_of_the_same_compression() {
    for fixture in fixtures() {
        let batch = up_convert(&fixture.bytes, Limits::default());
        if fixture.is("append") {
            assert_eq!(batch, Err(MessageSetError::LogAppendTime));
            continue;
        }
        let batch = batch.unwrap();
        let accepted = validate(&batch, 0).unwrap();
        assert_eq!(accepted.max_timestamp_correction(), None);
        let header = BatchHeader::parse(&batch).unwrap();
        assert_eq!(header.compression(), compression_of(&fixture).id());
        check_records(&batch, &fixture.expected());
    }
}

fn check_records(batch: &Bytes, expected: &[Expected]) {
    let records = Records::new(batch, Limits::default()).unwrap();
    let records: Result<Vec<_>, _> = records.collect();
    let records = records.unwrap();
    assert_eq!(records.len(), expected.len());
    for ((record, offset), (timestamp, key, value, _)) in records.iter().zip(0..).zip(expected) {
        assert_eq!((record.offset, record.timestamp), (offset, *timestamp));
        assert_eq!(record.key.as_deref(), key.as_deref());
        assert_eq!(record.value.as_deref(), value.as_deref());
        assert!(record.headers.is_empty());
    }
}

#[test]
fn wrappers_and_magics_may_be_mixed() {
    let names = [
        "kpy147-v1-none-small",
        "kpy147-v0-gzip-simple",
        "rdkafka-v1-lz4-small",
        "kpy147-v0-none-simple",
    ];
    let set: Vec<u8> = names.iter().flat_map(|name| named(name)).collect();
    let expected = names.map(|name| {
        let fixture = Fixture {
            name: name.to_owned(),
            bytes: Bytes::new(),
        };
        fixture.expected()
    });
    let batch = up_convert(&set.into(), Limits::default()).unwrap();
    check_records(&batch, &expected.concat());
    // The batch has the compression of the first wrapper.
    let header = BatchHeader::parse(&batch).unwrap();
    assert_eq!(header.compression(), Compression::Gzip.id());
}

/// The bytes of a message.
fn message(entry: Entry<'_>) -> Vec<u8> {
    entry.encode().unwrap().parts().concat()
}

fn plain(magic: Magic, offset: i64) -> Entry<'static> {
    Entry {
        offset,
        magic,
        attributes: 0,
        timestamp: if magic == Magic::V0 { -1 } else { 1000 },
        key: None,
        value: Some(b"value"),
    }
}

fn wrapper(magic: Magic, offset: i64, compression: Compression, set: &[u8]) -> Vec<u8> {
    message(Entry {
        attributes: i8::try_from(compression.id()).unwrap(),
        value: Some(&compression.compress(set).unwrap()),
        ..plain(magic, offset)
    })
}

#[test]
fn offsets_of_wrappers() {
    let inner = |offsets: &[i64]| {
        let messages = offsets.iter().map(|&at| message(plain(Magic::V1, at)));
        messages.collect::<Vec<_>>().concat()
    };
    // The wrapper's magic and offset, the messages' offsets, and what they become.
    type Case<'a> = (Magic, i64, &'a [i64], Option<&'a [i64]>);
    let cases: &[Case<'_>] = &[
        (Magic::V1, 102, &[0, 1, 2], Some(&[100, 101, 102])),
        (Magic::V1, 105, &[0, 3, 5], Some(&[100, 103, 105])),
        (Magic::V1, 2, &[0, 1, 2], Some(&[0, 1, 2])),
        (Magic::V1, 0, &[0, 1, 2], Some(&[0, 1, 2])),
        (Magic::V1, 1, &[0, 1, 2], None),
        (Magic::V0, 102, &[100, 101, 102], Some(&[100, 101, 102])),
        (Magic::V0, 0, &[0, 0, 0], Some(&[0, 0, 0])),
    ];
    for &(magic, offset, offsets, wanted) in cases {
        let set = wrapper(magic, offset, Compression::Gzip, &inner(offsets));
        let messages = read(&set.into());
        let read = messages.map(|all| all.iter().map(|of| of.offset).collect());
        let wanted = wanted
            .map(<[i64]>::to_vec)
            .ok_or(MessageSetError::WrapperOffset {
                wrapper: offset,
                last: 2,
            });
        assert_eq!(read, wanted);
    }
}

fn check_refused(set: &[u8], error: MessageSetError, code: i16) {
    let set = Bytes::copy_from_slice(set);
    assert_eq!(up_convert(&set, Limits::default()), Err(error));
    assert_eq!(error.error_code(), code, "{error}");
    assert_eq!(error.is_corruption(), code == 2);
}

fn gzip(set: &[u8]) -> Vec<u8> {
    wrapper(Magic::V1, 0, Compression::Gzip, set)
}

fn with_attributes(attributes: i8) -> Vec<u8> {
    message(Entry {
        attributes,
        ..plain(Magic::V1, 0)
    })
}

fn with_timestamp(timestamp: i64) -> Vec<u8> {
    message(Entry {
        timestamp,
        ..plain(Magic::V1, 0)
    })
}

#[test]
fn wrong_sizes_and_lengths_are_refused() {
    let good = message(plain(Magic::V1, 0));
    let cut = &good[..good.len() - 1];
    let sized = |size: i32| [&good[..8], &size.to_be_bytes(), &good[12..]].concat();
    check_refused(&[], MessageSetError::Build(BuildError::Empty), 87);
    check_refused(cut, MessageSetError::Truncated, 2);
    let and_a_part = [&good[..], &good[..5]].concat();
    check_refused(&and_a_part, MessageSetError::Truncated, 2);
    check_refused(&gzip(cut), MessageSetError::Truncated, 2);
    for size in [i32::MIN, -1, 0, 13] {
        check_refused(&sized(size), MessageSetError::Size(size), 2);
    }
    for magic in [-1, 2] {
        let set = sealed(&good, 16, &[i8::to_be_bytes(magic)[0]]);
        check_refused(&set, MessageSetError::Magic(magic), 2);
    }
    // The key's length is at 26, the value's at 30.
    for (at, len) in [
        (30, 6),
        (30, 4),
        (30, -2),
        (26, -2),
        (26, i32::MAX),
        (26, 6),
    ] {
        let set = sealed(&good, at, &i32::to_be_bytes(len));
        check_refused(&set, MessageSetError::Lengths, 87);
    }
}

#[test]
fn wrong_compressions_are_refused() {
    let good = message(plain(Magic::V1, 0));
    for id in 4..8 {
        let set = with_attributes(id);
        check_refused(&set, MessageSetError::Compression(id.into()), 76);
    }
    let null = message(Entry {
        attributes: 1,
        value: None,
        ..plain(Magic::V0, 0)
    });
    check_refused(&null, MessageSetError::EmptyWrapper, 87);
    check_refused(&gzip(&[]), MessageSetError::EmptyWrapper, 87);
    check_refused(&gzip(&gzip(&good)), MessageSetError::Nested, 87);
    let and_nested = gzip(&[&good[..], &gzip(&good)].concat());
    check_refused(&and_nested, MessageSetError::Nested, 87);
    let not_gzip = up_convert(&with_attributes(1).into(), Limits::default()).unwrap_err();
    assert!(matches!(
        not_gzip,
        MessageSetError::Decompress(DecompressError::Corrupt { .. })
    ));
    assert_eq!(not_gzip.error_code(), 87);
    assert_eq!(MessageSetError::from(BuildError::TooLarge).error_code(), 10);
}

#[test]
fn wrong_timestamps_are_refused() {
    check_refused(&with_attributes(8), MessageSetError::LogAppendTime, 32);
    for timestamp in [i64::MIN, -2] {
        let set = with_timestamp(timestamp);
        check_refused(&set, MessageSetError::Timestamp(timestamp), 32);
    }
    // -1 is no timestamp; attribute bits that are not defined are not looked at.
    for good in [with_timestamp(-1), with_attributes(-16)] {
        assert!(up_convert(&good.into(), Limits::default()).is_ok());
    }
}

/// The message with some bytes changed and its checksum renewed.
fn sealed(message: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    message[at..at + bytes.len()].copy_from_slice(bytes);
    let crc = crc32fast::hash(&message[16..]);
    message[12..16].copy_from_slice(&crc.to_be_bytes());
    message
}

#[test]
fn messages_keep_null_and_empty_apart() {
    for magic in [Magic::V0, Magic::V1] {
        for key in [None, Some(&b""[..]), Some(b"key")] {
            for value in [None, Some(&b""[..]), Some(b"value")] {
                let entry = Entry {
                    key,
                    value,
                    ..plain(magic, 7)
                };
                let messages = read(&message(entry).into()).unwrap();
                assert_eq!(messages.len(), 1);
                let read = (messages[0].key.as_deref(), messages[0].value.as_deref());
                assert_eq!(read, (key, value));
            }
        }
    }
}

#[test]
fn wrappers_share_one_limit() {
    let inner = message(Entry {
        value: Some(&[0; 60_000]),
        ..plain(Magic::V1, 0)
    });
    let limits = Limits {
        output_bytes_max: 1 << 20,
        ratio_max: 1,
        ratio_free_bytes: 100_000,
    };
    for compression in [Compression::Gzip, Compression::Snappy, Compression::Lz4] {
        let one = wrapper(Magic::V1, 0, compression, &inner);
        let two = [&one[..], &one].concat();
        assert!(up_convert(&one.into(), limits).is_ok());
        let error = up_convert(&two.into(), limits).unwrap_err();
        assert!(matches!(
            error,
            MessageSetError::Decompress(DecompressError::TooLarge { .. })
        ));
        assert_eq!(error.error_code(), 10);
    }
}

#[test]
fn damage_never_panics_and_is_noticed_where_the_checksum_reaches() {
    for fixture in fixtures() {
        if fixture.is("big") {
            continue;
        }
        let sizes = message_starts(&fixture.bytes);
        for (at, set) in damaged(&fixture.bytes) {
            let whole = set.len() == fixture.bytes.len();
            let set = Bytes::from(set);
            let converted = up_convert(&set, Limits::default());
            let _ = read(&set);
            if fixture.is("append") {
                continue;
            }
            // The offset is not covered. A set of several messages may end after each of them.
            let start = sizes.iter().rev().find(|&&start| start <= at).unwrap();
            let uncovered = if whole {
                at - start < 8
            } else {
                at == *start && at > 0
            };
            // A wrapper's offset is compared with those in it.
            let may_differ = uncovered && whole && fixture.is("v1") && !fixture.is("none");
            assert!(
                may_differ || converted.is_ok() == uncovered,
                "{} at {at}: {converted:?}",
                fixture.name
            );
        }
    }
}

/// Where each message of a set starts.
fn message_starts(set: &Bytes) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut rest = &set[..];
    while !rest.is_empty() {
        starts.push(set.len() - rest.len());
        super::message::take_message(&mut rest).unwrap();
    }
    starts
}

#[test]
fn seeded_sets_come_back() {
    let mut random = Random(3);
    for round in 0..12 {
        let magic = if round % 2 == 0 { Magic::V0 } else { Magic::V1 };
        let mut expected: Vec<Expected> = Vec::new();
        let mut set = Vec::new();
        for offset in 0..=i64::try_from(random.below(12)).unwrap() {
            let timestamp = i64::try_from(random.next() >> 20).unwrap();
            let timestamp = if magic == Magic::V0 { -1 } else { timestamp };
            let (key, value) = (random.field(), random.field());
            set.extend(message(Entry {
                offset,
                magic,
                attributes: 0,
                timestamp,
                key: key.as_deref(),
                value: value.as_deref(),
            }));
            expected.push((timestamp, key, value, vec![]));
        }
        for compression in [Compression::Gzip, Compression::Snappy, Compression::Lz4] {
            let last = i64::try_from(expected.len()).unwrap() - 1;
            let wrapped = wrapper(magic, last, compression, &set);
            let batch = up_convert(&wrapped.into(), Limits::default()).unwrap();
            let header = BatchHeader::parse(&batch).unwrap();
            assert_eq!(header.compression(), compression.id());
            check_records(&batch, &expected);
        }
        let batch = up_convert(&set.into(), Limits::default()).unwrap();
        check_records(&batch, &expected);
    }
}
