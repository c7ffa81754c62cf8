//! CreatePartitions (key 37): adds partitions to topics.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Adds partitions to topics.
    request CreatePartitionsRequest 0..=3, flexible 2.. {
        topics: Vec<CreatePartitionsTopic> [0..];
        /// How long the broker may take before it answers, in milliseconds.
        timeout_ms: i32 [0..];
        /// Whether to check the request without carrying it out.
        validate_only: bool [0..];
    }

    /// A topic and how many partitions it shall have.
    struct CreatePartitionsTopic {
        name: Str [0..];
        /// How many partitions the topic shall have in all.
        count: i32 [0..];
        /// Which brokers hold which partition.
        assignments: Option<Vec<CreatePartitionsAssignment>> [0..];
    }

    /// The replicas of a new partition.
    struct CreatePartitionsAssignment {
        /// The brokers that hold the partition, the preferred leader first.
        broker_ids: Vec<i32> [0..];
    }

    /// How that went, by topic.
    response CreatePartitionsResponse 0..=3, flexible 2.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [0..];
        results: Vec<CreatePartitionsTopicResult> [0..];
    }

    /// How it went for a topic.
    struct CreatePartitionsTopicResult {
        name: Str [0..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        /// The error in words.
        error_message: Option<Str> [0..];
    }
}
