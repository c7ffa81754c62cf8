//! JoinGroup (key 11): enters a classic consumer group.

use bytes::Bytes;

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Enters a classic consumer group.
    request JoinGroupRequest 0..=9, flexible 6.. {
        /// The consumer group.
        group_id: Str [0..];
        /// How long the member may be silent before it is thrown out, in milliseconds.
        session_timeout_ms: i32 [0..];
        /// How long the member may take to rejoin, in milliseconds; -1 for the session timeout.
        rebalance_timeout_ms: i32 [1..] = -1;
        /// The member's id as the coordinator gave it out; empty for one that has none yet.
        member_id: Str [0..];
        /// The name of a static member (KIP-345).
        group_instance_id: Option<Str> [5..];
        /// The kind of group, `consumer` for consumers.
        protocol_type: Str [0..];
        /// The protocols that the member can speak, best first.
        protocols: Vec<JoinGroupRequestProtocol> [0..];
        /// Why the member joins or leaves, in words (KIP-800).
        reason: Option<Str> [8..];
    }

    /// An assignor that the member can speak.
    struct JoinGroupRequestProtocol {
        name: Str [0..];
        /// The client's own note or opaque metadata.
        metadata: Bytes [0..];
    }

    /// The generation that the member is in now.
    response JoinGroupResponse 0..=9, flexible 6.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [2..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        /// The group's generation.
        generation_id: i32 [0..] = -1;
        /// The kind of group, `consumer` for consumers.
        protocol_type: Option<Str> [7..];
        /// The chosen protocol, that is the assignor.
        protocol_name: Option<Str> [0..] nullable [7..];
        /// The member that computes the assignment.
        leader: Str [0..];
        /// Whether the leader must not compute one (KIP-814).
        skip_assignment: bool [9..];
        /// The member's id as the coordinator gave it out; empty for one that has none yet.
        member_id: Str [0..];
        members: Vec<JoinGroupResponseMember> [0..];
    }

    /// A member as the leader of the group sees it.
    struct JoinGroupResponseMember {
        /// The member's id as the coordinator gave it out; empty for one that has none yet.
        member_id: Str [0..];
        /// The name of a static member (KIP-345).
        group_instance_id: Option<Str> [5..];
        /// The client's own note or opaque metadata.
        metadata: Bytes [0..];
    }
}
