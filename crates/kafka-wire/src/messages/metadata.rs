//! Metadata (key 3): asks which brokers and topics there are.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;
use crate::uuid::Uuid;

messages! {
    /// Asks which brokers and topics there are. Null `topics` means all of them; version 0, which
    /// has no null, says so by an empty list.
    request MetadataRequest 0..=13, flexible 9.. {
        topics: Option<Vec<MetadataRequestTopic>> [0..] nullable [1..];
        /// Whether topics that do not exist may be created.
        allow_auto_topic_creation: bool [4..] = true;
        /// Whether to tell what the client may do with the cluster (KIP-430).
        include_cluster_authorized_operations: bool [8..=10];
        /// Whether to tell what the client may do with each topic (KIP-430).
        include_topic_authorized_operations: bool [8..];
    }

    /// A topic by name, or from version 10 on by id with a null name.
    struct MetadataRequestTopic {
        /// The topic's id, which outlives neither deletion nor re-creation (KIP-516).
        topic_id: Uuid [10..];
        name: Option<Str> [0..] nullable [10..];
    }

    /// The brokers, topics and partitions of the cluster.
    response MetadataResponse 0..=13, flexible 9.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [3..];
        brokers: Vec<MetadataResponseBroker> [0..];
        /// The cluster's id.
        cluster_id: Option<Str> [2..];
        /// The broker that acts as the controller.
        controller_id: i32 [1..] = -1;
        topics: Vec<MetadataResponseTopic> [0..];
        /// Bit set of what the client may do; `i32::MIN` if it did not ask.
        cluster_authorized_operations: i32 [8..=10] = i32::MIN;
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [13..];
    }

    /// A broker of the cluster.
    struct MetadataResponseBroker {
        /// The broker's id.
        node_id: i32 [0..];
        /// Host name or address.
        host: Str [0..];
        /// TCP port.
        port: i32 [0..];
        /// The rack that the broker stands in.
        rack: Option<Str> [1..];
    }

    /// A topic.
    struct MetadataResponseTopic {
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        name: Option<Str> [0..] nullable [12..];
        /// The topic's id, which outlives neither deletion nor re-creation (KIP-516).
        topic_id: Uuid [10..];
        /// Whether the topic belongs to the broker itself.
        is_internal: bool [1..];
        partitions: Vec<MetadataResponsePartition> [0..];
        /// Bit set of what the client may do; `i32::MIN` if it did not ask.
        topic_authorized_operations: i32 [8..] = i32::MIN;
    }

    /// A partition.
    struct MetadataResponsePartition {
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        /// The partition's number within its topic.
        partition_index: i32 [0..];
        /// The leader's broker id, -1 for none.
        leader_id: i32 [0..];
        /// The leader's epoch, -1 if it is not known.
        leader_epoch: i32 [7..] = -1;
        /// All brokers that hold the partition.
        replica_nodes: Vec<i32> [0..];
        /// The brokers that hold it in full.
        isr_nodes: Vec<i32> [0..];
        /// The brokers that hold it and are away.
        offline_replicas: Vec<i32> [5..];
    }
}
