//! `/api/vhosts`

use super::error::ApiError;
use super::overview::NODE;
use super::{Call, Outcome, Reply, access};
use crate::request::Method;
use cluster::{Made, Permission, Vhost};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) async fn handle(call: &Call<'_>, path: &[&str]) -> Outcome {
    match (call.head.method, path) {
        (Method::Get, []) => Ok(Reply::List(
            call.vhosts(None)?.into_iter().map(shown).collect(),
        )),
        (Method::Get, [name]) => Ok(Reply::One(shown(call.vhost(name)?))),
        (Method::Put, [name]) => put(call, name).await,
        (Method::Delete, [name]) => {
            access::administrator(call.user)?;
            call.topology.vhost(name).ok_or(ApiError::NotFound)?;
            call.api.hosts.delete_vhost((*name).to_owned()).await?;
            Ok(Reply::Done)
        }
        (_, [] | [_]) => Err(ApiError::Method),
        _ => Err(ApiError::NotFound),
    }
}

/// Whoever makes a vhost may do everything in it, as in RabbitMQ.
async fn put(call: &Call<'_>, name: &str) -> Outcome {
    access::administrator(call.user)?;
    let made = call.api.catalog.put_vhost(name).await?;
    if made == Made::New {
        let everything: Arc<str> = ".*".into();
        let permission = Permission {
            user: call.user.name.clone(),
            vhost: name.into(),
            configure: everything.clone(),
            write: everything.clone(),
            read: everything,
        };
        call.api.catalog.set_permission(permission).await?;
    }
    Ok(Reply::put(made))
}

fn shown(vhost: &Vhost) -> Value {
    json!({
        "name": &**vhost.name(),
        "description": "",
        "tags": [],
        "tracing": false,
        "cluster_state": { NODE: "running" },
    })
}
