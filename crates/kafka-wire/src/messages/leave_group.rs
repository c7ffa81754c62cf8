//! LeaveGroup (key 13): leaves a group.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Leaves a group: one member up to version 2, several after.
    request LeaveGroupRequest 0..=5, flexible 4.. {
        /// The consumer group.
        group_id: Str [0..];
        /// The member's id as the coordinator gave it out; empty for one that has none yet.
        member_id: Str [0..=2];
        members: Vec<MemberIdentity> [3..];
    }

    /// A member that leaves, by id or by instance id.
    struct MemberIdentity {
        /// The member's id as the coordinator gave it out; empty for one that has none yet.
        member_id: Str [3..];
        /// The name of a static member (KIP-345).
        group_instance_id: Option<Str> [3..];
        /// Why the member joins or leaves, in words (KIP-800).
        reason: Option<Str> [5..];
    }

    /// How leaving went.
    response LeaveGroupResponse 0..=5, flexible 4.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [1..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        members: Vec<MemberResponse> [3..];
    }

    /// How it went for a member.
    struct MemberResponse {
        /// The member's id as the coordinator gave it out; empty for one that has none yet.
        member_id: Str [3..];
        /// The name of a static member (KIP-345).
        group_instance_id: Option<Str> [3..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [3..];
    }
}
