//! OffsetCommit (key 8): stores a group's positions.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;
use crate::uuid::Uuid;

messages! {
    /// Stores a group's positions.
    request OffsetCommitRequest 0..=10, flexible 8.. {
        /// The consumer group.
        group_id: Str [0..];
        /// The generation of a classic group, or the member epoch of a KIP-848 group; -1 for a
        /// commit from outside of any group.
        generation_id_or_member_epoch: i32 [1..] = -1;
        /// The member's id as the coordinator gave it out; empty for one that has none yet.
        member_id: Str [1..];
        /// The name of a static member (KIP-345).
        group_instance_id: Option<Str> [7..];
        /// How long to keep the offsets, in milliseconds; -1 for the broker's default.
        retention_time_ms: i64 [2..=4] = -1;
        topics: Vec<OffsetCommitRequestTopic> [0..];
    }

    /// A topic, by name up to version 9 and by id after.
    struct OffsetCommitRequestTopic {
        name: Str [0..=9];
        /// The topic's id, which outlives neither deletion nor re-creation (KIP-516).
        topic_id: Uuid [10..];
        partitions: Vec<OffsetCommitRequestPartition> [0..];
    }

    /// The group's position in a partition.
    struct OffsetCommitRequestPartition {
        /// The partition's number within its topic.
        partition_index: i32 [0..];
        /// The committed offset, -1 for none.
        committed_offset: i64 [0..];
        /// The epoch of the last record that was consumed, -1 if unknown.
        committed_leader_epoch: i32 [6..] = -1;
        /// When the commit was made, in milliseconds since 1970; -1 for now.
        commit_timestamp: i64 [1] = -1;
        /// The client's own note.
        committed_metadata: Option<Str> [0..];
    }

    /// How storing went, by partition.
    response OffsetCommitResponse 0..=10, flexible 8.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [3..];
        topics: Vec<OffsetCommitResponseTopic> [0..];
    }

    /// How it went for a topic, by name up to version 9 and by id after.
    struct OffsetCommitResponseTopic {
        name: Str [0..=9];
        /// The topic's id, which outlives neither deletion nor re-creation (KIP-516).
        topic_id: Uuid [10..];
        partitions: Vec<OffsetCommitResponsePartition> [0..];
    }

    /// How it went for a partition.
    struct OffsetCommitResponsePartition {
        /// The partition's number within its topic.
        partition_index: i32 [0..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
    }
}
