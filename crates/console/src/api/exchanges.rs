//! `/api/exchanges`

use super::access::{Operation, may};
use super::body::Body;
use super::error::ApiError;
use super::{Call, Outcome, Reply, arguments};
use crate::hosts::Declaration;
use crate::request::Method;
use cluster::{Exchange, TopologyError};
use serde_json::{Value, json};

/// What the default exchange is called in paths; its name is empty.
const DEFAULT: &str = "amq.default";
/// The kind of an exchange that does not name one.
const KIND: &str = "direct";

pub(super) async fn handle(call: &Call<'_>, path: &[&str]) -> Outcome {
    match (call.head.method, path) {
        (Method::Get, []) => list(call, None),
        (Method::Get, [vhost]) => list(call, Some(vhost)),
        (Method::Get, [vhost, name]) => {
            let exchange = call.vhost(vhost)?.exchange(named(name));
            Ok(Reply::One(shown(exchange.ok_or(ApiError::NotFound)?)))
        }
        (Method::Put, [vhost, name]) => {
            let declaration = declaration(vhost, name, &Body::parse(call.body)?)?;
            call.topology
                .vhost(vhost)
                .ok_or_else(|| ApiError::Missing("vhost_not_found".to_owned()))?;
            may(&call.topology, call.user, vhost, Operation::Configure, name)?;
            let known = call.topology.exchange(vhost, named(name)).is_some();
            if named(name).is_empty() || name.starts_with("amq.") && !known {
                return Err(ApiError::refused());
            }
            let made = call.api.hosts.declare_exchange(declaration).await?;
            Ok(Reply::put(made))
        }
        (Method::Delete, [vhost, name]) => {
            let name = named(name);
            let exchange = call.vhost(vhost)?.exchange(name);
            exchange.ok_or(ApiError::NotFound)?;
            may(&call.topology, call.user, vhost, Operation::Configure, name)?;
            let if_unused = call.head.flag("if-unused");
            match call
                .api
                .catalog
                .delete_exchange(vhost, name, if_unused)
                .await
            {
                Ok(_) => Ok(Reply::Done),
                Err(TopologyError::InUse) => {
                    let reason = format!("exchange '{name}' in vhost '{vhost}' in use");
                    Err(ApiError::BadRequest(reason))
                }
                Err(error) => Err(error.into()),
            }
        }
        (_, [] | [_] | [_, _]) => Err(ApiError::Method),
        _ => Err(ApiError::NotFound),
    }
}

/// The name of the exchange that a path means.
pub(super) fn named(segment: &str) -> &str {
    if segment == DEFAULT { "" } else { segment }
}

fn list(call: &Call<'_>, vhost: Option<&str>) -> Outcome {
    let vhosts = call.vhosts(vhost)?;
    let exchanges = vhosts.into_iter().flat_map(|vhost| vhost.exchanges());
    Ok(Reply::List(
        exchanges.map(|exchange| shown(exchange)).collect(),
    ))
}

/// An exchange as a body describes it.
pub(super) fn declaration(vhost: &str, name: &str, body: &Body) -> Result<Declaration, ApiError> {
    Ok(Declaration {
        vhost: vhost.to_owned(),
        name: name.to_owned(),
        kind: body.text("type")?.unwrap_or(KIND).to_owned(),
        durable: body.flag("durable")?,
        auto_delete: body.flag("auto_delete")?,
        internal: body.flag("internal")?,
        arguments: arguments::from_json(body.get("arguments"))?,
    })
}

fn shown(exchange: &Exchange) -> Value {
    json!({
        "arguments": arguments::to_json(&exchange.arguments),
        "auto_delete": exchange.auto_delete,
        "durable": exchange.durable,
        "internal": exchange.internal,
        "name": &*exchange.name,
        "type": &*exchange.kind,
        "vhost": &*exchange.vhost,
    })
}
