//! ListGroups (key 16): asks which groups there are.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Asks which groups there are.
    request ListGroupsRequest 0..=5, flexible 3.. {
        /// The states wanted; empty for all.
        states_filter: Vec<Str> [4..];
        /// The types wanted; empty for all.
        types_filter: Vec<Str> [5..];
    }

    /// The groups.
    response ListGroupsResponse 0..=5, flexible 3.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [1..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        groups: Vec<ListedGroup> [0..];
    }

    /// A group.
    struct ListedGroup {
        /// The consumer group.
        group_id: Str [0..];
        /// The kind of group, `consumer` for consumers.
        protocol_type: Str [0..];
        /// The group's state by name.
        group_state: Str [4..];
        /// `classic`, `consumer`, `share` and so on.
        group_type: Str [5..];
    }
}
