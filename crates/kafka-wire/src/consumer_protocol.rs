//! What consumers say to each other inside of the classic group protocol: the `metadata` of
//! JoinGroup and the `assignment` of SyncGroup.
//!
//! Brokers pass these bytes on unread; tools and tests read them. Each message starts with its own
//! version, and no version is flexible. Newer versions only append, so that a message of an unknown
//! one is read as the newest that is known, and what follows is passed over.

use bytes::Bytes;

use crate::encoded::Encoded;
use crate::error::{DecodeError, EncodeError};
use crate::message::{Message, messages};
use crate::reader::Reader;
use crate::str::Str;
use crate::wire::Wire;
use crate::writer::Writer;

messages! {
    /// What a member wants to consume and, for cooperative rebalancing (KIP-429), what it owns.
    message ConsumerProtocolSubscription 0..=3 {
        /// The topics subscribed to.
        topics: Vec<Str> [0..];
        /// The assignor's own data.
        user_data: Option<Bytes> [0..];
        /// What the member owns as it joins.
        owned_partitions: Vec<TopicPartition> [1..];
        /// The generation in which it came to own that, -1 if unknown (KIP-792).
        generation_id: i32 [2..] = -1;
        /// The consumer's rack (KIP-881).
        rack_id: Option<Str> [3..];
    }

    /// What a member shall consume.
    message ConsumerProtocolAssignment 0..=3 {
        /// The partitions assigned.
        assigned_partitions: Vec<TopicPartition> [0..];
        /// The assignor's own data.
        user_data: Option<Bytes> [0..];
    }

    /// Some partitions of a topic.
    struct TopicPartition {
        /// The topic's name.
        topic: Str [0..];
        /// The partitions' numbers.
        partitions: Vec<i32> [0..];
    }
}

/// Reads a message behind its version.
///
/// # Errors
/// Where the bytes end too early or say nonsense, and for a negative version.
pub fn decode_versioned<M: Message>(bytes: &Bytes) -> Result<(i16, M), DecodeError> {
    let mut reader = Reader::new(bytes, 0, M::format(0));
    let version = reader.i16()?;
    if version < *M::VERSIONS.start() {
        return Err(DecodeError::Version {
            message: M::NAME,
            version,
        });
    }
    reader.set_format(M::format(version.min(*M::VERSIONS.end())));
    Ok((version, M::read(&mut reader)?))
}

/// Writes a message behind its version.
///
/// # Errors
/// For a version that does not exist, and for strings longer than [`crate::reader::STRING_MAX`].
pub fn encode_versioned<M: Message>(message: &M, version: i16) -> Result<Encoded, EncodeError> {
    if !M::VERSIONS.contains(&version) {
        return Err(EncodeError::Version {
            message: M::NAME,
            version,
        });
    }
    let mut writer = Writer::new(M::format(version));
    version.write(&mut writer);
    message.write(&mut writer);
    writer.finish()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{ConsumerProtocolSubscription, TopicPartition, decode_versioned, encode_versioned};
    use crate::error::DecodeError;
    use crate::str::Str;

    fn subscription() -> ConsumerProtocolSubscription {
        ConsumerProtocolSubscription {
            topics: vec![Str::from("orders")],
            user_data: Some(Bytes::from_static(b"sticky")),
            owned_partitions: vec![TopicPartition {
                topic: Str::from("orders"),
                partitions: vec![0, 7],
            }],
            generation_id: 3,
            rack_id: Some(Str::from("a")),
        }
    }

    #[test]
    fn a_version_keeps_what_it_knows() {
        for version in 0..=3 {
            let bytes = encode_versioned(&subscription(), version)
                .unwrap()
                .into_bytes();
            let (found, decoded) = decode_versioned(&bytes).unwrap();
            let mut expected = subscription();
            if version < 3 {
                expected.rack_id = None;
            }
            if version < 2 {
                expected.generation_id = -1;
            }
            if version < 1 {
                expected.owned_partitions.clear();
            }
            assert_eq!((found, decoded), (version, expected));
        }
    }

    #[test]
    fn a_newer_version_is_read_as_the_newest_known() {
        let mut bytes = encode_versioned(&subscription(), 3)
            .unwrap()
            .into_bytes()
            .to_vec();
        bytes[1] = 9;
        bytes.extend_from_slice(b"what version 9 appends");
        assert_eq!(
            decode_versioned(&Bytes::from(bytes)),
            Ok((9, subscription()))
        );
    }

    #[test]
    fn a_negative_version_is_an_error() {
        let negative = decode_versioned::<ConsumerProtocolSubscription>(&Bytes::from_static(&[
            0xff, 0xff, 0, 0, 0, 0,
        ]));
        assert!(matches!(
            negative,
            Err(DecodeError::Version { version: -1, .. })
        ));
    }
}
