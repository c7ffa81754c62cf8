//! `mainstay group …`: consumer groups of a running server.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use kafka_wire::consumer_protocol::{ConsumerProtocolAssignment, decode_versioned};
use kafka_wire::messages::describe_groups::{
    DescribeGroupsRequest, DescribedGroup, DescribedGroupMember,
};
use kafka_wire::messages::find_coordinator::FindCoordinatorRequest;
use kafka_wire::messages::list_groups::ListGroupsRequest;
use kafka_wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use kafka_wire::messages::offset_fetch::OffsetFetchRequest;
use serde::Serialize;

use crate::cli::{GroupArgs, GroupCommand};
use crate::client::{Cluster, check};
use crate::failure::Failure;
use crate::offsets::{LATEST, Partitions, list_offsets};
use crate::table::Table;

/// The protocol type of groups of consumers, whose assignments can be read.
const CONSUMER: &str = "consumer";

#[derive(Debug, Serialize)]
struct Listed {
    group: String,
    state: String,
    protocol_type: String,
    coordinator: i32,
}

#[derive(Debug, Serialize)]
struct Described {
    group: String,
    state: String,
    protocol_type: String,
    protocol: String,
    coordinator: i32,
    members: Vec<Member>,
    offsets: Vec<Position>,
}

#[derive(Debug, Serialize)]
struct Member {
    member_id: String,
    instance_id: Option<String>,
    client_id: String,
    host: String,
    assignment: BTreeMap<String, Vec<i32>>,
}

/// Where a group stands in a partition.
#[derive(Debug, Serialize)]
struct Position {
    topic: String,
    partition: i32,
    committed_offset: Option<i64>,
    latest_offset: Option<i64>,
    /// How many offsets the group is behind; unknown without a commit or a leader.
    lag: Option<i64>,
    metadata: Option<String>,
    member_id: Option<String>,
}

/// Runs the command and prints its outcome.
///
/// # Errors
/// Where the server cannot be reached, refuses, or the outcome cannot be printed.
pub fn run(args: &GroupArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let mut cluster = Cluster::open(&args.server.server)?;
    let json = args.server.json;
    match &args.command {
        GroupCommand::List => list(&mut cluster, json, out)?,
        GroupCommand::Describe { names } => {
            let mut groups = Vec::new();
            for name in names {
                groups.push(describe(&mut cluster, name)?);
            }
            show(&groups, json, out)?;
        }
    }
    Ok(())
}

fn list(cluster: &mut Cluster, json: bool, out: &mut dyn Write) -> Result<()> {
    let mut groups = Vec::new();
    for id in cluster.ids() {
        let broker = cluster.broker(id)?;
        let answer = broker.call(1..=5, &ListGroupsRequest::default())?;
        check("groups", answer.error_code, None)?;
        groups.extend(answer.groups.into_iter().map(|group| Listed {
            group: group.group_id.to_string(),
            state: group.group_state.to_string(),
            protocol_type: group.protocol_type.to_string(),
            coordinator: id,
        }));
    }
    groups.sort_by(|a, b| a.group.cmp(&b.group));
    if json {
        writeln!(out, "{}", serde_json::to_string(&groups)?)?;
        return Ok(());
    }
    let mut table = Table::new(&["group", "state", "type", "coordinator"]);
    for group in groups {
        let coordinator = group.coordinator.to_string();
        table.row(vec![
            group.group,
            group.state,
            group.protocol_type,
            coordinator,
        ]);
    }
    Ok(table.write(out)?)
}

fn coordinator(cluster: &mut Cluster, group: &str) -> Result<i32> {
    let request = FindCoordinatorRequest {
        key: group.into(),
        ..FindCoordinatorRequest::default()
    };
    let answer = cluster.any().call(0..=3, &request)?;
    check(group, answer.error_code, answer.error_message.as_deref())?;
    Ok(answer.node_id)
}

fn describe(cluster: &mut Cluster, name: &str) -> Result<Described> {
    let coordinator = coordinator(cluster, name)?;
    let request = DescribeGroupsRequest {
        groups: vec![name.into()],
        include_authorized_operations: false,
    };
    let broker = cluster.broker(coordinator)?;
    let answer = broker.call(0..=6, &request)?;
    let group = answer.groups.into_iter().next().unwrap_or_default();
    check(name, group.error_code, group.error_message.as_deref())?;
    let members = members(&group);
    let mut positions = committed(cluster, coordinator, name)?;
    for member in &members {
        for (topic, partitions) in &member.assignment {
            for partition in partitions {
                let position = positions
                    .entry((topic.clone(), *partition))
                    .or_insert_with(|| uncommitted(topic, *partition));
                position.member_id = Some(member.member_id.clone());
            }
        }
    }
    measure(cluster, &mut positions)?;
    Ok(Described {
        group: name.to_owned(),
        state: group.group_state.to_string(),
        protocol_type: group.protocol_type.to_string(),
        protocol: group.protocol_data.to_string(),
        coordinator,
        members,
        offsets: positions.into_values().collect(),
    })
}

fn members(group: &DescribedGroup) -> Vec<Member> {
    let is_consumer = group.protocol_type.as_str() == CONSUMER;
    let member = |member: &DescribedGroupMember| Member {
        member_id: member.member_id.to_string(),
        instance_id: member.group_instance_id.as_ref().map(ToString::to_string),
        client_id: member.client_id.to_string(),
        host: member.client_host.to_string(),
        assignment: if is_consumer {
            assignment(member)
        } else {
            BTreeMap::new()
        },
    };
    group.members.iter().map(member).collect()
}

/// What a consumer was given; nothing where it has no assignment yet or one that cannot be read.
fn assignment(member: &DescribedGroupMember) -> BTreeMap<String, Vec<i32>> {
    let decoded = decode_versioned::<ConsumerProtocolAssignment>(&member.member_assignment);
    let Ok((_, assignment)) = decoded else {
        return BTreeMap::new();
    };
    let topics = assignment.assigned_partitions.into_iter();
    topics
        .map(|t| (t.topic.to_string(), t.partitions))
        .collect()
}

fn uncommitted(topic: &str, partition: i32) -> Position {
    Position {
        topic: topic.to_owned(),
        partition,
        committed_offset: None,
        latest_offset: None,
        lag: None,
        metadata: None,
        member_id: None,
    }
}

fn committed(
    cluster: &mut Cluster,
    coordinator: i32,
    group: &str,
) -> Result<BTreeMap<(String, i32), Position>> {
    let request = OffsetFetchRequest {
        group_id: group.into(),
        // All that there are.
        topics: None,
        ..OffsetFetchRequest::default()
    };
    let answer = cluster.broker(coordinator)?.call(2..=7, &request)?;
    check(group, answer.error_code, None)?;
    let mut positions = BTreeMap::new();
    for topic in answer.topics {
        for partition in topic.partitions {
            let index = partition.partition_index;
            let what = format!("{} partition {index}", topic.name);
            check(&what, partition.error_code, None)?;
            let mut position = uncommitted(&topic.name, index);
            position.committed_offset = Some(partition.committed_offset).filter(|o| *o >= 0);
            position.metadata = partition
                .metadata
                .map(|m| m.to_string())
                .filter(|m| !m.is_empty());
            positions.insert((topic.name.to_string(), index), position);
        }
    }
    Ok(positions)
}

/// Adds the ends of the partitions and the lag. A topic that is gone has neither.
fn measure(cluster: &mut Cluster, positions: &mut BTreeMap<(String, i32), Position>) -> Result<()> {
    let mut names: Vec<&str> = positions.keys().map(|(topic, _)| topic.as_str()).collect();
    names.dedup();
    if names.is_empty() {
        return Ok(());
    }
    let topic = |name: &&str| MetadataRequestTopic {
        name: Some((*name).into()),
        ..MetadataRequestTopic::default()
    };
    let request = MetadataRequest {
        topics: Some(names.iter().map(topic).collect()),
        allow_auto_topic_creation: false,
        ..MetadataRequest::default()
    };
    let answer = cluster.any().call(4..=12, &request)?;
    let mut leaders = Partitions::new();
    for topic in answer.topics {
        let name = topic.name.unwrap_or_default().to_string();
        for partition in topic.partitions {
            let key = (name.clone(), partition.partition_index);
            if positions.contains_key(&key) {
                leaders.insert(key, partition.leader_id);
            }
        }
    }
    for (key, latest) in list_offsets(cluster, &leaders, LATEST)? {
        if let Some(position) = positions.get_mut(&key) {
            position.latest_offset = Some(latest);
            let lag = |committed| latest.saturating_sub(committed).max(0);
            position.lag = position.committed_offset.map(lag);
        }
    }
    Ok(())
}

fn show(groups: &[Described], json: bool, out: &mut dyn Write) -> Result<()> {
    if json {
        writeln!(out, "{}", serde_json::to_string(groups)?)?;
        return Ok(());
    }
    let number = |n: Option<i64>| n.map_or(String::new(), |n| n.to_string());
    for group in groups {
        let or_dash = |text: &str| {
            if text.is_empty() {
                "-".to_owned()
            } else {
                text.to_owned()
            }
        };
        writeln!(
            out,
            "group {}  state {}  protocol {}  coordinator {}",
            group.group,
            or_dash(&group.state),
            or_dash(&group.protocol),
            group.coordinator
        )?;
        if !group.members.is_empty() {
            let mut table = Table::new(&["member", "instance", "client", "host", "assigned"]);
            for member in &group.members {
                let assigned: usize = member.assignment.values().map(Vec::len).sum();
                table.row(vec![
                    member.member_id.clone(),
                    member.instance_id.clone().unwrap_or_default(),
                    member.client_id.clone(),
                    member.host.clone(),
                    assigned.to_string(),
                ]);
            }
            table.write(out)?;
        }
        if !group.offsets.is_empty() {
            let heading = ["topic", "partition", "committed", "latest", "lag", "member"];
            let mut table = Table::new(&heading);
            for position in &group.offsets {
                table.row(vec![
                    position.topic.clone(),
                    position.partition.to_string(),
                    number(position.committed_offset),
                    number(position.latest_offset),
                    number(position.lag),
                    position.member_id.clone().unwrap_or_default(),
                ]);
            }
            table.write(out)?;
        }
    }
    Ok(())
}
