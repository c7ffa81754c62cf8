//! SyncGroup (key 14): asks for the member's assignment, and brings everybody's if the member is the leader.

use bytes::Bytes;

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Asks for the member's assignment, and brings everybody's if the member is the leader.
    request SyncGroupRequest 0..=5, flexible 4.. {
        /// The consumer group.
        group_id: Str [0..];
        /// The group's generation.
        generation_id: i32 [0..];
        /// The member's id as the coordinator gave it out; empty for one that has none yet.
        member_id: Str [0..];
        /// The name of a static member (KIP-345).
        group_instance_id: Option<Str> [3..];
        /// The kind of group, `consumer` for consumers.
        protocol_type: Option<Str> [5..];
        /// The chosen protocol, that is the assignor.
        protocol_name: Option<Str> [5..];
        /// Everybody's assignment, if the member is the group's leader.
        assignments: Vec<SyncGroupRequestAssignment> [0..];
    }

    /// The assignment of a member.
    struct SyncGroupRequestAssignment {
        /// The member's id as the coordinator gave it out; empty for one that has none yet.
        member_id: Str [0..];
        /// The assignment, opaque to the broker.
        assignment: Bytes [0..];
    }

    /// The member's assignment.
    response SyncGroupResponse 0..=5, flexible 4.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [1..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        /// The kind of group, `consumer` for consumers.
        protocol_type: Option<Str> [5..];
        /// The chosen protocol, that is the assignor.
        protocol_name: Option<Str> [5..];
        /// The assignment, opaque to the broker.
        assignment: Bytes [0..];
    }
}
