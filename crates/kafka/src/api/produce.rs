//! Produce: records into partitions.
//!
//! It has two halves. [`begin`] checks every partition's records and gives them their place in the log's order;
//! [`Pending::finish`] completes when they are durable. Partitions are independent: what is wrong with one of them
//! does not keep the others from being written.

mod check;

use super::Context;
use crate::partitions;
use crate::session::Close;
use base::BoxFuture;
use check::Refusal;
use commitlog::{AppendOutcome, Appended, Batch, Stream};
use kafka_wire::messages::produce::{
    BatchIndexAndErrorMessage, PartitionProduceData, PartitionProduceResponse, ProduceRequest,
    ProduceResponse, TopicProduceData, TopicProduceResponse,
};
use kafka_wire::{Encoded, ErrorCode, Str};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// The shortest time that a Produce is given, whatever it asks for. The time-out was made for replicas
/// that lag; here it has to cover the sync that Kafka acknowledges without.
const TIMEOUT_MIN: Duration = Duration::from_secs(1);

/// Records that have their place in the log and wait to become durable.
pub(crate) struct Pending {
    version: i16,
    correlation_id: i32,
    acks: i16,
    response: ProduceResponse,
    appends: Vec<Append>,
    timeout: BoxFuture<'static, ()>,
}

/// The batches that went to one shard.
struct Append {
    outcome: oneshot::Receiver<AppendOutcome>,
    slots: Vec<Slot>,
}

/// The partition of the response that a batch belongs to.
struct Slot {
    topic: usize,
    partition: usize,
    stream: Arc<Stream>,
}

/// Checks the records and sends them to their shards, in the order of the request.
pub(crate) async fn begin(
    context: &Context<'_>,
    correlation_id: i32,
    request: ProduceRequest,
) -> Pending {
    let clock = &context.broker.clock;
    let asked = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    let mut pending = Pending {
        version: context.version,
        correlation_id,
        acks: request.acks,
        response: ProduceResponse {
            responses: Vec::with_capacity(request.topic_data.len()),
            ..ProduceResponse::default()
        },
        appends: Vec::new(),
        timeout: clock.sleep_until(clock.now() + asked.max(TIMEOUT_MIN)),
    };
    let mut mail: Vec<(base::ShardId, Vec<Batch>, Vec<Slot>)> = Vec::new();
    for data in request.topic_data {
        pending.take_topic(context, data, request.acks, &mut mail);
    }
    for (shard, batches, slots) in mail {
        match context.broker.log.shard(shard).append(batches).await {
            Ok(outcome) => pending.appends.push(Append { outcome, slots }),
            Err(_) => pending.fail(&slots, ErrorCode::KafkaStorageError),
        }
    }
    pending
}

impl Pending {
    fn take_topic(
        &mut self,
        context: &Context<'_>,
        data: TopicProduceData,
        acks: i16,
        mail: &mut Vec<(base::ShardId, Vec<Batch>, Vec<Slot>)>,
    ) {
        let topics = context.broker.catalog.topics();
        let topic = partitions::topic(&topics, &data.name, data.topic_id, context.version >= 13);
        let settings = topic.map(|topic| (topic, context.broker.topic_settings(topic)));
        let at = self.response.responses.len();
        let mut responses = Vec::with_capacity(data.partition_data.len());
        for partition in data.partition_data {
            let index = partition.index;
            let taken = settings
                .map_err(Refusal::plain)
                .and_then(|(topic, settings)| {
                    if !(-1..=1).contains(&acks) {
                        return Err(Refusal::plain(ErrorCode::InvalidRequiredAcks));
                    }
                    let stream =
                        partitions::stream(context.broker, topic, index).map_err(Refusal::plain)?;
                    let batch = take_partition(context, partition, &settings)?;
                    Ok((stream, batch))
                });
            responses.push(PartitionProduceResponse {
                index,
                base_offset: -1,
                ..PartitionProduceResponse::default()
            });
            match taken {
                Ok((stream, bytes)) => {
                    let batch = Batch {
                        stream: stream.id(),
                        bytes,
                    };
                    let shard = stream.shard();
                    let slot = Slot {
                        topic: at,
                        partition: responses.len() - 1,
                        stream,
                    };
                    match mail.iter_mut().find(|(of, ..)| *of == shard) {
                        Some((_, batches, slots)) => {
                            batches.push(batch);
                            slots.push(slot);
                        }
                        None => mail.push((shard, vec![batch], vec![slot])),
                    }
                }
                Err(refusal) => {
                    if let Some(response) = responses.last_mut() {
                        refused(response, refusal);
                    }
                }
            }
        }
        self.response.responses.push(TopicProduceResponse {
            name: data.name,
            topic_id: data.topic_id,
            partition_responses: responses,
        });
    }

    /// The response, when everything is durable, refused, or has taken too long.
    pub(crate) async fn finish(mut self) -> Result<Option<Encoded>, Close> {
        for append in std::mem::take(&mut self.appends) {
            let outcome = tokio::select! {
                biased;
                outcome = append.outcome => outcome,
                () = &mut self.timeout => {
                    self.timeout = Box::pin(std::future::ready(()));
                    self.fail(&append.slots, ErrorCode::RequestTimedOut);
                    continue;
                }
            };
            match outcome {
                Ok(Ok(outcomes)) => {
                    for (slot, outcome) in append.slots.iter().zip(outcomes) {
                        self.landed(slot, outcome);
                    }
                }
                // The log has ended. Whether the records are stored will show when it is opened again.
                Ok(Err(_)) | Err(_) => self.fail(&append.slots, ErrorCode::KafkaStorageError),
            }
        }
        if self.acks == 0 {
            return self.unacknowledged().map(|()| None);
        }
        let response =
            kafka_wire::encode_response(self.version, self.correlation_id, &self.response)?;
        Ok(Some(response))
    }

    fn landed(&mut self, slot: &Slot, outcome: Result<Appended, commitlog::Refusal>) {
        let response = self.partition(slot);
        match outcome {
            Ok(appended) => {
                response.base_offset = appended.base_offset;
                response.log_append_time_ms = appended.log_append_time.map_or(-1, |time| time.0);
                response.log_start_offset = slot.stream.bounds().log_start;
            }
            Err(refusal) => {
                response.error_code = match refusal {
                    commitlog::Refusal::NoStream => ErrorCode::UnknownTopicOrPartition,
                    commitlog::Refusal::Malformed => ErrorCode::InvalidRecord,
                    commitlog::Refusal::OutOfOrderSequence => ErrorCode::OutOfOrderSequenceNumber,
                    commitlog::Refusal::OldProducerEpoch => ErrorCode::InvalidProducerEpoch,
                    commitlog::Refusal::Full => ErrorCode::KafkaStorageError,
                };
                response.error_message = Some(Str::from(refusal.to_string()));
            }
        }
    }

    fn fail(&mut self, slots: &[Slot], error_code: ErrorCode) {
        for slot in slots {
            self.partition(slot).error_code = error_code;
        }
    }

    fn partition(&mut self, slot: &Slot) -> &mut PartitionProduceResponse {
        &mut self.response.responses[slot.topic].partition_responses[slot.partition]
    }

    /// A client that wants no acknowledgement learns of an error by the end of its connection only.
    fn unacknowledged(&self) -> Result<(), Close> {
        for topic in &self.response.responses {
            for partition in &topic.partition_responses {
                if partition.error_code.is_error() {
                    return Err(Close::Unacknowledged {
                        topic: topic.name.to_string(),
                        partition: partition.index,
                        error: partition.error_code,
                    });
                }
            }
        }
        Ok(())
    }
}

fn take_partition(
    context: &Context<'_>,
    data: PartitionProduceData,
    settings: &crate::topic_config::TopicSettings,
) -> Result<bytes::Bytes, Refusal> {
    let counters = context.broker.counters();
    let rules = check::Rules {
        version: context.version,
        settings,
        now: context.broker.clock.wall(),
    };
    let checked = rules.check(data.records.unwrap_or_default())?;
    counters.produced_batches.add(1);
    counters.produced_bytes.add(checked.batch.len());
    if checked.converted {
        counters.up_converted_batches.add(1);
    }
    Ok(checked.batch)
}

fn refused(response: &mut PartitionProduceResponse, refusal: Refusal) {
    let message = refusal.message.map(Str::from);
    let blamed = refusal
        .records
        .into_iter()
        .map(|batch_index| BatchIndexAndErrorMessage {
            batch_index,
            batch_index_error_message: message.clone(),
        });
    response.error_code = refusal.error_code;
    response.record_errors = blamed.collect();
    response.error_message = message;
}
