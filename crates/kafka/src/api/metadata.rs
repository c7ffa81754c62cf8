//! Metadata: the brokers and topics, and where a topic's partitions are led.
//!
//! A topic that may be created automatically is created before the answer, so that its first Metadata is
//! complete; Kafka lets clients come back for it.

use super::Context;
use crate::operations::{CLUSTER_OPERATIONS, TOPIC_OPERATIONS};
use crate::topic_name;
use cluster::{ChangeError, Topic};
use kafka_wire::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_wire::{ErrorCode, Str, Uuid};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

pub(super) async fn handle(context: &Context<'_>, request: MetadataRequest) -> MetadataResponse {
    let broker = context.broker;
    let asked_all = match &request.topics {
        None => true,
        Some(topics) => context.version == 0 && topics.is_empty(),
    };
    let mut topics: Vec<MetadataResponseTopic> = Vec::new();
    if asked_all {
        let all = broker.catalog.topics();
        topics.extend(all.iter().map(|topic| describe(context, topic)));
    } else {
        let may_create =
            request.allow_auto_topic_creation && broker.settings.auto_create_topics_enable;
        // Each topic once, or a short request could ask for any amount of memory.
        let mut seen = HashSet::new();
        for wanted in request.topics.iter().flatten() {
            if seen.insert((&wanted.name, wanted.topic_id)) {
                topics.push(find(context, wanted, may_create).await);
            }
        }
    }
    if request.include_topic_authorized_operations {
        for topic in &mut topics {
            if !topic.error_code.is_error() {
                topic.topic_authorized_operations = TOPIC_OPERATIONS;
            }
        }
    }
    let endpoint = broker.endpoint(&context.peer.reached);
    MetadataResponse {
        brokers: vec![MetadataResponseBroker {
            node_id: broker.node_id,
            host: Str::from(&endpoint.host),
            port: i32::from(endpoint.port),
            rack: None,
        }],
        cluster_id: Some(Str::from(broker.catalog.cluster_id())),
        controller_id: broker.node_id,
        topics,
        cluster_authorized_operations: if request.include_cluster_authorized_operations {
            CLUSTER_OPERATIONS
        } else {
            i32::MIN
        },
        ..MetadataResponse::default()
    }
}

async fn find(
    context: &Context<'_>,
    wanted: &MetadataRequestTopic,
    may_create: bool,
) -> MetadataResponseTopic {
    let topics = context.broker.catalog.topics();
    let Some(name) = &wanted.name else {
        return match topics.by_id(wanted.topic_id.into()) {
            Some(topic) => describe(context, topic),
            None => MetadataResponseTopic {
                error_code: ErrorCode::UnknownTopicId,
                topic_id: wanted.topic_id,
                ..MetadataResponseTopic::default()
            },
        };
    };
    let failed = |error_code| MetadataResponseTopic {
        error_code,
        name: Some(name.clone()),
        ..MetadataResponseTopic::default()
    };
    if let Some(topic) = topics.get(name) {
        return describe(context, topic);
    }
    if topic_name::check(name).is_err() {
        return failed(ErrorCode::InvalidTopicException);
    }
    if !may_create {
        return failed(ErrorCode::UnknownTopicOrPartition);
    }
    match create(context, name).await {
        Ok(topic) => describe(context, &topic),
        Err(error) => failed(error),
    }
}

async fn create(context: &Context<'_>, name: &str) -> Result<Arc<Topic>, ErrorCode> {
    let broker = context.broker;
    let partitions = u32::try_from(broker.settings.num_partitions).unwrap_or(1);
    match broker.create_topic(name, partitions, BTreeMap::new()).await {
        Ok(topic) => Ok(topic),
        // Another connection was faster.
        Err(ChangeError::Exists) => broker
            .catalog
            .topics()
            .get(name)
            .cloned()
            .ok_or(ErrorCode::LeaderNotAvailable),
        Err(_) => Err(ErrorCode::LeaderNotAvailable),
    }
}

fn describe(context: &Context<'_>, topic: &Topic) -> MetadataResponseTopic {
    let broker = context.broker;
    let partitions =
        (0..)
            .zip(&topic.partitions)
            .map(|(partition_index, _)| MetadataResponsePartition {
                partition_index,
                leader_id: broker.node_id,
                leader_epoch: broker.leader_epoch(),
                replica_nodes: vec![broker.node_id],
                isr_nodes: vec![broker.node_id],
                ..MetadataResponsePartition::default()
            });
    MetadataResponseTopic {
        name: Some(Str::from(&topic.name)),
        topic_id: Uuid::from(topic.id),
        partitions: partitions.collect(),
        ..MetadataResponseTopic::default()
    }
}
