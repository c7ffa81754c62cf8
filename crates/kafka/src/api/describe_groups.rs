//! DescribeGroups: groups and their members, for people and tools.

use super::Context;
use crate::groups::{Describe, Described, DescribedMember, Error, Reply, Request};
use crate::operations::GROUP_OPERATIONS;
use kafka_wire::messages::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};
use kafka_wire::{ErrorCode, Str};
use std::collections::HashSet;

/// From this version on a group that does not exist is an error; before it is one in state Dead.
const NOT_FOUND_VERSION: i16 = 6;

pub(super) async fn handle(
    context: &Context<'_>,
    request: DescribeGroupsRequest,
) -> DescribeGroupsResponse {
    let mut seen = HashSet::new();
    let mut groups = Vec::with_capacity(request.groups.len());
    for group_id in request.groups {
        // Each group once, or a short request could ask for any amount of memory.
        if !seen.insert(group_id.clone()) {
            continue;
        }
        let mut group = describe(context, group_id).await;
        if request.include_authorized_operations && !group.error_code.is_error() {
            group.authorized_operations = GROUP_OPERATIONS;
        }
        groups.push(group);
    }
    DescribeGroupsResponse {
        groups,
        ..DescribeGroupsResponse::default()
    }
}

async fn describe(context: &Context<'_>, group_id: Str) -> DescribedGroup {
    let describe = Describe {
        group: group_id.to_string(),
    };
    let coordinator = context.broker.coordinator(&describe.group);
    let failed = |error_code, error_message| DescribedGroup {
        error_code,
        error_message,
        group_id: group_id.clone(),
        group_state: Str::from("Dead"),
        ..DescribedGroup::default()
    };
    match coordinator.ask(Request::Describe(describe)).await {
        Some(Reply::Describe(Ok(described))) => DescribedGroup {
            group_id,
            ..described_group(described)
        },
        Some(Reply::Describe(Err(Error::GroupIdNotFound))) => {
            if context.version < NOT_FOUND_VERSION {
                failed(ErrorCode::None, None)
            } else {
                let message = format!("Group {group_id} not found.");
                failed(ErrorCode::GroupIdNotFound, Some(Str::from(message)))
            }
        }
        Some(Reply::Describe(Err(error))) => failed(error.into(), None),
        _ => failed(ErrorCode::CoordinatorNotAvailable, None),
    }
}

fn described_group(described: Described) -> DescribedGroup {
    let member = |member: DescribedMember| DescribedGroupMember {
        member_id: Str::from(member.member_id),
        group_instance_id: member.instance_id.map(Str::from),
        client_id: Str::from(member.client_id),
        client_host: Str::from(member.client_host),
        member_metadata: member.metadata,
        member_assignment: member.assignment,
    };
    DescribedGroup {
        group_state: Str::from(described.state.to_string()),
        protocol_type: Str::from(described.protocol_type),
        protocol_data: Str::from(described.protocol_name),
        members: described.members.into_iter().map(member).collect(),
        ..DescribedGroup::default()
    }
}
