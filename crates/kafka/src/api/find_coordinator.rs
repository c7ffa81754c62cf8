//! FindCoordinator: who coordinates a group.
//!
//! This node coordinates every group. There are no transactions yet: a transactional id is refused with the one error on
//! which every client stops at once (others they repeat until a time-out of a minute), and words that say why.

use super::Context;
use kafka_wire::messages::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse,
};
use kafka_wire::{ErrorCode, Str};
use std::collections::HashSet;

/// The key is a group's name.
const GROUP: i8 = 0;
/// The key is a transactional id.
const TRANSACTION: i8 = 1;

/// From this version on there are several keys (KIP-699).
const BATCH_VERSION: i16 = 4;

pub(super) fn handle(
    context: &Context<'_>,
    request: FindCoordinatorRequest,
) -> FindCoordinatorResponse {
    if context.version < BATCH_VERSION {
        let found = find(context, request.key_type, request.key);
        return FindCoordinatorResponse {
            error_code: found.error_code,
            error_message: found.error_message,
            node_id: found.node_id,
            host: found.host,
            port: found.port,
            ..FindCoordinatorResponse::default()
        };
    }
    let mut seen = HashSet::new();
    let coordinators = request
        .coordinator_keys
        .into_iter()
        .filter(|key| seen.insert(key.clone()))
        .map(|key| find(context, request.key_type, key));
    FindCoordinatorResponse {
        coordinators: coordinators.collect(),
        ..FindCoordinatorResponse::default()
    }
}

fn find(context: &Context<'_>, key_type: i8, key: Str) -> Coordinator {
    let refused = |error_code, message| Coordinator {
        key: key.clone(),
        node_id: -1,
        port: -1,
        error_code,
        error_message: Some(Str::from(message)),
        ..Coordinator::default()
    };
    match key_type {
        GROUP => {
            let endpoint = context.broker.endpoint(&context.peer.reached);
            Coordinator {
                node_id: context.broker.node_id,
                host: Str::from(&endpoint.host),
                port: i32::from(endpoint.port),
                key,
                ..Coordinator::default()
            }
        }
        TRANSACTION => refused(
            ErrorCode::TransactionalIdAuthorizationFailed,
            "Transactions are not supported yet.",
        ),
        _ => refused(
            ErrorCode::InvalidRequest,
            "Only groups have coordinators here.",
        ),
    }
}
