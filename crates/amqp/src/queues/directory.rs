//! What a host must know of queues and routes: the catalog, as far as it matters here.

use super::settings::Declared;
use crate::mail::QueueId;
use amqp_wire::RawTable;
use base::ShardId;
use std::sync::Arc;

/// Looks queues up and routes dead letters, over the newest snapshot of the catalog.
pub trait Directory: Send + Sync + 'static {
    /// The queue of this id, unless it does not exist (any more).
    fn queue(&self, id: QueueId) -> Option<Arc<Declared>>;

    /// Whether this is the id of a stream queue, which is not this host's to write into.
    fn is_stream(&self, _id: QueueId) -> bool {
        false
    }

    /// Where a message goes that is published to an exchange; nowhere where that is missing.
    fn route(
        &self,
        vhost: &str,
        exchange: &str,
        keys: &[&str],
        headers: RawTable<'_>,
    ) -> Vec<(ShardId, QueueId)>;
}
