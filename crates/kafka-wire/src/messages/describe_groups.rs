//! DescribeGroups (key 15): asks about classic groups.

use bytes::Bytes;

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Asks about classic groups.
    request DescribeGroupsRequest 0..=6, flexible 5.. {
        groups: Vec<Str> [0..];
        /// Whether to tell what the client may do with each group (KIP-430).
        include_authorized_operations: bool [3..];
    }

    /// The groups and their members.
    response DescribeGroupsResponse 0..=6, flexible 5.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [1..];
        groups: Vec<DescribedGroup> [0..];
    }

    /// A group.
    struct DescribedGroup {
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        /// The error in words.
        error_message: Option<Str> [6..];
        /// The consumer group.
        group_id: Str [0..];
        /// The group's state by name.
        group_state: Str [0..];
        /// The kind of group, `consumer` for consumers.
        protocol_type: Str [0..];
        /// The chosen protocol, that is the assignor.
        protocol_data: Str [0..];
        members: Vec<DescribedGroupMember> [0..];
        /// Bit set of what the client may do; `i32::MIN` if it did not ask.
        authorized_operations: i32 [3..] = i32::MIN;
    }

    /// A member of a group.
    struct DescribedGroupMember {
        /// The member's id as the coordinator gave it out; empty for one that has none yet.
        member_id: Str [0..];
        /// The name of a static member (KIP-345).
        group_instance_id: Option<Str> [4..];
        client_id: Str [0..];
        client_host: Str [0..];
        /// What the member said when it joined, opaque to the broker.
        member_metadata: Bytes [0..];
        /// What the member got, opaque to the broker.
        member_assignment: Bytes [0..];
    }
}
