//! `/api/permissions`

use super::body::Body;
use super::error::ApiError;
use super::{Call, Outcome, Reply, access};
use crate::request::Method;
use cluster::{Permission, TopologyError};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) async fn handle(call: &Call<'_>, path: &[&str]) -> Outcome {
    access::administrator(call.user)?;
    let topology = &call.topology;
    match (call.head.method, path) {
        (Method::Get, []) => {
            let permissions = topology.permissions().map(|of| shown(of));
            Ok(Reply::List(permissions.collect()))
        }
        (Method::Get, [vhost, user]) => {
            let permission = topology.permission(user, vhost);
            Ok(Reply::One(shown(permission.ok_or(ApiError::NotFound)?)))
        }
        (Method::Put, [vhost, user]) => {
            let permission = parse(user, vhost, &Body::parse(call.body)?)?;
            match call.api.catalog.set_permission(permission).await {
                Ok(made) => Ok(Reply::put(made)),
                Err(TopologyError::NoUser | TopologyError::NoVhost) => {
                    Err(ApiError::BadRequest("vhost_or_user_not_found".to_owned()))
                }
                Err(error) => Err(error.into()),
            }
        }
        (Method::Delete, [vhost, user]) => {
            let cleared = call.api.catalog.clear_permission(user, vhost).await?;
            if cleared {
                Ok(Reply::Done)
            } else {
                Err(ApiError::NotFound)
            }
        }
        (_, [] | [_, _]) => Err(ApiError::Method),
        _ => Err(ApiError::NotFound),
    }
}

/// The permissions in a vhost.
pub(super) fn of_vhost(call: &Call<'_>, vhost: &str) -> Outcome {
    access::administrator(call.user)?;
    call.vhost(vhost)?;
    let permissions = call.topology.permissions().filter(|of| *of.vhost == *vhost);
    Ok(Reply::List(permissions.map(|of| shown(of)).collect()))
}

/// The permissions of a user.
pub(super) fn of_user(call: &Call<'_>, user: &str) -> Outcome {
    access::administrator(call.user)?;
    call.topology.user(user).ok_or(ApiError::NotFound)?;
    let permissions = call.topology.permissions_of(user);
    Ok(Reply::List(permissions.map(|of| shown(of)).collect()))
}

/// The three patterns of a body, each of which must be one.
pub(super) fn parse(user: &str, vhost: &str, body: &Body) -> Result<Permission, ApiError> {
    let pattern = |name: &str| -> Result<Arc<str>, ApiError> {
        let pattern = body.needed(name)?;
        match access::compile(pattern) {
            Ok(_) => Ok(pattern.into()),
            Err(error) => {
                // The last line says what is wrong, those before it show where.
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default().trim();
                let reason =
                    format!("{name}: \"{pattern}\" is not a pattern that is understood: {reason}");
                Err(ApiError::BadRequest(reason))
            }
        }
    };
    Ok(Permission {
        user: user.into(),
        vhost: vhost.into(),
        configure: pattern("configure")?,
        write: pattern("write")?,
        read: pattern("read")?,
    })
}

pub(super) fn shown(permission: &Permission) -> Value {
    json!({
        "user": &*permission.user,
        "vhost": &*permission.vhost,
        "configure": &*permission.configure,
        "write": &*permission.write,
        "read": &*permission.read,
    })
}
