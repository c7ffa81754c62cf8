//! ListGroups: all groups of this node.

use super::Context;
use crate::groups::{List, Listed, Reply, Request};
use kafka_wire::messages::list_groups::{ListGroupsRequest, ListGroupsResponse, ListedGroup};
use kafka_wire::{ErrorCode, Str};

pub(super) async fn handle(
    context: &Context<'_>,
    request: ListGroupsRequest,
) -> ListGroupsResponse {
    let texts = |list: &[Str]| list.iter().map(|text| text.to_string()).collect();
    let list = List {
        states: texts(&request.states_filter),
        types: texts(&request.types_filter),
    };
    let mut response = ListGroupsResponse::default();
    for coordinator in context.broker.coordinators() {
        match coordinator.ask(Request::List(list.clone())).await {
            Some(Reply::List(groups)) => response.groups.extend(groups.into_iter().map(listed)),
            _ => response.error_code = ErrorCode::CoordinatorNotAvailable,
        }
    }
    response
}

fn listed(group: Listed) -> ListedGroup {
    ListedGroup {
        group_id: Str::from(&*group.group),
        protocol_type: Str::from(group.protocol_type),
        group_state: Str::from(group.state.to_string()),
        group_type: Str::from(group.group_type),
    }
}
