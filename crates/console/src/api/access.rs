//! Who may do what: tags open the API, permissions of vhosts open what is in them.

use super::error::ApiError;
use super::{Api, Head};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cluster::{Permission, Topology, User, VerifyError};
use regex::Regex;
use std::sync::Arc;

/// The user whose password everybody knows.
const GUEST: &str = "guest";

/// Largest compiled form of a pattern in bytes, so that no permission takes the memory of all.
const PATTERN_SIZE_MAX: usize = 1 << 20;

/// What is to be done with an exchange or a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Declare, delete.
    Configure,
    /// Publish, bind to.
    Write,
    /// Consume, purge, bind from.
    Read,
}

/// Checks name and password of `authorization: Basic …`.
pub(super) async fn login(api: &Api, head: &Head) -> Result<Arc<User>, ApiError> {
    let (name, password) = credentials(head).ok_or(ApiError::Login)?;
    let topology = api.catalog.topology();
    let user = topology.user(&name).cloned().ok_or(ApiError::Login)?;
    if name == GUEST && !head.loopback {
        let reason = "User can only log in via localhost";
        return Err(ApiError::NotAuthorised(reason.to_owned()));
    }
    match api.verifier.verify(&user, password.as_bytes()).await {
        Ok(true) => {}
        Ok(false) => return Err(ApiError::Login),
        Err(error @ (VerifyError::Busy | VerifyError::Stopping)) => {
            return Err(ApiError::Unavailable(error.to_string()));
        }
    }
    if TAGS.iter().any(|tag| has_tag(&user, tag)) {
        Ok(user)
    } else {
        let reason = "Not management user";
        Err(ApiError::NotAuthorised(reason.to_owned()))
    }
}

const ADMINISTRATOR: &str = "administrator";
const MONITORING: &str = "monitoring";
/// Tags that open the API, as in RabbitMQ.
const TAGS: [&str; 4] = [ADMINISTRATOR, MONITORING, "policymaker", "management"];

fn has_tag(user: &User, tag: &str) -> bool {
    user.tags.iter().any(|has| has == tag)
}

fn credentials(head: &Head) -> Option<(String, String)> {
    let (scheme, encoded) = head.authorization.as_deref()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

/// Whether the user may change users, vhosts and permissions.
pub(crate) fn administrator(user: &User) -> Result<(), ApiError> {
    if has_tag(user, ADMINISTRATOR) {
        Ok(())
    } else {
        let reason = "Not administrator user";
        Err(ApiError::NotAuthorised(reason.to_owned()))
    }
}

/// Whether the user may look at a vhost.
pub(crate) fn sees(topology: &Topology, user: &User, vhost: &str) -> bool {
    has_tag(user, ADMINISTRATOR)
        || has_tag(user, MONITORING)
        || topology.permission(&user.name, vhost).is_some()
}

/// Whether the user may do something with the exchange or queue of this name.
pub(crate) fn may(
    topology: &Topology,
    user: &User,
    vhost: &str,
    operation: Operation,
    name: &str,
) -> Result<(), ApiError> {
    let permission = topology.permission(&user.name, vhost);
    let allowed = permission.is_some_and(|of| matches(pattern(of, operation), name));
    if allowed {
        Ok(())
    } else {
        Err(ApiError::refused())
    }
}

fn pattern(permission: &Permission, operation: Operation) -> &str {
    match operation {
        Operation::Configure => &permission.configure,
        Operation::Write => &permission.write,
        Operation::Read => &permission.read,
    }
}

/// As in RabbitMQ a pattern may match anywhere, and the empty one matches the empty name only. What does
/// not compile matches nothing.
fn matches(pattern: &str, name: &str) -> bool {
    if pattern.is_empty() {
        return name.is_empty();
    }
    compile(pattern).is_ok_and(|pattern| pattern.is_match(name))
}

/// Compiles somebody's pattern.
pub(crate) fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    regex::RegexBuilder::new(pattern)
        .size_limit(PATTERN_SIZE_MAX)
        .build()
}
