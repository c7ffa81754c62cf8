//! `/api/queues`

use super::access::{Operation, may};
use super::body::Body;
use super::error::ApiError;
use super::overview::NODE;
use super::{Call, Outcome, Reply, arguments};
use crate::hosts::{Counts, Declaration};
use crate::request::Method;
use cluster::Queue;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) async fn handle(call: &Call<'_>, path: &[&str]) -> Outcome {
    match (call.head.method, path) {
        (Method::Get, []) => list(call, None).await,
        (Method::Get, [vhost]) => list(call, Some(vhost)).await,
        (Method::Get, [vhost, name]) => {
            let queue = find(call, vhost, name)?;
            let counts = call.api.hosts.counts(vec![queue.clone()]).await;
            let counts = counts.into_iter().next().flatten();
            Ok(Reply::One(shown(&queue, counts)))
        }
        (Method::Put, [vhost, name]) => put(call, vhost, name).await,
        (Method::Delete, [vhost, name]) => {
            let queue = find(call, vhost, name)?;
            may(&call.topology, call.user, vhost, Operation::Configure, name)?;
            let (if_unused, if_empty) = (call.head.flag("if-unused"), call.head.flag("if-empty"));
            let deleted = call.api.hosts.delete_queue(queue, if_unused, if_empty);
            deleted.await?;
            Ok(Reply::Done)
        }
        (Method::Delete, [vhost, name, "contents"]) => {
            let queue = find(call, vhost, name)?;
            may(&call.topology, call.user, vhost, Operation::Read, name)?;
            call.api.hosts.purge_queue(queue).await?;
            Ok(Reply::Done)
        }
        (_, [] | [_] | [_, _] | [_, _, "contents"]) => Err(ApiError::Method),
        _ => Err(ApiError::NotFound),
    }
}

fn find(call: &Call<'_>, vhost: &str, name: &str) -> Result<Arc<Queue>, ApiError> {
    let queue = call.vhost(vhost)?.queue(name).cloned();
    queue.ok_or(ApiError::NotFound)
}

async fn list(call: &Call<'_>, vhost: Option<&str>) -> Outcome {
    let vhosts = call.vhosts(vhost)?;
    let queues: Vec<_> = vhosts
        .iter()
        .flat_map(|vhost| vhost.queues().cloned())
        .collect();
    let counts = call.api.hosts.counts(queues.clone()).await;
    let queues = queues.iter().zip(counts);
    Ok(Reply::List(
        queues.map(|(queue, counts)| shown(queue, counts)).collect(),
    ))
}

async fn put(call: &Call<'_>, vhost: &str, name: &str) -> Outcome {
    let declaration = declaration(vhost, name, &Body::parse(call.body)?)?;
    call.topology
        .vhost(vhost)
        .ok_or_else(|| ApiError::Missing("vhost_not_found".to_owned()))?;
    may(&call.topology, call.user, vhost, Operation::Configure, name)?;
    if name.is_empty() || name.starts_with("amq.") && call.topology.queue(vhost, name).is_none() {
        return Err(ApiError::refused());
    }
    Ok(Reply::put(call.api.hosts.declare_queue(declaration).await?))
}

/// A queue as a body describes it.
pub(super) fn declaration(vhost: &str, name: &str, body: &Body) -> Result<Declaration, ApiError> {
    Ok(Declaration {
        vhost: vhost.to_owned(),
        name: name.to_owned(),
        kind: String::new(),
        durable: body.flag("durable")?,
        auto_delete: body.flag("auto_delete")?,
        internal: false,
        arguments: arguments::from_json(body.get("arguments"))?,
    })
}

fn shown(queue: &Queue, counts: Option<Counts>) -> Value {
    let mut shown = json!({
        "arguments": arguments::to_json(&queue.arguments),
        "auto_delete": queue.auto_delete,
        "durable": queue.durable,
        "effective_policy_definition": {},
        "exclusive": queue.exclusive.is_some(),
        "name": &*queue.name,
        "node": NODE,
        "operator_policy": null,
        "policy": null,
        "state": "running",
        "type": queue.kind.name(),
        "vhost": &*queue.vhost,
    });
    // What is not known is left out, as RabbitMQ does for a queue that it has no statistics of yet.
    if let (Some(counts), Value::Object(fields)) = (counts, &mut shown) {
        let messages = counts.ready + counts.unacknowledged;
        fields.extend([
            ("consumers".to_owned(), json!(counts.consumers)),
            ("messages".to_owned(), json!(messages)),
            ("messages_ready".to_owned(), json!(counts.ready)),
            (
                "messages_unacknowledged".to_owned(),
                json!(counts.unacknowledged),
            ),
        ]);
    }
    shown
}
