//! What the node is.

use super::{Call, Reply};
use serde_json::json;

/// The version of RabbitMQ whose API this is a part of; clients ask for it to know what they may use.
pub(super) const RABBITMQ_VERSION: &str = "3.10.0";
/// What the one node is called where RabbitMQ names nodes.
pub(super) const NODE: &str = "mainstay";

pub(super) fn overview(call: &Call<'_>) -> Reply {
    let topology = &call.topology;
    Reply::One(json!({
        "cluster_name": call.api.catalog.cluster_id(),
        "management_version": RABBITMQ_VERSION,
        "node": NODE,
        "object_totals": {
            "exchanges": topology.exchange_count(),
            "queues": topology.queues().len(),
        },
        "product_name": "Mainstay",
        "product_version": call.api.version,
        "rabbitmq_version": RABBITMQ_VERSION,
    }))
}

pub(super) fn whoami(call: &Call<'_>) -> Reply {
    Reply::One(json!({ "name": &*call.user.name, "tags": call.user.tags }))
}

pub(super) fn cluster_name(call: &Call<'_>) -> Reply {
    Reply::One(json!({ "name": call.api.catalog.cluster_id() }))
}
