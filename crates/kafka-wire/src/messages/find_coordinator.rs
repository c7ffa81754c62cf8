//! FindCoordinator (key 10): asks which broker coordinates a group or a transactional id.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Asks which broker coordinates a group or a transactional id: one key up to version 3,
    /// several after.
    request FindCoordinatorRequest 0..=6, flexible 3.. {
        /// The group id or transactional id.
        key: Str [0..=3];
        /// 0 for a group, 1 for a transactional id, 2 for a share partition.
        key_type: i8 [1..];
        /// The group ids or transactional ids.
        coordinator_keys: Vec<Str> [4..];
    }

    /// The coordinators.
    response FindCoordinatorResponse 0..=6, flexible 3.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [1..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..=3];
        /// The error in words.
        error_message: Option<Str> [1..=3];
        /// The broker's id.
        node_id: i32 [0..=3];
        /// Host name or address.
        host: Str [0..=3];
        /// TCP port.
        port: i32 [0..=3];
        coordinators: Vec<Coordinator> [4..];
    }

    /// The coordinator of a key.
    struct Coordinator {
        /// The group id or transactional id.
        key: Str [4..];
        /// The broker's id.
        node_id: i32 [4..];
        /// Host name or address.
        host: Str [4..];
        /// TCP port.
        port: i32 [4..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [4..];
        /// The error in words.
        error_message: Option<Str> [4..];
    }
}
