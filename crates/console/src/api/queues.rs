//! `/api/queues`

use super::access::{Operation, may};
use super::any_queue::AnyQueue;
use super::body::Body;
use super::error::ApiError;
use super::overview::NODE;
use super::{Call, Outcome, Reply, arguments};
use crate::hosts::{Counts, Declaration};
use crate::request::Method;
use serde_json::{Value, json};

pub(super) async fn handle(call: &Call<'_>, path: &[&str]) -> Outcome {
    match (call.head.method, path) {
        (Method::Get, []) => list(call, None).await,
        (Method::Get, [vhost]) => list(call, Some(vhost)).await,
        (Method::Get, [vhost, name]) => {
            let queue = AnyQueue::find(call, vhost, name)?;
            let counts = call.api.hosts.counts(vec![queue.partition()]).await;
            let counts = counts.into_iter().next().flatten();
            Ok(Reply::One(shown(call, &queue, counts)))
        }
        (Method::Put, [vhost, name]) => put(call, vhost, name).await,
        (Method::Delete, [vhost, name]) => {
            let queue = AnyQueue::find(call, vhost, name)?.partition();
            may(&call.topology, call.user, vhost, Operation::Configure, name)?;
            let (if_unused, if_empty) = (call.head.flag("if-unused"), call.head.flag("if-empty"));
            let deleted = call.api.hosts.delete_queue(queue, if_unused, if_empty);
            deleted.await?;
            Ok(Reply::Done)
        }
        (Method::Delete, [vhost, name, "contents"]) => {
            let queue = AnyQueue::find(call, vhost, name)?.partition();
            may(&call.topology, call.user, vhost, Operation::Read, name)?;
            call.api.hosts.purge_queue(queue).await?;
            Ok(Reply::Done)
        }
        (_, [] | [_] | [_, _] | [_, _, "contents"]) => Err(ApiError::Method),
        _ => Err(ApiError::NotFound),
    }
}

async fn list(call: &Call<'_>, vhost: Option<&str>) -> Outcome {
    let vhosts = call.vhosts(vhost)?.into_iter();
    let queues: Vec<_> = vhosts
        .flat_map(|vhost| AnyQueue::all(call, vhost))
        .collect();
    let partitions = queues.iter().map(AnyQueue::partition).collect();
    let counts = call.api.hosts.counts(partitions).await;
    let queues = queues.iter().zip(counts);
    Ok(Reply::List(
        queues
            .map(|(queue, counts)| shown(call, queue, counts))
            .collect(),
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

fn shown(call: &Call<'_>, queue: &AnyQueue, counts: Option<Counts>) -> Value {
    let mut shown = queue.declaration(call);
    let Value::Object(fields) = &mut shown else {
        return shown;
    };
    let mut tell = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    tell("effective_policy_definition", json!({}));
    tell("exclusive", json!(queue.is_exclusive()));
    tell("node", json!(NODE));
    tell("operator_policy", Value::Null);
    tell("policy", Value::Null);
    tell("state", json!("running"));
    tell("type", json!(queue.kind()));
    tell("vhost", json!(&**queue.vhost()));
    // What is not known is left out, as RabbitMQ does for a queue that it has no statistics of yet.
    if let Some(counts) = counts {
        tell("consumers", json!(counts.consumers));
        tell("messages", json!(counts.ready + counts.unacknowledged));
        tell("messages_ready", json!(counts.ready));
        tell("messages_unacknowledged", json!(counts.unacknowledged));
    }
    shown
}
