//! Definitions as they were read: what is to be made, and what they ask for in vain.

use crate::api::body::Body;
use crate::api::error::ApiError;
use crate::api::{arguments, exchanges, permissions, queues, users};
use crate::hosts::Declaration;
use bytes::Bytes;
use cluster::{Binding, Destination, Permission, User};
use serde_json::Value;

/// Parts and fields that say nothing that would have to be done.
const SAFELY_IGNORED: &[&str] = &[
    "rabbit_version",
    "rabbitmq_version",
    "rabbitmq_definition_format",
    "product_name",
    "product_version",
    "original_cluster_name",
    "original_vhost_name",
    "explanation",
    "description",
    "metadata",
];
/// Global parameters that name the cluster that they come from.
const GLOBAL_SAFELY_IGNORED: &[&str] = &[
    "internal_cluster_id",
    "cluster_name",
    "cluster_tags",
    "imported_definition_hash_value",
];

/// What an import will do.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) vhosts: Vec<String>,
    pub(super) users: Vec<User>,
    pub(super) permissions: Vec<Permission>,
    pub(super) exchanges: Vec<Declaration>,
    pub(super) queues: Vec<Declaration>,
    pub(super) bindings: Vec<Binding>,
    /// What is asked for and not to be had; one line each.
    pub(super) unsupported: Vec<String>,
}

impl Plan {
    /// Reads definitions; those of one vhost do not name it.
    pub(super) fn read(text: &Bytes, vhost: Option<&str>) -> Result<Self, ApiError> {
        let body = Body::parse(text)?;
        let mut plan = Self::default();
        for part in body.names() {
            let Some(list) = body.get(part) else { continue };
            match (part.as_str(), vhost) {
                (ignored, _) if SAFELY_IGNORED.contains(&ignored) => {}
                ("vhosts", None) => plan.each(part, list, Self::vhost)?,
                ("users", None) => plan.each(part, list, Self::user)?,
                ("permissions", None) => plan.each(part, list, Self::permission)?,
                ("global_parameters", None) => plan.each(part, list, Self::global_parameter)?,
                ("exchanges", _) => {
                    plan.each(part, list, |plan, entry| plan.exchange(entry, vhost))?;
                }
                ("queues", _) => plan.each(part, list, |plan, entry| plan.queue(entry, vhost))?,
                ("bindings", _) => {
                    plan.each(part, list, |plan, entry| plan.binding(entry, vhost))?;
                }
                _ => plan.refuse(part, list),
            }
        }
        Ok(plan)
    }

    /// Reads the entries of a part; an error says which one it is about.
    fn each(
        &mut self,
        part: &str,
        list: &Value,
        mut read: impl FnMut(&mut Self, &Body) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        let malformed = |what: &str| ApiError::BadRequest(format!("{part}: {what}"));
        let entries = list
            .as_array()
            .ok_or_else(|| malformed("expected a list"))?;
        for (index, entry) in entries.iter().enumerate() {
            let entry = Body::of(entry).ok_or_else(|| malformed("expected a list of objects"))?;
            read(self, &entry).map_err(|error| match error {
                ApiError::BadRequest(reason) => {
                    ApiError::BadRequest(format!("{part}[{index}]: {reason}"))
                }
                other => other,
            })?;
        }
        Ok(())
    }

    /// A part that there is nothing for, unless it is empty.
    fn refuse(&mut self, part: &str, value: &Value) {
        if is_nothing(value) {
            return;
        }
        let names: Vec<_> = match value {
            Value::Array(entries) => entries.iter().filter_map(named).collect(),
            _ => Vec::new(),
        };
        self.unsupported.push(if names.is_empty() {
            part.to_owned()
        } else {
            format!("{part} ({})", names.join(", "))
        });
    }

    /// Fields of an entry that are neither understood nor safe to ignore.
    fn rest(&mut self, of: &str, entry: &Body, known: &[&str]) {
        for field in entry.names() {
            let value = entry.get(field);
            let ignored = SAFELY_IGNORED.contains(&field.as_str());
            if !known.contains(&field.as_str()) && !ignored && !value.is_none_or(is_nothing) {
                self.unsupported.push(format!("{field} of {of}"));
            }
        }
    }

    fn vhost(&mut self, entry: &Body) -> Result<(), ApiError> {
        let name = entry.needed("name")?;
        let usual = entry
            .text("default_queue_type")?
            .is_none_or(|kind| ["undefined", "classic"].contains(&kind));
        let mut known = vec!["name", "tags", "cluster_state"];
        known.extend(usual.then_some("default_queue_type"));
        self.rest(&format!("vhost '{name}'"), entry, &known);
        self.vhosts.push(name.to_owned());
        Ok(())
    }

    fn user(&mut self, entry: &Body) -> Result<(), ApiError> {
        let name = entry.needed("name")?;
        let known = ["name", "password_hash", "hashing_algorithm", "tags"];
        self.rest(&format!("user '{name}'"), entry, &known);
        let password = users::imported(entry).map_err(|error| match error {
            ApiError::BadRequest(reason) => {
                ApiError::BadRequest(format!("user '{name}': {reason}"))
            }
            other => other,
        })?;
        self.users.push(User {
            name: name.into(),
            password,
            tags: users::tags(entry)?.unwrap_or_default(),
        });
        Ok(())
    }

    fn permission(&mut self, entry: &Body) -> Result<(), ApiError> {
        let (user, vhost) = (entry.needed("user")?, entry.needed("vhost")?);
        let known = ["user", "vhost", "configure", "write", "read"];
        self.rest(&format!("permission of '{user}'"), entry, &known);
        self.permissions
            .push(permissions::parse(user, vhost, entry)?);
        Ok(())
    }

    fn global_parameter(&mut self, entry: &Body) -> Result<(), ApiError> {
        let name = entry.needed("name")?;
        if !GLOBAL_SAFELY_IGNORED.contains(&name) {
            self.unsupported.push(format!("global_parameters ({name})"));
        }
        Ok(())
    }

    fn exchange(&mut self, entry: &Body, vhost: Option<&str>) -> Result<(), ApiError> {
        let name = entry.needed("name")?;
        let known = [
            "name",
            "vhost",
            "type",
            "durable",
            "auto_delete",
            "internal",
            "arguments",
        ];
        self.rest(&format!("exchange '{name}'"), entry, &known);
        let vhost = in_vhost(entry, vhost)?;
        self.exchanges
            .push(exchanges::declaration(vhost, name, entry)?);
        Ok(())
    }

    /// A queue's `type` says again what its arguments say.
    fn queue(&mut self, entry: &Body, vhost: Option<&str>) -> Result<(), ApiError> {
        let name = entry.needed("name")?;
        let known = [
            "name",
            "vhost",
            "type",
            "durable",
            "auto_delete",
            "arguments",
        ];
        self.rest(&format!("queue '{name}'"), entry, &known);
        let vhost = in_vhost(entry, vhost)?;
        self.queues.push(queues::declaration(vhost, name, entry)?);
        Ok(())
    }

    fn binding(&mut self, entry: &Body, vhost: Option<&str>) -> Result<(), ApiError> {
        let (source, destination) = (entry.needed("source")?, entry.needed("destination")?);
        let known = [
            "source",
            "vhost",
            "destination",
            "destination_type",
            "routing_key",
            "arguments",
            "properties_key",
        ];
        self.rest(
            &format!("binding of '{destination}' to '{source}'"),
            entry,
            &known,
        );
        let destination = match entry.needed("destination_type")? {
            "queue" => Destination::Queue(destination.into()),
            "exchange" => Destination::Exchange(destination.into()),
            other => {
                let reason = format!("destination_type: expected queue or exchange, found {other}");
                return Err(ApiError::BadRequest(reason));
            }
        };
        // Every queue is bound to the default exchange anyway.
        if !source.is_empty() {
            self.bindings.push(Binding {
                vhost: in_vhost(entry, vhost)?.into(),
                source: source.into(),
                destination,
                routing_key: entry.text("routing_key")?.unwrap_or_default().into(),
                arguments: arguments::from_json(entry.get("arguments"))?,
            });
        }
        Ok(())
    }
}

/// Definitions of one vhost go into that one, whatever they say.
fn in_vhost<'a>(entry: &'a Body, vhost: Option<&'a str>) -> Result<&'a str, ApiError> {
    vhost.map_or_else(|| entry.needed("vhost"), Ok)
}

/// Whether a value asks for nothing.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty() || text == "undefined",
        _ => false,
    }
}

fn named(entry: &Value) -> Option<String> {
    let name = ["name", "user"]
        .iter()
        .find_map(|field| entry[field].as_str())?;
    Some(match entry["vhost"].as_str() {
        Some(vhost) => format!("'{name}' in vhost '{vhost}'"),
        None => format!("'{name}'"),
    })
}
