//! The catalog as hosts look at it: queues with their arguments read, and routes.

use super::directory::Directory;
use super::settings::{DELIVERY_LIMIT_DEFAULT, DeadLetterTo, Declared, Overflow, Settings};
use crate::mail::QueueId;
use crate::routing::{Scene, route};
use amqp_wire::{RawTable, RawValue};
use base::ShardId;
use cluster::{Catalog, Queue, QueueKind};
use std::sync::Arc;

/// Looks things up in the newest snapshot.
pub(crate) struct CatalogDirectory(pub(crate) Arc<Catalog>);

impl Directory for CatalogDirectory {
    fn queue(&self, id: QueueId) -> Option<Arc<Declared>> {
        let topology = self.0.topology();
        topology
            .queue_by_id(id)
            .map(|queue| Arc::new(declared(queue)))
    }

    fn is_stream(&self, id: QueueId) -> bool {
        self.0.topics().by_stream(id).is_some()
    }

    fn route(
        &self,
        vhost: &str,
        exchange: &str,
        keys: &[&str],
        headers: RawTable<'_>,
    ) -> Vec<(ShardId, QueueId)> {
        let (topology, topics) = (self.0.topology(), self.0.topics());
        let scene = Scene {
            topology: &topology,
            topics: &topics,
            vhost,
        };
        route(&scene, exchange, keys, headers).queues().to_vec()
    }
}

/// A queue of the catalog as its host needs it.
#[must_use]
pub fn declared(queue: &Queue) -> Declared {
    Declared {
        id: queue.id,
        shard: queue.shard,
        vhost: queue.vhost.clone(),
        name: queue.name.clone(),
        stored: queue.is_stored(),
        auto_delete: queue.auto_delete,
        exclusive: queue.exclusive,
        settings: settings(queue),
    }
}

fn settings(queue: &Queue) -> Settings {
    let arguments = RawTable::new(&queue.arguments);
    let get = |name| arguments.get(name).ok().flatten();
    let number = |name| {
        get(name)
            .and_then(RawValue::as_integer)
            .and_then(|n| u64::try_from(n).ok())
    };
    let text = |name| get(name).and_then(RawValue::as_str);
    let quorum = queue.kind == QueueKind::Quorum;
    let delivery_limit = match get("x-delivery-limit").and_then(RawValue::as_integer) {
        Some(limit) => u32::try_from(limit).ok(),
        None => quorum.then_some(DELIVERY_LIMIT_DEFAULT),
    };
    Settings {
        max_length: number("x-max-length"),
        max_length_bytes: number("x-max-length-bytes"),
        overflow: match text("x-overflow") {
            Some("reject-publish") => Overflow::RejectPublish,
            Some("reject-publish-dlx") => Overflow::RejectPublishDeadLetter,
            _ => Overflow::DropHead,
        },
        message_ttl_ms: number("x-message-ttl"),
        expires_ms: number("x-expires"),
        dead_letter: text("x-dead-letter-exchange").map(|exchange| DeadLetterTo {
            exchange: exchange.into(),
            routing_key: text("x-dead-letter-routing-key").map(Into::into),
        }),
        delivery_limit,
        counts_deliveries: quorum || delivery_limit.is_some(),
        single_active: get("x-single-active-consumer").and_then(RawValue::as_bool) == Some(true),
        levels: queue.levels.max(1),
    }
}
