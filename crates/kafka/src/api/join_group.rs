//! JoinGroup: enters a group, which may take as long as the other members need to come along.

use super::Context;
use crate::groups::{Join, Joined, Protocol, Reply, Request};
use kafka_wire::messages::join_group::{
    JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember,
};
use kafka_wire::{ErrorCode, Str};
use std::time::Duration;

/// From this version on a member is first given an id (KIP-394).
const MEMBER_ID_VERSION: i16 = 4;
/// From this version on a leader can be told to keep the assignment (KIP-814).
const SKIP_ASSIGNMENT_VERSION: i16 = 9;

pub(super) async fn handle(context: &Context<'_>, request: JoinGroupRequest) -> JoinGroupResponse {
    let ms = |ms: i32| Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    let rebalance_timeout_ms = match request.rebalance_timeout_ms {
        -1 => request.session_timeout_ms,
        given => given,
    };
    let protocols = request.protocols.iter().map(|protocol| Protocol {
        name: protocol.name.to_string(),
        // A copy, because members are remembered for longer than their frames should be.
        metadata: bytes::Bytes::copy_from_slice(&protocol.metadata),
    });
    let join = Join {
        group: request.group_id.to_string(),
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.map(String::from),
        client_id: context.client_id.to_owned(),
        // As Kafka writes it, which its tools show.
        client_host: format!("/{}", context.peer.address),
        session_timeout: ms(request.session_timeout_ms),
        rebalance_timeout: ms(rebalance_timeout_ms),
        protocol_type: request.protocol_type.to_string(),
        protocols: protocols.collect(),
        reason: request.reason.map(String::from),
        fresh_id: context.broker.entropy.random(),
        member_id_required: context.version >= MEMBER_ID_VERSION,
        may_skip_assignment: context.version >= SKIP_ASSIGNMENT_VERSION,
    };
    let coordinator = context.broker.coordinator(&join.group);
    match coordinator.ask(Request::Join(Box::new(join))).await {
        Some(Reply::Join(Ok(joined))) => welcome(joined),
        Some(Reply::Join(Err(refused))) => JoinGroupResponse {
            error_code: refused.error.into(),
            member_id: Str::from(refused.member_id),
            ..JoinGroupResponse::default()
        },
        _ => JoinGroupResponse {
            error_code: ErrorCode::CoordinatorNotAvailable,
            member_id: request.member_id,
            ..JoinGroupResponse::default()
        },
    }
}

fn welcome(joined: Joined) -> JoinGroupResponse {
    let members = joined
        .members
        .into_iter()
        .map(|member| JoinGroupResponseMember {
            member_id: Str::from(member.member_id),
            group_instance_id: member.instance_id.map(Str::from),
            metadata: member.metadata,
        });
    JoinGroupResponse {
        generation_id: joined.generation,
        protocol_type: Some(Str::from(joined.protocol_type)),
        protocol_name: Some(Str::from(joined.protocol_name)),
        leader: Str::from(joined.leader),
        skip_assignment: joined.skip_assignment,
        member_id: Str::from(joined.member_id),
        members: members.collect(),
        ..JoinGroupResponse::default()
    }
}
