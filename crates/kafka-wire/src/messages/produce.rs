//! Produce (key 0): appends records to partitions.

use bytes::Bytes;

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;
use crate::uuid::Uuid;

messages! {
    /// Appends records to partitions.
    request ProduceRequest 0..=13, flexible 9.. {
        /// The producer's transactional id, null where it uses no transactions.
        transactional_id: Option<Str> [3..];
        /// How many acknowledgements the producer wants: 0 none (and no response at all), 1 the
        /// leader's, -1 all in-sync replicas'.
        acks: i16 [0..];
        /// How long the broker may take before it answers, in milliseconds.
        timeout_ms: i32 [0..];
        topic_data: Vec<TopicProduceData> [0..];
    }

    /// The records for a topic, by name up to version 12 and by id after.
    struct TopicProduceData {
        name: Str [0..=12];
        /// The topic's id, which outlives neither deletion nor re-creation (KIP-516).
        topic_id: Uuid [13..];
        partition_data: Vec<PartitionProduceData> [0..];
    }

    /// The records for a partition.
    struct PartitionProduceData {
        /// The partition's number within its topic.
        index: i32 [0..];
        /// Record batches (magic 2) or a message set (magic 0 and 1), opaque here.
        records: Option<Bytes> [0..];
    }

    /// Where the records went.
    response ProduceResponse 0..=13, flexible 9.. {
        responses: Vec<TopicProduceResponse> [0..];
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [1..];
        /// The addresses of the leaders that `current_leader` names (KIP-951).
        node_endpoints: Vec<NodeEndpoint> [10..] tag 0;
    }

    /// How it went for a topic, by name up to version 12 and by id after.
    struct TopicProduceResponse {
        name: Str [0..=12];
        /// The topic's id, which outlives neither deletion nor re-creation (KIP-516).
        topic_id: Uuid [13..];
        partition_responses: Vec<PartitionProduceResponse> [0..];
    }

    /// A broker's address.
    struct NodeEndpoint {
        /// The broker's id.
        node_id: i32 [10..];
        /// Host name or address.
        host: Str [10..];
        /// TCP port.
        port: i32 [10..];
        /// The rack that the broker stands in.
        rack: Option<Str> [10..];
    }

    /// How it went for a partition.
    struct PartitionProduceResponse {
        /// The partition's number within its topic.
        index: i32 [0..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        /// The offset that the first record got.
        base_offset: i64 [0..];
        /// The broker's timestamp if the topic uses append time, in milliseconds since 1970;
        /// otherwise -1.
        log_append_time_ms: i64 [2..] = -1;
        /// The first offset that is still there, -1 if unknown.
        log_start_offset: i64 [5..] = -1;
        /// The records for whose sake the batch was refused (KIP-467).
        record_errors: Vec<BatchIndexAndErrorMessage> [8..];
        /// The error in words.
        error_message: Option<Str> [8..];
        /// The leader to go to, where the error says that this broker is not it (KIP-951).
        current_leader: LeaderIdAndEpoch [10..] tag 0;
    }

    /// A record that was refused.
    struct BatchIndexAndErrorMessage {
        /// The record's number within the batch.
        batch_index: i32 [8..];
        /// The error in words.
        batch_index_error_message: Option<Str> [8..];
    }

    /// A leader and its epoch.
    struct LeaderIdAndEpoch {
        /// The leader's broker id, -1 for none.
        leader_id: i32 [10..] = -1;
        /// The leader's epoch, -1 if it is not known.
        leader_epoch: i32 [10..] = -1;
    }
}
