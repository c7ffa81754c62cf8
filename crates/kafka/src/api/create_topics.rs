//! CreateTopics.
//!
//! Replication factors: redundancy is the storage's, so that a factor has no effect, and a client that asks for
//! three copies must not believe that it has them. A factor above `default.replication.factor` (1 unless the operator
//! says what the storage stands for) is therefore refused with INVALID_REPLICATION_FACTOR, as a single Kafka broker
//! refuses it; -1 always takes the default.

use super::Context;
use crate::config::ConfigSource;
use crate::partitions::PARTITIONS_MAX;
use crate::topic_config::{self, TOPIC_CONFIGS};
use crate::topic_name;
use cluster::ChangeError;
use kafka_wire::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfigs, CreatableTopicResult,
    CreateTopicsRequest, CreateTopicsResponse,
};
use kafka_wire::{ErrorCode, Str, Uuid};
use std::collections::{BTreeMap, HashMap};

/// Why a topic was not made, with a sentence for people.
type Refusal = (ErrorCode, String);

/// A topic whose request was checked.
struct Checked {
    partitions: u32,
    replication_factor: i16,
    configs: BTreeMap<String, String>,
}

pub(super) async fn handle(
    context: &Context<'_>,
    request: CreateTopicsRequest,
) -> CreateTopicsResponse {
    let mut times: HashMap<&str, u32> = HashMap::new();
    for topic in &request.topics {
        *times.entry(&topic.name).or_default() += 1;
    }
    let mut topics = Vec::with_capacity(times.len());
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
        topics.push(
            outcome.unwrap_or_else(|(error_code, message)| CreatableTopicResult {
                name: topic.name.clone(),
                error_code,
                error_message: Some(Str::from(message)),
                ..CreatableTopicResult::default()
            }),
        );
    }
    CreateTopicsResponse {
        topics,
        ..CreateTopicsResponse::default()
    }
}

async fn create(
    context: &Context<'_>,
    topic: &CreatableTopic,
    validate_only: bool,
) -> Result<CreatableTopicResult, Refusal> {
    let exists = || {
        let message = format!("Topic '{}' already exists.", topic.name);
        (ErrorCode::TopicAlreadyExists, message)
    };
    let checked = check(context, topic)?;
    if context.broker.catalog.topics().get(&topic.name).is_some() {
        return Err(exists());
    }
    let configs = reported(context, &checked.configs);
    let (partitions, replication_factor) = (checked.partitions, checked.replication_factor);
    let id = if validate_only {
        0
    } else {
        let created = context
            .broker
            .create_topic(&topic.name, partitions, checked.configs)
            .await;
        match created {
            Ok(created) => created.id,
            Err(ChangeError::Exists) => return Err(exists()),
            Err(error @ ChangeError::TooMany(_)) => {
                return Err((ErrorCode::InvalidPartitions, error.to_string()));
            }
            Err(error) => return Err((ErrorCode::KafkaStorageError, error.to_string())),
        }
    };
    Ok(CreatableTopicResult {
        name: topic.name.clone(),
        topic_id: Uuid::from(id),
        num_partitions: i32::try_from(partitions).unwrap_or(i32::MAX),
        replication_factor,
        configs: Some(configs),
        ..CreatableTopicResult::default()
    })
}

fn check(context: &Context<'_>, topic: &CreatableTopic) -> Result<Checked, Refusal> {
    topic_name::check(&topic.name).map_err(|wrong| {
        let message = format!("Topic name is invalid: {wrong}");
        (ErrorCode::InvalidTopicException, message)
    })?;
    let (partitions, replication_factor) = if topic.assignments.is_empty() {
        (
            partitions(context, topic)?,
            replication_factor(context, topic)?,
        )
    } else {
        (assigned(context, topic)?, 1)
    };
    let configs = topic
        .configs
        .iter()
        .map(|config| (&*config.name, config.value.as_deref()));
    let configs =
        topic_config::check(configs).map_err(|message| (ErrorCode::InvalidConfig, message))?;
    Ok(Checked {
        partitions,
        replication_factor,
        configs,
    })
}

fn partitions(context: &Context<'_>, topic: &CreatableTopic) -> Result<u32, Refusal> {
    let count = match topic.num_partitions {
        -1 => context.broker.settings.num_partitions,
        count => count,
    };
    u32::try_from(count)
        .ok()
        .filter(|count| (1..=PARTITIONS_MAX).contains(count))
        .ok_or_else(|| {
            let message = format!(
                "Number of partitions was set to {count}; it must be from 1 to {PARTITIONS_MAX}, or -1 for the default."
            );
            (ErrorCode::InvalidPartitions, message)
        })
}

fn replication_factor(context: &Context<'_>, topic: &CreatableTopic) -> Result<i16, Refusal> {
    let largest = context.broker.settings.default_replication_factor.max(1);
    let message = match topic.replication_factor {
        -1 => return Ok(largest),
        factor if (1..=largest).contains(&factor) => return Ok(factor),
        factor if factor > largest => format!(
            "The replication factor of {factor} cannot be reached because only {largest} is configured (default.replication.factor)."
        ),
        _ => "Replication factor must be larger than 0, or -1 to use the default value.".to_owned(),
    };
    Err((ErrorCode::InvalidReplicationFactor, message))
}

/// The number of partitions of a topic whose replicas are assigned by hand: to this node, what else.
fn assigned(context: &Context<'_>, topic: &CreatableTopic) -> Result<u32, Refusal> {
    if topic.num_partitions != -1 || topic.replication_factor != -1 {
        let message = "Both numPartitions or replicationFactor and replicasAssignments were set.";
        return Err((ErrorCode::InvalidRequest, message.to_owned()));
    }
    let wrong = |message: String| Err((ErrorCode::InvalidReplicaAssignment, message));
    let mut numbers: Vec<i32> = topic
        .assignments
        .iter()
        .map(|assignment| assignment.partition_index)
        .collect();
    numbers.sort_unstable();
    if !numbers.iter().copied().eq((0..).take(numbers.len())) {
        return wrong("Partitions should be a consecutive 0-based integer sequence.".to_owned());
    }
    let only = [context.broker.node_id];
    let elsewhere = |assignment: &&CreatableReplicaAssignment| assignment.broker_ids != only;
    if let Some(assignment) = topic.assignments.iter().find(elsewhere) {
        return wrong(format!(
            "The manual assignment of partition {} must name broker {} once and nothing else.",
            assignment.partition_index, context.broker.node_id
        ));
    }
    u32::try_from(numbers.len())
        .ok()
        .filter(|count| *count <= PARTITIONS_MAX)
        .ok_or_else(|| {
            let message = format!("A topic has at most {PARTITIONS_MAX} partitions.");
            (ErrorCode::InvalidPartitions, message)
        })
}

/// All settings as they hold for the new topic (KIP-525).
fn reported(
    context: &Context<'_>,
    configs: &BTreeMap<String, String>,
) -> Vec<CreatableTopicConfigs> {
    if context.version < 5 {
        return Vec::new();
    }
    let settings = &context.broker.settings;
    let report = |config: &topic_config::TopicConfig| {
        let own = configs.get(config.name);
        let source = if own.is_some() {
            ConfigSource::Topic
        } else {
            topic_config::default_source(config, settings)
        };
        let value = own.map_or_else(|| topic_config::default_of(config, settings), Clone::clone);
        CreatableTopicConfigs {
            name: Str::from(config.name),
            value: Some(Str::from(value)),
            config_source: source.code(),
            ..CreatableTopicConfigs::default()
        }
    };
    TOPIC_CONFIGS.iter().map(report).collect()
}
