//! SyncGroup: brings the leader's assignments and takes one's own.

use super::Context;
use crate::groups::{Reply, Request, Sync};
use bytes::Bytes;
use kafka_wire::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};
use kafka_wire::{ErrorCode, Str};

pub(super) async fn handle(context: &Context<'_>, request: SyncGroupRequest) -> SyncGroupResponse {
    let assignments = request.assignments.iter().map(|assignment| {
        // A copy, because assignments are remembered for longer than their frame should be.
        let copy = Bytes::copy_from_slice(&assignment.assignment);
        (assignment.member_id.to_string(), copy)
    });
    let sync = Sync {
        group: request.group_id.to_string(),
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.map(String::from),
        generation: request.generation_id,
        protocol_type: request.protocol_type.map(String::from),
        protocol_name: request.protocol_name.map(String::from),
        assignments: assignments.collect(),
    };
    let failed = |error_code| SyncGroupResponse {
        error_code,
        ..SyncGroupResponse::default()
    };
    let coordinator = context.broker.coordinator(&sync.group);
    match coordinator.ask(Request::Sync(sync)).await {
        Some(Reply::Sync(Ok(synced))) => SyncGroupResponse {
            protocol_type: Some(Str::from(synced.protocol_type)),
            protocol_name: Some(Str::from(synced.protocol_name)),
            assignment: synced.assignment,
            ..SyncGroupResponse::default()
        },
        Some(Reply::Sync(Err(error))) => failed(error.into()),
        _ => failed(ErrorCode::CoordinatorNotAvailable),
    }
}
