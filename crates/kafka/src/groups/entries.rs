//! The durable form of groups and positions: `docs/formats/group-state.md`, byte by byte.
//!
//! The first byte of a key says what it is and fixes the layout of keys of that kind for ever, because a tombstone must
//! hit the key that an older build wrote. The first byte of a value is the version of its layout.

use std::sync::Arc;
use std::time::Duration;

use base::{Packer, Timestamp, Truncated, Unpacker};
use bytes::Bytes;
use thiserror::Error;

use super::member::Profile;
use super::offsets::{Change, Stored};
use super::{Entry, Position, Protocol, Topic, TopicId};

const KIND_GROUP: u8 = 1;
const KIND_OFFSET: u8 = 2;
const GROUP_VERSION: u8 = 1;
const OFFSET_VERSION: u8 = 1;

/// The fewest bytes of a member in a group's value: seven lengths or numbers of four bytes, one presence byte.
const MEMBER_LEN_MIN: usize = 29;
/// The fewest bytes of a protocol: two lengths.
const PROTOCOL_LEN_MIN: usize = 8;

/// An entry that this build cannot read: the log is damaged, or a newer build wrote it. Never the client's fault, and
/// a retry does not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadEntry {
    /// The first byte of the key is not known.
    #[error("the key is of kind {0}, which this build does not know")]
    Kind(u8),
    /// The first byte of the value is not known.
    #[error("the value has format version {0}, which this build does not know")]
    Version(u8),
    /// The entry ends too early.
    #[error("the entry is damaged: {0}")]
    Truncated(#[from] Truncated),
    /// The entry goes on after its end.
    #[error("the entry is damaged: {0} bytes follow its end")]
    Trailing(usize),
}

/// What is stored of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GroupRecord {
    pub(super) generation: i32,
    pub(super) protocol_type: Option<String>,
    pub(super) protocol_name: Option<String>,
    pub(super) leader: Option<String>,
    /// When it came into its state; of an empty group, when its last member left.
    pub(super) state_since: Timestamp,
    pub(super) members: Vec<MemberRecord>,
}

/// What is stored of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MemberRecord {
    pub(super) id: String,
    pub(super) profile: Profile,
    pub(super) assignment: Bytes,
}

/// An entry that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decoded {
    /// A group, or that it is deleted.
    Group {
        id: String,
        record: Option<GroupRecord>,
    },
    /// A position of a group, or that it is removed (its topic's name is then empty: nothing needs it).
    Offset { group: String, change: Change },
}

/// The entry that stores a group, or deletes it.
pub(super) fn group(id: &str, record: Option<&GroupRecord>) -> Entry {
    let mut key = Packer::new();
    key.u8(KIND_GROUP).str(id);
    Entry {
        key: key.finish(),
        value: record.map(group_value),
    }
}

/// The entry that makes a change of a group's positions.
pub(super) fn offset(group: &str, change: &Change) -> Entry {
    let mut key = Packer::new();
    key.u8(KIND_OFFSET)
        .str(group)
        .u128(change.topic.id.0)
        .i32(change.partition);
    let value = change.value.as_ref();
    Entry {
        key: key.finish(),
        value: value.map(|stored| offset_value(&change.topic.name, stored)),
    }
}

/// Reads an entry of any kind and version that was ever written.
pub(super) fn decode(entry: Entry) -> Result<Decoded, BadEntry> {
    let mut key = Unpacker::new(entry.key);
    let value = entry.value.map(Unpacker::new);
    let decoded = match key.u8()? {
        KIND_GROUP => Decoded::Group {
            id: key.str()?,
            record: value.map(decode_group).transpose()?,
        },
        KIND_OFFSET => {
            let group = key.str()?;
            let id = TopicId(key.u128()?);
            let partition = key.i32()?;
            let (name, value) = match value.map(decode_offset).transpose()? {
                Some((name, stored)) => (name, Some(stored)),
                None => (String::new(), None),
            };
            let topic = Topic {
                id,
                name: name.into(),
            };
            let change = Change {
                topic,
                partition,
                value,
            };
            Decoded::Offset { group, change }
        }
        kind => return Err(BadEntry::Kind(kind)),
    };
    at_end(&key)?;
    Ok(decoded)
}

/// Reads an entry and, where it is sound, what is written for it; for the fuzzers.
///
/// # Panics
/// Where the second reading differs from the first.
pub(crate) fn reread(entry: Entry) -> Result<(), BadEntry> {
    let decoded = decode(entry)?;
    let again = match &decoded {
        Decoded::Group { id, record } => group(id, record.as_ref()),
        Decoded::Offset { group, change } => offset(group, change),
    };
    assert_eq!(decode(again), Ok(decoded), "what was read can be written");
    Ok(())
}

fn group_value(record: &GroupRecord) -> Bytes {
    let mut value = Packer::new();
    value
        .u8(GROUP_VERSION)
        .i32(record.generation)
        .opt_str(record.protocol_type.as_deref())
        .opt_str(record.protocol_name.as_deref())
        .opt_str(record.leader.as_deref())
        .i64(record.state_since.0)
        .count(record.members.len());
    for member in &record.members {
        let profile = &member.profile;
        value
            .str(&member.id)
            .opt_str(profile.instance_id.as_deref())
            .str(&profile.client_id)
            .str(&profile.client_host)
            .u32(millis(profile.session_timeout))
            .u32(millis(profile.rebalance_timeout))
            .bytes(&member.assignment)
            .count(profile.protocols.len());
        for protocol in &profile.protocols {
            value.str(&protocol.name).bytes(&protocol.metadata);
        }
    }
    value.finish()
}

fn decode_group(mut value: Unpacker) -> Result<GroupRecord, BadEntry> {
    match value.u8()? {
        GROUP_VERSION => {}
        version => return Err(BadEntry::Version(version)),
    }
    let mut record = GroupRecord {
        generation: value.i32()?,
        protocol_type: value.opt_str()?,
        protocol_name: value.opt_str()?,
        leader: value.opt_str()?,
        state_since: Timestamp(value.i64()?),
        members: Vec::new(),
    };
    for _ in 0..value.count(MEMBER_LEN_MIN)? {
        record.members.push(decode_member(&mut value)?);
    }
    at_end(&value)?;
    Ok(record)
}

fn decode_member(value: &mut Unpacker) -> Result<MemberRecord, BadEntry> {
    let id = value.str()?;
    let mut profile = Profile {
        instance_id: value.opt_str()?,
        client_id: value.str()?,
        client_host: value.str()?,
        session_timeout: Duration::from_millis(value.u32()?.into()),
        rebalance_timeout: Duration::from_millis(value.u32()?.into()),
        protocols: Vec::new(),
    };
    let assignment = Bytes::copy_from_slice(&value.bytes()?);
    for _ in 0..value.count(PROTOCOL_LEN_MIN)? {
        profile.protocols.push(Protocol {
            name: value.str()?,
            // Copied, so that a subscription does not keep a block of the log in memory.
            metadata: Bytes::copy_from_slice(&value.bytes()?),
        });
    }
    Ok(MemberRecord {
        id,
        profile,
        assignment,
    })
}

fn offset_value(topic_name: &Arc<str>, stored: &Stored) -> Bytes {
    let mut value = Packer::new();
    value
        .u8(OFFSET_VERSION)
        .i64(stored.position.offset)
        .i32(stored.position.leader_epoch.unwrap_or(-1))
        .i64(stored.committed_at.0)
        .u8(u8::from(stored.expires_at.is_some()));
    if let Some(expires_at) = stored.expires_at {
        value.i64(expires_at.0);
    }
    value.str(&stored.position.metadata).str(topic_name);
    value.finish()
}

fn decode_offset(mut value: Unpacker) -> Result<(String, Stored), BadEntry> {
    match value.u8()? {
        OFFSET_VERSION => {}
        version => return Err(BadEntry::Version(version)),
    }
    let offset = value.i64()?;
    let leader_epoch = Some(value.i32()?).filter(|epoch| *epoch >= 0);
    let committed_at = Timestamp(value.i64()?);
    let expires_at = match value.u8()? {
        0 => None,
        _ => Some(Timestamp(value.i64()?)),
    };
    let position = Position {
        offset,
        leader_epoch,
        metadata: value.str()?,
    };
    let topic_name = value.str()?;
    at_end(&value)?;
    let stored = Stored {
        position,
        committed_at,
        expires_at,
    };
    Ok((topic_name, stored))
}

fn at_end(unpacker: &Unpacker) -> Result<(), BadEntry> {
    match unpacker.rest().len() {
        0 => Ok(()),
        more => Err(BadEntry::Trailing(more)),
    }
}

/// Time-outs come off the wire as 31-bit milliseconds, so nothing is lost.
fn millis(timeout: Duration) -> u32 {
    u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX)
}
