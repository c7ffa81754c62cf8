//! A broker with something in it, and the requests that most tests send.

use crate::client::Client;
use crate::records;
use crate::world::World;
use bytes::Bytes;
use kafka::Settings;
use kafka_wire::messages::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use kafka_wire::messages::fetch::{
    FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData,
};
use kafka_wire::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use kafka_wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_wire::messages::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, TopicProduceData,
};
use kafka_wire::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};
use kafka_wire::{ErrorCode, Str, Uuid};

/// A topic `t` of two partitions, whose first holds the records `a`, `b`, `c`; a stable group `g` of one
/// member, which has committed offset 2 there.
pub(crate) struct Fixture {
    pub(crate) world: World,
    pub(crate) topic_id: Uuid,
    pub(crate) member_id: Str,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let world = World::new();
        let (topic_id, member_id) = world.run(async {
            let mut client = world.client();
            let topic_id = create(&mut client, "t", 2, &[]).await;
            let produced = produce(&mut client, "t", 0, records::batch(&["a", "b", "c"])).await;
            assert_eq!(produced.error_code, ErrorCode::None);
            let member_id = join_alone(&mut client, "g").await;
            let committed = client.call(8, commit("g", &member_id, 1, "t", 0, 2)).await;
            let partition = &committed.topics[0].partitions[0];
            assert_eq!(partition.error_code, ErrorCode::None);
            (topic_id, member_id)
        });
        Self {
            world,
            topic_id,
            member_id,
        }
    }
}

/// A world with a topic.
pub(crate) fn world_with(topic: &str, partitions: i32) -> World {
    let world = World::with(Settings::default());
    world.run(async {
        create(&mut world.client(), topic, partitions, &[]).await;
    });
    world
}

/// Creates a topic, and returns its id.
pub(crate) async fn create(
    client: &mut Client,
    name: &str,
    partitions: i32,
    configs: &[(&str, &str)],
) -> Uuid {
    let topic = creatable(name, partitions, 1, configs);
    let response = client.call(7, create_request(vec![topic])).await;
    let topic = &response.topics[0];
    assert_eq!(topic.error_code, ErrorCode::None, "{topic:?}");
    topic.topic_id
}

pub(crate) fn create_request(topics: Vec<CreatableTopic>) -> CreateTopicsRequest {
    CreateTopicsRequest {
        topics,
        ..CreateTopicsRequest::default()
    }
}

pub(crate) fn creatable(
    name: &str,
    num_partitions: i32,
    replication_factor: i16,
    configs: &[(&str, &str)],
) -> CreatableTopic {
    let config = |(name, value): &(&str, &str)| CreatableTopicConfig {
        name: Str::from(*name),
        value: Some(Str::from(*value)),
    };
    CreatableTopic {
        name: Str::from(name),
        num_partitions,
        replication_factor,
        configs: configs.iter().map(config).collect(),
        ..CreatableTopic::default()
    }
}

pub(crate) fn produce_request(
    topic: &str,
    partition: i32,
    acks: i16,
    records: Bytes,
) -> ProduceRequest {
    ProduceRequest {
        acks,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            name: Str::from(topic),
            partition_data: vec![PartitionProduceData {
                index: partition,
                records: Some(records),
            }],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    }
}

/// Produces with acks=all in the newest version that knows names.
pub(crate) async fn produce(
    client: &mut Client,
    topic: &str,
    partition: i32,
    records: Bytes,
) -> PartitionProduceResponse {
    produce_at(client, 12, topic, partition, records).await
}

pub(crate) async fn produce_at(
    client: &mut Client,
    version: i16,
    topic: &str,
    partition: i32,
    records: Bytes,
) -> PartitionProduceResponse {
    let request = produce_request(topic, partition, -1, records);
    let mut response = client.call(version, request).await;
    let mut topic = response.responses.remove(0);
    topic.partition_responses.remove(0)
}

/// A fetch of some partitions of one topic from these offsets on, which does not wait.
pub(crate) fn fetch_request(topic: &str, wanted: &[(i32, i64)]) -> FetchRequest {
    let partition = |&(partition, fetch_offset): &(i32, i64)| FetchPartition {
        partition,
        fetch_offset,
        partition_max_bytes: 1 << 20,
        ..FetchPartition::default()
    };
    FetchRequest {
        min_bytes: 1,
        max_bytes: 50 << 20,
        topics: vec![FetchTopic {
            topic: Str::from(topic),
            partitions: wanted.iter().map(partition).collect(),
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    }
}

/// The only partition of a response.
pub(crate) fn only(mut response: FetchResponse) -> PartitionData {
    assert_eq!(response.error_code, ErrorCode::None);
    assert_eq!(response.responses.len(), 1, "{response:?}");
    response.responses.remove(0).partitions.remove(0)
}

/// The records of a partition of a response.
pub(crate) fn bytes_of(data: &PartitionData) -> Bytes {
    data.records
        .as_ref()
        .expect("records are never null")
        .to_bytes()
}

pub(crate) fn join(group: &str, member_id: &Str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: Str::from(group),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 10_000,
        member_id: member_id.clone(),
        protocol_type: Str::from("consumer"),
        protocols: vec![JoinGroupRequestProtocol {
            name: Str::from("range"),
            metadata: Bytes::from_static(b"metadata"),
        }],
        ..JoinGroupRequest::default()
    }
}

pub(crate) fn sync(
    group: &str,
    member_id: &Str,
    generation_id: i32,
    assignments: &[(&Str, &'static str)],
) -> SyncGroupRequest {
    let assignment = |(member_id, assignment): &(&Str, &'static str)| SyncGroupRequestAssignment {
        member_id: (*member_id).clone(),
        assignment: Bytes::from_static(assignment.as_bytes()),
    };
    SyncGroupRequest {
        group_id: Str::from(group),
        generation_id,
        member_id: member_id.clone(),
        protocol_type: Some(Str::from("consumer")),
        protocol_name: Some(Str::from("range")),
        assignments: assignments.iter().map(assignment).collect(),
        ..SyncGroupRequest::default()
    }
}

/// Joins a group as its only member, and takes everything.
pub(crate) async fn join_alone(client: &mut Client, group: &str) -> Str {
    let given = client.call(9, join(group, &Str::default())).await;
    assert_eq!(given.error_code, ErrorCode::MemberIdRequired);
    let member_id = given.member_id;
    let joined = client.call(9, join(group, &member_id)).await;
    assert_eq!(joined.error_code, ErrorCode::None);
    let request = sync(
        group,
        &member_id,
        joined.generation_id,
        &[(&member_id, "everything")],
    );
    let synced = client.call(5, request).await;
    assert_eq!(synced.error_code, ErrorCode::None);
    member_id
}

pub(crate) fn commit(
    group: &str,
    member_id: &Str,
    generation_id_or_member_epoch: i32,
    topic: &str,
    partition_index: i32,
    committed_offset: i64,
) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group_id: Str::from(group),
        generation_id_or_member_epoch,
        member_id: member_id.clone(),
        topics: vec![OffsetCommitRequestTopic {
            name: Str::from(topic),
            partitions: vec![OffsetCommitRequestPartition {
                partition_index,
                committed_offset,
                committed_leader_epoch: 1,
                committed_metadata: Some(Str::from("note")),
                ..OffsetCommitRequestPartition::default()
            }],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    }
}
