//! The methods of RabbitMQ's dialect of AMQP 0-9-1, one file per class.

pub mod access;
pub mod basic;
pub mod channel;
pub mod confirm;
pub mod connection;
pub mod exchange;
pub mod queue;
pub mod tx;
