//! What is served: the table of APIs, and one module for each.

pub(crate) mod api_versions;
mod create_topics;
mod fetch;
mod list_offsets;
mod metadata;
pub(crate) mod produce;

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
    served(ApiKey::ApiVersions, 4),
    served(ApiKey::CreateTopics, 7),
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
    Ok(match body {
        RequestBody::ApiVersions(request) => api_versions::handle(context, &request).into(),
        RequestBody::CreateTopics(request) => create_topics::handle(context, request).await.into(),
        RequestBody::Fetch(request) => fetch::handle(context, request).await.into(),
        RequestBody::ListOffsets(request) => list_offsets::handle(context, request).await.into(),
        RequestBody::Metadata(request) => metadata::handle(context, request).await.into(),
        other => {
            return Err(Close::NotServed {
                api_key: other.key(),
                api_version: context.version,
            });
        }
    })
}
