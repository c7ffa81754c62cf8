//! The drivers: sockets, tasks, clocks and shutdown around logic that has none of them.

mod amqp_face;
mod amqp_server;
mod balancer;
mod connections;
mod console_server;
mod inbound;
mod kafka_face;
mod kafka_server;
mod listener;
mod management;
mod node;
mod outlet;
mod platform;
mod process;
pub mod settings;
mod status;
mod storage;
mod topics;
mod upkeep;

pub use balancer::BalancerMetrics;
pub use listener::BindError;
pub use node::{Ended, Metrics, Node, StartError, Summary, Surroundings};
pub use outlet::{EVENTS_TOPIC, Outlet};
pub use storage::{Recovery, StorageError};
