//! `/api/bindings`

use super::access::{Operation, may};
use super::any_queue::AnyQueue;
use super::body::Body;
use super::error::ApiError;
use super::exchanges::named;
use super::{Call, Outcome, Reply, arguments};
use crate::request::Method;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use cluster::{Binding, Destination, TopologyError, Vhost};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::sync::Arc;

/// What stands between routing key and arguments in a binding's key, and alone where both are empty.
const TILDE: &str = "~";
/// Everything but what a URL may always hold.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

pub(super) async fn handle(call: &Call<'_>, path: &[&str]) -> Outcome {
    let method = call.head.method;
    match (method, path) {
        (Method::Get, []) => list(call, None),
        (Method::Get, [vhost]) => list(call, Some(vhost)),
        (Method::Get | Method::Post, [vhost, "e", source, kind @ ("q" | "e"), destination]) => {
            let between = Between::new(vhost, source, kind, destination);
            match method {
                Method::Get => Ok(Reply::List(
                    between.all(call)?.map(|of| shown(&of)).collect(),
                )),
                _ => post(call, between).await,
            }
        }
        (
            Method::Get | Method::Delete,
            [vhost, "e", source, kind @ ("q" | "e"), destination, key],
        ) => {
            let between = Between::new(vhost, source, kind, destination);
            let mut all = between.all(call)?;
            // Segments arrive decoded, so the key is compared as it would be decoded.
            let found =
                all.find(|binding| decoded_key(binding) == *key || properties_key(binding) == *key);
            let binding = found.ok_or(ApiError::NotFound)?;
            match method {
                Method::Get => Ok(Reply::One(shown(&binding))),
                _ => delete(call, &binding).await,
            }
        }
        (_, [] | [_] | [_, "e", _, "q" | "e", _] | [_, "e", _, "q" | "e", _, _]) => {
            Err(ApiError::Method)
        }
        _ => Err(ApiError::NotFound),
    }
}

/// The bindings to a queue.
pub(super) fn of_queue(call: &Call<'_>, vhost: &str, queue: &str) -> Outcome {
    let queue = AnyQueue::find(call, vhost, queue)?;
    let vhost = call.vhost(vhost)?;
    let destination = Destination::Queue(queue.name().clone());
    let bindings = vhost.bindings_to(&destination).map(|of| shown(of));
    Ok(Reply::List(
        std::iter::once(shown(&understood(&queue)))
            .chain(bindings)
            .collect(),
    ))
}

/// The bindings from an exchange, or to it.
pub(super) fn of_exchange(call: &Call<'_>, vhost: &str, exchange: &str, from: bool) -> Outcome {
    let vhost = call.vhost(vhost)?;
    let name = named(exchange);
    let exchange = vhost.exchange(name).ok_or(ApiError::NotFound)?;
    let bindings: Vec<_> = match (from, name) {
        (true, "") => AnyQueue::all(call, vhost)
            .iter()
            .map(|queue| shown(&understood(queue)))
            .collect(),
        (true, _) => vhost.bindings_from(name).map(|of| shown(of)).collect(),
        (false, _) => {
            let destination = Destination::Exchange(exchange.name.clone());
            vhost
                .bindings_to(&destination)
                .map(|of| shown(of))
                .collect()
        }
    };
    Ok(Reply::List(bindings))
}

fn list(call: &Call<'_>, vhost: Option<&str>) -> Outcome {
    let all = |vhost: &Vhost| {
        let queues = AnyQueue::all(call, vhost);
        let understood = queues.iter().map(|queue| shown(&understood(queue)));
        let bindings = vhost.bindings().map(|of| shown(of));
        understood.chain(bindings).collect::<Vec<_>>()
    };
    let vhosts = call.vhosts(vhost)?;
    Ok(Reply::List(vhosts.into_iter().flat_map(all).collect()))
}

/// Every queue is bound to the default exchange by its name, without anything being stored.
fn understood(queue: &AnyQueue) -> Binding {
    Binding {
        vhost: queue.vhost().clone(),
        source: "".into(),
        destination: Destination::Queue(queue.name().clone()),
        routing_key: queue.name().clone(),
        arguments: Bytes::new(),
    }
}

/// An exchange and what it may be bound to.
struct Between {
    vhost: Arc<str>,
    source: Arc<str>,
    destination: Destination,
}

impl Between {
    fn new(vhost: &str, source: &str, kind: &str, destination: &str) -> Self {
        let destination = match kind {
            "q" => Destination::Queue(destination.into()),
            _ => Destination::Exchange(named(destination).into()),
        };
        Self {
            vhost: vhost.into(),
            source: named(source).into(),
            destination,
        }
    }

    /// The bindings between the two.
    fn all(&self, call: &Call<'_>) -> Result<impl Iterator<Item = Binding> + use<>, ApiError> {
        let vhost = call.vhost(&self.vhost)?;
        vhost.exchange(&self.source).ok_or(ApiError::NotFound)?;
        let understood = match &self.destination {
            Destination::Queue(name) => {
                let queue = AnyQueue::find(call, &self.vhost, name)?;
                self.source.is_empty().then(|| understood(&queue))
            }
            Destination::Exchange(name) => {
                vhost.exchange(name).ok_or(ApiError::NotFound)?;
                None
            }
        };
        let bindings = vhost.bindings_to(&self.destination);
        let bindings = bindings.filter(|binding| binding.source == self.source);
        let bindings: Vec<_> = bindings.map(|binding| Binding::clone(binding)).collect();
        Ok(understood.into_iter().chain(bindings))
    }
}

async fn post(call: &Call<'_>, between: Between) -> Outcome {
    let body = Body::parse(call.body)?;
    let binding = Binding {
        vhost: between.vhost,
        source: between.source,
        destination: between.destination,
        routing_key: body.text("routing_key")?.unwrap_or_default().into(),
        arguments: arguments::from_json(body.get("arguments"))?,
    };
    allowed(call, &binding)?;
    let place = format!(
        "{}/{}",
        utf8_percent_encode(binding.destination.name(), ESCAPED),
        properties_key(&binding)
            .replace('%', "%25")
            .replace('+', "%2B")
    );
    let error = |error| missing(error, &binding);
    call.api
        .catalog
        .bind(binding.clone())
        .await
        .map_err(error)?;
    Ok(Reply::CreatedAt(place))
}

async fn delete(call: &Call<'_>, binding: &Binding) -> Outcome {
    allowed(call, binding)?;
    let removed = call.api.catalog.unbind(binding.clone()).await?;
    if removed {
        Ok(Reply::Done)
    } else {
        Err(ApiError::NotFound)
    }
}

/// Binding takes the permission to write to the destination and to read from the source; nobody binds
/// to the default exchange.
fn allowed(call: &Call<'_>, binding: &Binding) -> Result<(), ApiError> {
    let (user, vhost) = (call.user, &*binding.vhost);
    let destination = binding.destination.name();
    if binding.source.is_empty() || destination.is_empty() {
        return Err(ApiError::refused());
    }
    may(&call.topology, user, vhost, Operation::Write, destination)?;
    may(
        &call.topology,
        user,
        vhost,
        Operation::Read,
        &binding.source,
    )
}

/// What does not exist, in RabbitMQ's words.
pub(super) fn missing(error: TopologyError, binding: &Binding) -> ApiError {
    let vhost = &binding.vhost;
    let (kind, name) = match (&error, &binding.destination) {
        (TopologyError::NoQueue, destination) => ("queue", destination.name()),
        // The source is looked for first, so an exchange that is missing may be either.
        (TopologyError::NoExchange, Destination::Queue(_)) => ("exchange", &binding.source),
        (TopologyError::NoExchange, Destination::Exchange(name)) => {
            let reason = format!(
                "no exchange '{}' or no exchange '{name}' in vhost '{vhost}'",
                binding.source
            );
            return ApiError::Missing(reason);
        }
        _ => return error.into(),
    };
    ApiError::Missing(format!("no {kind} '{name}' in vhost '{vhost}'"))
}

/// What tells a binding from others between the same ends, in a form that a path can hold.
fn properties_key(binding: &Binding) -> String {
    let key = utf8_percent_encode(&binding.routing_key, ESCAPED).to_string();
    with_arguments(key.replace("%20", "+"), binding)
}

fn decoded_key(binding: &Binding) -> String {
    with_arguments(binding.routing_key.replace(' ', "+"), binding)
}

fn with_arguments(key: String, binding: &Binding) -> String {
    if binding.arguments.is_empty() {
        return if key.is_empty() {
            TILDE.to_owned()
        } else {
            key
        };
    }
    let sum = crc32c::crc32c(&binding.arguments);
    key + TILDE + &BASE64_URL_SAFE_NO_PAD.encode(sum.to_be_bytes())
}

pub(super) fn shown(binding: &Binding) -> Value {
    let kind = match binding.destination {
        Destination::Queue(_) => "queue",
        Destination::Exchange(_) => "exchange",
    };
    json!({
        "source": &*binding.source,
        "vhost": &*binding.vhost,
        "destination": &**binding.destination.name(),
        "destination_type": kind,
        "routing_key": &*binding.routing_key,
        "arguments": arguments::to_json(&binding.arguments),
        "properties_key": properties_key(binding),
    })
}
