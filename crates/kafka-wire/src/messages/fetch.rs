//! Fetch (key 1): reads records from partitions.

use crate::chunks::Chunks;
use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;
use crate::uuid::Uuid;

messages! {
    /// Reads records from partitions.
    request FetchRequest 0..=18, flexible 12.. {
        /// The cluster's id.
        cluster_id: Option<Str> [12..] tag 0;
        /// The broker that asks as a follower; -1 for a consumer.
        replica_id: i32 [0..=14] = -1;
        /// The follower that asks; none for a consumer.
        replica_state: ReplicaState [15..] tag 1;
        /// How long to wait for `min_bytes`, in milliseconds.
        max_wait_ms: i32 [0..];
        /// How many bytes are worth an answer before `max_wait_ms` has passed.
        min_bytes: i32 [0..];
        /// The most bytes of records that the response should hold (KIP-74).
        max_bytes: i32 [3..] = i32::MAX;
        /// 0 reads all records (read_uncommitted), 1 leaves out what is not committed
        /// (read_committed).
        isolation_level: i8 [4..];
        /// The incremental fetch session (KIP-227), 0 for none.
        session_id: i32 [7..];
        /// The request's number within its session: 0 opens one, -1 closes it.
        session_epoch: i32 [7..] = -1;
        topics: Vec<FetchTopic> [0..];
        /// What to drop from the fetch session.
        forgotten_topics_data: Vec<ForgottenTopic> [7..];
        /// The consumer's rack (KIP-392).
        rack_id: Str [11..];
    }

    /// The follower that asks (KIP-903).
    struct ReplicaState {
        /// The broker that asks as a follower; -1 for a consumer.
        replica_id: i32 [15..] = -1;
        /// The follower's epoch, -1 if unknown.
        replica_epoch: i64 [15..] = -1;
    }

    /// A topic to read from, by name up to version 12 and by id after.
    struct FetchTopic {
        topic: Str [0..=12];
        /// The topic's id, which outlives neither deletion nor re-creation (KIP-516).
        topic_id: Uuid [13..];
        partitions: Vec<FetchPartition> [0..];
    }

    /// A topic to drop from the session, by name up to version 12 and by id after.
    struct ForgottenTopic {
        topic: Str [7..=12];
        /// The topic's id, which outlives neither deletion nor re-creation (KIP-516).
        topic_id: Uuid [13..];
        partitions: Vec<i32> [7..];
    }

    /// A partition to read from.
    struct FetchPartition {
        /// The partition's number within its topic.
        partition: i32 [0..];
        /// The epoch in which the client believes the leader to be, -1 if it does not know; an
        /// older one is fenced (KIP-320).
        current_leader_epoch: i32 [9..] = -1;
        /// The first offset to return.
        fetch_offset: i64 [0..];
        /// The epoch of the last record that was fetched, -1 for none.
        last_fetched_epoch: i32 [12..] = -1;
        /// The first offset that is still there, -1 if unknown.
        log_start_offset: i64 [5..] = -1;
        /// The most bytes of records to return for this partition (KIP-74).
        partition_max_bytes: i32 [0..];
        /// The directory of the follower that asks (KIP-858).
        replica_directory_id: Uuid [17..] tag 0;
        /// The offset after the last record that consumers may see.
        high_watermark: i64 [18..] tag 1 = i64::MAX;
    }

    /// The records read.
    response FetchResponse 0..=18, flexible 12.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [1..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [7..];
        /// The incremental fetch session (KIP-227), 0 for none.
        session_id: i32 [7..];
        responses: Vec<FetchableTopicResponse> [0..];
        /// The addresses of the leaders that `current_leader` names (KIP-951).
        node_endpoints: Vec<NodeEndpoint> [16..] tag 0;
    }

    /// What was read from a topic, by name up to version 12 and by id after.
    struct FetchableTopicResponse {
        topic: Str [0..=12];
        /// The topic's id, which outlives neither deletion nor re-creation (KIP-516).
        topic_id: Uuid [13..];
        partitions: Vec<PartitionData> [0..];
    }

    /// A broker's address.
    struct NodeEndpoint {
        /// The broker's id.
        node_id: i32 [16..];
        /// Host name or address.
        host: Str [16..];
        /// TCP port.
        port: i32 [16..];
        /// The rack that the broker stands in.
        rack: Option<Str> [16..];
    }

    /// What was read from a partition.
    struct PartitionData {
        /// The partition's number within its topic.
        partition_index: i32 [0..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        /// The offset after the last record that consumers may see.
        high_watermark: i64 [0..];
        /// The offset before which every transaction is decided, -1 if unknown.
        last_stable_offset: i64 [4..] = -1;
        /// The first offset that is still there, -1 if unknown.
        log_start_offset: i64 [5..] = -1;
        /// Set where the follower must cut off its log first.
        diverging_epoch: EpochEndOffset [12..] tag 0;
        /// The leader to go to, where the error says that this broker is not it (KIP-951).
        current_leader: LeaderIdAndEpoch [12..] tag 1;
        /// Set where the follower must fetch a snapshot first.
        snapshot_id: SnapshotId [12..] tag 2;
        /// The aborted transactions within the records; null under read_uncommitted.
        aborted_transactions: Option<Vec<AbortedTransaction>> [4..];
        /// The replica to read from instead (KIP-392), -1 for the leader.
        preferred_read_replica: i32 [11..] = -1;
        /// Record batches (magic 2) or a message set (magic 0 and 1), opaque here.
        records: Option<Chunks> [0..];
    }

    /// Where the log of the leader and that of the follower part (KIP-595): the last epoch in
    /// common and its end.
    struct EpochEndOffset {
        /// The leader epoch, -1 if there is none.
        epoch: i32 [12..] = -1;
        /// The offset after the last record of that epoch.
        end_offset: i64 [12..] = -1;
    }

    /// A leader and its epoch.
    struct LeaderIdAndEpoch {
        /// The leader's broker id, -1 for none.
        leader_id: i32 [12..] = -1;
        /// The leader's epoch, -1 if it is not known.
        leader_epoch: i32 [12..] = -1;
    }

    /// The snapshot that a follower should fetch first (KIP-630); used by Raft logs only.
    struct SnapshotId {
        /// The offset after the snapshot's last record, -1 if there is none.
        end_offset: i64 [0..] = -1;
        /// The leader epoch, -1 if there is none.
        epoch: i32 [0..] = -1;
    }

    /// A transaction whose records are to be passed over.
    struct AbortedTransaction {
        /// The producer's id, -1 if it has none.
        producer_id: i64 [4..];
        /// The first offset of the transaction.
        first_offset: i64 [4..];
    }
}
