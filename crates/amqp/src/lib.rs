//! The RabbitMQ face: sessions that speak AMQP 0-9-1, and the queues that they publish to and consume from.
//!
//! Sessions and queues are machines without sockets, tasks or clocks. They know each other only by
//! the mail of [`mail`], which can cross nodes as it is.

pub mod arguments;
mod broker;
pub mod mail;
pub mod message;
mod permissions;
pub mod queues;
mod replies;
pub mod routing;
pub mod run;
pub mod session;
pub mod stream_queue;
pub mod stream_settings;
mod streams;
mod task;
pub mod topic_keeper;
pub mod topic_record;

pub use broker::{Broker, Counters, Ground};
pub use task::{Done, Task};
