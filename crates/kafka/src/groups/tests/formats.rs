//! The durable format: the fixture of every entry that was ever written, and damage.

use std::time::Duration;

use base::Timestamp;
use bytes::Bytes;

use super::super::entries::{self, Decoded, GroupRecord, MemberRecord};
use super::super::member::Profile;
use super::super::offsets::{Change, Stored};
use super::super::*;

/// `name key value`, in hexadecimal; the value is `-` for a tombstone. Lines are added and never changed.
const FIXTURE: &str = include_str!("group-state.hex");

/// Every entry of the fixture as it must be read.
fn expected() -> Vec<(&'static str, Decoded)> {
    vec![
        ("group-1-members", group(Some(members_record()))),
        ("group-1-empty", group(Some(empty_record()))),
        ("group-tombstone", group(None)),
        ("offset-1", offset(Some(stored(Some(5), None)))),
        (
            "offset-1-expires",
            offset(Some(stored(None, Some(Timestamp(1_800_000_000_000))))),
        ),
        ("offset-tombstone", offset(None)),
    ]
}

fn group(record: Option<GroupRecord>) -> Decoded {
    let id = "grüppe".to_owned();
    Decoded::Group { id, record }
}

fn offset(value: Option<Stored>) -> Decoded {
    let name = if value.is_some() { "orders" } else { "" };
    Decoded::Offset {
        group: "grüppe".to_owned(),
        change: Change {
            topic: Topic {
                id: TopicId(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10),
                name: name.into(),
            },
            partition: 3,
            value,
        },
    }
}

fn stored(leader_epoch: Option<i32>, expires_at: Option<Timestamp>) -> Stored {
    Stored {
        position: Position {
            offset: 123_456_789_012,
            leader_epoch,
            metadata: "note".to_owned(),
        },
        committed_at: Timestamp(1_700_000_000_123),
        expires_at,
    }
}

fn members_record() -> GroupRecord {
    let protocol = |name: &str, metadata: &'static [u8]| Protocol {
        name: name.to_owned(),
        metadata: Bytes::from_static(metadata),
    };
    let member = |id: &str, instance_id: Option<&str>, protocols: Vec<Protocol>| MemberRecord {
        id: id.to_owned(),
        profile: Profile {
            instance_id: instance_id.map(str::to_owned),
            client_id: "client".to_owned(),
            client_host: "/10.1.2.3".to_owned(),
            session_timeout: Duration::from_secs(45),
            rebalance_timeout: Duration::from_mins(5),
            protocols,
        },
        assignment: Bytes::from_static(b"\x00\x01a"),
    };
    let both = vec![protocol("range", b"\x00\x00r"), protocol("sticky", b"")];
    GroupRecord {
        generation: 7,
        protocol_type: Some("consumer".to_owned()),
        protocol_name: Some("range".to_owned()),
        leader: Some("client-1".to_owned()),
        state_since: Timestamp(1_700_000_000_000),
        members: vec![
            member("client-1", None, both),
            member("x-2", Some("x"), vec![protocol("range", b"")]),
        ],
    }
}

fn empty_record() -> GroupRecord {
    GroupRecord {
        generation: 8,
        protocol_type: Some("consumer".to_owned()),
        protocol_name: None,
        leader: None,
        state_since: Timestamp(1_700_000_000_001),
        members: vec![],
    }
}

fn encode(decoded: &Decoded) -> Entry {
    match decoded {
        Decoded::Group { id, record } => entries::group(id, record.as_ref()),
        Decoded::Offset { group, change } => entries::offset(group, change),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Bytes {
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn line(name: &str, entry: &Entry) -> String {
    let value = entry
        .value
        .as_ref()
        .map_or("-".to_owned(), |value| hex(value));
    format!("{name} {} {value}\n", hex(&entry.key))
}

fn fixture() -> Vec<(&'static str, Entry)> {
    let parse = |line: &'static str| {
        let mut words = line.split(' ');
        let mut word = || words.next().expect("three words");
        let (name, key, value) = (word(), unhex(word()), word());
        let value = (value != "-").then(|| unhex(value));
        (name, Entry { key, value })
    };
    FIXTURE.lines().map(parse).collect()
}

#[test]
fn every_entry_that_was_ever_written_is_read() {
    let read: Vec<(&str, Decoded)> = fixture()
        .into_iter()
        .map(|(name, entry)| (name, entries::decode(entry).expect(name)))
        .collect();
    assert_eq!(read, expected());
}

#[test]
fn what_is_written_today_is_in_the_fixture() {
    let written: String = expected()
        .iter()
        .map(|(name, decoded)| line(name, &encode(decoded)))
        .collect();
    assert_eq!(
        written, FIXTURE,
        "a changed layout needs a new version and new lines"
    );
}

#[test]
fn damage_is_an_error_wherever_it_is() {
    for (name, entry) in fixture() {
        for end in 0..entry.key.len() {
            let key = entry.key.slice(..end);
            let damaged = Entry {
                key,
                ..entry.clone()
            };
            assert!(
                entries::decode(damaged).is_err(),
                "{name}: key cut at {end}"
            );
        }
        let longer = |bytes: &Bytes| Bytes::from([bytes, [0].as_slice()].concat());
        let key = longer(&entry.key);
        let damaged = Entry {
            key,
            ..entry.clone()
        };
        assert_eq!(
            entries::decode(damaged),
            Err(BadEntry::Trailing(1)),
            "{name}"
        );
        let Some(value) = entry.value.clone() else {
            continue;
        };
        let with = |value: Bytes| Entry {
            value: Some(value),
            ..entry.clone()
        };
        for end in 0..value.len() {
            let cut = with(value.slice(..end));
            assert!(entries::decode(cut).is_err(), "{name}: value cut at {end}");
        }
        let decoded = entries::decode(with(longer(&value)));
        assert_eq!(decoded, Err(BadEntry::Trailing(1)), "{name}");
        // Any single wrong byte may give a wrong entry or an error, and never more than that.
        for at in 0..value.len() {
            let mut bytes = value.to_vec();
            bytes[at] ^= 0xff;
            let _ = entries::decode(with(bytes.into()));
        }
    }
}

#[test]
fn entries_of_newer_builds_are_refused() {
    for (name, entry) in fixture() {
        let bump = |bytes: &Bytes| {
            let mut bytes = bytes.to_vec();
            bytes[0] = 9;
            Bytes::from(bytes)
        };
        let newer = Entry {
            key: bump(&entry.key),
            value: entry.value.clone(),
        };
        assert_eq!(entries::decode(newer), Err(BadEntry::Kind(9)), "{name}");
        if let Some(value) = &entry.value {
            let newer = Entry {
                value: Some(bump(value)),
                ..entry.clone()
            };
            assert_eq!(entries::decode(newer), Err(BadEntry::Version(9)), "{name}");
        }
    }
}
