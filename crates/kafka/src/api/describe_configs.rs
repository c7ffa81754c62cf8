//! DescribeConfigs: every setting of topics and of this broker, with its default, where its value comes from, and what it
//! means.

use super::Context;
use crate::broker_config::{BROKER_CONFIGS, BrokerConfig, Place};
use crate::config::ConfigSource;
use crate::topic_config::{self, TOPIC_CONFIGS, TopicConfig};
use crate::topic_name;
use cluster::Topic;
use kafka_wire::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_wire::{ErrorCode, Str};
use std::collections::HashSet;

/// Kinds of resources.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// What the client wants to know of each setting.
#[derive(Clone, Copy)]
struct Detail {
    synonyms: bool,
    documentation: bool,
}

pub(super) fn handle(
    context: &Context<'_>,
    request: &DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let detail = Detail {
        synonyms: request.include_synonyms,
        documentation: request.include_documentation,
    };
    let mut seen = HashSet::new();
    let mut results = Vec::with_capacity(request.resources.len());
    for resource in &request.resources {
        // Each resource once, or a short request could ask for any amount of memory.
        if !seen.insert((resource.resource_type, &resource.resource_name)) {
            continue;
        }
        let mut result = DescribeConfigsResult {
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
            ..DescribeConfigsResult::default()
        };
        match describe(context, resource, detail) {
            Ok(configs) => result.configs = configs,
            Err((error_code, message)) => {
                result.error_code = error_code;
                result.error_message = Some(Str::from(message));
            }
        }
        results.push(result);
    }
    DescribeConfigsResponse {
        results,
        ..DescribeConfigsResponse::default()
    }
}

fn describe(
    context: &Context<'_>,
    resource: &DescribeConfigsResource,
    detail: Detail,
) -> Result<Vec<DescribeConfigsResourceResult>, (ErrorCode, String)> {
    let name = &resource.resource_name;
    let wanted: Option<HashSet<&str>> = resource
        .configuration_keys
        .as_ref()
        .map(|keys| keys.iter().map(|key| &**key).collect());
    let is_wanted = |name: &str| wanted.as_ref().is_none_or(|wanted| wanted.contains(name));
    match resource.resource_type {
        TOPIC => {
            topic_name::check(name).map_err(|wrong| {
                let message = format!("Topic name is invalid: {wrong}");
                (ErrorCode::InvalidTopicException, message)
            })?;
            let topics = context.broker.catalog.topics();
            let topic = topics.get(name).ok_or_else(|| {
                let message = format!("The topic '{name}' does not exist.");
                (ErrorCode::UnknownTopicOrPartition, message)
            })?;
            let configs = TOPIC_CONFIGS.iter().filter(|config| is_wanted(config.name));
            Ok(configs
                .map(|config| topic_setting(context, topic, config, detail))
                .collect())
        }
        // The empty name stands for the default of all brokers, which nobody can set here.
        BROKER if name.is_empty() => Ok(Vec::new()),
        BROKER if **name == *context.broker.node_id.to_string() => {
            let configs = BROKER_CONFIGS
                .iter()
                .filter(|config| is_wanted(config.name));
            Ok(configs
                .map(|config| broker_setting(context, config, detail))
                .collect())
        }
        BROKER => {
            let message = format!(
                "Unexpected broker id, expected {} or the empty string, but received {name}",
                context.broker.node_id
            );
            Err((ErrorCode::InvalidRequest, message))
        }
        other => {
            let message = format!("Resources of type {other} have no settings here.");
            Err((ErrorCode::InvalidRequest, message))
        }
    }
}

fn topic_setting(
    context: &Context<'_>,
    topic: &Topic,
    config: &TopicConfig,
    detail: Detail,
) -> DescribeConfigsResourceResult {
    let settings = &context.broker.settings;
    let default = topic_config::default_of(config, settings);
    let default_source = topic_config::default_source(config, settings);
    let own = topic.configs.get(config.name);
    let (value, source) = match own {
        Some(own) => (own.as_str(), ConfigSource::Topic),
        None => (default.as_str(), default_source),
    };
    let mut synonyms = Vec::new();
    if detail.synonyms {
        synonyms.extend(own.map(|own| synonym(config.name, own, ConfigSource::Topic)));
        synonyms.push(synonym(config.broker_name, &default, default_source));
        if default_source == ConfigSource::StaticBroker {
            let built_in = synonym(config.broker_name, config.default, ConfigSource::Default);
            synonyms.push(built_in);
        }
    }
    DescribeConfigsResourceResult {
        name: Str::from(config.name),
        value: Some(Str::from(value)),
        is_default: own.is_none(),
        config_source: source.code(),
        synonyms,
        config_type: config.kind.code(),
        documentation: detail.documentation.then(|| Str::from(config.doc)),
        ..DescribeConfigsResourceResult::default()
    }
}

fn broker_setting(
    context: &Context<'_>,
    config: &BrokerConfig,
    detail: Detail,
) -> DescribeConfigsResourceResult {
    let settings = &context.broker.settings;
    let place = Place {
        endpoint: context.broker.endpoint(&context.peer.reached),
        node_id: context.broker.node_id,
    };
    let value = config.value(settings, &place);
    let source = config.source(settings);
    let mut synonyms = Vec::new();
    if detail.synonyms {
        if source != ConfigSource::Default {
            synonyms.push(synonym(config.name, &value, source));
        }
        let default = config.default();
        synonyms.extend(default.map(|value| synonym(config.name, &value, ConfigSource::Default)));
    }
    DescribeConfigsResourceResult {
        name: Str::from(config.name),
        value: Some(Str::from(value)),
        // Only the configuration file changes them.
        read_only: true,
        is_default: source == ConfigSource::Default,
        config_source: source.code(),
        synonyms,
        config_type: config.kind.code(),
        documentation: detail.documentation.then(|| Str::from(config.doc)),
        ..DescribeConfigsResourceResult::default()
    }
}

fn synonym(name: &str, value: &str, source: ConfigSource) -> DescribeConfigsSynonym {
    DescribeConfigsSynonym {
        name: Str::from(name),
        value: Some(Str::from(value)),
        source: source.code(),
    }
}
