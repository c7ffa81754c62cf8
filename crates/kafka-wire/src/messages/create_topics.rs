//! CreateTopics (key 19): creates topics.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;
use crate::uuid::Uuid;

messages! {
    /// Creates topics.
    request CreateTopicsRequest 0..=7, flexible 5.. {
        topics: Vec<CreatableTopic> [0..];
        /// How long the broker may take before it answers, in milliseconds.
        timeout_ms: i32 [0..] = 60000;
        /// Whether to check the request without carrying it out.
        validate_only: bool [1..];
    }

    /// A topic to create.
    struct CreatableTopic {
        name: Str [0..];
        /// How many partitions; -1 for the broker's default.
        num_partitions: i32 [0..];
        /// How many replicas; -1 for the broker's default.
        replication_factor: i16 [0..];
        /// Which brokers hold which partition.
        assignments: Vec<CreatableReplicaAssignment> [0..];
        configs: Vec<CreatableTopicConfig> [0..];
    }

    /// The replicas of a partition, where the client chooses them.
    struct CreatableReplicaAssignment {
        /// The partition's number within its topic.
        partition_index: i32 [0..];
        /// The brokers that hold the partition, the preferred leader first.
        broker_ids: Vec<i32> [0..];
    }

    /// A setting of the topic.
    struct CreatableTopicConfig {
        name: Str [0..];
        value: Option<Str> [0..];
    }

    /// How creation went, by topic.
    response CreateTopicsResponse 0..=7, flexible 5.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [2..];
        topics: Vec<CreatableTopicResult> [0..];
    }

    /// How it went for a topic.
    struct CreatableTopicResult {
        name: Str [0..];
        /// The topic's id, which outlives neither deletion nor re-creation (KIP-516).
        topic_id: Uuid [7..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        /// The error in words.
        error_message: Option<Str> [1..];
        /// Why `configs` are missing, where they are.
        topic_config_error_code: ErrorCode [5..] tag 0;
        /// How many partitions; -1 for the broker's default.
        num_partitions: i32 [5..] = -1;
        /// How many replicas; -1 for the broker's default.
        replication_factor: i16 [5..] = -1;
        configs: Option<Vec<CreatableTopicConfigs>> [5..];
    }

    /// A setting that the topic got.
    struct CreatableTopicConfigs {
        name: Str [5..];
        value: Option<Str> [5..];
        /// Whether the setting cannot be changed.
        read_only: bool [5..];
        /// Where the value comes from (KIP-226): 1 topic, 2 broker, 3 cluster default, 4 file, 5
        /// default.
        config_source: i8 [5..] = -1;
        /// Whether the value is a secret and left out.
        is_sensitive: bool [5..];
    }
}
