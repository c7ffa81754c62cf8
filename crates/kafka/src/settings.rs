//! What an operator can set about the Kafka face, resolved into one immutable value.
//!
//! Plain data under Kafka's own names (dots as underscores). Whoever fills it in promises that it is
//! consistent; nothing here reads files. Where clients ask for settings, `broker_config` shows these.

use std::collections::BTreeSet;
use std::time::Duration;

/// A host name or address, without brackets, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// A DNS name, an IPv4 address or an IPv6 address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// Broker settings. The defaults are Kafka 4's but for the initial rebalance delay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What clients are told to connect to; `None` for the address that they have connected to.
    pub advertised: Option<Endpoint>,
    /// `num.partitions`: of a topic that is made without a number.
    pub num_partitions: i32,
    /// `default.replication.factor`: what clients are told of a topic that is made without one.
    pub default_replication_factor: i16,
    /// `auto.create.topics.enable`.
    pub auto_create_topics_enable: bool,
    /// `message.max.bytes`: the largest record batch, in bytes.
    pub message_max_bytes: i32,
    /// `socket.request.max.bytes`: the largest request, in bytes. The driver keeps to it.
    pub socket_request_max_bytes: i32,
    /// `log.retention.ms`, `.minutes` or `.hours`; `None` for ever.
    pub log_retention: Option<Duration>,
    /// `log.retention.bytes`, per partition; `None` without limit.
    pub log_retention_bytes: Option<u64>,
    /// `log.message.timestamp.type`.
    pub log_message_timestamp_type: TimestampType,
    /// `offsets.retention.minutes`: how long a group's offsets outlive its last member.
    pub offsets_retention: Duration,
    /// `group.min.session.timeout.ms`.
    pub group_min_session_timeout: Duration,
    /// `group.max.session.timeout.ms`.
    pub group_max_session_timeout: Duration,
    /// `group.initial.rebalance.delay.ms`: how long an empty group waits for more members before its
    /// first rebalance. Kafka's default is 3 s; its sample `server.properties` sets 0, and so do we,
    /// because a first consumer should not wait.
    pub group_initial_rebalance_delay: Duration,
    /// `max.incremental.fetch.session.cache.slots`; 0 for no fetch sessions.
    pub max_incremental_fetch_session_cache_slots: u32,
    /// `producer.id.expiration.ms`: how long an idle producer's sequence numbers are remembered. The
    /// log keeps to it.
    pub producer_id_expiration: Duration,
    /// `connections.max.idle.ms`; `None` for ever. The driver keeps to it.
    pub connections_max_idle: Option<Duration>,
    /// Kafka's names of the settings that were given, and not left at their defaults.
    pub given: BTreeSet<&'static str>,
}

/// Whose clock a record's timestamp comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's.
    CreateTime,
    /// The broker's, at the moment of the append.
    LogAppendTime,
}

impl TimestampType {
    /// The value of `message.timestamp.type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CreateTime => "CreateTime",
            Self::LogAppendTime => "LogAppendTime",
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            advertised: None,
            num_partitions: 1,
            default_replication_factor: 1,
            auto_create_topics_enable: true,
            message_max_bytes: 1_048_588,
            socket_request_max_bytes: 104_857_600,
            log_retention: Some(Duration::from_hours(168)),
            log_retention_bytes: None,
            log_message_timestamp_type: TimestampType::CreateTime,
            offsets_retention: Duration::from_hours(168),
            group_min_session_timeout: Duration::from_secs(6),
            group_max_session_timeout: Duration::from_mins(30),
            group_initial_rebalance_delay: Duration::ZERO,
            max_incremental_fetch_session_cache_slots: 1000,
            producer_id_expiration: Duration::from_hours(24),
            connections_max_idle: Some(Duration::from_mins(10)),
            given: BTreeSet::new(),
        }
    }
}
