//! The catalog as a session sees it during one wake-up.

use super::Session;
use super::failure::{Failure, Outcome};
use crate::mail::QueueId;
use crate::permissions::Access;
use crate::routing::Scene;
use crate::stream_queue::{self, Named};
use base::ShardId;
use cluster::{Queue, Topics, Topology};
use std::sync::Arc;

/// Snapshots that belong together.
#[derive(Debug, Clone)]
pub(super) struct View {
    /// What is derived from the snapshots holds until the catalog's version is another one.
    pub(super) version: u64,
    pub(super) topology: Arc<Topology>,
    pub(super) topics: Arc<Topics>,
}

/// A queue that a session may use.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) id: QueueId,
    pub(super) shard: ShardId,
    /// `None` for a stream queue.
    pub(super) queue: Option<Arc<Queue>>,
}

impl View {
    pub(super) fn scene<'a>(&'a self, vhost: &'a str) -> Scene<'a> {
        Scene {
            topology: &self.topology,
            topics: &self.topics,
            vhost,
        }
    }
}

impl Session {
    /// The catalog as this wake-up sees it.
    pub(super) fn look(&mut self) -> View {
        if let Some(view) = &self.view {
            return view.clone();
        }
        let catalog = self.broker.catalog();
        // The version comes first, so that it is never newer than what it stands for.
        let view = View {
            version: catalog.version(),
            topology: catalog.topology(),
            topics: catalog.topics(),
        };
        self.view = Some(view.clone());
        view
    }

    /// Whether the user may do this.
    pub(super) fn check_access(
        &mut self,
        access: Access,
        kind: &'static str,
        name: &str,
    ) -> Outcome {
        let view = self.look();
        let patterns = &self.broker.patterns;
        if patterns.allow(&view.topology, &self.user, &self.vhost, access, name) {
            return Ok(());
        }
        let (vhost, user) = (&self.vhost, &self.user);
        Err(Failure::refused(format!(
            "{} access to {kind} '{name}' in vhost '{vhost}' refused for user '{user}'",
            access.name()
        )))
    }

    /// The queue of this name, unless it belongs to another connection.
    pub(super) fn find_queue(&mut self, name: &str) -> Outcome<Found> {
        let view = self.look();
        match stream_queue::find(&view.scene(&self.vhost), name) {
            None => Err(Failure::no_queue(name, &self.vhost)),
            Some(Named::Stream(partition)) => Ok(Found {
                id: partition.stream,
                shard: partition.shard,
                queue: None,
            }),
            Some(Named::Queue(queue)) => {
                self.check_owner(queue)?;
                Ok(Found {
                    id: queue.id,
                    shard: queue.shard,
                    queue: Some(queue.clone()),
                })
            }
        }
    }

    /// Whether this connection may use the queue.
    pub(super) fn check_owner(&self, queue: &Queue) -> Outcome {
        if queue.exclusive.is_none_or(|owner| owner == self.id.0) {
            Ok(())
        } else {
            Err(Failure::locked(&queue.name, &self.vhost))
        }
    }

    /// The queue name that a method means on a channel: an empty one is that of the queue declared last.
    pub(super) fn queue_name(&self, channel: u16, name: &str) -> Outcome<Arc<str>> {
        if !name.is_empty() {
            return Ok(Arc::from(name));
        }
        let last = self
            .channels
            .get(channel)
            .and_then(|channel| channel.last_queue.clone());
        last.ok_or_else(|| {
            Failure::channel(
                amqp_wire::ReplyCode::NotFound,
                "no previously declared queue",
            )
        })
    }
}
