//! CreatePartitions: topics get more partitions.

use super::Context;
use crate::partitions::PARTITIONS_MAX;
use cluster::ChangeError;
use kafka_wire::messages::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsResponse,
    CreatePartitionsTopic, CreatePartitionsTopicResult,
};
use kafka_wire::{ErrorCode, Str};
use std::collections::HashMap;

/// Why a topic got no more partitions, with a sentence for people.
type Refusal = (ErrorCode, String);

pub(super) async fn handle(
    context: &Context<'_>,
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let mut times: HashMap<&str, u32> = HashMap::new();
    for topic in &request.topics {
        *times.entry(&topic.name).or_default() += 1;
    }
    let mut results = Vec::with_capacity(times.len());
    for topic in &request.topics {
        let outcome = match times.remove(&*topic.name) {
            // It stood here before, and was answered then.
            None => continue,
            Some(1) => create(context, topic, request.validate_only).await,
            Some(_) => Err((
                ErrorCode::InvalidRequest,
                "Duplicate topic name.".to_owned(),
            )),
        };
        let (error_code, error_message) = match outcome {
            Ok(()) => (ErrorCode::None, None),
            Err((error_code, message)) => (error_code, Some(Str::from(message))),
        };
        results.push(CreatePartitionsTopicResult {
            name: topic.name.clone(),
            error_code,
            error_message,
        });
    }
    CreatePartitionsResponse {
        results,
        ..CreatePartitionsResponse::default()
    }
}

async fn create(
    context: &Context<'_>,
    topic: &CreatePartitionsTopic,
    validate_only: bool,
) -> Result<(), Refusal> {
    let broker = context.broker;
    let unknown = || {
        let message = "This server does not host this topic-partition.";
        (ErrorCode::UnknownTopicOrPartition, message.to_owned())
    };
    let invalid = |message: String| (ErrorCode::InvalidPartitions, message);
    let known = broker.catalog.topics().get(&topic.name).cloned();
    let present = known.ok_or_else(unknown)?.partitions.len();
    let total = u32::try_from(topic.count).unwrap_or(0);
    let more = (total as usize)
        .checked_sub(present)
        .filter(|more| *more > 0);
    let more = more.ok_or_else(|| {
        invalid(format!(
            "The topic {} currently has {present} partition(s); {} would not be an increase.",
            topic.name, topic.count
        ))
    })?;
    if total > PARTITIONS_MAX {
        return Err(invalid(format!(
            "A topic has at most {PARTITIONS_MAX} partitions."
        )));
    }
    if let Some(assignments) = &topic.assignments {
        check_assignments(context, assignments, more)?;
    }
    if validate_only {
        return Ok(());
    }
    match broker.add_partitions(&topic.name, total).await {
        Ok(()) => Ok(()),
        Err(ChangeError::Unknown) => Err(unknown()),
        Err(ChangeError::NotMore(present)) => Err(invalid(format!(
            "The topic has {present} partitions by now."
        ))),
        Err(error @ ChangeError::TooMany(_)) => Err(invalid(error.to_string())),
        Err(error) => Err((ErrorCode::KafkaStorageError, error.to_string())),
    }
}

/// Replicas assigned by hand must be on this node, what else.
fn check_assignments(
    context: &Context<'_>,
    assignments: &[CreatePartitionsAssignment],
    more: usize,
) -> Result<(), Refusal> {
    let node_id = context.broker.node_id;
    let here = |assignment: &CreatePartitionsAssignment| assignment.broker_ids == [node_id];
    if assignments.len() == more && assignments.iter().all(here) {
        return Ok(());
    }
    let message = format!(
        "{more} new partition(s) need as many assignments, each naming broker {node_id} and nothing else."
    );
    Err((ErrorCode::InvalidReplicaAssignment, message))
}
