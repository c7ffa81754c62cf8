//! Every API in every version that ApiVersions offers, against a broker with something in it.

use crate::client::frame;
use crate::fixture::{
    Fixture, bytes_of, commit, creatable, create_request, fetch_request, join, only,
    produce_request, sync,
};
use crate::records::{self, read_batches, read_set};
use crate::world::{NODE, START};
use bytes::Bytes;
use kafka_wire::messages::api_versions::ApiVersionsRequest;
use kafka_wire::messages::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use kafka_wire::messages::delete_groups::DeleteGroupsRequest;
use kafka_wire::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use kafka_wire::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use kafka_wire::messages::describe_cluster::DescribeClusterRequest;
use kafka_wire::messages::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};
use kafka_wire::messages::describe_groups::DescribeGroupsRequest;
use kafka_wire::messages::find_coordinator::FindCoordinatorRequest;
use kafka_wire::messages::heartbeat::HeartbeatRequest;
use kafka_wire::messages::init_producer_id::InitProducerIdRequest;
use kafka_wire::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use kafka_wire::messages::list_groups::ListGroupsRequest;
use kafka_wire::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use kafka_wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use kafka_wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_wire::messages::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_wire::{ApiKey, ApiRequest, ErrorCode, Str, Uuid};
use std::collections::BTreeMap;

/// A walk through everything that is offered.
struct Tour {
    /// The newest version of each API that has not been tried yet.
    untried: BTreeMap<i16, i16>,
    /// The requests that were sent.
    frames: Vec<Bytes>,
}

/// A sound request of every API in every version.
pub(crate) fn sound_frames() -> Vec<Bytes> {
    Tour::whole().frames
}

impl Tour {
    fn new() -> Self {
        let fixture = Fixture::new();
        let offered = fixture.world.run(
            fixture
                .world
                .client()
                .call(0, ApiVersionsRequest::default()),
        );
        let newest = offered.api_keys.iter().map(|api| {
            assert_eq!(api.min_version, 0);
            (api.api_key, api.max_version)
        });
        Self {
            untried: newest.collect(),
            frames: Vec::new(),
        }
    }

    fn whole() -> Self {
        let mut tour = Self::new();
        records_apis(&mut tour);
        group_apis(&mut tour);
        offset_apis(&mut tour);
        topic_apis(&mut tour);
        cluster_apis(&mut tour);
        tour
    }

    /// Sends one request in each version to a broker of its own.
    fn every<R: ApiRequest>(
        &mut self,
        request: impl Fn(&Fixture, i16) -> R,
        check: impl Fn(&Fixture, i16, R::Response),
    ) {
        let newest = self.untried.remove(&R::KEY.code()).expect("it is offered");
        for version in 0..=newest {
            let fixture = Fixture::new();
            let request = request(&fixture, version);
            self.frames.push(frame(version, 0, &request));
            let response = fixture
                .world
                .run(fixture.world.client().call(version, request));
            check(&fixture, version, response);
        }
    }
}

#[test]
fn every_api_works_in_every_version() {
    let untried = Tour::whole().untried;
    let untried: Vec<_> = untried.into_keys().map(ApiKey::from_code).collect();
    assert_eq!(untried, [], "offered, but not tried here");
}

fn records_apis(tour: &mut Tour) {
    tour.every(
        |fixture, version| {
            let records = match version {
                0 | 1 => records::message_set(0, &["d", "e"]),
                2 => records::message_set(1, &["d", "e"]),
                _ => records::batch(&["d", "e"]),
            };
            let mut request = produce_request("t", 0, -1, records);
            request.topic_data[0].topic_id = fixture.topic_id;
            request
        },
        |fixture, version, response| {
            let topic = &response.responses[0];
            let partition = &topic.partition_responses[0];
            assert_eq!(partition.error_code, ErrorCode::None, "version {version}");
            assert_eq!(partition.base_offset, 3);
            assert_eq!(partition.log_append_time_ms, -1);
            if version >= 5 {
                assert_eq!(partition.log_start_offset, 0);
            }
            let id = if version >= 13 {
                fixture.topic_id
            } else {
                Uuid::ZERO
            };
            assert_eq!(topic.topic_id, id);
        },
    );
    tour.every(
        |fixture, _| {
            let mut request = fetch_request("t", &[(0, 1)]);
            request.topics[0].topic_id = fixture.topic_id;
            request
        },
        |_, version, response| {
            let data = only(response);
            assert_eq!(data.error_code, ErrorCode::None, "version {version}");
            assert_eq!(data.high_watermark, 3);
            let records = bytes_of(&data);
            let (read, from) = if version < 4 {
                (read_set(&records), 1)
            } else {
                (read_batches(&records), 0)
            };
            let all = [(0, "a"), (1, "b"), (2, "c")].map(|(at, value)| (at, value.to_owned()));
            assert_eq!(read, all[from..], "version {version}");
        },
    );
    tour.every(
        |_, _| {
            let partition = |timestamp| ListOffsetsPartition {
                timestamp,
                max_num_offsets: 10,
                ..ListOffsetsPartition::default()
            };
            ListOffsetsRequest {
                replica_id: -1,
                topics: vec![ListOffsetsTopic {
                    name: Str::from("t"),
                    partitions: [-1, -2, START + 1].map(partition).to_vec(),
                }],
                ..ListOffsetsRequest::default()
            }
        },
        |_, version, response| {
            let partitions = &response.topics[0].partitions;
            let errors = partitions.iter().map(|partition| partition.error_code);
            assert!(errors.eq([ErrorCode::None; 3]), "version {version}");
            if version == 0 {
                let offsets = partitions.iter().map(|found| &found.old_style_offsets[..]);
                assert!(offsets.eq([&[3, 0][..], &[0], &[1, 0]]));
                return;
            }
            let found = partitions
                .iter()
                .map(|found| (found.offset, found.timestamp));
            assert!(found.eq([(3, -1), (0, -1), (1, START + 1)]));
            if version >= 4 {
                assert!(partitions.iter().all(|found| found.leader_epoch == 0));
            }
        },
    );
    tour.every(
        |_, _| OffsetForLeaderEpochRequest {
            topics: vec![OffsetForLeaderTopic {
                topic: Str::from("t"),
                partitions: vec![OffsetForLeaderPartition {
                    leader_epoch: 0,
                    ..OffsetForLeaderPartition::default()
                }],
            }],
            ..OffsetForLeaderEpochRequest::default()
        },
        |_, _, response| {
            let found = &response.topics[0].partitions[0];
            assert_eq!((found.error_code, found.end_offset), (ErrorCode::None, 3));
        },
    );
    tour.every(
        |_, _| DeleteRecordsRequest {
            topics: vec![DeleteRecordsTopic {
                name: Str::from("t"),
                partitions: vec![DeleteRecordsPartition {
                    partition_index: 0,
                    offset: 2,
                }],
            }],
            ..DeleteRecordsRequest::default()
        },
        |_, _, response| {
            let deleted = &response.topics[0].partitions[0];
            assert_eq!(
                (deleted.error_code, deleted.low_watermark),
                (ErrorCode::None, 2)
            );
        },
    );
}

fn group_apis(tour: &mut Tour) {
    tour.every(
        |_, _| join("another", &Str::default()),
        |_, version, response| {
            if version >= 4 {
                assert_eq!(response.error_code, ErrorCode::MemberIdRequired);
            } else {
                assert_eq!(response.error_code, ErrorCode::None);
                assert_eq!((response.generation_id, response.members.len()), (1, 1));
                assert_eq!(response.leader, response.member_id);
            }
            assert!(!response.member_id.is_empty());
        },
    );
    tour.every(
        |fixture, _| sync("g", &fixture.member_id, 1, &[]),
        |_, version, response| {
            assert_eq!(response.error_code, ErrorCode::None);
            assert_eq!(response.assignment, "everything");
            let name = (version >= 5).then(|| Str::from("range"));
            assert_eq!(response.protocol_name, name);
        },
    );
    tour.every(
        |fixture, _| HeartbeatRequest {
            group_id: Str::from("g"),
            generation_id: 1,
            member_id: fixture.member_id.clone(),
            ..HeartbeatRequest::default()
        },
        |_, _, response| assert_eq!(response.error_code, ErrorCode::None),
    );
    tour.every(
        |fixture, _| LeaveGroupRequest {
            group_id: Str::from("g"),
            member_id: fixture.member_id.clone(),
            members: vec![MemberIdentity {
                member_id: fixture.member_id.clone(),
                ..MemberIdentity::default()
            }],
        },
        |fixture, version, response| {
            assert_eq!(response.error_code, ErrorCode::None);
            if version >= 3 {
                assert_eq!(response.members[0].error_code, ErrorCode::None);
                assert_eq!(response.members[0].member_id, fixture.member_id);
            }
        },
    );
    tour.every(
        |_, version| DescribeGroupsRequest {
            groups: vec![Str::from("g"), Str::from("nobody")],
            include_authorized_operations: version >= 3,
        },
        |_, version, response| {
            let [group, nobody] = &response.groups[..] else {
                panic!("two groups");
            };
            assert_eq!(group.error_code, ErrorCode::None);
            assert_eq!(
                (&*group.group_state, &*group.protocol_data),
                ("Stable", "range")
            );
            let member = &group.members[0];
            assert_eq!(
                (&*member.client_id, &*member.client_host),
                ("test", "192.0.2.7:40000")
            );
            assert_eq!(group.authorized_operations == i32::MIN, version < 3);
            assert_eq!(nobody.group_state, "Dead");
            assert_eq!(nobody.error_code.is_error(), version >= 6);
        },
    );
    tour.every(
        |_, _| ListGroupsRequest::default(),
        |_, version, response| {
            let group = &response.groups[0];
            assert_eq!((&*group.group_id, &*group.protocol_type), ("g", "consumer"));
            assert_eq!(
                &*group.group_state,
                if version >= 4 { "Stable" } else { "" }
            );
            assert_eq!(
                &*group.group_type,
                if version >= 5 { "classic" } else { "" }
            );
        },
    );
    tour.every(
        |_, _| DeleteGroupsRequest {
            groups_names: vec![Str::from("g"), Str::from("nobody")],
        },
        |_, _, response| {
            let errors = response.results.iter().map(|result| result.error_code);
            assert!(errors.eq([ErrorCode::NonEmptyGroup, ErrorCode::GroupIdNotFound]));
        },
    );
    tour.every(
        |_, version| FindCoordinatorRequest {
            key: Str::from("g"),
            coordinator_keys: if version >= 4 {
                vec![Str::from("g"), Str::from("h")]
            } else {
                Vec::new()
            },
            ..FindCoordinatorRequest::default()
        },
        |_, version, response| {
            let found = if version < 4 {
                assert_eq!(response.error_code, ErrorCode::None);
                vec![(response.node_id, response.host, response.port)]
            } else {
                let found = response.coordinators.into_iter();
                found.map(|at| (at.node_id, at.host, at.port)).collect()
            };
            let here = (NODE, Str::from("127.0.0.1"), 9092);
            assert_eq!(found, vec![here; if version < 4 { 1 } else { 2 }]);
        },
    );
}

fn offset_apis(tour: &mut Tour) {
    tour.every(
        |fixture, version| {
            let mut request = commit("g", &fixture.member_id, 1, "t", 0, 3);
            request.topics[0].topic_id = fixture.topic_id;
            if version == 0 {
                // Without a member, as old clients that keep their offsets by themselves commit.
                request.group_id = Str::from("simple");
            }
            request
        },
        |_, version, response| {
            let partition = &response.topics[0].partitions[0];
            assert_eq!(partition.error_code, ErrorCode::None, "version {version}");
        },
    );
    tour.every(
        |fixture, version| OffsetFetchRequest {
            group_id: Str::from("g"),
            topics: Some(vec![OffsetFetchRequestTopic {
                name: Str::from("t"),
                partition_indexes: vec![0, 1],
            }]),
            groups: if version >= 8 {
                vec![OffsetFetchRequestGroup {
                    group_id: Str::from("g"),
                    topics: Some(vec![OffsetFetchRequestTopics {
                        name: Str::from("t"),
                        topic_id: fixture.topic_id,
                        partition_indexes: vec![0, 1],
                    }]),
                    ..OffsetFetchRequestGroup::default()
                }]
            } else {
                Vec::new()
            },
            require_stable: version >= 7,
        },
        |_, version, response| {
            let note = |offset: i64| if offset < 0 { "" } else { "note" };
            let found: Vec<_> = if version < 8 {
                let partitions = response.topics[0].partitions.iter();
                partitions
                    .map(|at| (at.error_code, at.committed_offset, at.metadata.clone()))
                    .collect()
            } else {
                assert_eq!(response.groups[0].error_code, ErrorCode::None);
                let partitions = response.groups[0].topics[0].partitions.iter();
                partitions
                    .map(|at| (at.error_code, at.committed_offset, at.metadata.clone()))
                    .collect()
            };
            let expected = [2, -1].map(|at| (ErrorCode::None, at, Some(Str::from(note(at)))));
            assert_eq!(found, expected, "version {version}");
        },
    );
    tour.every(
        |_, _| OffsetDeleteRequest {
            group_id: Str::from("g"),
            topics: vec![OffsetDeleteRequestTopic {
                name: Str::from("t"),
                partitions: vec![OffsetDeleteRequestPartition { partition_index: 0 }],
            }],
        },
        |_, _, response| {
            assert_eq!(response.error_code, ErrorCode::None);
            // The group has a member, and what that subscribes to cannot be told from its metadata.
            let partition = &response.topics[0].partitions[0];
            assert_eq!(partition.error_code, ErrorCode::GroupSubscribedToTopic);
        },
    );
}

fn topic_apis(tour: &mut Tour) {
    tour.every(
        |fixture, version| {
            let named = |name| MetadataRequestTopic {
                name: Some(Str::from(name)),
                ..MetadataRequestTopic::default()
            };
            let mut topics = vec![named("t"), named("new")];
            if version >= 12 {
                topics.push(MetadataRequestTopic {
                    topic_id: fixture.topic_id,
                    name: None,
                });
            }
            MetadataRequest {
                topics: Some(topics),
                include_topic_authorized_operations: version >= 8,
                ..MetadataRequest::default()
            }
        },
        |fixture, version, response| {
            let broker = &response.brokers[0];
            assert_eq!(
                (broker.node_id, &*broker.host, broker.port),
                (NODE, "127.0.0.1", 9092)
            );
            assert_eq!(response.controller_id, if version >= 1 { NODE } else { -1 });
            let counts = response.topics.iter().map(|topic| {
                assert_eq!(topic.error_code, ErrorCode::None);
                let operations = topic.topic_authorized_operations;
                assert_eq!(operations == i32::MIN, version < 8);
                topic.partitions.len()
            });
            let counts: Vec<_> = counts.collect();
            assert_eq!(counts, [2, 1, 2][..if version >= 12 { 3 } else { 2 }]);
            let partition = &response.topics[0].partitions[1];
            assert_eq!((partition.partition_index, partition.leader_id), (1, NODE));
            assert_eq!(partition.leader_epoch, if version >= 7 { 0 } else { -1 });
            if version >= 10 {
                assert_eq!(response.topics[0].topic_id, fixture.topic_id);
            }
        },
    );
    tour.every(
        |_, _| create_request(vec![creatable("u", 3, 1, &[("retention.ms", "1000")])]),
        |_, version, response| {
            let topic = &response.topics[0];
            assert_eq!((&*topic.name, topic.error_code), ("u", ErrorCode::None));
            if version >= 5 {
                assert_eq!((topic.num_partitions, topic.replication_factor), (3, 1));
                let configs = topic.configs.iter().flatten();
                let retention = configs.clone().find(|of| of.name == "retention.ms");
                let retention = retention.expect("reported");
                assert_eq!(retention.value, Some(Str::from("1000")));
                assert_eq!(retention.config_source, 1);
            }
            assert_eq!(topic.topic_id.is_zero(), version < 7);
        },
    );
    tour.every(
        |fixture, version| DeleteTopicsRequest {
            topic_names: vec![Str::from("t")],
            topics: if version >= 6 {
                vec![DeleteTopicState {
                    name: None,
                    topic_id: fixture.topic_id,
                }]
            } else {
                Vec::new()
            },
            ..DeleteTopicsRequest::default()
        },
        |_, _, response| {
            let topic = &response.responses[0];
            assert_eq!(topic.error_code, ErrorCode::None);
            assert_eq!(topic.name, Some(Str::from("t")));
        },
    );
    tour.every(
        |_, _| CreatePartitionsRequest {
            topics: vec![CreatePartitionsTopic {
                name: Str::from("t"),
                count: 5,
                assignments: None,
            }],
            ..CreatePartitionsRequest::default()
        },
        |_, _, response| assert_eq!(response.results[0].error_code, ErrorCode::None),
    );
    tour.every(
        |_, version| {
            let resource = |resource_type, name: String| DescribeConfigsResource {
                resource_type,
                resource_name: Str::from(name),
                configuration_keys: None,
            };
            DescribeConfigsRequest {
                resources: vec![resource(2, "t".to_owned()), resource(4, NODE.to_string())],
                include_synonyms: version >= 1,
                include_documentation: version >= 3,
            }
        },
        |_, version, response| {
            for result in &response.results {
                assert_eq!(result.error_code, ErrorCode::None);
                assert!(result.configs.len() >= 15);
                for config in &result.configs {
                    assert_eq!(config.config_source, if version >= 1 { 5 } else { -1 });
                    assert_eq!(config.documentation.is_some(), version >= 3);
                }
            }
        },
    );
}

fn cluster_apis(tour: &mut Tour) {
    tour.every(
        |_, version| ApiVersionsRequest {
            client_software_name: Str::from(if version >= 3 { "a-client" } else { "" }),
            client_software_version: Str::from(if version >= 3 { "1.2.3" } else { "" }),
        },
        |_, _, response| {
            assert_eq!(response.error_code, ErrorCode::None);
            assert!(response.api_keys.len() > 20);
        },
    );
    tour.every(
        |_, _| InitProducerIdRequest {
            transaction_timeout_ms: 60_000,
            ..InitProducerIdRequest::default()
        },
        |_, _, response| {
            assert_eq!(response.error_code, ErrorCode::None);
            assert!(response.producer_id >= 0);
            assert_eq!(response.producer_epoch, 0);
        },
    );
    tour.every(
        |_, _| DescribeClusterRequest {
            include_cluster_authorized_operations: true,
            ..DescribeClusterRequest::default()
        },
        |_, _, response| {
            assert_eq!(response.error_code, ErrorCode::None);
            assert_eq!(response.controller_id, NODE);
            assert_eq!(
                (&*response.brokers[0].host, response.brokers[0].port),
                ("127.0.0.1", 9092)
            );
            assert_ne!(response.cluster_authorized_operations, i32::MIN);
        },
    );
}
