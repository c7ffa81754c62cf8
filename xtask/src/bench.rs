//! Measurements: Mainstay and Apache Kafka, RabbitMQ, or nginx and HAProxy, by turns on the same machine, and the machine
//! alone.
//!
//! For logs and queues the load generator is part of this program, one thread with requests that are encoded once, and the same for
//! every server. Durability is made equal: Apache Kafka is run with an fsync before each acknowledgement, and
//! a second time as it is by default, which is labelled so and not compared.

mod amqp;
mod amqp_records;
mod connection;
mod fetch;
mod floor;
mod http;
mod http_records;
mod kafka;
mod load;
mod records;
mod start;
mod workload;

use std::path::PathBuf;

use anyhow::Result;

use crate::repo;

pub(crate) use amqp_records::{AmqpBacklog, AmqpIdle, AmqpRun, AmqpThroughput};
pub(crate) use http_records::{HttpIdle, HttpIdleRun, HttpRun, HttpThroughput};
pub(crate) use records::{Run, StartRun, Throughput};

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    which: Which,
}

#[derive(clap::Subcommand)]
enum Which {
    /// Throughput, latency, processor time and memory beside Apache Kafka, interleaved.
    Kafka(kafka::Options),
    /// Queues beside RabbitMQ, interleaved: throughput, confirms, processor time, a backlog, idle connections.
    Amqp(amqp::Options),
    /// The balancer beside nginx and HAProxy, interleaved: requests, latency, processor time, memory (NGINX_BINARY names a
    /// further nginx).
    Http(http::Options),
    /// What a bare append and fdatasync costs on this disk.
    Floor,
    /// Start, recovery after a kill -9, idle memory, idle connections.
    Start(start::Options),
}

pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.which {
        Which::Kafka(options) => kafka::run(options),
        Which::Amqp(options) => amqp::run(options),
        Which::Http(options) => http::run(options),
        Which::Floor => floor::show(),
        Which::Start(options) => start::run(options),
    }
}

/// An empty folder for a server's data, on the disk that holds the build directory.
fn fresh_data(name: &str) -> Result<PathBuf> {
    let data = repo::target().join("bench").join(name);
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    std::fs::create_dir_all(&data)?;
    Ok(data)
}
