//! What a node is told to be: the configuration, read and resolved into one immutable value.
//!
//! Plain data. It is made whole by the binary from file and command line, and promised to be
//! consistent: every number is within the bounds of its directive, the shortest session time-out is
//! not above the longest, and every address other than loopback was allowed by `insecure`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Everything a node needs to know before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the log lives; `None` where none is kept: then no face but the console is served.
    pub storage: Option<Storage>,
    /// The Kafka face; `None` where it is not served.
    pub kafka: Option<KafkaSettings>,
    /// The RabbitMQ face; `None` where it is not served.
    pub amqp: Option<AmqpSettings>,
    /// The console; `None` where it is not served.
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
    /// The broker settings.
    pub broker: kafka::Settings,
}

/// The RabbitMQ face.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmqpSettings {
    /// At least one; port 0 means any free one.
    pub listen: Vec<SocketAddr>,
}

/// The console: health, metrics, and later the management API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleSettings {
    /// At least one; port 0 means any free one.
    pub listen: Vec<SocketAddr>,
}

impl Default for Settings {
    /// What holds without file and flags: `./mainstay-data`, Kafka on 127.0.0.1:9092, RabbitMQ's protocol on 127.0.0.1:5672, the console on
    /// 127.0.0.1:15672.
    fn default() -> Self {
        const CONSOLE_PORT: u16 = 15672;
        Self {
            storage: Some(Storage::File("./mainstay-data".into())),
            kafka: Some(KafkaSettings::default()),
            amqp: Some(AmqpSettings::default()),
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
            broker: kafka::Settings::default(),
        }
    }
}

impl Default for AmqpSettings {
    fn default() -> Self {
        const AMQP_PORT: u16 = 5672;
        Self {
            listen: vec![(Ipv4Addr::LOCALHOST, AMQP_PORT).into()],
        }
    }
}
