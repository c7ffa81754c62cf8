//! DescribeCluster (key 60): asks which brokers there are.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Asks which brokers there are.
    request DescribeClusterRequest 0..=2, flexible 0.. {
        /// Whether to tell what the client may do with the cluster (KIP-430).
        include_cluster_authorized_operations: bool [0..];
        /// 1 for brokers, 2 for controllers.
        endpoint_type: i8 [1..] = 1;
        /// Whether to list brokers that are fenced (KIP-1073).
        include_fenced_brokers: bool [2..];
    }

    /// The brokers.
    response DescribeClusterResponse 0..=2, flexible 0.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [0..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        /// The error in words.
        error_message: Option<Str> [0..];
        /// 1 for brokers, 2 for controllers.
        endpoint_type: i8 [1..] = 1;
        /// The cluster's id.
        cluster_id: Str [0..];
        /// The broker that acts as the controller.
        controller_id: i32 [0..] = -1;
        brokers: Vec<DescribeClusterBroker> [0..];
        /// Bit set of what the client may do; `i32::MIN` if it did not ask.
        cluster_authorized_operations: i32 [0..] = i32::MIN;
    }

    /// A broker of the cluster.
    struct DescribeClusterBroker {
        /// The broker's id.
        broker_id: i32 [0..];
        /// Host name or address.
        host: Str [0..];
        /// TCP port.
        port: i32 [0..];
        /// The rack that the broker stands in.
        rack: Option<Str> [0..];
        /// Whether the broker is fenced.
        is_fenced: bool [2..];
    }
}
