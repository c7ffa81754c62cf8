//! The table of APIs that there are messages for, and bodies of any of them.

use std::ops::RangeInclusive;

use crate::api_key::ApiKey;
use crate::encoded::Encoded;
use crate::error::{DecodeError, EncodeError};
use crate::header::encode_response;
use crate::message::Message;
use crate::messages;
use crate::reader::{Format, Reader};
use crate::wire::Wire;
use crate::writer::Writer;

/// A message that travels between clients and brokers behind a header.
pub trait ApiMessage: Message {
    /// The API that it belongs to.
    const KEY: ApiKey;
}

/// A request.
pub trait ApiRequest: ApiMessage {
    /// What answers it.
    type Response: ApiMessage;
}

/// What is known of an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// Its name and number.
    pub key: ApiKey,
    /// The versions that can be read and written.
    pub versions: RangeInclusive<i16>,
    /// The newest version that Kafka 4.2 calls stable; a broker should not offer a newer one.
    pub newest_stable: i16,
    /// The first flexible version (KIP-482), if there is one.
    pub flexible_from: Option<i16>,
}

impl Api {
    /// How a version of the request is laid out; `None` where it does not exist.
    #[must_use]
    pub fn request_format(&self, version: i16) -> Option<Format> {
        let flexible = matches!(self.flexible_from, Some(first) if version >= first);
        self.versions
            .contains(&version)
            .then_some(Format { version, flexible })
    }
}

/// Calls a macro with one `(name, module, request, response)` for each API.
macro_rules! for_each_api {
    ($callback:path) => {
        $callback! {
            (Produce, produce, ProduceRequest, ProduceResponse)
            (Fetch, fetch, FetchRequest, FetchResponse)
            (ListOffsets, list_offsets, ListOffsetsRequest, ListOffsetsResponse)
            (Metadata, metadata, MetadataRequest, MetadataResponse)
            (OffsetCommit, offset_commit, OffsetCommitRequest, OffsetCommitResponse)
            (OffsetFetch, offset_fetch, OffsetFetchRequest, OffsetFetchResponse)
            (FindCoordinator, find_coordinator, FindCoordinatorRequest, FindCoordinatorResponse)
            (JoinGroup, join_group, JoinGroupRequest, JoinGroupResponse)
            (Heartbeat, heartbeat, HeartbeatRequest, HeartbeatResponse)
            (LeaveGroup, leave_group, LeaveGroupRequest, LeaveGroupResponse)
            (SyncGroup, sync_group, SyncGroupRequest, SyncGroupResponse)
            (DescribeGroups, describe_groups, DescribeGroupsRequest, DescribeGroupsResponse)
            (ListGroups, list_groups, ListGroupsRequest, ListGroupsResponse)
            (SaslHandshake, sasl_handshake, SaslHandshakeRequest, SaslHandshakeResponse)
            (ApiVersions, api_versions, ApiVersionsRequest, ApiVersionsResponse)
            (CreateTopics, create_topics, CreateTopicsRequest, CreateTopicsResponse)
            (DeleteTopics, delete_topics, DeleteTopicsRequest, DeleteTopicsResponse)
            (DeleteRecords, delete_records, DeleteRecordsRequest, DeleteRecordsResponse)
            (InitProducerId, init_producer_id, InitProducerIdRequest, InitProducerIdResponse)
            (
                OffsetForLeaderEpoch, offset_for_leader_epoch,
                OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse
            )
            (DescribeConfigs, describe_configs, DescribeConfigsRequest, DescribeConfigsResponse)
            (AlterConfigs, alter_configs, AlterConfigsRequest, AlterConfigsResponse)
            (CreatePartitions, create_partitions, CreatePartitionsRequest, CreatePartitionsResponse)
            (DeleteGroups, delete_groups, DeleteGroupsRequest, DeleteGroupsResponse)
            (
                IncrementalAlterConfigs, incremental_alter_configs,
                IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse
            )
            (OffsetDelete, offset_delete, OffsetDeleteRequest, OffsetDeleteResponse)
            (DescribeCluster, describe_cluster, DescribeClusterRequest, DescribeClusterResponse)
        }
    };
}

macro_rules! body {
    ($name:ident, $what:literal, $(($api:ident, $module:ident, $message:ident))*) => {
        #[doc = concat!("The body of a ", $what, " of any API.")]
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $(
                #[doc = concat!("See [`", stringify!($message), "`](messages::", stringify!($module),
                    "::", stringify!($message), ").")]
                $api(messages::$module::$message),
            )*
        }

        impl $name {
            /// The API that it belongs to.
            #[must_use]
            pub fn key(&self) -> ApiKey {
                match self {
                    $(Self::$api(_) => ApiKey::$api,)*
                }
            }

            /// Reads a body in the reader's version, which must be one that exists.
            ///
            /// # Errors
            /// Where the bytes end too early or say nonsense, and for an API without messages.
            pub fn read(key: ApiKey, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                match key {
                    $(ApiKey::$api => messages::$module::$message::read(reader).map(Self::$api),)*
                    _ => {
                        let version = reader.format().version;
                        Err(DecodeError::Version { message: key.name(), version })
                    }
                }
            }

            /// Writes the body in the writer's version, which must be one that exists.
            pub fn write(&self, writer: &mut Writer) {
                match self {
                    $(Self::$api(body) => body.write(writer),)*
                }
            }
        }

        $(
            impl From<messages::$module::$message> for $name {
                fn from(body: messages::$module::$message) -> Self {
                    Self::$api(body)
                }
            }

            impl ApiMessage for messages::$module::$message {
                const KEY: ApiKey = ApiKey::$api;
            }
        )*
    };
}

macro_rules! bodies {
    ($(($api:ident, $module:ident, $request:ident, $response:ident))*) => {
        body! { RequestBody, "request", $(($api, $module, $request))* }
        body! { ResponseBody, "response", $(($api, $module, $response))* }

        $(
            impl ApiRequest for messages::$module::$request {
                type Response = messages::$module::$response;
            }
        )*

        impl ResponseBody {
            /// Writes the response, length and header included, as [`encode_response`] does.
            ///
            /// # Errors
            /// For a version that does not exist, and for values too long for their fields.
            pub fn encode(&self, version: i16, correlation_id: i32) -> Result<Encoded, EncodeError> {
                match self {
                    $(Self::$api(body) => encode_response(version, correlation_id, body),)*
                }
            }
        }

        /// Every API that there are messages for, in ascending order of its number.
        pub static APIS: &[Api] = &[
            $(Api {
                key: ApiKey::$api,
                versions: messages::$module::$request::VERSIONS,
                newest_stable: newest_stable(
                    ApiKey::$api,
                    *messages::$module::$request::VERSIONS.end(),
                ),
                flexible_from: messages::$module::$request::FLEXIBLE_FROM,
            },)*
        ];
    };
}

for_each_api!(bodies);

/// The API of a number, if there are messages for it.
#[must_use]
pub fn api(code: i16) -> Option<&'static Api> {
    let found = APIS
        .binary_search_by_key(&code, |api| api.key.code())
        .ok()?;
    APIS.get(found)
}

/// Version 6 of InitProducerId (two-phase commit, KIP-939) is unstable in Kafka 4.2.
const fn newest_stable(key: ApiKey, newest: i16) -> i16 {
    match key {
        ApiKey::InitProducerId => 5,
        _ => newest,
    }
}

#[cfg(test)]
pub(crate) use for_each_api;

#[cfg(test)]
mod tests {
    use super::{APIS, api};
    use crate::api_key::ApiKey;

    #[test]
    fn an_api_is_found_by_its_number() {
        assert!(APIS.is_sorted_by_key(|api| api.key));
        for entry in APIS {
            assert_eq!(api(entry.key.code()), Some(entry));
            assert_eq!(*entry.versions.start(), 0);
        }
        let init = api(ApiKey::InitProducerId.code()).unwrap();
        assert_eq!((*init.versions.end(), init.newest_stable), (6, 5));
        assert_eq!(api(7), None);
        assert_eq!(api(-3), None);
    }
}
