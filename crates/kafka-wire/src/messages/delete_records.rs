//! DeleteRecords (key 21): deletes the records before an offset.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Deletes the records before an offset.
    request DeleteRecordsRequest 0..=2, flexible 2.. {
        topics: Vec<DeleteRecordsTopic> [0..];
        /// How long the broker may take before it answers, in milliseconds.
        timeout_ms: i32 [0..];
    }

    /// A topic whose records are to be deleted.
    struct DeleteRecordsTopic {
        name: Str [0..];
        partitions: Vec<DeleteRecordsPartition> [0..];
    }

    /// A partition and its first offset to keep.
    struct DeleteRecordsPartition {
        /// The partition's number within its topic.
        partition_index: i32 [0..];
        /// The offset.
        offset: i64 [0..];
    }

    /// How deletion went, by partition.
    response DeleteRecordsResponse 0..=2, flexible 2.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [0..];
        topics: Vec<DeleteRecordsTopicResult> [0..];
    }

    /// How it went for a topic.
    struct DeleteRecordsTopicResult {
        name: Str [0..];
        partitions: Vec<DeleteRecordsPartitionResult> [0..];
    }

    /// How it went for a partition.
    struct DeleteRecordsPartitionResult {
        /// The partition's number within its topic.
        partition_index: i32 [0..];
        /// The first offset that is left, -1 on an error.
        low_watermark: i64 [0..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
    }
}
