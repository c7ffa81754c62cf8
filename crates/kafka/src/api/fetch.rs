//! Fetch: records out of partitions, now or as soon as there are enough.
//!
//! Record bytes are slices of what the log holds; they are copied only for clients older than magic 2. Every
//! consumer sees everything that is durable: there are no transactions yet, so the last stable offset is the high
//! watermark. Truncation detection by followers (`last_fetched_epoch`) is not served, because there are none.

mod convert;
mod read;

use super::Context;
use crate::fetch_sessions::{Told, Wanted};
use bytes::Bytes;
use kafka_wire::messages::fetch::{
    FetchRequest, FetchResponse, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint,
    PartitionData,
};
use kafka_wire::{Chunks, ErrorCode, Str};
use read::{Answer, Limits};
use std::time::Duration;

/// The most bytes of records in one response (`fetch.max.bytes`, 55 MiB, Kafka's default), whatever the client asks for.
const RESPONSE_BYTES_MAX: i32 = 55 << 20;

/// From this version on a batch that is larger than the limits is given whole where it is the first (KIP-74).
const WHOLE_BATCH_VERSION: i16 = 3;

pub(super) async fn handle(context: &Context<'_>, request: FetchRequest) -> FetchResponse {
    let broker = context.broker;
    let now = broker.clock.now();
    let limits = limits(context, &request);
    let read_committed = context.version >= 4 && request.isolation_level != 0;
    let wait_ms = u64::try_from(request.max_wait_ms).unwrap_or(0);
    let goes_on = request.session_epoch > 0;
    let begun = broker.fetch_sessions.begin(now, context.version, request);
    let (wanted, mut mode) = match begun {
        Ok(begun) => begun,
        Err(error_code) => {
            return FetchResponse {
                error_code,
                ..FetchResponse::default()
            };
        }
    };
    // A request that names no partition, to close its session perhaps, is answered at once; one that goes on with a
    // session in which there is nothing new is not.
    let waits = !wanted.is_empty() || goes_on;
    let wait = Duration::from_millis(if waits { wait_ms } else { 0 });
    let answers = read::read(context, &wanted, limits, now + wait).await;
    let mut response = FetchResponse::default();
    for (answer, wanted) in answers.into_iter().zip(wanted) {
        let data = partition_data(context, &wanted, answer, read_committed);
        if mode.tell(&wanted, told(&data)) {
            broker.counters().fetched_bytes.add(records_len(&data));
            push(&mut response.responses, wanted, data);
        }
    }
    let now = broker.clock.now();
    response.session_id = broker.fetch_sessions.finish(now, &*broker.entropy, mode);
    name_leader(context, &mut response);
    response
}

fn limits(context: &Context<'_>, request: &FetchRequest) -> Limits {
    let bytes_max = request.max_bytes.clamp(0, RESPONSE_BYTES_MAX);
    Limits {
        bytes_max: usize::try_from(bytes_max).unwrap_or(0),
        // Where a client asks for more at once than it would take, waiting for that would be in vain.
        bytes_min: usize::try_from(request.min_bytes.clamp(0, bytes_max)).unwrap_or(0),
        first_batch_whole: context.version >= WHOLE_BATCH_VERSION,
    }
}

fn records_len(data: &PartitionData) -> usize {
    data.records.as_ref().map_or(0, Chunks::len)
}

fn told(data: &PartitionData) -> Told {
    Told {
        failed: data.error_code.is_error(),
        has_records: records_len(data) > 0,
        high_watermark: data.high_watermark,
        log_start_offset: data.log_start_offset,
    }
}

fn partition_data(
    context: &Context<'_>,
    wanted: &Wanted,
    answer: Answer,
    read_committed: bool,
) -> PartitionData {
    let partition_index = wanted.partition.partition;
    let failed = |error_code| PartitionData {
        partition_index,
        error_code,
        high_watermark: -1,
        records: Some(Bytes::new().into()),
        ..PartitionData::default()
    };
    let found = match answer {
        Ok(found) => found,
        Err(error_code) => return failed(error_code),
    };
    let records = match convert::for_version(context, wanted, found.batches) {
        Ok(records) => records,
        Err(error_code) => return failed(error_code),
    };
    PartitionData {
        partition_index,
        high_watermark: found.bounds.high_watermark,
        last_stable_offset: found.bounds.high_watermark,
        log_start_offset: found.bounds.log_start,
        aborted_transactions: read_committed.then(Vec::new),
        records: Some(records),
        ..PartitionData::default()
    }
}

/// Adds a partition; those of one topic that follow each other share an element, as in Kafka.
fn push(topics: &mut Vec<FetchableTopicResponse>, wanted: Wanted, data: PartitionData) {
    match topics.last_mut() {
        Some(last) if last.topic == wanted.topic && last.topic_id == wanted.topic_id => {
            last.partitions.push(data);
        }
        _ => topics.push(FetchableTopicResponse {
            topic: wanted.topic,
            topic_id: wanted.topic_id,
            partitions: vec![data],
        }),
    }
}

/// Tells a client with an old idea of the leader's epoch which one is right (KIP-951).
fn name_leader(context: &Context<'_>, response: &mut FetchResponse) {
    let broker = context.broker;
    let mut named = false;
    for topic in &mut response.responses {
        for data in &mut topic.partitions {
            if data.error_code == ErrorCode::FencedLeaderEpoch {
                named = true;
                data.current_leader = LeaderIdAndEpoch {
                    leader_id: broker.node_id,
                    leader_epoch: broker.leader_epoch(),
                };
            }
        }
    }
    if named {
        let endpoint = broker.endpoint(&context.peer.reached);
        response.node_endpoints = vec![NodeEndpoint {
            node_id: broker.node_id,
            host: Str::from(&endpoint.host),
            port: i32::from(endpoint.port),
            rack: None,
        }];
    }
}
