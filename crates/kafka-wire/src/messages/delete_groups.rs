//! DeleteGroups (key 42): deletes empty groups.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Deletes empty groups.
    request DeleteGroupsRequest 0..=2, flexible 2.. {
        /// The groups to delete.
        groups_names: Vec<Str> [0..];
    }

    /// How deletion went, by group.
    response DeleteGroupsResponse 0..=2, flexible 2.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [0..];
        results: Vec<DeletableGroupResult> [0..];
    }

    /// How it went for a group.
    struct DeletableGroupResult {
        /// The consumer group.
        group_id: Str [0..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
    }
}
