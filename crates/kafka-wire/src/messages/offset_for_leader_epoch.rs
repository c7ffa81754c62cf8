//! OffsetForLeaderEpoch (key 23): asks where leader epochs end (KIP-320).

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Asks where leader epochs end (KIP-320).
    request OffsetForLeaderEpochRequest 0..=4, flexible 4.. {
        /// The broker that asks as a follower; -1 for a consumer.
        replica_id: i32 [3..] = -2;
        topics: Vec<OffsetForLeaderTopic> [0..];
    }

    /// A topic.
    struct OffsetForLeaderTopic {
        topic: Str [0..];
        partitions: Vec<OffsetForLeaderPartition> [0..];
    }

    /// A partition and the epoch whose end is wanted.
    struct OffsetForLeaderPartition {
        /// The partition's number within its topic.
        partition: i32 [0..];
        /// The epoch in which the client believes the leader to be, -1 if it does not know; an
        /// older one is fenced (KIP-320).
        current_leader_epoch: i32 [2..] = -1;
        /// The leader's epoch, -1 if it is not known.
        leader_epoch: i32 [0..];
    }

    /// Where they end.
    response OffsetForLeaderEpochResponse 0..=4, flexible 4.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [2..];
        topics: Vec<OffsetForLeaderTopicResult> [0..];
    }

    /// A topic.
    struct OffsetForLeaderTopicResult {
        topic: Str [0..];
        partitions: Vec<EpochEndOffset> [0..];
    }

    /// Where an epoch ends in a partition.
    struct EpochEndOffset {
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        /// The partition's number within its topic.
        partition: i32 [0..];
        /// The leader's epoch, -1 if it is not known.
        leader_epoch: i32 [1..] = -1;
        /// The offset after the last record of that epoch.
        end_offset: i64 [0..] = -1;
    }
}
