//! Queues beside RabbitMQ: the contenders take turns, round after round, each on a fresh directory.
//!
//! Queues are durable and messages persistent everywhere, and publishers use confirms, so a confirm means the same on
//! both sides: the message is synced. That it does is measured and not assumed: under a publisher with one message in
//! flight, the server's calls of `fsync` and `fdatasync` are counted by `strace` and set beside the confirms.

mod backlog;
mod consumer;
mod idle;
mod load;
mod publisher;
mod syncs;
mod workload;

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::amqp_records::{AmqpRun, AmqpThroughput, SyncRun};
use super::fresh_data;
use crate::amqp_client::Value;
use crate::command;
use crate::results::{self, Provenance};
use crate::server::{Kind, Server, Spec};
use workload::{WORKLOADS, Workload};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to measure; may be given several times.
    #[arg(long, value_enum, default_values = ["throughput", "backlog", "idle"])]
    part: Vec<Part>,
    /// Seconds to measure each workload.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Seconds of the same load before: Erlang compiles at the start, but its heaps and files grow.
    #[arg(long, default_value_t = 5)]
    warmup: u64,
    /// How often each contender has its turn.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Messages of the backlog.
    #[arg(long, default_value_t = 10_000_000)]
    backlog: u64,
    /// Messages of RabbitMQ's backlog: ten million would take it an hour.
    #[arg(long, default_value_t = 1_000_000)]
    backlog_rabbitmq: u64,
    /// Connections that do nothing, each with a channel and a consumer.
    #[arg(long, default_value_t = 5000)]
    connections: u32,
    /// Only contenders whose name contains this; the results are printed and not written.
    #[arg(long)]
    only: Option<String>,
    /// Only workloads whose name contains this; the results are printed and not written.
    #[arg(long)]
    workload: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Messages per second, confirms and processor time under load.
    Throughput,
    /// A long queue: memory, restart, how fast it is consumed.
    Backlog,
    /// Connections that do nothing: memory.
    Idle,
}

/// A server and a type of queue.
struct Contender {
    name: &'static str,
    kind: Kind,
    /// Arguments of every queue.
    queue: &'static [(&'static str, Value<'static>)],
}

const CONTENDERS: &[Contender] = &[
    Contender {
        name: "Mainstay",
        kind: Kind::Mainstay,
        queue: &[],
    },
    Contender {
        name: "RabbitMQ, classic queue",
        kind: Kind::Rabbitmq,
        queue: &[],
    },
    Contender {
        name: "RabbitMQ, quorum queue",
        kind: Kind::Rabbitmq,
        queue: &[("x-queue-type", Value::Text("quorum"))],
    },
];

impl Options {
    fn is_partial(&self) -> bool {
        self.only.is_some() || self.workload.is_some()
    }

    fn contenders(&self) -> Vec<&'static Contender> {
        let chosen = |name: &str| {
            self.only
                .as_ref()
                .is_none_or(|only| name.contains(only.as_str()))
        };
        CONTENDERS
            .iter()
            .filter(|contender| chosen(contender.name))
            .collect()
    }

    fn workloads(&self) -> impl Iterator<Item = &'static Workload> {
        WORKLOADS.iter().filter(|workload| {
            self.workload
                .as_ref()
                .is_none_or(|only| workload.name.contains(only.as_str()))
        })
    }
}

pub(super) fn run(options: &Options) -> Result<()> {
    let contenders = options.contenders();
    let mut versions = Vec::new();
    for kind in [Kind::Mainstay, Kind::Rabbitmq] {
        if contenders.iter().any(|contender| contender.kind == kind) {
            versions.push((kind.word().to_owned(), kind.prepare()?));
        }
    }
    for part in &options.part {
        match part {
            Part::Throughput => throughput(options, &contenders, &versions)?,
            Part::Backlog => backlog::run(options, &contenders, &versions)?,
            Part::Idle => idle::run(options, &contenders, &versions)?,
        }
    }
    Ok(())
}

fn throughput(
    options: &Options,
    contenders: &[&Contender],
    versions: &[(String, String)],
) -> Result<()> {
    let mut runs = Vec::new();
    let mut syncs = Vec::new();
    for round in 1..=options.rounds {
        for contender in contenders {
            let server = start(contender, "amqp")?;
            for workload in options.workloads() {
                let run = measure(contender, workload, &server, round, options)
                    .with_context(|| format!("{}: {}", contender.name, workload.name))?;
                print(&run);
                runs.push(run);
            }
            // The last thing of a turn: what is traced is slow.
            if round == options.rounds
                && let Some(run) = syncs::count(contender, &server)?
            {
                print_syncs(&run);
                syncs.push(run);
            }
            finish(server)?;
        }
    }
    if options.is_partial() {
        return Ok(());
    }
    let results = AmqpThroughput {
        provenance: Provenance::now("bench amqp --part throughput", versions.to_vec())?,
        seconds: options.seconds,
        warmup_seconds: options.warmup,
        runs,
        syncs,
    };
    results::write(&file("amqp", versions), &results)
}

/// Name of a part's result file: RabbitMQ's releases since 4 are other contenders, and stand beside the older one.
fn file(part: &str, versions: &[(String, String)]) -> String {
    let rabbitmq = versions
        .iter()
        .find(|(name, _)| name == Kind::Rabbitmq.word());
    match rabbitmq.and_then(|(_, version)| version.split('.').next()?.parse::<u32>().ok()) {
        Some(major) if major >= 4 => format!("{part}-rabbitmq-{major}"),
        _ => part.to_owned(),
    }
}

/// A fresh server; what the last contender left to the kernel is written before.
fn start(contender: &Contender, name: &str) -> Result<Server> {
    command::run_quietly(&mut Command::new("sync"))?;
    let spec = Spec::new(contender.kind, fresh_data(name)?.join(name))?;
    Server::start(&spec.with_amqp(None)?)
}

fn finish(server: Server) -> Result<()> {
    let data = server.spec.data.clone();
    server.kill()?;
    std::fs::remove_dir_all(data)?;
    Ok(())
}

fn measure(
    contender: &Contender,
    workload: &Workload,
    server: &Server,
    round: u32,
    options: &Options,
) -> Result<AmqpRun> {
    let mut load = workload.load(server, contender.queue)?;
    let warmup = Duration::from_secs(options.warmup);
    let interval = load.measure(server, warmup, Duration::from_secs(options.seconds))?;
    let seconds = interval.elapsed.as_secs_f64();
    let messages = float(interval.confirmed);
    anyhow::ensure!(interval.confirmed > 0, "nothing was confirmed");
    Ok(AmqpRun {
        round,
        contender: contender.name.to_owned(),
        workload: workload.name.to_owned(),
        messages_per_second: messages / seconds,
        deliveries_per_second: float(interval.delivered) / seconds,
        confirm_p50_ms: interval.percentile_ms(0.5),
        confirm_p99_ms: interval.percentile_ms(0.99),
        server_cpu_us_per_message: interval.server_cpu.as_secs_f64() * 1e6 / messages,
        client_cpu_us_per_message: interval.client_cpu.as_secs_f64() * 1e6 / messages,
        written_bytes_per_message: float(interval.written_bytes) / messages,
        resident_mib: float(server.usage()?.resident_bytes) / MEBIBYTE,
        peak_mib: float(server.usage()?.peak_bytes) / MEBIBYTE,
    })
}

const MEBIBYTE: f64 = 1024.0 * 1024.0;

fn float(count: u64) -> f64 {
    #[allow(
        clippy::cast_precision_loss,
        reason = "counts and bytes of one run are far below 2^53"
    )]
    let float = count as f64;
    float
}

fn print(run: &AmqpRun) {
    println!(
        "{} | {} | {} | {:.0} messages/s, {:.0} deliveries/s | confirm p50 {:.2} ms, p99 {:.2} ms | \
         server {:.2} us, client {:.2} us per message | written {:.0} B per message | resident {:.0} MiB, peak {:.0} MiB",
        run.round,
        run.contender,
        run.workload,
        run.messages_per_second,
        run.deliveries_per_second,
        run.confirm_p50_ms,
        run.confirm_p99_ms,
        run.server_cpu_us_per_message,
        run.client_cpu_us_per_message,
        run.written_bytes_per_message,
        run.resident_mib,
        run.peak_mib
    );
}

fn print_syncs(run: &SyncRun) {
    println!(
        "{}: {} confirms one after the other, {} syncs",
        run.contender, run.confirmed, run.syncs
    );
}
