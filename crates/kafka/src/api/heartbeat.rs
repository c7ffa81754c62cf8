//! Heartbeat: a member says that it lives, and learns whether its group is rebalancing.

use super::Context;
use crate::groups::{Heartbeat, Reply, Request};
use kafka_wire::ErrorCode;
use kafka_wire::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};

pub(super) async fn handle(context: &Context<'_>, request: HeartbeatRequest) -> HeartbeatResponse {
    let beat = Heartbeat {
        group: request.group_id.to_string(),
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.map(String::from),
        generation: request.generation_id,
    };
    let coordinator = context.broker.coordinator(&beat.group);
    let error_code = match coordinator.ask(Request::Heartbeat(beat)).await {
        Some(Reply::Heartbeat(Ok(()))) => ErrorCode::None,
        Some(Reply::Heartbeat(Err(error))) => error.into(),
        _ => ErrorCode::CoordinatorNotAvailable,
    };
    HeartbeatResponse {
        error_code,
        ..HeartbeatResponse::default()
    }
}
