//! The RabbitMQ face: sessions that speak AMQP 0-9-1, and the queues that they publish to and consume from.
//!
//! Sessions and queues are machines without sockets, tasks or clocks. They know each other only by
//! the mail of [`mail`], which can cross nodes as it is.

pub mod mail;
pub mod message;
pub mod queues;
pub mod routing;
pub mod run;
pub mod stream_queue;
mod streams;
pub mod topic_keeper;
pub mod topic_record;
