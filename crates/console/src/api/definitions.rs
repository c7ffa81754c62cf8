//! `/api/definitions`: everything that was defined, in RabbitMQ's JSON, out and in.
//!
//! An import is read whole before anything is changed, and can be repeated. What it asks for and Mainstay does not
//! have (policies, parameters, topic permissions, limits) refuses it, by name; `?unsupported=leave-out` imports the
//! rest and answers with the list of what was left out.

mod plan;

use super::any_queue::AnyQueue;
use super::error::ApiError;
use super::overview::RABBITMQ_VERSION;
use super::{Call, Outcome, Reply, access, arguments, bindings, permissions, users};
use crate::hosts::Refusal;
use crate::request::Method;
use cluster::{Destination, TopologyError, Vhost};
use futures_util::{StreamExt, stream};
use plan::Plan;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// Changes under way at once: as many as share a sync.
const CHANGES_AT_ONCE: usize = 64;
/// Failures that an answer names; the rest is counted.
const FAILURES_NAMED: usize = 20;

pub(super) async fn handle(call: &Call<'_>, path: &[&str]) -> Outcome {
    access::administrator(call.user)?;
    let vhost = match path {
        [] => None,
        [vhost] => Some(*vhost),
        _ => return Err(ApiError::NotFound),
    };
    match (call.head.method, vhost) {
        (Method::Get, None) => Ok(Reply::Whole(export(call))),
        (Method::Get, Some(vhost)) => {
            let vhost = call.vhost(vhost)?;
            let mut all = heading();
            all.extend(empty(["parameters", "policies"]));
            all.extend(contents(call, &[vhost], false));
            Ok(Reply::Whole(Value::Object(all)))
        }
        (Method::Post, vhost) => {
            if let Some(vhost) = vhost {
                call.vhost(vhost)?;
            }
            import(call, vhost).await
        }
        _ => Err(ApiError::Method),
    }
}

fn heading() -> Map<String, Value> {
    let version = ("rabbit_version".to_owned(), json!(RABBITMQ_VERSION));
    Map::from_iter([version])
}

/// Parts that RabbitMQ has and Mainstay has not, so that whoever reads them finds them.
fn empty<const N: usize>(names: [&str; N]) -> impl Iterator<Item = (String, Value)> {
    names.map(|name| (name.to_owned(), json!([]))).into_iter()
}

fn export(call: &Call<'_>) -> Value {
    let topology = &call.topology;
    let vhosts: Vec<_> = topology.vhosts().collect();
    let mut all = heading();
    all.extend([
        ("rabbitmq_version".to_owned(), json!(RABBITMQ_VERSION)),
        ("product_name".to_owned(), json!("Mainstay")),
        ("product_version".to_owned(), json!(call.api.version)),
        (
            "users".to_owned(),
            topology.users().map(|user| users::shown(user)).collect(),
        ),
        (
            "vhosts".to_owned(),
            vhosts
                .iter()
                .map(|vhost| json!({ "name": &**vhost.name() }))
                .collect(),
        ),
        (
            "permissions".to_owned(),
            topology
                .permissions()
                .map(|of| permissions::shown(of))
                .collect(),
        ),
    ]);
    all.extend(empty([
        "topic_permissions",
        "parameters",
        "global_parameters",
        "policies",
    ]));
    all.extend(contents(call, &vhosts, true));
    Value::Object(all)
}

/// Queues, exchanges and bindings. Exclusive queues go with their connections and are nobody else's business;
/// queues that are parts of a topic of several cannot be declared.
fn contents(call: &Call<'_>, vhosts: &[&Vhost], named: bool) -> [(String, Value); 3] {
    let entry = |vhost: &Vhost, mut entry: Value| {
        if named && let Value::Object(fields) = &mut entry {
            fields.insert("vhost".to_owned(), json!(&**vhost.name()));
        }
        entry
    };
    let (mut queues, mut exchanges, mut bindings) = (Vec::new(), Vec::new(), Vec::new());
    for vhost in vhosts {
        let all = AnyQueue::all(call, vhost);
        let (told, untold): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|queue| !queue.is_exclusive() && !queue.is_part());
        queues.extend(
            told.iter()
                .map(|queue| entry(vhost, queue.declaration(call))),
        );
        for exchange in vhost
            .exchanges()
            .filter(|exchange| !exchange.is_predeclared())
        {
            let exchange = json!({
                "name": &*exchange.name,
                "type": &*exchange.kind,
                "durable": exchange.durable,
                "auto_delete": exchange.auto_delete,
                "internal": exchange.internal,
                "arguments": arguments::to_json(&exchange.arguments),
            });
            exchanges.push(entry(vhost, exchange));
        }
        let untold: HashSet<_> = untold.iter().map(|queue| queue.name()).collect();
        for binding in vhost.bindings() {
            if matches!(&binding.destination, Destination::Queue(name) if untold.contains(name)) {
                continue;
            }
            let mut shown = bindings::shown(binding);
            if let Value::Object(fields) = &mut shown {
                fields.remove("properties_key");
                fields.remove("vhost");
            }
            bindings.push(entry(vhost, shown));
        }
    }
    [
        ("queues", queues),
        ("exchanges", exchanges),
        ("bindings", bindings),
    ]
    .map(|(name, list)| (name.to_owned(), Value::Array(list)))
}

async fn import(call: &Call<'_>, vhost: Option<&str>) -> Outcome {
    let plan = Plan::read(call.body, vhost)?;
    let leave_out = call.head.query("unsupported").as_deref() == Some("leave-out");
    if !plan.unsupported.is_empty() && !leave_out {
        let reason = format!(
            "not supported: {}; nothing was imported (with ?unsupported=leave-out the rest would be)",
            listed(&plan.unsupported)
        );
        return Err(ApiError::Invalid("unsupported_definitions", reason));
    }
    let unsupported = plan.unsupported.clone();
    let failures = carry_out(call, plan).await?;
    if !failures.is_empty() {
        let reason = format!("not imported: {}; the rest was", listed(&failures));
        return Err(ApiError::BadRequest(reason));
    }
    Ok(if unsupported.is_empty() {
        Reply::Done
    } else {
        Reply::Whole(json!({ "left_out": unsupported }))
    })
}

fn listed(lines: &[String]) -> String {
    let named = lines.iter().take(FAILURES_NAMED).cloned();
    let more = lines.len().saturating_sub(FAILURES_NAMED);
    let more = (more > 0).then(|| format!("{more} more"));
    named.chain(more).collect::<Vec<_>>().join("; ")
}

/// Makes everything, what is referred to before what refers to it. Returns what could not be made; an error
/// where the node can do nothing more.
async fn carry_out(call: &Call<'_>, plan: Plan) -> Result<Vec<String>, ApiError> {
    let (catalog, hosts) = (&*call.api.catalog, &*call.api.hosts);
    let mut failures = Vec::new();
    for vhost in &plan.vhosts {
        note(
            &mut failures,
            || format!("vhost '{vhost}'"),
            catalog.put_vhost(vhost).await,
        )?;
    }
    for user in plan.users {
        let name = user.name.clone();
        note(
            &mut failures,
            || format!("user '{name}'"),
            catalog.put_user(user).await,
        )?;
    }
    for permission in plan.permissions {
        let of = format!(
            "permission of '{}' in vhost '{}'",
            permission.user, permission.vhost
        );
        note(
            &mut failures,
            || of,
            catalog.set_permission(permission).await,
        )?;
    }
    let exchanges = stream::iter(plan.exchanges).map(async |exchange| {
        let of = format!("exchange '{}' in vhost '{}'", exchange.name, exchange.vhost);
        (of, hosts.declare_exchange(exchange).await)
    });
    let exchanges: Vec<_> = exchanges.buffered(CHANGES_AT_ONCE).collect().await;
    let queues = stream::iter(plan.queues).map(async |queue| {
        let of = format!("queue '{}' in vhost '{}'", queue.name, queue.vhost);
        (of, hosts.declare_queue(queue).await)
    });
    let queues: Vec<_> = queues.buffered(CHANGES_AT_ONCE).collect().await;
    for (of, outcome) in exchanges.into_iter().chain(queues) {
        note(&mut failures, || of, outcome)?;
    }
    let bound = stream::iter(plan.bindings).map(async |binding| {
        let (source, name) = (binding.source.clone(), binding.destination.name().clone());
        let of = format!(
            "binding of '{name}' to '{source}' in vhost '{}'",
            binding.vhost
        );
        (of, catalog.bind(binding).await)
    });
    let bound: Vec<_> = bound.buffered(CHANGES_AT_ONCE).collect().await;
    for (of, outcome) in bound {
        note(&mut failures, || of, outcome)?;
    }
    Ok(failures)
}

/// A reason for which nothing further can succeed either, or a failure to be told.
trait Fatal: std::fmt::Display {
    fn is_fatal(&self) -> bool;
}

impl Fatal for TopologyError {
    fn is_fatal(&self) -> bool {
        matches!(self, Self::Closed(_))
    }
}

impl Fatal for Refusal {
    fn is_fatal(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

fn note<T, E: Fatal + Into<ApiError>>(
    failures: &mut Vec<String>,
    of: impl FnOnce() -> String,
    outcome: Result<T, E>,
) -> Result<(), ApiError> {
    match outcome {
        Ok(_) => Ok(()),
        Err(error) if error.is_fatal() => Err(error.into()),
        Err(error) => {
            failures.push(format!("{}: {error}", of()));
            Ok(())
        }
    }
}
