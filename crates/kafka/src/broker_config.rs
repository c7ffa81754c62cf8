//! The broker's settings as DescribeConfigs shows them, as one table.

use crate::config::{ConfigSource, ConfigType};
use crate::settings::Settings;
use std::time::Duration;

/// One setting.
pub(crate) struct BrokerConfig {
    pub(crate) name: &'static str,
    pub(crate) kind: ConfigType,
    pub(crate) doc: &'static str,
    /// What it is set to; `None` where it is not set.
    pub(crate) value: fn(&Settings) -> Option<String>,
}

impl BrokerConfig {
    /// Whether the operator set it. The listeners always are: no broker has a default address.
    pub(crate) fn source(&self, settings: &Settings) -> ConfigSource {
        if settings.given.contains(self.name) || self.name == ADVERTISED_LISTENERS {
            ConfigSource::StaticBroker
        } else {
            ConfigSource::Default
        }
    }
}

const ADVERTISED_LISTENERS: &str = "advertised.listeners";

fn ms(age: Option<Duration>) -> String {
    age.map_or("-1".to_owned(), |age| age.as_millis().to_string())
}

const fn config(
    name: &'static str,
    kind: ConfigType,
    value: fn(&Settings) -> Option<String>,
    doc: &'static str,
) -> BrokerConfig {
    BrokerConfig {
        name,
        kind,
        doc,
        value,
    }
}

/// All settings, by name.
#[rustfmt::skip]
pub(crate) static BROKER_CONFIGS: &[BrokerConfig] = {
    use ConfigType::{Boolean, Int, List, Long, String};
    &[
        config(ADVERTISED_LISTENERS, String,
            |s| s.advertised.as_ref().map(|at| format!("PLAINTEXT://{}:{}", at.host, at.port)),
            "What clients are told to connect to. Where it is not set, they are told the address that they have connected to."),
        config("auto.create.topics.enable", Boolean, |s| Some(s.auto_create_topics_enable.to_string()),
            "Whether a topic comes into being when a client first asks for it."),
        config("compression.type", String, |_| Some("producer".to_owned()),
            "Batches stay as the producer compressed them."),
        config("connections.max.idle.ms", Long, |s| Some(ms(s.connections_max_idle)),
            "After which time an idle connection is closed, in milliseconds; -1 for never."),
        config("default.replication.factor", Int, |s| Some(s.default_replication_factor.to_string()),
            "What clients are told of a topic that is made without a replication factor, and the largest that they may ask for. It has no effect: redundancy is the storage's."),
        config("delete.topic.enable", Boolean, |_| Some("true".to_owned()),
            "Topics can be deleted."),
        config("group.initial.rebalance.delay.ms", Int, |s| Some(ms(Some(s.group_initial_rebalance_delay))),
            "How long an empty group waits for more members before its first rebalance, in milliseconds."),
        config("group.max.session.timeout.ms", Int, |s| Some(ms(Some(s.group_max_session_timeout))),
            "The longest session time-out that a group member may ask for, in milliseconds."),
        config("group.min.session.timeout.ms", Int, |s| Some(ms(Some(s.group_min_session_timeout))),
            "The shortest session time-out that a group member may ask for, in milliseconds."),
        config("log.cleanup.policy", List, |_| Some("delete".to_owned()),
            "What happens to old records of topics that do not say otherwise."),
        config("log.message.timestamp.type", String, |s| Some(s.log_message_timestamp_type.name().to_owned()),
            "Whether a record carries the producer's time or the time of its append."),
        config("log.retention.bytes", Long,
            |s| Some(s.log_retention_bytes.map_or("-1".to_owned(), |bytes| bytes.to_string())),
            "How many bytes of each partition are kept; -1 for no limit."),
        config("log.retention.ms", Long, |s| Some(ms(s.log_retention)),
            "How long records are kept, in milliseconds; -1 for ever."),
        config("max.incremental.fetch.session.cache.slots", Int,
            |s| Some(s.max_incremental_fetch_session_cache_slots.to_string()),
            "How many fetch sessions are kept; 0 for none."),
        config("message.max.bytes", Int, |s| Some(s.message_max_bytes.to_string()),
            "The largest record batch, in bytes, after compression."),
        config("min.insync.replicas", Int, |_| Some("1".to_owned()),
            "No effect: redundancy is the storage's, and every acknowledgement means that the record is durable."),
        config("num.partitions", Int, |s| Some(s.num_partitions.to_string()),
            "Partitions of a topic that is made without a number."),
        config("offsets.retention.minutes", Int, |s| Some((s.offsets_retention.as_secs() / 60).to_string()),
            "How many minutes a group's offsets outlive its last member."),
        config("producer.id.expiration.ms", Int, |s| Some(ms(Some(s.producer_id_expiration))),
            "How long the sequence numbers of an idle producer are remembered, in milliseconds."),
        config("socket.request.max.bytes", Int, |s| Some(s.socket_request_max_bytes.to_string()),
            "The largest request, in bytes."),
    ]
};

#[cfg(test)]
mod tests {
    use super::BROKER_CONFIGS;
    use crate::config::ConfigSource;
    use crate::settings::Settings;
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
        assert_eq!((config.value)(&settings), Some("4".to_owned()));
        assert_eq!(config.source(&settings), ConfigSource::StaticBroker);
        assert_eq!(config.source(&Settings::default()), ConfigSource::Default);
    }
}
