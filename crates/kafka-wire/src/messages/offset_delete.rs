//! OffsetDelete (key 47): forgets a group's stored positions.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Forgets a group's stored positions.
    request OffsetDeleteRequest 0..=0 {
        /// The consumer group.
        group_id: Str [0..];
        topics: Vec<OffsetDeleteRequestTopic> [0..];
    }

    /// A topic.
    struct OffsetDeleteRequestTopic {
        name: Str [0..];
        partitions: Vec<OffsetDeleteRequestPartition> [0..];
    }

    /// A partition whose position is to be forgotten.
    struct OffsetDeleteRequestPartition {
        /// The partition's number within its topic.
        partition_index: i32 [0..];
    }

    /// How that went, by partition.
    response OffsetDeleteResponse 0..=0 {
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [0..];
        topics: Vec<OffsetDeleteResponseTopic> [0..];
    }

    /// How it went for a topic.
    struct OffsetDeleteResponseTopic {
        name: Str [0..];
        partitions: Vec<OffsetDeleteResponsePartition> [0..];
    }

    /// How it went for a partition.
    struct OffsetDeleteResponsePartition {
        /// The partition's number within its topic.
        partition_index: i32 [0..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
    }
}
