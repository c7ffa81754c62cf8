//! LeaveGroup: one member leaves, or several are removed (KIP-345).

use super::Context;
use crate::groups::{Leave, Leaver, Left, Reply, Request};
use kafka_wire::messages::leave_group::{
    LeaveGroupRequest, LeaveGroupResponse, MemberIdentity, MemberResponse,
};
use kafka_wire::{ErrorCode, Str};

/// From this version on there are several members, each with an outcome of its own.
const BATCH_VERSION: i16 = 3;

pub(super) async fn handle(
    context: &Context<'_>,
    request: LeaveGroupRequest,
) -> LeaveGroupResponse {
    let members = if context.version < BATCH_VERSION {
        vec![Leaver {
            member_id: request.member_id.to_string(),
            instance_id: None,
            reason: None,
        }]
    } else {
        request.members.into_iter().map(leaver).collect()
    };
    let leave = Leave {
        group: request.group_id.to_string(),
        members,
    };
    let coordinator = context.broker.coordinator(&leave.group);
    let left = match coordinator.ask(Request::Leave(leave)).await {
        Some(Reply::Leave(Ok(left))) => left,
        Some(Reply::Leave(Err(error))) => return failed(error.into()),
        _ => return failed(ErrorCode::CoordinatorNotAvailable),
    };
    if context.version < BATCH_VERSION {
        let error = left.first().and_then(|left| left.error);
        return failed(error.map_or(ErrorCode::None, ErrorCode::from));
    }
    LeaveGroupResponse {
        members: left.into_iter().map(member).collect(),
        ..LeaveGroupResponse::default()
    }
}

fn leaver(member: MemberIdentity) -> Leaver {
    Leaver {
        member_id: member.member_id.to_string(),
        instance_id: member.group_instance_id.map(String::from),
        reason: member.reason.map(String::from),
    }
}

fn member(left: Left) -> MemberResponse {
    MemberResponse {
        member_id: Str::from(left.member_id),
        group_instance_id: left.instance_id.map(Str::from),
        error_code: left.error.map_or(ErrorCode::None, ErrorCode::from),
    }
}

fn failed(error_code: ErrorCode) -> LeaveGroupResponse {
    LeaveGroupResponse {
        error_code,
        ..LeaveGroupResponse::default()
    }
}
