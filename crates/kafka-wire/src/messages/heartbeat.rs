//! Heartbeat (key 12): says that a member is alive.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Says that a member is alive.
    request HeartbeatRequest 0..=4, flexible 4.. {
        /// The consumer group.
        group_id: Str [0..];
        /// The group's generation.
        generation_id: i32 [0..];
        /// The member's id as the coordinator gave it out; empty for one that has none yet.
        member_id: Str [0..];
        /// The name of a static member (KIP-345).
        group_instance_id: Option<Str> [3..];
    }

    /// Whether the group is as the member believes.
    response HeartbeatResponse 0..=4, flexible 4.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [1..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
    }
}
