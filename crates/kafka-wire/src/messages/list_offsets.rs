//! ListOffsets (key 2): asks for offsets by timestamp.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Asks for offsets by timestamp.
    request ListOffsetsRequest 0..=11, flexible 6.. {
        /// The broker that asks as a follower; -1 for a consumer.
        replica_id: i32 [0..];
        /// 0 reads all records (read_uncommitted), 1 leaves out what is not committed
        /// (read_committed).
        isolation_level: i8 [2..];
        topics: Vec<ListOffsetsTopic> [0..];
        /// How long the broker may take before it answers, in milliseconds.
        timeout_ms: i32 [10..];
    }

    /// A topic whose offsets are wanted.
    struct ListOffsetsTopic {
        name: Str [0..];
        partitions: Vec<ListOffsetsPartition> [0..];
    }

    /// A partition and the timestamp to look for.
    struct ListOffsetsPartition {
        /// The partition's number within its topic.
        partition_index: i32 [0..];
        /// The epoch in which the client believes the leader to be, -1 if it does not know; an
        /// older one is fenced (KIP-320).
        current_leader_epoch: i32 [4..] = -1;
        /// Milliseconds since 1970; in a request also -1 latest, -2 earliest, -3 largest timestamp,
        /// -4 earliest local, -5 latest tiered.
        timestamp: i64 [0..];
        /// How many offsets to return at most.
        max_num_offsets: i32 [0] = 1;
    }

    /// The offsets found.
    response ListOffsetsResponse 0..=11, flexible 6.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [2..];
        topics: Vec<ListOffsetsTopicResponse> [0..];
    }

    /// The offsets of a topic.
    struct ListOffsetsTopicResponse {
        name: Str [0..];
        partitions: Vec<ListOffsetsPartitionResponse> [0..];
    }

    /// The offset found in a partition.
    struct ListOffsetsPartitionResponse {
        /// The partition's number within its topic.
        partition_index: i32 [0..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        /// The offsets found.
        old_style_offsets: Vec<i64> [0];
        /// Milliseconds since 1970; in a request also -1 latest, -2 earliest, -3 largest timestamp,
        /// -4 earliest local, -5 latest tiered.
        timestamp: i64 [1..] = -1;
        /// The offset.
        offset: i64 [1..] = -1;
        /// The leader's epoch, -1 if it is not known.
        leader_epoch: i32 [4..] = -1;
    }
}
