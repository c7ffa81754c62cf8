//! DeleteTopics (key 20): deletes topics.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;
use crate::uuid::Uuid;

messages! {
    /// Deletes topics: by name up to version 5, by name or id after.
    request DeleteTopicsRequest 0..=6, flexible 4.. {
        topics: Vec<DeleteTopicState> [6..];
        /// The topics to delete.
        topic_names: Vec<Str> [0..=5];
        /// How long the broker may take before it answers, in milliseconds.
        timeout_ms: i32 [0..];
    }

    /// A topic by name or by id; the other one is null or zero.
    struct DeleteTopicState {
        name: Option<Str> [6..];
        /// The topic's id, which outlives neither deletion nor re-creation (KIP-516).
        topic_id: Uuid [6..];
    }

    /// How deletion went, by topic.
    response DeleteTopicsResponse 0..=6, flexible 4.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [1..];
        responses: Vec<DeletableTopicResult> [0..];
    }

    /// How it went for a topic.
    struct DeletableTopicResult {
        name: Option<Str> [0..] nullable [6..];
        /// The topic's id, which outlives neither deletion nor re-creation (KIP-516).
        topic_id: Uuid [6..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        /// The error in words.
        error_message: Option<Str> [5..];
    }
}
