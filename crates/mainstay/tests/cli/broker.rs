//! A broker made of canned answers: as much of Kafka's protocol as the commands ask for.
//!
//! It holds the topic `orders` with two partitions, of which the second has no leader, and the group `readers`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use bytes::Bytes;
use kafka_wire::consumer_protocol::{ConsumerProtocolAssignment, TopicPartition, encode_versioned};
use kafka_wire::messages::api_versions::{ApiVersion, ApiVersionsResponse};
use kafka_wire::messages::create_partitions::{
    CreatePartitionsResponse, CreatePartitionsTopicResult,
};
use kafka_wire::messages::create_topics::{CreatableTopicResult, CreateTopicsResponse};
use kafka_wire::messages::delete_topics::{DeletableTopicResult, DeleteTopicsResponse};
use kafka_wire::messages::describe_configs::{
    DescribeConfigsResourceResult, DescribeConfigsResponse, DescribeConfigsResult,
};
use kafka_wire::messages::describe_groups::{
    DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};
use kafka_wire::messages::find_coordinator::FindCoordinatorResponse;
use kafka_wire::messages::list_groups::{ListGroupsResponse, ListedGroup};
use kafka_wire::messages::list_offsets::{
    ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopicResponse,
};
use kafka_wire::messages::metadata::{
    MetadataRequest, MetadataResponse, MetadataResponseBroker, MetadataResponsePartition,
    MetadataResponseTopic,
};
use kafka_wire::messages::offset_fetch::{
    OffsetFetchResponse, OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};
use kafka_wire::{ErrorCode, RequestBody, ResponseBody, Str, Uuid, api, decode_request};

const NODE: i32 = 7;

/// A broker's id, and what it tells of all brokers.
#[derive(Clone)]
struct Node {
    id: i32,
    brokers: Vec<MetadataResponseBroker>,
}

/// Starts a broker that lives until the test process ends; gives its address.
pub(crate) fn start() -> String {
    // Where nobody can connect: the only broker must be asked where it was found.
    let brokers = vec![broker(NODE, "unreachable.invalid", 1)];
    let (listener, address) = bind();
    serve(listener, Node { id: NODE, brokers });
    address.to_string()
}

/// Starts two brokers of one cluster; gives the address of the first.
pub(crate) fn start_two() -> String {
    let (listeners, addresses): (Vec<_>, Vec<_>) = [bind(), bind()].into_iter().unzip();
    let ids = [NODE, NODE + 1];
    let told = ids.iter().zip(&addresses);
    let brokers: Vec<_> = told
        .map(|(id, address)| broker(*id, &address.ip().to_string(), address.port().into()))
        .collect();
    for (id, listener) in ids.into_iter().zip(listeners) {
        let brokers = brokers.clone();
        serve(listener, Node { id, brokers });
    }
    addresses[0].to_string()
}

fn broker(node_id: i32, host: &str, port: i32) -> MetadataResponseBroker {
    MetadataResponseBroker {
        node_id,
        host: host.into(),
        port,
        ..MetadataResponseBroker::default()
    }
}

fn serve(listener: TcpListener, node: Node) {
    listen(listener, move |stream| {
        while let Some(frame) = read_frame(stream) {
            let request = decode_request(&frame).unwrap();
            let header = request.header;
            let answer = answer(&node, request.body)
                .encode(header.api_version, header.correlation_id)
                .unwrap();
            stream.write_all(&answer.into_bytes()).unwrap();
        }
    });
}

/// Starts a server that sends these bytes to whoever asks anything, then closes the connection.
pub(crate) fn start_saying(bytes: &'static [u8]) -> String {
    let (listener, address) = bind();
    listen(listener, move |stream| {
        if read_frame(stream).is_some() {
            stream.write_all(bytes).unwrap();
        }
    });
    address.to_string()
}

fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Serves every connection in a thread of its own.
fn listen(listener: TcpListener, serve: impl Fn(&mut TcpStream) + Clone + Send + 'static) {
    thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = serve.clone();
            thread::spawn(move || serve(&mut stream.unwrap()));
        }
    });
}

fn read_frame(stream: &mut TcpStream) -> Option<Bytes> {
    let mut len = [0; 4];
    stream.read_exact(&mut len).ok()?;
    let mut frame = vec![0; usize::try_from(i32::from_be_bytes(len)).unwrap()];
    stream.read_exact(&mut frame).unwrap();
    Some(frame.into())
}

fn answer(node: &Node, body: RequestBody) -> ResponseBody {
    match body {
        RequestBody::ApiVersions(_) => api_versions().into(),
        RequestBody::Metadata(request) => metadata(node, request).into(),
        RequestBody::CreateTopics(request) => {
            let mut answer = CreateTopicsResponse::default();
            for topic in request.topics {
                let exists = topic.name.as_str() == "orders";
                let known = topic
                    .configs
                    .iter()
                    .all(|c| c.name.as_str() == "retention.ms");
                answer.topics.push(CreatableTopicResult {
                    error_code: match (exists, known) {
                        (true, _) => ErrorCode::TopicAlreadyExists,
                        (_, false) => ErrorCode::InvalidConfig,
                        _ => ErrorCode::None,
                    },
                    error_message: exists.then(|| "it is \x1b[31mthere\n".into()),
                    name: topic.name,
                    ..CreatableTopicResult::default()
                });
            }
            answer.into()
        }
        RequestBody::DeleteTopics(request) => {
            let mut answer = DeleteTopicsResponse::default();
            for name in request.topic_names {
                answer.responses.push(DeletableTopicResult {
                    error_code: unknown_unless(name.as_str() == "orders"),
                    name: Some(name),
                    ..DeletableTopicResult::default()
                });
            }
            answer.into()
        }
        RequestBody::CreatePartitions(request) => {
            let mut answer = CreatePartitionsResponse::default();
            for topic in request.topics {
                let enough = topic.count > 2;
                answer.results.push(CreatePartitionsTopicResult {
                    name: topic.name,
                    error_code: if enough {
                        ErrorCode::None
                    } else {
                        ErrorCode::InvalidPartitions
                    },
                    error_message: None,
                });
            }
            answer.into()
        }
        RequestBody::DescribeConfigs(_) => configs().into(),
        RequestBody::ListOffsets(request) => list_offsets(request).into(),
        body => group_answer(node, body),
    }
}

fn group_answer(node: &Node, body: RequestBody) -> ResponseBody {
    match body {
        RequestBody::ListGroups(_) => ListGroupsResponse {
            groups: vec![ListedGroup {
                group_id: if node.id == NODE { "readers" } else { "others" }.into(),
                protocol_type: "consumer".into(),
                group_state: "Stable".into(),
                group_type: "classic".into(),
            }],
            ..ListGroupsResponse::default()
        }
        .into(),
        RequestBody::FindCoordinator(request) => FindCoordinatorResponse {
            error_code: match request.key.as_str() {
                "moving" => ErrorCode::CoordinatorNotAvailable,
                _ => ErrorCode::None,
            },
            node_id: NODE,
            ..FindCoordinatorResponse::default()
        }
        .into(),
        RequestBody::DescribeGroups(_) => described_group().into(),
        RequestBody::OffsetFetch(_) => OffsetFetchResponse {
            topics: vec![OffsetFetchResponseTopic {
                name: "orders".into(),
                partitions: vec![OffsetFetchResponsePartition {
                    partition_index: 0,
                    committed_offset: 4,
                    ..OffsetFetchResponsePartition::default()
                }],
            }],
            ..OffsetFetchResponse::default()
        }
        .into(),
        other => panic!("the commands do not ask for {}", other.key()),
    }
}

fn unknown_unless(known: bool) -> ErrorCode {
    if known {
        ErrorCode::None
    } else {
        ErrorCode::UnknownTopicOrPartition
    }
}

fn api_versions() -> ApiVersionsResponse {
    let known = |api: &api::Api| ApiVersion {
        api_key: api.key.code(),
        min_version: *api.versions.start(),
        max_version: *api.versions.end(),
    };
    ApiVersionsResponse {
        api_keys: api::APIS.iter().map(known).collect(),
        ..ApiVersionsResponse::default()
    }
}

fn metadata(node: &Node, request: MetadataRequest) -> MetadataResponse {
    assert!(
        !request.allow_auto_topic_creation,
        "looking must not create"
    );
    let partition = |partition_index, leader_id| MetadataResponsePartition {
        partition_index,
        leader_id,
        leader_epoch: 3,
        replica_nodes: vec![NODE],
        isr_nodes: vec![NODE],
        ..MetadataResponsePartition::default()
    };
    let topic = |name: Str| {
        let known = name.as_str() == "orders";
        MetadataResponseTopic {
            error_code: unknown_unless(known),
            name: Some(name),
            topic_id: Uuid::from(1),
            partitions: if known {
                vec![partition(1, -1), partition(0, NODE)]
            } else {
                Vec::new()
            },
            ..MetadataResponseTopic::default()
        }
    };
    let names = match request.topics {
        Some(topics) => topics.into_iter().filter_map(|topic| topic.name).collect(),
        None => vec!["orders".into()],
    };
    MetadataResponse {
        brokers: node.brokers.clone(),
        topics: names.into_iter().map(topic).collect(),
        ..MetadataResponse::default()
    }
}

fn configs() -> DescribeConfigsResponse {
    let config = |name: &str, value: &str, config_source| DescribeConfigsResourceResult {
        name: name.into(),
        value: Some(value.into()),
        config_source,
        ..DescribeConfigsResourceResult::default()
    };
    DescribeConfigsResponse {
        results: vec![DescribeConfigsResult {
            resource_type: 2,
            resource_name: "orders".into(),
            configs: vec![
                config("retention.ms", "60000", 1),
                config("flush.ms", "1", 5),
            ],
            ..DescribeConfigsResult::default()
        }],
        ..DescribeConfigsResponse::default()
    }
}

fn list_offsets(request: ListOffsetsRequest) -> ListOffsetsResponse {
    let mut answer = ListOffsetsResponse::default();
    for topic in request.topics {
        let partition = |p: &kafka_wire::messages::list_offsets::ListOffsetsPartition| {
            assert_eq!(p.partition_index, 0, "the other has no leader to ask");
            ListOffsetsPartitionResponse {
                partition_index: 0,
                offset: if p.timestamp == -1 { 10 } else { 2 },
                ..ListOffsetsPartitionResponse::default()
            }
        };
        answer.topics.push(ListOffsetsTopicResponse {
            partitions: topic.partitions.iter().map(partition).collect(),
            name: topic.name,
        });
    }
    answer
}

fn described_group() -> DescribeGroupsResponse {
    let assignment = ConsumerProtocolAssignment {
        assigned_partitions: vec![TopicPartition {
            topic: "orders".into(),
            partitions: vec![0, 1],
        }],
        ..ConsumerProtocolAssignment::default()
    };
    DescribeGroupsResponse {
        groups: vec![DescribedGroup {
            group_id: "readers".into(),
            group_state: "Stable".into(),
            protocol_type: "consumer".into(),
            protocol_data: "range".into(),
            members: vec![DescribedGroupMember {
                member_id: "m-1".into(),
                client_id: "app".into(),
                client_host: "/127.0.0.1".into(),
                member_assignment: encode_versioned(&assignment, 0).unwrap().into_bytes(),
                ..DescribedGroupMember::default()
            }],
            ..DescribedGroup::default()
        }],
        ..DescribeGroupsResponse::default()
    }
}
