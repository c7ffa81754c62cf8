//! What a node is told to be: the configuration, read and resolved into one immutable value.
//!
//! Plain data. It is made whole by the binary from file and command line, and promised to be
//! consistent: every number is within the bounds of its directive, the shortest session time-out is
//! not above the longest, and every address other than loopback was allowed by `insecure`.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Everything a node needs to know before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the log lives.
    pub storage: Storage,
    /// The Kafka face; `None` where it is not served.
    pub kafka: Option<KafkaSettings>,
    /// The console; `None` where it is not served. At least one face is.
    pub console: Option<ConsoleSettings>,
    /// How the node's own messages are written.
    pub log: LogFormat,
}

/// Where the log lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In a local directory, made where it is missing. A relative one starts from the working directory.
    File(PathBuf),
}

/// How the node's own messages are written to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// The Kafka face.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaSettings {
    /// At least one; port 0 means any free one.
    pub listen: Vec<SocketAddr>,
    /// What clients are told to connect to; `None` for the address that they have connected to.
    pub advertised: Option<HostPort>,
    /// The broker settings.
    pub broker: BrokerSettings,
    /// Kafka's names of the settings that were given and not left at their defaults (`DescribeConfigs` tells them apart).
    pub given: BTreeSet<&'static str>,
}

/// A host name or address, without brackets, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// A DNS name, an IPv4 address or an IPv6 address.
    pub host: String,
    /// Never 0.
    pub port: u16,
}

/// Broker settings under Kafka's own names (dots as underscores, units in the type where it has them).
///
/// [`BrokerSettings::default`] holds Kafka 4's defaults, but for `group.initial.rebalance.delay.ms`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerSettings {
    /// `num.partitions`: of a topic that is made without a number. 1 to 10,000.
    pub num_partitions: i32,
    /// `default.replication.factor`, as reported to clients; redundancy is the storage's. At least 1.
    pub default_replication_factor: i16,
    /// `auto.create.topics.enable`.
    pub auto_create_topics_enable: bool,
    /// `message.max.bytes`: the largest record batch, in bytes.
    pub message_max_bytes: i32,
    /// `socket.request.max.bytes`: the largest request, in bytes.
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
    /// `group.max.session.timeout.ms`; not below the shortest.
    pub group_max_session_timeout: Duration,
    /// `group.initial.rebalance.delay.ms`: how long an empty group waits for more members before its first rebalance.
    pub group_initial_rebalance_delay: Duration,
    /// `max.incremental.fetch.session.cache.slots`; 0 for no fetch sessions.
    pub max_incremental_fetch_session_cache_slots: u32,
    /// `producer.id.expiration.ms`: how long an idle producer's sequence numbers are remembered.
    pub producer_id_expiration: Duration,
    /// `connections.max.idle.ms`; `None` for ever.
    pub connections_max_idle: Option<Duration>,
}

/// Whose clock a record's timestamp comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's.
    CreateTime,
    /// The broker's, at the moment of the append.
    LogAppendTime,
}

/// The console: health, metrics, and later the management API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleSettings {
    /// At least one; port 0 means any free one.
    pub listen: Vec<SocketAddr>,
}

impl Default for Settings {
    /// What holds without file and flags: `./mainstay-data`, Kafka on 127.0.0.1:9092, the console on 127.0.0.1:15672.
    fn default() -> Self {
        const CONSOLE_PORT: u16 = 15672;
        Self {
            storage: Storage::File("./mainstay-data".into()),
            kafka: Some(KafkaSettings::default()),
            console: Some(ConsoleSettings {
                listen: vec![(Ipv4Addr::LOCALHOST, CONSOLE_PORT).into()],
            }),
            log: LogFormat::Text,
        }
    }
}

impl Default for KafkaSettings {
    fn default() -> Self {
        const KAFKA_PORT: u16 = 9092;
        Self {
            listen: vec![(Ipv4Addr::LOCALHOST, KAFKA_PORT).into()],
            advertised: None,
            broker: BrokerSettings::default(),
            given: BTreeSet::new(),
        }
    }
}

impl Default for BrokerSettings {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(3600);
        Self {
            num_partitions: 1,
            default_replication_factor: 1,
            auto_create_topics_enable: true,
            message_max_bytes: 1_048_588,
            socket_request_max_bytes: 104_857_600,
            log_retention: Some(HOUR * 168),
            log_retention_bytes: None,
            log_message_timestamp_type: TimestampType::CreateTime,
            offsets_retention: HOUR * 168,
            group_min_session_timeout: Duration::from_secs(6),
            group_max_session_timeout: Duration::from_secs(1800),
            // Kafka's default of 3 s spares large groups a few rebalances and makes every first consumer wait.
            // Its own sample server.properties sets 0, and so do we.
            group_initial_rebalance_delay: Duration::ZERO,
            max_incremental_fetch_session_cache_slots: 1000,
            producer_id_expiration: HOUR * 24,
            connections_max_idle: Some(Duration::from_secs(600)),
        }
    }
}
