//! Topics and what the broker says of itself.

use crate::client::Client;
use crate::fixture::{creatable, create, create_request, produce, world_with};
use crate::records::batch;
use crate::world::{NODE, World};
use bytes::{Buf, Bytes};
use kafka::{Close, Endpoint, Settings};
use kafka_wire::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use kafka_wire::messages::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic,
};
use kafka_wire::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicResult, CreateTopicsRequest,
};
use kafka_wire::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use kafka_wire::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use kafka_wire::messages::describe_cluster::DescribeClusterRequest;
use kafka_wire::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponseTopic,
};
use kafka_wire::messages::sasl_handshake::SaslHandshakeRequest;
use kafka_wire::{ErrorCode, RequestError, Str, Uuid, decode_response};

/// Item 26: a version of ApiVersions that is not known is answered in version 0, with the ranges.
#[test]
fn api_versions_of_the_future_are_answered_in_version_zero() {
    let world = World::new();
    world.run(async {
        let mut client = world.client();
        // Key, version, correlation id, and whatever the version of the future has.
        let frame = [&[0, 18, 0, 99, 0, 0, 0, 7][..], b"what is this"].concat();
        let mut answer = client.raw(frame.into()).await.unwrap().expect("an answer");
        assert_eq!(answer.clone().get_i32(), 7);
        let (_, response) = decode_response::<ApiVersionsRequest>(&answer, 0).unwrap();
        assert_eq!(response.error_code, ErrorCode::UnsupportedVersion);
        let range = |key: i16| {
            let found = response.api_keys.iter().find(|api| api.api_key == key);
            found.map(|api| (api.min_version, api.max_version))
        };
        assert_eq!(range(18), Some((0, 4)));
        assert_eq!(
            range(0),
            Some((0, 13)),
            "a client turns compression off otherwise"
        );
        answer.advance(4);
        assert_eq!(answer.get_i16(), 35);
        // The connection goes on.
        let response = client.call(4, named("client")).await;
        assert_eq!(response.error_code, ErrorCode::None);
    });
}

fn named(name: &str) -> ApiVersionsRequest {
    ApiVersionsRequest {
        client_software_name: Str::from(name),
        client_software_version: Str::from("1"),
    }
}

/// The response header of ApiVersions is version 0 in every version, item 26 as well.
#[test]
fn api_versions_never_has_tags_in_its_header() {
    let world = World::new();
    world.run(async {
        let mut client = world.client();
        for version in 0..=4 {
            let frame = crate::client::frame(version, 1, &named("client"));
            let mut answer = client.raw(frame).await.unwrap().expect("an answer");
            assert_eq!(
                (answer.get_i32(), answer.get_i16()),
                (1, 0),
                "version {version}"
            );
        }
    });
}

/// Item 27: no feature with minimum 0 in versions before 4; there are none at all.
#[test]
fn no_features_are_offered() {
    let world = World::new();
    world.run(async {
        for version in 0..=4 {
            let response: ApiVersionsResponse = world.client().call(version, named("client")).await;
            assert_eq!(response.supported_features, []);
            assert_eq!(response.finalized_features, []);
        }
    });
}

#[test]
fn clients_without_a_proper_name_are_told_so() {
    let world = World::new();
    world.run(async {
        let mut client = world.client();
        for (name, error) in [
            ("librdkafka", ErrorCode::None),
            ("a.b-c", ErrorCode::None),
            ("", ErrorCode::InvalidRequest),
            ("-a", ErrorCode::InvalidRequest),
            ("a b", ErrorCode::InvalidRequest),
        ] {
            assert_eq!(
                client.call(3, named(name)).await.error_code,
                error,
                "{name:?}"
            );
        }
    });
}

#[test]
fn what_is_not_served_ends_the_connection() {
    let world = World::new();
    world.run(async {
        let mut client = world.client();
        let handshake = SaslHandshakeRequest::default();
        let closed = client.begin(1, &handshake).await.err();
        assert!(
            matches!(closed, Some(Close::NotServed { .. })),
            "{closed:?}"
        );
        let frame = Bytes::from_static(&[0, 3, 0, 99, 0, 0, 0, 1, 0xff, 0xff]);
        let closed = client.raw(frame).await.unwrap_err();
        assert!(matches!(
            closed,
            Close::Request(RequestError::UnsupportedVersion { .. })
        ));
        assert_eq!(closed.to_string(), "Metadata has no version 99");
        assert_eq!(world.broker.counters().refused_requests.get(), 2);
    });
}

async fn metadata(
    client: &mut Client,
    version: i16,
    names: Option<&[&str]>,
    allow_auto_topic_creation: bool,
) -> Vec<MetadataResponseTopic> {
    let wanted = |name: &&str| MetadataRequestTopic {
        name: Some(Str::from(*name)),
        ..MetadataRequestTopic::default()
    };
    let request = MetadataRequest {
        topics: names.map(|names| names.iter().map(wanted).collect()),
        allow_auto_topic_creation,
        ..MetadataRequest::default()
    };
    client.call(version, request).await.topics
}

/// Item 30: topics come into being where both the client and the broker want it.
#[test]
fn topics_are_created_automatically_where_both_sides_want_it() {
    for (broker, client, created) in [
        (true, true, true),
        (true, false, false),
        (false, true, false),
    ] {
        let world = World::with(Settings {
            auto_create_topics_enable: broker,
            num_partitions: 3,
            ..Settings::default()
        });
        world.run(async {
            let mut connection = world.client();
            let found = metadata(&mut connection, 9, Some(&["new", "in valid"]), client).await;
            let expected = if created {
                ErrorCode::None
            } else {
                ErrorCode::UnknownTopicOrPartition
            };
            assert_eq!(found[0].error_code, expected);
            assert_eq!(found[0].partitions.len(), if created { 3 } else { 0 });
            assert_eq!(found[1].error_code, ErrorCode::InvalidTopicException);
            let all = metadata(&mut connection, 9, None, client).await;
            assert_eq!(all.len(), usize::from(created));
            // Versions before 4 cannot say, and mean yes.
            let found = metadata(&mut connection, 3, Some(&["other"]), client).await;
            assert_eq!(found[0].error_code.is_error(), !broker);
        });
    }
}

/// Version 0 has no null, and means all topics by none.
#[test]
fn no_topics_mean_all_in_version_zero_and_none_after() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        assert_eq!(metadata(&mut client, 0, Some(&[]), true).await.len(), 1);
        for version in 1..=13 {
            assert_eq!(
                metadata(&mut client, version, Some(&[]), true).await.len(),
                0
            );
            assert_eq!(metadata(&mut client, version, None, true).await.len(), 1);
        }
    });
}

/// A short request does not get a long answer by naming a large topic often.
#[test]
fn a_topic_is_described_once() {
    let world = world_with("t", 100);
    world.run(async {
        let mut client = world.client();
        let found = metadata(&mut client, 9, Some(&["t"; 1000]), true).await;
        assert_eq!(found.len(), 1);
    });
}

#[test]
fn clients_are_told_the_advertised_address() {
    let world = World::with(Settings {
        advertised: Some(Endpoint {
            host: "broker.example".to_owned(),
            port: 19092,
        }),
        ..Settings::default()
    });
    world.run(async {
        let mut client = world.client();
        let response = client.call(9, MetadataRequest::default()).await;
        let broker = &response.brokers[0];
        assert_eq!((&*broker.host, broker.port), ("broker.example", 19092));
        let response = client.call(2, DescribeClusterRequest::default()).await;
        assert_eq!(&*response.brokers[0].host, "broker.example");
        let controllers = DescribeClusterRequest {
            endpoint_type: 2,
            ..DescribeClusterRequest::default()
        };
        let response = client.call(2, controllers).await;
        assert_eq!(response.error_code, ErrorCode::MismatchedEndpointType);
    });
}

async fn try_create(client: &mut Client, topic: CreatableTopic) -> CreatableTopicResult {
    client
        .call(7, create_request(vec![topic]))
        .await
        .topics
        .remove(0)
}

/// Item 24: defaults, and replication factors that nobody can keep.
#[test]
fn topics_are_created_by_kafkas_rules() {
    let world = World::with(Settings {
        num_partitions: 4,
        ..Settings::default()
    });
    let assigned = |broker_ids: Vec<i32>| CreatableTopic {
        assignments: vec![CreatableReplicaAssignment {
            partition_index: 0,
            broker_ids,
        }],
        ..creatable("assigned", -1, -1, &[])
    };
    let cases = [
        (creatable("defaults", -1, -1, &[]), ErrorCode::None),
        (creatable("given", 2, 1, &[]), ErrorCode::None),
        (creatable("given", 2, 1, &[]), ErrorCode::TopicAlreadyExists),
        (
            creatable("no/name", 1, 1, &[]),
            ErrorCode::InvalidTopicException,
        ),
        (creatable("none", 0, 1, &[]), ErrorCode::InvalidPartitions),
        (
            creatable("many", 1_000_000, 1, &[]),
            ErrorCode::InvalidPartitions,
        ),
        (
            creatable("three", 1, 3, &[]),
            ErrorCode::InvalidReplicationFactor,
        ),
        (
            creatable("zero", 1, 0, &[]),
            ErrorCode::InvalidReplicationFactor,
        ),
        (
            creatable("bad", 1, 1, &[("retention.ms", "x")]),
            ErrorCode::InvalidConfig,
        ),
        (
            creatable("bad", 1, 1, &[("no.such", "1")]),
            ErrorCode::InvalidConfig,
        ),
        (
            assigned(vec![NODE + 1]),
            ErrorCode::InvalidReplicaAssignment,
        ),
        (
            CreatableTopic {
                num_partitions: 1,
                ..assigned(vec![NODE])
            },
            ErrorCode::InvalidRequest,
        ),
        (assigned(vec![NODE]), ErrorCode::None),
    ];
    world.run(async {
        let mut client = world.client();
        for (topic, error) in cases {
            let created = try_create(&mut client, topic.clone()).await;
            assert_eq!(created.error_code, error, "{topic:?}");
            assert_eq!(created.error_message.is_some(), error.is_error());
        }
        let topics = metadata(&mut client, 9, None, false).await;
        let found: Vec<_> = topics
            .iter()
            .map(|topic| (topic.name.as_deref().unwrap(), topic.partitions.len()))
            .collect();
        assert_eq!(found, [("assigned", 1), ("defaults", 4), ("given", 2)]);
    });
}

/// The operator says what the storage stands for, and clients may ask for as much.
#[test]
fn replication_factors_up_to_the_configured_one_are_accepted() {
    let world = World::with(Settings {
        default_replication_factor: 3,
        ..Settings::default()
    });
    world.run(async {
        let mut client = world.client();
        let created = try_create(&mut client, creatable("a", 1, 3, &[])).await;
        assert_eq!(
            (created.error_code, created.replication_factor),
            (ErrorCode::None, 3)
        );
        let created = try_create(&mut client, creatable("b", 1, 4, &[])).await;
        assert_eq!(created.error_code, ErrorCode::InvalidReplicationFactor);
    });
}

#[test]
fn a_request_that_is_only_checked_changes_nothing() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        let request = CreateTopicsRequest {
            validate_only: true,
            ..create_request(vec![creatable("u", 1, 1, &[])])
        };
        assert_eq!(
            client.call(7, request).await.topics[0].error_code,
            ErrorCode::None
        );
        let request = CreatePartitionsRequest {
            validate_only: true,
            ..more_partitions("t", 9)
        };
        assert_eq!(
            client.call(3, request).await.results[0].error_code,
            ErrorCode::None
        );
        let topics = metadata(&mut client, 9, None, false).await;
        assert_eq!((topics.len(), topics[0].partitions.len()), (1, 1));
    });
}

#[test]
fn a_topic_that_stands_twice_in_a_request_is_refused() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        let twice = vec![creatable("u", 1, 1, &[]), creatable("u", 1, 1, &[])];
        let response = client.call(7, create_request(twice)).await;
        let errors: Vec<_> = response
            .topics
            .iter()
            .map(|topic| topic.error_code)
            .collect();
        assert_eq!(errors, [ErrorCode::InvalidRequest]);
        let deletion = DeleteTopicsRequest {
            topic_names: vec![Str::from("t"), Str::from("t")],
            ..DeleteTopicsRequest::default()
        };
        let response = client.call(5, deletion).await;
        let errors: Vec<_> = response
            .responses
            .iter()
            .map(|topic| topic.error_code)
            .collect();
        assert_eq!(errors, [ErrorCode::InvalidRequest]);
    });
}

#[test]
fn topics_that_do_not_exist_cannot_be_deleted() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        let state = |name: Option<&str>, id: u128| DeleteTopicState {
            name: name.map(Str::from),
            topic_id: Uuid::from(id),
        };
        let deletion = DeleteTopicsRequest {
            topics: vec![state(Some("u"), 0), state(None, 77), state(Some("t"), 77)],
            ..DeleteTopicsRequest::default()
        };
        let response = client.call(6, deletion).await;
        let errors = response.responses.iter().map(|topic| topic.error_code);
        assert!(errors.eq([
            ErrorCode::UnknownTopicOrPartition,
            ErrorCode::UnknownTopicId,
            ErrorCode::InvalidRequest,
        ]));
    });
}

fn more_partitions(name: &str, count: i32) -> CreatePartitionsRequest {
    CreatePartitionsRequest {
        topics: vec![CreatePartitionsTopic {
            name: Str::from(name),
            count,
            assignments: None,
        }],
        ..CreatePartitionsRequest::default()
    }
}

#[test]
fn partitions_can_only_be_added() {
    let world = world_with("t", 2);
    world.run(async {
        let mut client = world.client();
        for (name, count, error) in [
            ("t", 1, ErrorCode::InvalidPartitions),
            ("t", 2, ErrorCode::InvalidPartitions),
            ("t", -1, ErrorCode::InvalidPartitions),
            ("t", 1_000_000, ErrorCode::InvalidPartitions),
            ("u", 3, ErrorCode::UnknownTopicOrPartition),
            ("t", 3, ErrorCode::None),
        ] {
            let response = client.call(3, more_partitions(name, count)).await;
            assert_eq!(response.results[0].error_code, error, "{name} {count}");
        }
        let mut assigned = more_partitions("t", 4);
        assigned.topics[0].assignments = Some(vec![CreatePartitionsAssignment {
            broker_ids: vec![NODE + 5],
        }]);
        let response = client.call(3, assigned).await;
        assert_eq!(
            response.results[0].error_code,
            ErrorCode::InvalidReplicaAssignment
        );
        let answer = produce(&mut client, "t", 2, batch(&["a"])).await;
        assert_eq!(
            (answer.error_code, answer.base_offset),
            (ErrorCode::None, 0)
        );
    });
}

#[test]
fn records_are_deleted_up_to_an_offset() {
    let world = World::new();
    world.run(async {
        let mut client = world.client();
        create(&mut client, "t", 1, &[]).await;
        create(&mut client, "c", 1, &[("cleanup.policy", "compact")]).await;
        for topic in ["t", "c"] {
            for value in ["a", "b", "c"] {
                produce(&mut client, topic, 0, batch(&[value])).await;
            }
        }
        for (topic, offset, low_watermark, error) in [
            ("t", 1, 1, ErrorCode::None),
            ("t", 0, 1, ErrorCode::None),
            ("t", 4, -1, ErrorCode::OffsetOutOfRange),
            ("t", -2, -1, ErrorCode::OffsetOutOfRange),
            ("t", -1, 3, ErrorCode::None),
            ("c", 1, -1, ErrorCode::PolicyViolation),
            ("u", 1, -1, ErrorCode::UnknownTopicOrPartition),
        ] {
            let request = DeleteRecordsRequest {
                topics: vec![DeleteRecordsTopic {
                    name: Str::from(topic),
                    partitions: vec![DeleteRecordsPartition {
                        partition_index: 0,
                        offset,
                    }],
                }],
                ..DeleteRecordsRequest::default()
            };
            let response = client.call(2, request).await;
            let deleted = &response.topics[0].partitions[0];
            let outcome = (deleted.low_watermark, deleted.error_code);
            assert_eq!(outcome, (low_watermark, error), "{topic} {offset}");
        }
    });
}
