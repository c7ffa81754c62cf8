//! Ends of partitions, asked from their leaders.

use std::collections::BTreeMap;

use anyhow::Result;
use kafka_wire::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};

use crate::client::{Cluster, check};

/// ListOffsets' timestamp for the first offset that there is.
pub(crate) const EARLIEST: i64 = -2;

/// ListOffsets' timestamp for the offset that the next record will get.
pub(crate) const LATEST: i64 = -1;

/// Topic and partition, and the id of the broker that leads it (negative where none does).
pub(crate) type Partitions = BTreeMap<(String, i32), i32>;

/// One end of every partition. Those without a leader, or whose leader is unwilling just now, are left out.
pub(crate) fn list_offsets(
    cluster: &mut Cluster,
    partitions: &Partitions,
    timestamp: i64,
) -> Result<BTreeMap<(String, i32), i64>> {
    let mut by_leader: BTreeMap<i32, BTreeMap<&str, Vec<i32>>> = BTreeMap::new();
    for ((topic, partition), leader) in partitions {
        let topics = by_leader.entry(*leader).or_default();
        topics.entry(topic).or_default().push(*partition);
    }
    let mut offsets = BTreeMap::new();
    for (leader, topics) in by_leader.into_iter().filter(|(leader, _)| *leader >= 0) {
        let partition = |partition_index| ListOffsetsPartition {
            partition_index,
            timestamp,
            ..ListOffsetsPartition::default()
        };
        let topic = |(name, partitions): (&str, Vec<i32>)| ListOffsetsTopic {
            name: name.into(),
            partitions: partitions.into_iter().map(partition).collect(),
        };
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: topics.into_iter().map(topic).collect(),
            ..ListOffsetsRequest::default()
        };
        for topic in cluster.broker(leader)?.call(1..=7, &request)?.topics {
            for partition in topic.partitions {
                if partition.error_code.is_retriable() {
                    continue;
                }
                let what = format!("{} partition {}", topic.name, partition.partition_index);
                check(&what, partition.error_code, None)?;
                let key = (topic.name.to_string(), partition.partition_index);
                offsets.insert(key, partition.offset);
            }
        }
    }
    Ok(offsets)
}
