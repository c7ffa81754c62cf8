//! No frame takes more memory than its budget, and real ones fit theirs.

use allocation_counter::measure;
use bytes::Bytes;

use super::{AnyMessage, Check, for_every_message, sample};
use crate::arbitrary::Shape;
use crate::error::DecodeError;
use crate::message::Message;
use crate::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use crate::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use crate::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use crate::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use crate::reader::{BUDGET_FACTOR, BUDGET_FLOOR};
use crate::str::Str;

/// What sharing the frame costs beyond the budget: two reference-counted handles.
const HANDLES: usize = 128;

/// Reads `bytes` and checks what that allocated, at its peak and in all.
fn assert_within_budget<M: AnyMessage>(bytes: &Bytes, version: i16) {
    let used = measure(|| drop(M::decode(bytes, version)));
    let limit = (BUDGET_FACTOR * bytes.len() + BUDGET_FLOOR + HANDLES) as u64;
    let len = bytes.len();
    assert!(
        used.bytes_total <= limit,
        "{} {version}: {used:?} for {len} bytes",
        M::NAME
    );
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
            assert_within_budget::<M>(&bytes, version);
            match M::decode(&bytes, version) {
                Ok(_) => self.read += 1,
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
                    assert_within_budget::<M>(&bytes, version);
                    self.refused += usize::from(M::decode(&bytes, version).is_err());
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

/// Checks that a request which a client might well send can be read in every version.
fn assert_fits<M: AnyMessage>(request: &M, oldest: i16) {
    for version in oldest..=*M::VERSIONS.end() {
        let bytes = request.encode(version).unwrap().into_bytes();
        let read = M::decode(&bytes, version);
        assert!(read.is_ok(), "{} {version}: {:?}", M::NAME, read.err());
        assert_within_budget::<M>(&bytes, version);
    }
}

#[test]
fn large_requests_of_real_clients_fit() {
    let name = |number: i32| Str::from(format!("t{number:04}"));
    let topics = (0..10_000)
        .map(|number| MetadataRequestTopic {
            name: Some(name(number)),
            ..Default::default()
        })
        .collect();
    assert_fits(
        &MetadataRequest {
            topics: Some(topics),
            ..Default::default()
        },
        0,
    );

    let partition_data = (0..5_000)
        .map(|index| PartitionProduceData {
            index,
            records: Some(Bytes::new()),
        })
        .collect();
    let topic = TopicProduceData {
        name: name(1),
        partition_data,
        ..Default::default()
    };
    assert_fits(
        &ProduceRequest {
            topic_data: vec![topic],
            ..Default::default()
        },
        0,
    );

    let topics = (0..20_000)
        .map(|number| FetchTopic {
            topic: Str::from(format!("events-{number}")),
            partitions: vec![FetchPartition::default()],
            ..Default::default()
        })
        .collect();
    assert_fits(
        &FetchRequest {
            topics,
            ..Default::default()
        },
        0,
    );

    let partitions = (0..100_000)
        .map(|partition_index| OffsetCommitRequestPartition {
            partition_index,
            ..Default::default()
        })
        .collect();
    let topic = OffsetCommitRequestTopic {
        name: name(1),
        partitions,
        ..Default::default()
    };
    assert_fits(
        &OffsetCommitRequest {
            topics: vec![topic],
            ..Default::default()
        },
        0,
    );
}

#[test]
fn size_does_not_matter_for_names_of_six_characters() {
    let topics = (0..100_000)
        .map(|number| MetadataRequestTopic {
            name: Some(Str::from(format!("{number:06}"))),
            ..Default::default()
        })
        .collect();
    assert_fits(
        &MetadataRequest {
            topics: Some(topics),
            ..Default::default()
        },
        0,
    );
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
