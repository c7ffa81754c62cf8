//! OffsetFetch (key 9): asks for a group's stored positions.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;
use crate::uuid::Uuid;

messages! {
    /// Asks for a group's stored positions: of one group up to version 7, of several after. Null
    /// `topics` means all that are stored.
    request OffsetFetchRequest 0..=10, flexible 6.. {
        /// The consumer group.
        group_id: Str [0..=7];
        topics: Option<Vec<OffsetFetchRequestTopic>> [0..=7] nullable [2..=7];
        groups: Vec<OffsetFetchRequestGroup> [8..];
        /// Whether offsets of open transactions are an error (KIP-447).
        require_stable: bool [7..];
    }

    /// A topic, where the request is for one group.
    struct OffsetFetchRequestTopic {
        name: Str [0..=7];
        partition_indexes: Vec<i32> [0..=7];
    }

    /// A group.
    struct OffsetFetchRequestGroup {
        /// The consumer group.
        group_id: Str [8..];
        /// The member's id as the coordinator gave it out; empty for one that has none yet.
        member_id: Option<Str> [9..];
        /// The member's epoch under KIP-848, -1 if it has none.
        member_epoch: i32 [9..] = -1;
        topics: Option<Vec<OffsetFetchRequestTopics>> [8..];
    }

    /// A topic of a group, by name up to version 9 and by id after.
    struct OffsetFetchRequestTopics {
        name: Str [8..=9];
        /// The topic's id, which outlives neither deletion nor re-creation (KIP-516).
        topic_id: Uuid [10..];
        partition_indexes: Vec<i32> [8..];
    }

    /// The stored positions.
    response OffsetFetchResponse 0..=10, flexible 6.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [3..];
        topics: Vec<OffsetFetchResponseTopic> [0..=7];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [2..=7];
        groups: Vec<OffsetFetchResponseGroup> [8..];
    }

    /// A topic, where the request was for one group.
    struct OffsetFetchResponseTopic {
        name: Str [0..=7];
        partitions: Vec<OffsetFetchResponsePartition> [0..=7];
    }

    /// A group's positions.
    struct OffsetFetchResponseGroup {
        /// The consumer group.
        group_id: Str [8..];
        topics: Vec<OffsetFetchResponseTopics> [8..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [8..];
    }

    /// A partition, where the request was for one group.
    struct OffsetFetchResponsePartition {
        /// The partition's number within its topic.
        partition_index: i32 [0..=7];
        /// The committed offset, -1 for none.
        committed_offset: i64 [0..=7];
        /// The epoch of the last record that was consumed, -1 if unknown.
        committed_leader_epoch: i32 [5..=7] = -1;
        /// The client's own note or opaque metadata.
        metadata: Option<Str> [0..=7];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..=7];
    }

    /// A topic of a group, by name up to version 9 and by id after.
    struct OffsetFetchResponseTopics {
        name: Str [8..=9];
        /// The topic's id, which outlives neither deletion nor re-creation (KIP-516).
        topic_id: Uuid [10..];
        partitions: Vec<OffsetFetchResponsePartitions> [8..];
    }

    /// The group's position in a partition.
    struct OffsetFetchResponsePartitions {
        /// The partition's number within its topic.
        partition_index: i32 [8..];
        /// The committed offset, -1 for none.
        committed_offset: i64 [8..];
        /// The epoch of the last record that was consumed, -1 if unknown.
        committed_leader_epoch: i32 [8..] = -1;
        /// The client's own note or opaque metadata.
        metadata: Option<Str> [8..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [8..];
    }
}
