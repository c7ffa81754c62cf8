//! AlterConfigs and IncrementalAlterConfigs: a topic's settings are replaced, or changed one by one (KIP-339).
//!
//! Both obey the rules that CreateTopics obeys. The broker's own settings stand in its configuration file only.

use super::Context;
use crate::config::ConfigType;
use crate::topic_config;
use cluster::{ChangeError, Topic};
use kafka_wire::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResourceResponse, AlterConfigsResponse,
};
use kafka_wire::messages::incremental_alter_configs::{
    AlterConfigsResourceResponse as IncrementalResponse, AlterableConfig,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};
use kafka_wire::{ErrorCode, Str};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Kinds of resources.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// What is to be done with one setting.
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

/// Why settings were not changed, with a sentence for people.
type Refusal = (ErrorCode, String);
type Configs = BTreeMap<String, String>;

pub(super) async fn replace(
    context: &Context<'_>,
    request: AlterConfigsRequest,
) -> AlterConfigsResponse {
    let keys = request
        .resources
        .iter()
        .map(|resource| (resource.resource_type, &resource.resource_name));
    let mut times = count(keys);
    let mut responses = Vec::with_capacity(times.len());
    for resource in &request.resources {
        let key = (resource.resource_type, &resource.resource_name);
        let Some(times) = times.remove(&key) else {
            continue;
        };
        let new = |_: &Topic| {
            let configs = resource.configs.iter();
            let configs = configs.map(|config| (&*config.name, config.value.as_deref()));
            topic_config::check(configs).map_err(|message| (ErrorCode::InvalidConfig, message))
        };
        let outcome = alter(context, key, times, request.validate_only, new).await;
        let (error_code, error_message) = outcome_fields(outcome);
        responses.push(AlterConfigsResourceResponse {
            error_code,
            error_message,
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
        });
    }
    AlterConfigsResponse {
        responses,
        ..AlterConfigsResponse::default()
    }
}

pub(super) async fn change(
    context: &Context<'_>,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let keys = request
        .resources
        .iter()
        .map(|resource| (resource.resource_type, &resource.resource_name));
    let mut times = count(keys);
    let mut responses = Vec::with_capacity(times.len());
    for resource in &request.resources {
        let key = (resource.resource_type, &resource.resource_name);
        let Some(times) = times.remove(&key) else {
            continue;
        };
        let new = |topic: &Topic| changed(context, &topic.configs, &resource.configs);
        let outcome = alter(context, key, times, request.validate_only, new).await;
        let (error_code, error_message) = outcome_fields(outcome);
        responses.push(IncrementalResponse {
            error_code,
            error_message,
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
        });
    }
    IncrementalAlterConfigsResponse {
        responses,
        ..IncrementalAlterConfigsResponse::default()
    }
}

/// How often each resource stands in a request.
fn count<'a>(keys: impl Iterator<Item = (i8, &'a Str)>) -> HashMap<(i8, &'a Str), u32> {
    let mut times = HashMap::new();
    keys.for_each(|key| *times.entry(key).or_default() += 1);
    times
}

fn outcome_fields(outcome: Result<(), Refusal>) -> (ErrorCode, Option<Str>) {
    match outcome {
        Ok(()) => (ErrorCode::None, None),
        Err((error_code, message)) => (error_code, Some(Str::from(message))),
    }
}

/// Gives a resource the settings that `new` makes of what it has.
async fn alter(
    context: &Context<'_>,
    (resource_type, name): (i8, &Str),
    times: u32,
    validate_only: bool,
    new: impl Fn(&Topic) -> Result<Configs, Refusal>,
) -> Result<(), Refusal> {
    let refused = |message: &str| Err((ErrorCode::InvalidRequest, message.to_owned()));
    match resource_type {
        _ if times > 1 => return refused("The resource stands more than once in the request."),
        TOPIC => {}
        BROKER => return refused("The broker's settings stand in its configuration file."),
        _ => return refused("Only topics have settings that can be changed."),
    }
    let unknown = || {
        let message = format!("The topic '{name}' does not exist.");
        (ErrorCode::UnknownTopicOrPartition, message)
    };
    let broker = context.broker;
    // Nobody else may change what `new` starts from.
    let _alone = broker.configs_changing.lock().await;
    let topic = broker.catalog.topics().get(name).cloned();
    let topic = topic.ok_or_else(unknown)?;
    let configs = new(&topic)?;
    if validate_only {
        return Ok(());
    }
    match broker.set_configs(name, configs).await {
        Ok(()) => Ok(()),
        Err(ChangeError::Unknown) => Err(unknown()),
        Err(error) => Err((ErrorCode::KafkaStorageError, error.to_string())),
    }
}

/// The settings that single changes make of those that there are.
fn changed(
    context: &Context<'_>,
    present: &Configs,
    changes: &[AlterableConfig],
) -> Result<Configs, Refusal> {
    let mut configs = present.clone();
    let mut seen = BTreeSet::new();
    for change in changes {
        let name = &*change.name;
        if !seen.insert(name) {
            let message = format!("The configuration {name} is given twice");
            return Err((ErrorCode::InvalidRequest, message));
        }
        let value = match change.config_operation {
            SET => change.value.as_ref().map(|value| value.to_string()),
            DELETE => {
                configs.remove(name);
                continue;
            }
            APPEND | SUBTRACT => Some(listed(context, present, change)?),
            other => {
                let message = format!("There is no operation {other} on settings");
                return Err((ErrorCode::InvalidRequest, message));
            }
        };
        // The value alone is checked here, because null has no place in the map.
        let one = topic_config::check([(name, value.as_deref())]);
        configs.extend(one.map_err(|message| (ErrorCode::InvalidConfig, message))?);
    }
    Ok(configs)
}

/// A list with some words more, or fewer.
fn listed(
    context: &Context<'_>,
    present: &Configs,
    change: &AlterableConfig,
) -> Result<String, Refusal> {
    let name = &*change.name;
    let config = topic_config::find(name).filter(|config| config.kind == ConfigType::List);
    let config = config.ok_or_else(|| {
        let message =
            format!("Config value append and subtract are not allowed for config key: {name}");
        (ErrorCode::InvalidConfig, message)
    })?;
    let current = present.get(name).cloned();
    let current =
        current.unwrap_or_else(|| topic_config::default_of(config, &context.broker.settings));
    let words = |list: &str| {
        let words = list.split(',').map(|word| word.trim().to_owned());
        words.filter(|word| !word.is_empty()).collect::<Vec<_>>()
    };
    let (mut list, given) = (
        words(&current),
        words(change.value.as_deref().unwrap_or_default()),
    );
    list.retain(|word| !given.contains(word));
    if change.config_operation == APPEND {
        list.extend(given);
    }
    Ok(list.join(","))
}
