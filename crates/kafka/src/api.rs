//! What is served: the table of APIs, and one module for each.

mod alter_configs;
pub(crate) mod api_versions;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod fetch;
mod find_coordinator;
mod heartbeat;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_groups;
mod list_offsets;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
pub(crate) mod produce;
mod sync_group;

use crate::broker::Broker;
use crate::session::{Close, Peer};
use kafka_wire::{ApiKey, RequestBody, ResponseBody};

/// What a handler knows besides its request.
pub(crate) struct Context<'a> {
    pub(crate) broker: &'a Broker,
    pub(crate) peer: &'a Peer,
    /// The version of the request and of its response.
    pub(crate) version: i16,
    /// What the client calls itself; empty where it does not say.
    pub(crate) client_id: &'a str,
}

/// An API that is served, from version 0 on.
pub(crate) struct Served {
    pub(crate) key: ApiKey,
    pub(crate) newest: i16,
}

const fn served(key: ApiKey, newest: i16) -> Served {
    Served { key, newest }
}

/// Every API that is served, in ascending order of its number. ApiVersions tells clients just this.
pub(crate) static SERVED: &[Served] = &[
    served(ApiKey::Produce, 13),
    served(ApiKey::Fetch, 18),
    served(ApiKey::ListOffsets, 11),
    served(ApiKey::Metadata, 13),
    served(ApiKey::OffsetCommit, 10),
    served(ApiKey::OffsetFetch, 10),
    served(ApiKey::FindCoordinator, 6),
    served(ApiKey::JoinGroup, 9),
    served(ApiKey::Heartbeat, 4),
    served(ApiKey::LeaveGroup, 5),
    served(ApiKey::SyncGroup, 5),
    served(ApiKey::DescribeGroups, 6),
    served(ApiKey::ListGroups, 5),
    served(ApiKey::ApiVersions, 4),
    served(ApiKey::CreateTopics, 7),
    served(ApiKey::DeleteTopics, 6),
    served(ApiKey::DeleteRecords, 2),
    served(ApiKey::InitProducerId, 5),
    served(ApiKey::OffsetForLeaderEpoch, 4),
    served(ApiKey::DescribeConfigs, 4),
    served(ApiKey::AlterConfigs, 2),
    served(ApiKey::CreatePartitions, 3),
    served(ApiKey::DeleteGroups, 2),
    served(ApiKey::IncrementalAlterConfigs, 1),
    served(ApiKey::OffsetDelete, 0),
    served(ApiKey::DescribeCluster, 2),
];

/// Whether ApiVersions offers it.
pub(crate) fn is_served(key: ApiKey, version: i16) -> bool {
    SERVED
        .binary_search_by_key(&key, |served| served.key)
        .is_ok_and(|at| (0..=SERVED[at].newest).contains(&version))
}

/// Answers any request but Produce, which is [begun](produce::begin) and finished later.
pub(crate) async fn dispatch(
    context: &Context<'_>,
    body: RequestBody,
) -> Result<ResponseBody, Close> {
    use RequestBody as Request;
    Ok(match body {
        Request::AlterConfigs(request) => alter_configs::replace(context, request).await.into(),
        Request::ApiVersions(request) => api_versions::handle(context, &request).into(),
        Request::CreatePartitions(request) => {
            create_partitions::handle(context, request).await.into()
        }
        Request::CreateTopics(request) => create_topics::handle(context, request).await.into(),
        Request::DeleteGroups(request) => delete_groups::handle(context, request).await.into(),
        Request::DeleteRecords(request) => delete_records::handle(context, request).await.into(),
        Request::DeleteTopics(request) => delete_topics::handle(context, request).await.into(),
        Request::DescribeCluster(request) => describe_cluster::handle(context, &request).into(),
        Request::DescribeConfigs(request) => describe_configs::handle(context, &request).into(),
        Request::DescribeGroups(request) => describe_groups::handle(context, request).await.into(),
        Request::Fetch(request) => fetch::handle(context, request).await.into(),
        Request::FindCoordinator(request) => find_coordinator::handle(context, request).into(),
        Request::Heartbeat(request) => heartbeat::handle(context, request).await.into(),
        Request::IncrementalAlterConfigs(request) => {
            alter_configs::change(context, request).await.into()
        }
        Request::InitProducerId(request) => init_producer_id::handle(context, request).await.into(),
        Request::JoinGroup(request) => join_group::handle(context, request).await.into(),
        Request::LeaveGroup(request) => leave_group::handle(context, request).await.into(),
        Request::ListGroups(request) => list_groups::handle(context, request).await.into(),
        Request::ListOffsets(request) => list_offsets::handle(context, request).await.into(),
        Request::Metadata(request) => metadata::handle(context, request).await.into(),
        Request::OffsetCommit(request) => offset_commit::handle(context, request).await.into(),
        Request::OffsetDelete(request) => offset_delete::handle(context, request).await.into(),
        Request::OffsetFetch(request) => offset_fetch::handle(context, request).await.into(),
        Request::OffsetForLeaderEpoch(request) => {
            offset_for_leader_epoch::handle(context, request).into()
        }
        Request::SyncGroup(request) => sync_group::handle(context, request).await.into(),
        other => {
            return Err(Close::NotServed {
                api_key: other.key(),
                api_version: context.version,
            });
        }
    })
}
