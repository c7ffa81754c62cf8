//! `mainstay topic …`: topics of a running server.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Result, ensure};
use kafka_wire::messages::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use kafka_wire::messages::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use kafka_wire::messages::delete_topics::DeleteTopicsRequest;
use kafka_wire::messages::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};
use kafka_wire::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponseTopic,
};
use serde::Serialize;

use crate::cli::{TopicArgs, TopicCommand};
use crate::client::{Cluster, check};
use crate::failure::Failure;
use crate::offsets::{EARLIEST, LATEST, Partitions, list_offsets};
use crate::outcome::done;
use crate::table::Table;

/// How long the server may take to carry out a change, in milliseconds.
const TIMEOUT_MS: i32 = 30_000;

/// `DescribeConfigs` calls topics so.
const RESOURCE_TOPIC: i8 = 2;

#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    partitions: usize,
    internal: bool,
}

#[derive(Debug, Serialize)]
struct Described {
    name: String,
    id: Option<String>,
    internal: bool,
    partitions: Vec<Partition>,
    configs: Vec<Config>,
}

#[derive(Debug, Serialize)]
struct Partition {
    partition: i32,
    leader: i32,
    leader_epoch: i32,
    replicas: Vec<i32>,
    in_sync_replicas: Vec<i32>,
    earliest_offset: Option<i64>,
    latest_offset: Option<i64>,
}

#[derive(Debug, Serialize)]
struct Config {
    name: String,
    value: Option<String>,
    source: &'static str,
}

/// Runs the command and prints its outcome.
///
/// # Errors
/// Where the server cannot be reached, refuses, or the outcome cannot be printed. Of several topics those that
/// could be changed are changed.
pub fn run(args: &TopicArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let mut cluster = Cluster::open(&args.server.server)?;
    let json = args.server.json;
    match &args.command {
        TopicCommand::List => list(&mut cluster, json, out)?,
        TopicCommand::Describe { names } => {
            let described = describe(&mut cluster, names)?;
            show(&described, json, out)?;
        }
        TopicCommand::Create {
            name,
            partitions,
            replication_factor,
            configs,
        } => {
            let topic = creatable(name, *partitions, *replication_factor, configs)?;
            create(&mut cluster, topic)?;
            done(out, json, "created", std::slice::from_ref(name))?;
        }
        TopicCommand::Delete { names } => return delete(&mut cluster, names, json, out),
        TopicCommand::AddPartitions { name, total } => {
            add_partitions(&mut cluster, name, *total)?;
            done(out, json, "changed", std::slice::from_ref(name))?;
        }
    }
    Ok(())
}

/// Asks for some topics, or all; they are sorted by name.
fn metadata(cluster: &mut Cluster, names: Option<&[String]>) -> Result<Vec<MetadataResponseTopic>> {
    let topic = |name: &String| MetadataRequestTopic {
        name: Some(name.into()),
        ..MetadataRequestTopic::default()
    };
    let request = MetadataRequest {
        topics: names.map(|names| names.iter().map(topic).collect()),
        // Looking must not create.
        allow_auto_topic_creation: false,
        ..MetadataRequest::default()
    };
    let mut topics = cluster.any().call(4..=12, &request)?.topics;
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(topics)
}

fn name_of(topic: &MetadataResponseTopic) -> String {
    topic
        .name
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn list(cluster: &mut Cluster, json: bool, out: &mut dyn Write) -> Result<()> {
    let listed = |topic: &MetadataResponseTopic| Listed {
        name: name_of(topic),
        partitions: topic.partitions.len(),
        internal: topic.is_internal,
    };
    let topics: Vec<Listed> = metadata(cluster, None)?.iter().map(listed).collect();
    if json {
        writeln!(out, "{}", serde_json::to_string(&topics)?)?;
        return Ok(());
    }
    let mut table = Table::new(&["topic", "partitions"]);
    for topic in topics {
        table.row(vec![topic.name, topic.partitions.to_string()]);
    }
    Ok(table.write(out)?)
}

fn creatable(
    name: &str,
    partitions: Option<i32>,
    replication_factor: Option<i16>,
    configs: &[String],
) -> Result<CreatableTopic, Failure> {
    let mut topic = CreatableTopic {
        name: name.into(),
        num_partitions: partitions.unwrap_or(-1),
        replication_factor: replication_factor.unwrap_or(-1),
        ..CreatableTopic::default()
    };
    for config in configs {
        let Some((name, value)) = config.split_once('=') else {
            let text = format!("--config {config}: expected NAME=VALUE");
            return Err(Failure::Usage(text));
        };
        topic.configs.push(CreatableTopicConfig {
            name: name.into(),
            value: Some(value.into()),
        });
    }
    Ok(topic)
}

fn create(cluster: &mut Cluster, topic: CreatableTopic) -> Result<()> {
    let request = CreateTopicsRequest {
        topics: vec![topic],
        timeout_ms: TIMEOUT_MS,
        validate_only: false,
    };
    // Before version 4 the broker's defaults cannot be asked for (KIP-464).
    let answer = cluster.any().call(4..=7, &request)?;
    ensure!(!answer.topics.is_empty(), "the server's answer is empty");
    for topic in &answer.topics {
        check(
            &topic.name,
            topic.error_code,
            topic.error_message.as_deref(),
        )?;
    }
    Ok(())
}

fn delete(
    cluster: &mut Cluster,
    names: &[String],
    json: bool,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let request = DeleteTopicsRequest {
        topic_names: names.iter().map(Into::into).collect(),
        timeout_ms: TIMEOUT_MS,
        ..DeleteTopicsRequest::default()
    };
    let answer = cluster.any().call(1..=5, &request)?;
    let mut deleted = Vec::new();
    let mut refused = Vec::new();
    for topic in answer.responses {
        let name = topic.name.unwrap_or_default().to_string();
        match check(&name, topic.error_code, topic.error_message.as_deref()) {
            Ok(()) => deleted.push(name),
            Err(error) => refused.push(error.to_string()),
        }
    }
    done(out, json, "deleted", &deleted)?;
    if refused.is_empty() {
        Ok(())
    } else {
        Err(Failure::Refused(refused))
    }
}

fn add_partitions(cluster: &mut Cluster, name: &str, total: i32) -> Result<()> {
    let request = CreatePartitionsRequest {
        topics: vec![CreatePartitionsTopic {
            name: name.into(),
            count: total,
            assignments: None,
        }],
        timeout_ms: TIMEOUT_MS,
        validate_only: false,
    };
    let answer = cluster.any().call(0..=3, &request)?;
    ensure!(!answer.results.is_empty(), "the server's answer is empty");
    for topic in &answer.results {
        check(
            &topic.name,
            topic.error_code,
            topic.error_message.as_deref(),
        )?;
    }
    Ok(())
}

fn describe(cluster: &mut Cluster, names: &[String]) -> Result<Vec<Described>> {
    let topics = metadata(cluster, Some(names))?;
    let mut leaders = Partitions::new();
    for topic in &topics {
        let name = name_of(topic);
        check(&name, topic.error_code, None)?;
        for partition in &topic.partitions {
            leaders.insert(
                (name.clone(), partition.partition_index),
                partition.leader_id,
            );
        }
    }
    let earliest = list_offsets(cluster, &leaders, EARLIEST)?;
    let latest = list_offsets(cluster, &leaders, LATEST)?;
    let mut configs = configs(cluster, names)?;
    let described = topics.iter().map(|topic| {
        let name = name_of(topic);
        let mut partitions: Vec<Partition> = topic
            .partitions
            .iter()
            .map(|partition| {
                let key = (name.clone(), partition.partition_index);
                Partition {
                    partition: partition.partition_index,
                    leader: partition.leader_id,
                    leader_epoch: partition.leader_epoch,
                    replicas: partition.replica_nodes.clone(),
                    in_sync_replicas: partition.isr_nodes.clone(),
                    earliest_offset: earliest.get(&key).copied(),
                    latest_offset: latest.get(&key).copied(),
                }
            })
            .collect();
        partitions.sort_by_key(|partition| partition.partition);
        Described {
            id: (!topic.topic_id.is_zero()).then(|| topic.topic_id.to_string()),
            internal: topic.is_internal,
            partitions,
            configs: configs.remove(&name).unwrap_or_default(),
            name,
        }
    });
    Ok(described.collect())
}

fn configs(cluster: &mut Cluster, names: &[String]) -> Result<BTreeMap<String, Vec<Config>>> {
    let resource = |name: &String| DescribeConfigsResource {
        resource_type: RESOURCE_TOPIC,
        resource_name: name.into(),
        configuration_keys: None,
    };
    let request = DescribeConfigsRequest {
        resources: names.iter().map(resource).collect(),
        ..DescribeConfigsRequest::default()
    };
    let answer = cluster.any().call(1..=4, &request)?;
    let mut by_topic = BTreeMap::new();
    for result in answer.results {
        let name = result.resource_name.to_string();
        check(&name, result.error_code, result.error_message.as_deref())?;
        let config =
            |config: kafka_wire::messages::describe_configs::DescribeConfigsResourceResult| {
                Config {
                    name: config.name.to_string(),
                    value: config.value.map(|value| value.to_string()),
                    source: source_name(config.config_source),
                }
            };
        by_topic.insert(name, result.configs.into_iter().map(config).collect());
    }
    Ok(by_topic)
}

/// The sources of KIP-226.
fn source_name(source: i8) -> &'static str {
    match source {
        1 => "topic",
        2 => "broker",
        3 => "cluster",
        4 => "file",
        5 => "default",
        _ => "unknown",
    }
}

fn show(topics: &[Described], json: bool, out: &mut dyn Write) -> Result<()> {
    if json {
        writeln!(out, "{}", serde_json::to_string(topics)?)?;
        return Ok(());
    }
    let number = |n: Option<i64>| n.map_or(String::new(), |n| n.to_string());
    for topic in topics {
        let id = topic.id.as_deref().unwrap_or("-");
        writeln!(
            out,
            "topic {}  id {id}  partitions {}",
            topic.name,
            topic.partitions.len()
        )?;
        let mut table = Table::new(&[
            "partition",
            "leader",
            "epoch",
            "replicas",
            "in sync",
            "earliest",
            "latest",
        ]);
        for partition in &topic.partitions {
            table.row(vec![
                partition.partition.to_string(),
                partition.leader.to_string(),
                partition.leader_epoch.to_string(),
                join(&partition.replicas),
                join(&partition.in_sync_replicas),
                number(partition.earliest_offset),
                number(partition.latest_offset),
            ]);
        }
        table.write(out)?;
        let set: Vec<&Config> = topic
            .configs
            .iter()
            .filter(|c| c.source != "default")
            .collect();
        if !set.is_empty() {
            let mut table = Table::new(&["config", "value", "set by"]);
            for config in set {
                let value = config.value.clone().unwrap_or_default();
                table.row(vec![config.name.clone(), value, config.source.to_owned()]);
            }
            table.write(out)?;
        }
    }
    Ok(())
}

fn join(ids: &[i32]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.join(",")
}
