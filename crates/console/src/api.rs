//! The part of RabbitMQ's management API that commands and definitions need.
//!
//! Paths, fields, status codes and the words of errors are those of RabbitMQ 3.10. Statistics, policies and
//! parameters are not there. Changes go through the catalog or, where queues are concerned, through [`Hosts`];
//! an answer is given when the change is durable.

mod access;
mod any_queue;
mod arguments;
mod bindings;
mod body;
mod definitions;
mod error;
mod exchanges;
mod list;
mod overview;
mod permissions;
mod queues;
#[cfg(test)]
mod tests;
mod users;
mod vhosts;

use crate::answer::Answer;
use crate::hosts::Hosts;
use crate::request::{Head, Method};
use base::Entropy;
use bytes::Bytes;
use cluster::{Catalog, Topics, Topology, User, Verifier};
use error::ApiError;
use serde_json::Value;
use std::sync::Arc;
use store::Offload;

/// Longest body of a request in bytes: definitions of tens of thousands of queues.
pub const BODY_BYTES_MAX: usize = 20 << 20;

/// The API over a node's catalog and queues.
pub struct Api {
    catalog: Arc<Catalog>,
    hosts: Arc<dyn Hosts>,
    verifier: Arc<Verifier>,
    pool: Arc<dyn Offload>,
    entropy: Arc<dyn Entropy>,
    version: &'static str,
}

/// A user that has shown who it is.
pub struct Caller(Arc<User>);

/// A request on its way.
struct Call<'a> {
    api: &'a Api,
    user: &'a User,
    head: &'a Head,
    body: &'a Bytes,
    /// The topology when the request came.
    topology: Arc<Topology>,
    /// The topics, which are stream queues.
    topics: Arc<Topics>,
}

/// What a request leads to.
enum Reply {
    /// 200 with one value.
    One(Value),
    /// 200 with a list that the query may narrow.
    List(Vec<Value>),
    /// 200 with a value whatever the query says.
    Whole(Value),
    /// 201
    Created,
    /// 201 with a place.
    CreatedAt(String),
    /// 204
    Done,
}

type Outcome = Result<Reply, ApiError>;

impl Api {
    /// The API; slow work runs on `pool`. `version` is the product's.
    #[must_use]
    pub fn new(
        catalog: Arc<Catalog>,
        hosts: Arc<dyn Hosts>,
        verifier: Arc<Verifier>,
        pool: Arc<dyn Offload>,
        entropy: Arc<dyn Entropy>,
        version: &'static str,
    ) -> Self {
        Self {
            catalog,
            hosts,
            verifier,
            pool,
            entropy,
            version,
        }
    }

    /// Whether a path is one of the API's.
    #[must_use]
    pub fn serves(path: &str) -> bool {
        path == "/api" || path.starts_with("/api/")
    }

    /// Checks who asks. To be done before the body is read, so that nobody else makes us keep one.
    pub async fn login(&self, head: &Head) -> Result<Caller, Answer> {
        match access::login(self, head).await {
            Ok(user) => Ok(Caller(user)),
            Err(error) => {
                // Clients that have no password yet ask without one first.
                if head.authorization.is_some() {
                    tracing::warn!(path = ?head.path, %error, "a log-in to the management API was refused");
                }
                Err(error.answer())
            }
        }
    }

    /// Does what the request asks for.
    pub async fn answer(&self, caller: &Caller, head: &Head, body: &Bytes) -> Answer {
        let call = Call {
            api: self,
            user: &caller.0,
            head,
            body,
            topology: self.catalog.topology(),
            topics: self.catalog.topics(),
        };
        let outcome = match head.segments() {
            Some(segments) => {
                let segments: Vec<_> = segments.iter().map(String::as_str).collect();
                call.route(segments.get(1..).unwrap_or_default()).await
            }
            None => Err(ApiError::NotFound),
        };
        let outcome = outcome.and_then(|reply| reply.answer(head));
        let answer = outcome.unwrap_or_else(|error| error.answer());
        if head.method != Method::Get {
            let (user, method, path) = (&caller.0.name, head.method, &head.path);
            tracing::info!(%user, ?method, ?path, status = answer.status, "asked of the management API");
        }
        answer
    }
}

impl Call<'_> {
    async fn route(&self, path: &[&str]) -> Outcome {
        match *path {
            ["overview"] => self.get(|| Ok(overview::overview(self))),
            ["whoami"] => self.get(|| Ok(overview::whoami(self))),
            ["cluster-name"] => self.get(|| Ok(overview::cluster_name(self))),
            ["vhosts", vhost, "permissions"] => self.get(|| permissions::of_vhost(self, vhost)),
            ["vhosts", ref rest @ ..] => vhosts::handle(self, rest).await,
            ["users", user, "permissions"] => self.get(|| permissions::of_user(self, user)),
            ["users", ref rest @ ..] => users::handle(self, rest).await,
            ["permissions", ref rest @ ..] => permissions::handle(self, rest).await,
            ["queues", vhost, queue, "bindings"] => {
                self.get(|| bindings::of_queue(self, vhost, queue))
            }
            ["queues", ref rest @ ..] => queues::handle(self, rest).await,
            [
                "exchanges",
                vhost,
                exchange,
                "bindings",
                side @ ("source" | "destination"),
            ] => self.get(|| bindings::of_exchange(self, vhost, exchange, side == "source")),
            ["exchanges", ref rest @ ..] => exchanges::handle(self, rest).await,
            ["bindings", ref rest @ ..] => bindings::handle(self, rest).await,
            ["definitions", ref rest @ ..] => definitions::handle(self, rest).await,
            _ => Err(ApiError::NotFound),
        }
    }

    fn get(&self, reply: impl FnOnce() -> Outcome) -> Outcome {
        match self.head.method {
            Method::Get => reply(),
            _ => Err(ApiError::Method),
        }
    }

    /// A vhost that the user may look at.
    fn vhost(&self, name: &str) -> Result<&cluster::Vhost, ApiError> {
        let vhost = self.topology.vhost(name).ok_or(ApiError::NotFound)?;
        if access::sees(&self.topology, self.user, name) {
            Ok(vhost)
        } else {
            let reason = "User not authorised to access virtual host";
            Err(ApiError::NotAuthorised(reason.to_owned()))
        }
    }

    /// All vhosts that the user may look at, or the one of this name.
    fn vhosts(&self, name: Option<&str>) -> Result<Vec<&cluster::Vhost>, ApiError> {
        match name {
            Some(name) => Ok(vec![self.vhost(name)?]),
            None => Ok(self
                .topology
                .vhosts()
                .filter(|vhost| access::sees(&self.topology, self.user, vhost.name()))
                .collect()),
        }
    }
}

impl Reply {
    /// What a PUT made, or replaced.
    fn put(made: cluster::Made) -> Self {
        match made {
            cluster::Made::New => Self::Created,
            cluster::Made::Existing => Self::Done,
        }
    }

    fn answer(self, head: &Head) -> Result<Answer, ApiError> {
        Ok(match self {
            Self::One(value) => Answer::json(200, &list::columns(value, head)),
            Self::List(items) => Answer::json(200, &list::arrange(items, head)?),
            Self::Whole(value) => Answer::json(200, &value),
            Self::Created => Answer::empty(201),
            Self::CreatedAt(location) => Answer {
                location: Some(location),
                ..Answer::empty(201)
            },
            Self::Done => Answer::empty(204),
        })
    }
}
