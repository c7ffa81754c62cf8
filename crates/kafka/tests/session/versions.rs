//! Every API in every version that ApiVersions offers, against a broker with something in it.

mod groups;

use crate::client::frame;
use crate::fixture::{
    Fixture, bytes_of, creatable, create_request, fetch_request, only, produce_request,
};
use crate::records::{self, read_batches, read_set};
use crate::world::{NODE, START};
use bytes::Bytes;
use kafka_wire::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterableConfig as AlterConfigsConfig,
};
use kafka_wire::messages::api_versions::ApiVersionsRequest;
use kafka_wire::messages::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use kafka_wire::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use kafka_wire::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use kafka_wire::messages::describe_cluster::DescribeClusterRequest;
use kafka_wire::messages::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};
use kafka_wire::messages::incremental_alter_configs::{
    AlterConfigsResource as IncrementalResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use kafka_wire::messages::init_producer_id::InitProducerIdRequest;
use kafka_wire::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use kafka_wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};
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
        let apis: [fn(&mut Self); 26] = [
            produce,
            fetch,
            list_offsets,
            offset_for_leader_epoch,
            delete_records,
            groups::join_group,
            groups::sync_group,
            groups::heartbeat,
            groups::leave_group,
            groups::describe_groups,
            groups::list_groups,
            groups::delete_groups,
            groups::find_coordinator,
            groups::offset_commit,
            groups::offset_fetch,
            groups::offset_delete,
            metadata,
            create_topics,
            delete_topics,
            create_partitions,
            describe_configs,
            alter_configs,
            incremental_alter_configs,
            api_versions,
            init_producer_id,
            describe_cluster,
        ];
        apis.iter().for_each(|api| api(&mut tour));
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

fn produce(tour: &mut Tour) {
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
}

fn fetch(tour: &mut Tour) {
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
}

fn list_offsets(tour: &mut Tour) {
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
}

fn offset_for_leader_epoch(tour: &mut Tour) {
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
}

fn delete_records(tour: &mut Tour) {
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

fn metadata(tour: &mut Tour) {
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
}

fn create_topics(tour: &mut Tour) {
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
}

fn delete_topics(tour: &mut Tour) {
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
}

fn create_partitions(tour: &mut Tour) {
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
}

fn describe_configs(tour: &mut Tour) {
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
                    let placed = ["advertised.listeners", "broker.id", "node.id"];
                    let source = if placed.contains(&&*config.name) {
                        4
                    } else {
                        5
                    };
                    assert_eq!(config.config_source, if version >= 1 { source } else { -1 });
                    assert_eq!(config.documentation.is_some(), version >= 3);
                }
            }
        },
    );
}

fn alter_configs(tour: &mut Tour) {
    tour.every(
        |_, _| AlterConfigsRequest {
            resources: vec![AlterConfigsResource {
                resource_type: 2,
                resource_name: Str::from("t"),
                configs: vec![AlterConfigsConfig {
                    name: Str::from("retention.ms"),
                    value: Some(Str::from("5")),
                }],
            }],
            ..AlterConfigsRequest::default()
        },
        |_, _, response| assert_eq!(response.responses[0].error_code, ErrorCode::None),
    );
}

fn incremental_alter_configs(tour: &mut Tour) {
    tour.every(
        |_, _| IncrementalAlterConfigsRequest {
            resources: vec![IncrementalResource {
                resource_type: 2,
                resource_name: Str::from("t"),
                configs: vec![AlterableConfig {
                    name: Str::from("retention.ms"),
                    value: Some(Str::from("5")),
                    ..AlterableConfig::default()
                }],
            }],
            ..IncrementalAlterConfigsRequest::default()
        },
        |_, _, response| assert_eq!(response.responses[0].error_code, ErrorCode::None),
    );
}

fn api_versions(tour: &mut Tour) {
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
}

fn init_producer_id(tour: &mut Tour) {
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
}

fn describe_cluster(tour: &mut Tour) {
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
