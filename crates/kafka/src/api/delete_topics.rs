//! DeleteTopics: topics go with everything in them, and with what groups remember of them.

use super::Context;
use cluster::ChangeError;
use kafka_wire::messages::delete_topics::{
    DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};
use kafka_wire::{ErrorCode, Str, Uuid};
use std::collections::HashMap;

/// From this version on a topic can be named by its id (KIP-516).
const TOPIC_ID_VERSION: i16 = 6;

pub(super) async fn handle(
    context: &Context<'_>,
    request: DeleteTopicsRequest,
) -> DeleteTopicsResponse {
    let wanted: Vec<DeleteTopicState> = if context.version < TOPIC_ID_VERSION {
        let by_name = request
            .topic_names
            .into_iter()
            .map(|name| DeleteTopicState {
                name: Some(name),
                topic_id: Uuid::ZERO,
            });
        by_name.collect()
    } else {
        request.topics
    };
    let mut times: HashMap<(Option<Str>, Uuid), u32> = HashMap::new();
    for topic in &wanted {
        *times
            .entry((topic.name.clone(), topic.topic_id))
            .or_default() += 1;
    }
    let mut responses = Vec::with_capacity(times.len());
    for topic in wanted {
        let outcome = match times.remove(&(topic.name.clone(), topic.topic_id)) {
            // It stood here before, and was answered then.
            None => continue,
            Some(1) => delete(context, &topic).await,
            Some(_) => Err((ErrorCode::InvalidRequest, "Duplicate topic.")),
        };
        responses.push(
            outcome.unwrap_or_else(|(error_code, message)| DeletableTopicResult {
                name: topic.name,
                topic_id: topic.topic_id,
                error_code,
                error_message: Some(Str::from(message)),
            }),
        );
    }
    DeleteTopicsResponse {
        responses,
        ..DeleteTopicsResponse::default()
    }
}

async fn delete(
    context: &Context<'_>,
    wanted: &DeleteTopicState,
) -> Result<DeletableTopicResult, (ErrorCode, &'static str)> {
    const UNKNOWN: (ErrorCode, &str) = (
        ErrorCode::UnknownTopicOrPartition,
        "This server does not host this topic-partition.",
    );
    let name = match &wanted.name {
        Some(_) if !wanted.topic_id.is_zero() => {
            let message = "A topic is named by its name or its id, not by both.";
            return Err((ErrorCode::InvalidRequest, message));
        }
        Some(name) => name.to_string(),
        None => {
            let topics = context.broker.catalog.topics();
            let found = topics.by_id(wanted.topic_id.into());
            let unknown = (ErrorCode::UnknownTopicId, "There is no topic of this id.");
            found.ok_or(unknown)?.name.clone()
        }
    };
    match context.broker.delete_topic(&name).await {
        Ok(topic) => Ok(DeletableTopicResult {
            name: Some(Str::from(name)),
            topic_id: Uuid::from(topic.id),
            ..DeletableTopicResult::default()
        }),
        Err(ChangeError::Unknown) => Err(UNKNOWN),
        Err(_) => Err((
            ErrorCode::KafkaStorageError,
            "The log takes no more writes.",
        )),
    }
}
