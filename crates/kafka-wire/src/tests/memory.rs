//! No frame takes more memory than its budget, and real ones fit theirs.

use allocation_counter::measure;
use bytes::Bytes;

use super::{AnyMessage, Check, for_every_message, sample};
use crate::arbitrary::Shape;
use crate::error::DecodeError;
use crate::message::Message;
use crate::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use crate::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponsePartition,
    MetadataResponseTopic,
};
use crate::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use crate::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use crate::reader::{BUDGET_FACTOR, BUDGET_FLOOR};
use crate::str::Str;

/// What sharing the frame costs beyond the budget: two reference-counted handles.
const HANDLES: usize = 128;

/// Reads `bytes` and checks what that allocated, at its peak and in all.
fn read_within_budget<M: AnyMessage>(bytes: &Bytes, version: i16) -> Result<(), DecodeError> {
    let mut read = Ok(());
    let used = measure(|| read = M::decode(bytes, version).map(drop));
    let limit = (BUDGET_FACTOR * bytes.len() + BUDGET_FLOOR + HANDLES) as u64;
    let len = bytes.len();
    assert!(
        used.bytes_total <= limit,
        "{} {version}: {used:?} for {len} bytes",
        M::NAME
    );
    read
}

struct Dense {
    read: usize,
    refused: usize,
}

impl Check for Dense {
    fn check<M: AnyMessage>(&mut self, version: i16) {
        for depth in 0..4 {
            let bytes = sample::<M>(
                0,
                version,
                Shape::Dense {
                    depth,
                    count: 20_000,
                },
            );
            match read_within_budget::<M>(&bytes, version) {
                Ok(()) => self.read += 1,
                Err(DecodeError::Memory { .. }) => self.refused += 1,
                Err(error) => panic!("{} {version}: {error}", M::NAME),
            }
        }
    }
}

#[test]
fn dense_elements_stay_within_the_budget() {
    let mut check = Dense {
        read: 0,
        refused: 0,
    };
    for_every_message(&mut check);
    assert!(
        check.read > 100 && check.refused > 100,
        "{} {}",
        check.read,
        check.refused
    );
}

struct Counts {
    refused: usize,
}

impl Check for Counts {
    /// Writes huge lengths over every place of a message: some of them are counts of arrays.
    fn check<M: AnyMessage>(&mut self, version: i16) {
        const HUGE: [&[u8]; 4] = [
            &[0x7f, 0xff, 0xff, 0xff],
            &[0x00, 0x0f, 0x42, 0x40],
            &[0xff, 0xff, 0xff, 0xff, 0x07],
            &[0xff, 0xff, 0x03],
        ];
        for seed in 0..2 {
            let whole = sample::<M>(seed, version, Shape::Mixed);
            for at in 0..whole.len().min(150) {
                for huge in HUGE {
                    let mut bytes = whole[..at].to_vec();
                    bytes.extend_from_slice(huge);
                    bytes.extend_from_slice(whole.get(at + huge.len()..).unwrap_or_default());
                    let bytes = Bytes::from(bytes);
                    let read = read_within_budget::<M>(&bytes, version);
                    self.refused += usize::from(read.is_err());
                }
            }
        }
    }
}

#[test]
fn hostile_counts_stay_within_the_budget() {
    let mut check = Counts { refused: 0 };
    for_every_message(&mut check);
    assert!(
        check.refused > 10_000,
        "only {} were refused",
        check.refused
    );
}

/// Checks that a request which a client might well send can be read.
fn assert_fits<M: AnyMessage>(request: &M, versions: impl IntoIterator<Item = i16>) {
    for version in versions {
        let bytes = request.encode(version).unwrap().into_bytes();
        assert_eq!(
            read_within_budget::<M>(&bytes, version),
            Ok(()),
            "{} {version}",
            M::NAME
        );
    }
}

#[test]
fn ten_thousand_short_names_fit() {
    let name = |number: i32| Some(Str::from(format!("t{number:04}")));
    let topic = |number| MetadataRequestTopic {
        name: name(number),
        ..Default::default()
    };
    let topics = Some((0..10_000).map(topic).collect());
    let request = MetadataRequest {
        topics,
        ..Default::default()
    };
    assert_fits(&request, MetadataRequest::VERSIONS);
}

#[test]
fn five_thousand_partitions_without_records_fit() {
    let partition = |index| PartitionProduceData {
        index,
        records: Some(Bytes::new()),
    };
    let topic = TopicProduceData {
        name: Str::from("t"),
        partition_data: (0..5_000).map(partition).collect(),
        ..Default::default()
    };
    let request = ProduceRequest {
        topic_data: vec![topic],
        ..Default::default()
    };
    assert_fits(&request, ProduceRequest::VERSIONS);
}

#[test]
fn many_topics_of_one_partition_fit() {
    let topic = |number| FetchTopic {
        topic: Str::from(format!("events-{number}")),
        partitions: vec![FetchPartition::default()],
        ..Default::default()
    };
    let topics = (0..10_000).map(topic).collect();
    let request = FetchRequest {
        topics,
        ..Default::default()
    };
    assert_fits(&request, FetchRequest::VERSIONS);
}

#[test]
fn many_partitions_of_one_topic_fit() {
    let partition = |partition_index| OffsetCommitRequestPartition {
        partition_index,
        ..Default::default()
    };
    let topic = OffsetCommitRequestTopic {
        name: Str::from("t"),
        partitions: (0..50_000).map(partition).collect(),
        ..Default::default()
    };
    let request = OffsetCommitRequest {
        topics: vec![topic],
        ..Default::default()
    };
    assert_fits(&request, OffsetCommitRequest::VERSIONS);
}

#[test]
fn the_metadata_of_a_large_cluster_fits() {
    let partition = |partition_index| MetadataResponsePartition {
        partition_index,
        replica_nodes: vec![1],
        isr_nodes: vec![1],
        ..Default::default()
    };
    let topic = |number: i32| MetadataResponseTopic {
        name: Some(Str::from(format!("topic-{number}"))),
        partitions: (0..3).map(partition).collect(),
        ..Default::default()
    };
    let topics = (0..5_000).map(topic).collect();
    let response = MetadataResponse {
        topics,
        ..Default::default()
    };
    assert_fits(&response, [0, 1, 8, 9, 13]);
}

#[test]
fn size_does_not_matter_for_names_of_six_characters() {
    let name = |number: i32| Some(Str::from(format!("{number:06}")));
    let topic = |number| MetadataRequestTopic {
        name: name(number),
        ..Default::default()
    };
    let topics = Some((0..200_000).map(topic).collect());
    let request = MetadataRequest {
        topics,
        ..Default::default()
    };
    assert_fits(&request, [0, 9, 13]);
}

#[test]
fn a_produce_request_of_one_partition_takes_three_allocations() {
    let partition = PartitionProduceData {
        index: 0,
        records: Some(vec![0; 1000].into()),
    };
    let topic = TopicProduceData {
        name: Str::from("orders"),
        partition_data: vec![partition],
        ..Default::default()
    };
    let request = ProduceRequest {
        acks: -1,
        topic_data: vec![topic],
        ..Default::default()
    };
    for version in ProduceRequest::VERSIONS {
        let bytes = request.encode(version).unwrap().into_bytes();
        let shared = bytes.clone();
        let used = measure(|| drop(ProduceRequest::decode(&shared, version)));
        // The topics, their partitions, and the handle by which strings share the frame.
        assert!(used.count_total <= 3, "version {version}: {used:?}");
        let pointer = ProduceRequest::decode(&bytes, version).unwrap().topic_data[0].partition_data
            [0]
        .records
        .as_ref()
        .map(|records| records.as_ptr());
        assert!(
            bytes.as_ptr_range().contains(&pointer.unwrap()),
            "records are copied"
        );
    }
}
