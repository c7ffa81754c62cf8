//! Requests that no client would send: they get an answer or the end of their connection, and nothing panics; and the
//! memory that requests take.

use crate::client::frame;
use crate::fixture::{
    Fixture, creatable, create_request, fetch_request, join, produce_request, sync, world_with,
};
use crate::records::batch;
use crate::versions::sound_frames;
use crate::world::World;
use allocation_counter::measure;
use bytes::Bytes;
use kafka_wire::arbitrary::{Shape, message};
use kafka_wire::messages::alter_configs::AlterConfigsRequest;
use kafka_wire::messages::api_versions::ApiVersionsRequest;
use kafka_wire::messages::create_partitions::CreatePartitionsRequest;
use kafka_wire::messages::create_topics::CreateTopicsRequest;
use kafka_wire::messages::delete_groups::DeleteGroupsRequest;
use kafka_wire::messages::delete_records::DeleteRecordsRequest;
use kafka_wire::messages::delete_topics::DeleteTopicsRequest;
use kafka_wire::messages::describe_cluster::DescribeClusterRequest;
use kafka_wire::messages::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};
use kafka_wire::messages::describe_groups::DescribeGroupsRequest;
use kafka_wire::messages::fetch::FetchRequest;
use kafka_wire::messages::find_coordinator::FindCoordinatorRequest;
use kafka_wire::messages::heartbeat::HeartbeatRequest;
use kafka_wire::messages::incremental_alter_configs::IncrementalAlterConfigsRequest;
use kafka_wire::messages::init_producer_id::InitProducerIdRequest;
use kafka_wire::messages::join_group::JoinGroupRequest;
use kafka_wire::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use kafka_wire::messages::list_groups::ListGroupsRequest;
use kafka_wire::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use kafka_wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use kafka_wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_wire::messages::offset_delete::OffsetDeleteRequest;
use kafka_wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use kafka_wire::messages::offset_for_leader_epoch::OffsetForLeaderEpochRequest;
use kafka_wire::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use kafka_wire::messages::sync_group::SyncGroupRequest;
use kafka_wire::{ApiRequest, Str};

/// Steele, Lea, Flood: splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound.max(1) as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    /// A frame that is almost like `frame`.
    fn damaged(&mut self, frame: &Bytes, other: &Bytes) -> Bytes {
        let mut bytes = frame.to_vec();
        // The API's key and version stay, or nearly all would end there.
        let at = 4 + self.below(bytes.len() - 4);
        match self.below(5) {
            0 => bytes.truncate(at),
            1 => bytes[at] = self.byte(),
            2 => {
                let end = (at + 4).min(bytes.len());
                bytes[at..end].fill([0x7f, 0xff, 0x00, 0x80][self.below(4)]);
            }
            3 => {
                let from = self.below(other.len());
                bytes.splice(at.., other[from..].iter().copied());
            }
            _ => (0..=self.below(4)).for_each(|_| bytes.insert(at, self.byte())),
        }
        bytes.into()
    }
}

/// Sends a frame; whether it was answered. What matters is that this returns.
fn send(world: &World, frame: Bytes) -> bool {
    world.run(async { world.client().raw(frame).await.is_ok() })
}

#[test]
fn damaged_frames_get_an_answer_or_the_end() {
    const ROUNDS: usize = 20;
    let frames = sound_frames();
    let fixture = Fixture::new();
    let (mut answered, mut closed) = (0, 0);
    for seed in 0..ROUNDS * frames.len() {
        let mut dice = Dice(seed as u64);
        let (at, other) = (seed % frames.len(), dice.below(frames.len()));
        let frame = dice.damaged(&frames[at], &frames[other]);
        match send(&fixture.world, frame) {
            true => answered += 1,
            false => closed += 1,
        }
    }
    assert!(
        answered > 200 && closed > 200,
        "{answered} answered, {closed} closed"
    );
    let sound = send(&fixture.world, frame(0, 0, &MetadataRequest::default()));
    assert!(sound, "the broker lives");
}

#[test]
fn noise_gets_an_answer_or_the_end() {
    let world = World::new();
    for seed in 0..2000 {
        let mut dice = Dice(seed);
        let noise: Vec<u8> = (0..dice.below(100)).map(|_| dice.byte()).collect();
        send(&world, noise.into());
    }
}

fn every_value<R: ApiRequest + kafka_wire::arbitrary::Arbitrary + Default>(world: &World) {
    for version in R::VERSIONS {
        for seed in 0..8 {
            let request: R = message(seed, version, Shape::Mixed);
            send(world, frame(version, 0, &request));
        }
    }
}

/// Whatever stands in the fields of a request, it is answered or refused.
#[test]
fn any_values_get_an_answer_or_the_end() {
    let world = Fixture::new().world;
    every_value::<AlterConfigsRequest>(&world);
    every_value::<ApiVersionsRequest>(&world);
    every_value::<CreatePartitionsRequest>(&world);
    every_value::<CreateTopicsRequest>(&world);
    every_value::<DeleteGroupsRequest>(&world);
    every_value::<DeleteRecordsRequest>(&world);
    every_value::<DeleteTopicsRequest>(&world);
    every_value::<DescribeClusterRequest>(&world);
    every_value::<DescribeConfigsRequest>(&world);
    every_value::<DescribeGroupsRequest>(&world);
    every_value::<FetchRequest>(&world);
    every_value::<FindCoordinatorRequest>(&world);
    every_value::<HeartbeatRequest>(&world);
    every_value::<IncrementalAlterConfigsRequest>(&world);
    every_value::<InitProducerIdRequest>(&world);
    every_value::<JoinGroupRequest>(&world);
    every_value::<LeaveGroupRequest>(&world);
    every_value::<ListGroupsRequest>(&world);
    every_value::<ListOffsetsRequest>(&world);
    every_value::<MetadataRequest>(&world);
    every_value::<OffsetCommitRequest>(&world);
    every_value::<OffsetDeleteRequest>(&world);
    every_value::<OffsetFetchRequest>(&world);
    every_value::<OffsetForLeaderEpochRequest>(&world);
    every_value::<ProduceRequest>(&world);
    every_value::<SyncGroupRequest>(&world);
}

/// How many elements the large requests have.
const MANY: usize = 10_000;

fn names() -> impl Iterator<Item = Str> {
    (0..MANY).map(|at| Str::from(format!("name-{at:06}")))
}

fn numbers() -> impl Iterator<Item = i32> {
    (0..).take(MANY)
}

/// Large requests, one for each API that has an array.
fn large_requests() -> Vec<(&'static str, Bytes)> {
    [
        large_record_requests(),
        large_offset_requests(),
        large_group_requests(),
        large_admin_requests(),
    ]
    .concat()
}

fn large_record_requests() -> Vec<(&'static str, Bytes)> {
    let topics = names().map(|name| TopicProduceData {
        name,
        partition_data: vec![PartitionProduceData {
            index: 0,
            records: Some(Bytes::from_static(&[0; 70])),
        }],
        ..TopicProduceData::default()
    });
    let produce = ProduceRequest {
        acks: -1,
        topic_data: topics.collect(),
        ..ProduceRequest::default()
    };
    let wanted: Vec<_> = numbers().map(|at| (at, 0)).collect();
    let fetch = fetch_request("some-topic", &wanted);
    let session = FetchRequest {
        session_epoch: 0,
        ..fetch.clone()
    };
    let partitions = numbers().map(|partition_index| ListOffsetsPartition {
        partition_index,
        ..ListOffsetsPartition::default()
    });
    let list = ListOffsetsRequest {
        topics: vec![ListOffsetsTopic {
            name: Str::from("some-topic"),
            partitions: partitions.collect(),
        }],
        ..ListOffsetsRequest::default()
    };
    vec![
        ("Produce", frame(12, 0, &produce)),
        ("Fetch", frame(12, 0, &fetch)),
        ("Fetch with a session", frame(12, 0, &session)),
        ("ListOffsets", frame(11, 0, &list)),
    ]
}

fn large_offset_requests() -> Vec<(&'static str, Bytes)> {
    let partitions = numbers().map(|at| OffsetCommitRequestPartition {
        partition_index: at % 2,
        ..OffsetCommitRequestPartition::default()
    });
    let commit = OffsetCommitRequest {
        group_id: Str::from("g"),
        topics: vec![OffsetCommitRequestTopic {
            name: Str::from("t"),
            partitions: partitions.collect(),
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    };
    let fetch = OffsetFetchRequest {
        groups: vec![OffsetFetchRequestGroup {
            group_id: Str::from("g"),
            topics: Some(vec![OffsetFetchRequestTopics {
                name: Str::from("t"),
                partition_indexes: numbers().collect(),
                ..OffsetFetchRequestTopics::default()
            }]),
            ..OffsetFetchRequestGroup::default()
        }],
        ..OffsetFetchRequest::default()
    };
    vec![
        ("OffsetCommit", frame(8, 0, &commit)),
        ("OffsetFetch", frame(9, 0, &fetch)),
    ]
}

fn large_group_requests() -> Vec<(&'static str, Bytes)> {
    let find = FindCoordinatorRequest {
        coordinator_keys: names().collect(),
        ..FindCoordinatorRequest::default()
    };
    let mut join = join("another", &Str::default());
    join.protocols[0].metadata = vec![0; 1 << 20].into();
    let mut sync = sync("g", &Str::from("nobody"), 1, &[(&Str::from("x"), "y")]);
    sync.assignments[0].assignment = vec![0; 1 << 20].into();
    let members = names().map(|member_id| MemberIdentity {
        member_id,
        ..MemberIdentity::default()
    });
    let leave = LeaveGroupRequest {
        group_id: Str::from("g"),
        members: members.collect(),
        ..LeaveGroupRequest::default()
    };
    let describe = DescribeGroupsRequest {
        groups: names().collect(),
        ..DescribeGroupsRequest::default()
    };
    let delete = DeleteGroupsRequest {
        groups_names: names().collect(),
    };
    vec![
        ("FindCoordinator", frame(6, 0, &find)),
        ("JoinGroup", frame(9, 0, &join)),
        ("SyncGroup", frame(5, 0, &sync)),
        ("LeaveGroup", frame(5, 0, &leave)),
        ("DescribeGroups", frame(5, 0, &describe)),
        ("DeleteGroups", frame(2, 0, &delete)),
    ]
}

fn large_admin_requests() -> Vec<(&'static str, Bytes)> {
    let topics = names().map(|name| MetadataRequestTopic {
        name: Some(name),
        ..MetadataRequestTopic::default()
    });
    let metadata = MetadataRequest {
        topics: Some(topics.collect()),
        allow_auto_topic_creation: false,
        ..MetadataRequest::default()
    };
    let create = create_request(names().map(|name| creatable(&name, 0, 1, &[])).collect());
    let delete = DeleteTopicsRequest {
        topic_names: names().collect(),
        ..DeleteTopicsRequest::default()
    };
    let resources = names().map(|resource_name| DescribeConfigsResource {
        resource_type: 2,
        resource_name,
        configuration_keys: None,
    });
    let describe = DescribeConfigsRequest {
        resources: resources.collect(),
        ..DescribeConfigsRequest::default()
    };
    vec![
        ("Metadata", frame(13, 0, &metadata)),
        ("CreateTopics", frame(7, 0, &create)),
        ("DeleteTopics", frame(5, 0, &delete)),
        ("DescribeConfigs", frame(4, 0, &describe)),
    ]
}

/// Reading a frame takes at most four times its length, which the codec's own tests show to the byte. Small elements turn
/// into structures, an answer and entries of the log, which take some times more; records and other large fields do not.
#[test]
fn large_requests_take_memory_in_proportion() {
    const ELEMENTS: u64 = 13;
    const LARGE_FIELDS: u64 = 3;
    const FLOOR: u64 = 512 << 10;
    for (name, frame) in large_requests() {
        let world = Fixture::new().world;
        let frame_len = frame.len() as u64;
        let mut client = world.client();
        let mut response_len = 0;
        let used = measure(|| {
            let answer = world.run(client.raw(frame.clone()));
            response_len = answer.expect("answered").expect("a response").len() as u64;
        });
        let times = match name {
            "Produce" | "JoinGroup" | "SyncGroup" => LARGE_FIELDS,
            _ => ELEMENTS,
        };
        let limit = times * (frame_len + response_len) + FLOOR;
        assert!(
            used.bytes_max <= limit,
            "{name}: a frame of {frame_len} bytes and a response of {response_len} took {} bytes",
            used.bytes_max
        );
    }
}

/// Only records make a request large; whatever else is, is not read.
#[test]
fn large_requests_without_records_are_refused() {
    let world = World::new();
    let name = Str::from("x".repeat(1000));
    let topic = MetadataRequestTopic {
        name: Some(name),
        ..MetadataRequestTopic::default()
    };
    let request = MetadataRequest {
        topics: Some(vec![topic; 21_000]),
        ..MetadataRequest::default()
    };
    let frame = frame(9, 0, &request);
    let used = measure(|| {
        let closed = world.run(async { world.client().raw(frame.clone()).await.unwrap_err() });
        let expected = format!(
            "a Metadata request of {} bytes, more than 20971520",
            frame.len()
        );
        assert_eq!(closed.to_string(), expected);
    });
    assert!(used.bytes_max < 10_000, "{used:?}");
}

/// What the hot path costs: requests decoded, checked, appended, made durable and answered.
#[test]
fn produce_and_fetch_allocate_little() {
    let world = world_with("t", 1);
    let mut client = world.client();
    let produce = frame(9, 1, &produce_request("t", 0, -1, batch(&["a record"])));
    let fetch = frame(12, 1, &fetch_request("t", &[(0, 0)]));
    for (what, frame, allocations_max) in [("Produce", produce, 36), ("Fetch", fetch, 20)] {
        let mut send = || {
            world
                .run(client.raw(frame.clone()))
                .unwrap()
                .expect("a response")
        };
        send();
        let used = measure(|| drop(send()));
        assert!(used.count_total <= allocations_max, "{what}: {used:?}");
    }
}
