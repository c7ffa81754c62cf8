//! DeleteGroups: groups without members go, with their offsets.

use super::Context;
use crate::groups::{DeleteGroup, Reply, Request};
use kafka_wire::ErrorCode;
use kafka_wire::messages::delete_groups::{
    DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse,
};
use std::collections::HashSet;

pub(super) async fn handle(
    context: &Context<'_>,
    request: DeleteGroupsRequest,
) -> DeleteGroupsResponse {
    let mut seen = HashSet::new();
    let mut results = Vec::with_capacity(request.groups_names.len());
    for group_id in request.groups_names {
        if !seen.insert(group_id.clone()) {
            continue;
        }
        let deletion = DeleteGroup {
            group: group_id.to_string(),
        };
        let coordinator = context.broker.coordinator(&deletion.group);
        let error_code = match coordinator.ask(Request::Delete(deletion)).await {
            Some(Reply::Delete(Ok(()))) => ErrorCode::None,
            Some(Reply::Delete(Err(error))) => error.into(),
            _ => ErrorCode::CoordinatorNotAvailable,
        };
        results.push(DeletableGroupResult {
            group_id,
            error_code,
        });
    }
    DeleteGroupsResponse {
        results,
        ..DeleteGroupsResponse::default()
    }
}
