//! Starting, recovering and doing nothing: how long and in how much memory.

use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};

use super::fresh_data;
use super::load::Load;
use super::records::StartRun;
use super::workload::{VALUE_BYTES, now_ms, produce};
use crate::client::{Client, record_batch};
use crate::results::{self, Provenance};
use crate::server::{Kind, Server, Spec};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The server that is measured; may be given several times.
    #[arg(long, value_enum, default_value = "mainstay")]
    server: Vec<Kind>,
    /// Gigabytes (10^9 bytes of values) to write before the kill.
    #[arg(long, default_value_t = 5)]
    gigabytes: u64,
    /// Partitions to spread them over.
    #[arg(long, default_value_t = 1000)]
    partitions: i32,
}

/// Starts and recoveries, each; the median is reported.
const TIMES: u32 = 5;

const IDLE: Duration = Duration::from_secs(5);

const IDLE_CONNECTIONS: u32 = 2000;

/// Records in one request: 64 KiB, as a busy producer sends them.
const BATCH_RECORDS: i32 = 64;

/// Connections that fill the log.
const WRITERS: i32 = 8;

const TOPIC: &str = "recovery";

pub(super) fn run(options: &Options) -> Result<()> {
    let mut versions = Vec::new();
    let mut runs = Vec::new();
    for kind in &options.server {
        versions.push((kind.word().to_owned(), kind.prepare()?));
        runs.push(measure(*kind, options).with_context(|| kind.word())?);
    }
    results::write("start", &(Provenance::now("bench start", versions)?, runs))
}

fn measure(kind: Kind, options: &Options) -> Result<StartRun> {
    let mut start_ms = Vec::new();
    for _ in 0..TIMES {
        let server = Server::start(&Spec::new(kind, fresh_data("start")?)?)?;
        start_ms.push(milliseconds(server.start_time));
        server.stop(Duration::from_secs(60))?;
    }
    println!(
        "{}: start on an empty directory: {start_ms:.0?} ms",
        kind.word()
    );
    let (idle_mib, idle_connections_mib) = idle(kind)?;
    println!(
        "idle: {idle_mib:.1} MiB; {IDLE_CONNECTIONS} idle connections: {idle_connections_mib:.1} MiB more"
    );
    let (recovered_bytes, recovery_ms) = recovery(kind, options)?;
    println!(
        "recovery of {recovered_bytes} bytes in {} partitions: {recovery_ms:.0?} ms",
        options.partitions
    );
    Ok(StartRun {
        server: kind.word().to_owned(),
        start_ms,
        idle_mib,
        idle_connections: IDLE_CONNECTIONS,
        idle_connections_mib,
        recovered_bytes,
        recovered_partitions: options.partitions,
        recovery_ms,
    })
}

/// Resident MiB of a server without clients, and what idle connections add to it.
fn idle(kind: Kind) -> Result<(f64, f64)> {
    let server = Server::start(&Spec::new(kind, fresh_data("start")?)?)?;
    std::thread::sleep(IDLE);
    let alone = mebibytes(server.usage()?.resident_bytes);
    let connections: Vec<TcpStream> = (0..IDLE_CONNECTIONS)
        .map(|_| TcpStream::connect(server.address()))
        .collect::<Result<_, _>>()
        .context("open idle connections (does `ulimit -n` allow so many?)")?;
    std::thread::sleep(IDLE);
    let with_connections = mebibytes(server.usage()?.resident_bytes);
    drop(connections);
    Ok((alone, with_connections - alone))
}

/// Bytes of values written, and the time of each start after a kill -9.
fn recovery(kind: Kind, options: &Options) -> Result<(u64, Vec<f64>)> {
    let spec = Spec::new(kind, fresh_data("start")?)?;
    let mut server = Server::start(&spec)?;
    Client::connect(&server.address())?.create_topic(TOPIC, options.partitions)?;
    let wanted = options.gigabytes * 1_000_000_000;
    let batch = record_batch(BATCH_RECORDS, VALUE_BYTES, now_ms()?);
    let batch_bytes = u64::try_from(BATCH_RECORDS)? * u64::try_from(VALUE_BYTES)?;
    let mut written = 0;
    let mut next = 0;
    let mut load = None;
    while written < wanted {
        // Eight partitions at a time, a fair share of the bytes for each.
        let requests = (0..WRITERS)
            .map(|at| produce(TOPIC, (next + at) % options.partitions, &batch))
            .collect();
        next = (next + WRITERS) % options.partitions;
        let writers = load.insert(Load::open(&server.address(), requests, 2)?);
        let answers = writers.drive(Duration::from_millis(50))?;
        written += u64::try_from(answers.len())? * batch_bytes;
    }
    let mut recovery_ms = Vec::new();
    for _ in 0..TIMES {
        // The first kill comes with requests in flight.
        server.kill()?;
        drop(load.take());
        server = Server::start(&spec)?;
        recovery_ms.push(milliseconds(server.start_time));
    }
    server.kill()?;
    std::fs::remove_dir_all(&spec.data)?;
    Ok((written, recovery_ms))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn mebibytes(bytes: u64) -> f64 {
    #[allow(
        clippy::cast_precision_loss,
        reason = "a process is far smaller than 2^53 bytes"
    )]
    let bytes = bytes as f64;
    bytes / 1024.0 / 1024.0
}
