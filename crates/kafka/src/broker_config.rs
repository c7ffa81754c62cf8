//! The broker's settings as DescribeConfigs shows them, as one table.

use crate::config::{ConfigSource, ConfigType};
use crate::settings::{Endpoint, Settings};
use std::time::Duration;

/// One setting.
pub(crate) struct BrokerConfig {
    pub(crate) name: &'static str,
    pub(crate) kind: ConfigType,
    pub(crate) doc: &'static str,
    value: Value,
}

/// Where a setting's value stands.
enum Value {
    /// Among the settings, which have a default for it.
    Set(fn(&Settings) -> String),
    /// In the place that this broker has: it has no default, and counts as set.
    Placed(fn(&Place<'_>) -> String),
}

/// What follows from where a broker is.
pub(crate) struct Place<'a> {
    /// What the client is told to connect to.
    pub(crate) endpoint: &'a Endpoint,
    /// The broker's number.
    pub(crate) node_id: i32,
}

impl BrokerConfig {
    /// Whether the operator set it.
    pub(crate) fn source(&self, settings: &Settings) -> ConfigSource {
        match self.value {
            Value::Set(_) if !settings.given.contains(self.name) => ConfigSource::Default,
            _ => ConfigSource::StaticBroker,
        }
    }

    /// What it is set to.
    pub(crate) fn value(&self, settings: &Settings, place: &Place<'_>) -> String {
        match self.value {
            Value::Set(value) => value(settings),
            Value::Placed(value) => value(place),
        }
    }

    /// What it is set to where nobody sets it.
    pub(crate) fn default(&self) -> Option<String> {
        match self.value {
            Value::Set(value) => Some(value(&Settings::default())),
            Value::Placed(_) => None,
        }
    }
}

fn ms(age: Option<Duration>) -> String {
    age.map_or("-1".to_owned(), |age| age.as_millis().to_string())
}

const fn config(
    name: &'static str,
    kind: ConfigType,
    value: fn(&Settings) -> String,
    doc: &'static str,
) -> BrokerConfig {
    BrokerConfig {
        name,
        kind,
        doc,
        value: Value::Set(value),
    }
}

const fn placed(
    name: &'static str,
    kind: ConfigType,
    value: fn(&Place<'_>) -> String,
    doc: &'static str,
) -> BrokerConfig {
    BrokerConfig {
        name,
        kind,
        doc,
        value: Value::Placed(value),
    }
}

/// All settings, by name.
#[rustfmt::skip]
pub(crate) static BROKER_CONFIGS: &[BrokerConfig] = {
    use ConfigType::{Boolean, Int, List, Long, String};
    &[
        placed("advertised.listeners", String, |at| format!("PLAINTEXT://{}:{}", at.endpoint.host, at.endpoint.port),
            "What clients are told to connect to: the address that they have connected to, unless another is configured."),
        config("auto.create.topics.enable", Boolean, |s| s.auto_create_topics_enable.to_string(),
            "Whether a topic comes into being when a client first asks for it."),
        placed("broker.id", Int, |at| at.node_id.to_string(),
            "The number of this node among the brokers."),
        config("compression.type", String, |_| "producer".to_owned(),
            "Batches stay as the producer compressed them."),
        config("connections.max.idle.ms", Long, |s| ms(s.connections_max_idle),
            "After which time an idle connection is closed, in milliseconds; -1 for never."),
        config("default.replication.factor", Int, |s| s.default_replication_factor.to_string(),
            "What clients are told of a topic that is made without a replication factor, and the largest that they may ask for. It has no effect: redundancy is the storage's."),
        config("delete.topic.enable", Boolean, |_| "true".to_owned(),
            "Topics can be deleted."),
        config("group.initial.rebalance.delay.ms", Int, |s| ms(Some(s.group_initial_rebalance_delay)),
            "How long an empty group waits for more members before its first rebalance, in milliseconds."),
        config("group.max.session.timeout.ms", Int, |s| ms(Some(s.group_max_session_timeout)),
            "The longest session time-out that a group member may ask for, in milliseconds."),
        config("group.min.session.timeout.ms", Int, |s| ms(Some(s.group_min_session_timeout)),
            "The shortest session time-out that a group member may ask for, in milliseconds."),
        config("log.cleanup.policy", List, |_| "delete".to_owned(),
            "What happens to old records of topics that do not say otherwise."),
        config("log.message.timestamp.type", String, |s| s.log_message_timestamp_type.name().to_owned(),
            "Whether a record carries the producer's time or the time of its append."),
        config("log.retention.bytes", Long,
            |s| s.log_retention_bytes.map_or("-1".to_owned(), |bytes| bytes.to_string()),
            "How many bytes of each partition are kept; -1 for no limit."),
        config("log.retention.ms", Long, |s| ms(s.log_retention),
            "How long records are kept, in milliseconds; -1 for ever."),
        config("max.incremental.fetch.session.cache.slots", Int,
            |s| s.max_incremental_fetch_session_cache_slots.to_string(),
            "How many fetch sessions are kept; 0 for none."),
        config("message.max.bytes", Int, |s| s.message_max_bytes.to_string(),
            "The largest record batch, in bytes, after compression."),
        config("min.insync.replicas", Int, |_| "1".to_owned(),
            "No effect: redundancy is the storage's, and every acknowledgement means that the record is durable."),
        placed("node.id", Int, |at| at.node_id.to_string(),
            "The number of this node among the brokers."),
        config("num.partitions", Int, |s| s.num_partitions.to_string(),
            "Partitions of a topic that is made without a number."),
        config("offsets.retention.minutes", Int, |s| (s.offsets_retention.as_secs() / 60).to_string(),
            "How many minutes a group's offsets outlive its last member."),
        config("producer.id.expiration.ms", Int, |s| ms(Some(s.producer_id_expiration)),
            "How long the sequence numbers of an idle producer are remembered, in milliseconds."),
        config("socket.request.max.bytes", Int, |s| s.socket_request_max_bytes.to_string(),
            "The largest request, in bytes."),
    ]
};

#[cfg(test)]
mod tests {
    use super::{BROKER_CONFIGS, Place};
    use crate::config::ConfigSource;
    use crate::settings::{Endpoint, Settings};
    use std::collections::BTreeSet;

    #[test]
    fn the_table_is_sorted_and_knows_what_was_given() {
        assert!(BROKER_CONFIGS.is_sorted_by_key(|config| config.name));
        let settings = Settings {
            given: BTreeSet::from(["num.partitions"]),
            num_partitions: 4,
            ..Settings::default()
        };
        let config = BROKER_CONFIGS
            .iter()
            .find(|config| config.name == "num.partitions")
            .unwrap();
        let endpoint = Endpoint {
            host: "::1".to_owned(),
            port: 9,
        };
        let place = Place {
            endpoint: &endpoint,
            node_id: 3,
        };
        assert_eq!(config.value(&settings, &place), "4");
        assert_eq!(config.default(), Some("1".to_owned()));
        assert_eq!(config.source(&settings), ConfigSource::StaticBroker);
        assert_eq!(config.source(&Settings::default()), ConfigSource::Default);
    }
}
