//! DescribeCluster: the brokers.

use super::Context;
use crate::operations::CLUSTER_OPERATIONS;
use kafka_wire::messages::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};
use kafka_wire::{ErrorCode, Str};

/// The client asks for brokers, not for controllers (KIP-919).
const BROKERS: i8 = 1;

pub(super) fn handle(
    context: &Context<'_>,
    request: &DescribeClusterRequest,
) -> DescribeClusterResponse {
    if request.endpoint_type != BROKERS {
        return DescribeClusterResponse {
            error_code: ErrorCode::MismatchedEndpointType,
            error_message: Some(Str::from("This is an endpoint of a broker.")),
            endpoint_type: request.endpoint_type,
            ..DescribeClusterResponse::default()
        };
    }
    let broker = context.broker;
    let endpoint = broker.endpoint(&context.peer.reached);
    DescribeClusterResponse {
        cluster_id: Str::from(broker.catalog.cluster_id()),
        controller_id: broker.node_id,
        brokers: vec![DescribeClusterBroker {
            broker_id: broker.node_id,
            host: Str::from(&endpoint.host),
            port: i32::from(endpoint.port),
            ..DescribeClusterBroker::default()
        }],
        cluster_authorized_operations: if request.include_cluster_authorized_operations {
            CLUSTER_OPERATIONS
        } else {
            i32::MIN
        },
        ..DescribeClusterResponse::default()
    }
}
