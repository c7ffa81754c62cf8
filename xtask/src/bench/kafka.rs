//! Throughput beside Apache Kafka: the contenders take turns, round after round, each on a fresh directory.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::fetch;
use super::floor;
use super::fresh_data;
use super::records::{Run, Throughput};
use super::workload::{PARTITIONS, READ, TOPIC, WRITES};
use crate::client::Client;
use crate::command;
use crate::results::{self, Provenance};
use crate::server::{Kind, Server, Spec};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Seconds to measure each workload.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Seconds of the same load before: a JVM compiles what it runs often.
    #[arg(long, default_value_t = 10)]
    warmup: u64,
    /// How often each contender has its turn.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Only contenders whose name contains this; the results are printed and not written.
    #[arg(long)]
    only: Option<String>,
}

struct Contender {
    name: &'static str,
    kind: Kind,
    settings: &'static [(&'static str, &'static str)],
}

const CONTENDERS: &[Contender] = &[
    Contender {
        name: "Mainstay",
        kind: Kind::Mainstay,
        settings: &[],
    },
    Contender {
        name: "Apache Kafka, fsync before ack",
        kind: Kind::ApacheKafka,
        settings: &[("log.flush.interval.messages", "1")],
    },
    Contender {
        name: "Apache Kafka, no fsync (its default)",
        kind: Kind::ApacheKafka,
        settings: &[],
    },
];

/// Enough of the topic to read, in every partition that was written in batches.
const READ_RECORDS_MAX: i64 = 200_000;

pub(super) fn run(options: &Options) -> Result<()> {
    let chosen: Vec<&Contender> = CONTENDERS
        .iter()
        .filter(|contender| {
            options
                .only
                .as_ref()
                .is_none_or(|only| contender.name.contains(only.as_str()))
        })
        .collect();
    let mut versions: Vec<(String, String)> = Vec::new();
    for kind in [Kind::Mainstay, Kind::ApacheKafka] {
        if chosen.iter().any(|contender| contender.kind == kind) {
            versions.push((kind.word().to_owned(), kind.prepare()?));
        }
    }
    if chosen
        .iter()
        .any(|contender| contender.kind == Kind::ApacheKafka)
    {
        versions.push(("java".to_owned(), java_version()?));
    }
    println!("measuring the disk alone");
    let floor = floor::measure()?;
    let mut runs = Vec::new();
    for round in 1..=options.rounds {
        for contender in &chosen {
            runs.extend(turn(contender, round, options).with_context(|| contender.name)?);
        }
    }
    if options.only.is_some() {
        return Ok(());
    }
    let provenance = Provenance::now("bench kafka", versions)?;
    let (seconds, warmup_seconds) = (options.seconds, options.warmup);
    results::write(
        "kafka",
        &Throughput {
            provenance,
            seconds,
            warmup_seconds,
            floor,
            runs,
        },
    )
}

fn java_version() -> Result<String> {
    let said = command::run_quietly(Command::new("java").arg("--version"))?;
    Ok(said.lines().next().unwrap_or_default().to_owned())
}

/// One contender's turn: every workload once, on a fresh server.
fn turn(contender: &Contender, round: u32, options: &Options) -> Result<Vec<Run>> {
    // What the last contender left to the kernel is written before this one is measured.
    command::run_quietly(&mut Command::new("sync"))?;
    let mut spec = Spec::new(contender.kind, fresh_data("throughput")?)?;
    for (name, value) in contender.settings {
        spec = spec.set(name, value);
    }
    let server = Server::start(&spec)?;
    Client::connect(&server.address())?.create_topic(TOPIC, PARTITIONS)?;
    let mut runs = Vec::new();
    for workload in WRITES {
        let mut load = workload.load(&server.address())?;
        let warmup = Duration::from_secs(options.warmup);
        let interval = load.measure(&server, warmup, Duration::from_secs(options.seconds))?;
        drop(load);
        let records = interval.requests * u64::try_from(workload.records)?;
        let per_record = per(records)?;
        let run = Run {
            round,
            contender: contender.name.to_owned(),
            workload: workload.name.to_owned(),
            records_per_second: 1.0 / per_record / interval.elapsed.as_secs_f64(),
            ack_p50_ms: interval.percentile_ms(0.5),
            ack_p99_ms: interval.percentile_ms(0.99),
            server_cpu_us_per_record: interval.server_cpu.as_secs_f64() * 1e6 * per_record,
            client_cpu_us_per_record: interval.client_cpu.as_secs_f64() * 1e6 * per_record,
            written_bytes_per_record: float(interval.written_bytes) * per_record,
            peak_mib: float(server.usage()?.peak_bytes) / 1024.0 / 1024.0,
        };
        print(&run);
        runs.push(run);
    }
    let reading = fetch::read(&server, TOPIC, PARTITIONS, READ_RECORDS_MAX)?;
    let per_record = per(u64::try_from(reading.records)?)?;
    let run = Run {
        round,
        contender: contender.name.to_owned(),
        workload: READ.to_owned(),
        records_per_second: 1.0 / per_record / reading.elapsed.as_secs_f64(),
        ack_p50_ms: None,
        ack_p99_ms: None,
        server_cpu_us_per_record: reading.server_cpu.as_secs_f64() * 1e6 * per_record,
        client_cpu_us_per_record: reading.client_cpu.as_secs_f64() * 1e6 * per_record,
        written_bytes_per_record: 0.0,
        peak_mib: float(server.usage()?.peak_bytes) / 1024.0 / 1024.0,
    };
    print(&run);
    runs.push(run);
    server.kill()?;
    std::fs::remove_dir_all(&spec.data)?;
    Ok(runs)
}

/// One divided by the records of a run, of which there is at least one.
fn per(records: u64) -> Result<f64> {
    anyhow::ensure!(
        records > 0,
        "nothing was acknowledged in the measured interval"
    );
    Ok(1.0 / float(records))
}

fn float(count: u64) -> f64 {
    #[allow(
        clippy::cast_precision_loss,
        reason = "counts and bytes of one run are far below 2^53"
    )]
    let float = count as f64;
    float
}

fn print(run: &Run) {
    println!(
        "{} | {} | {} | {:.0} records/s | ack p50 {:.2} ms, p99 {:.2} ms | server {:.2} us, client {:.2} us per record | \
         written {:.0} B per record | peak {:.0} MiB",
        run.round,
        run.contender,
        run.workload,
        run.records_per_second,
        run.ack_p50_ms.unwrap_or_default(),
        run.ack_p99_ms.unwrap_or_default(),
        run.server_cpu_us_per_record,
        run.client_cpu_us_per_record,
        run.written_bytes_per_record,
        run.peak_mib
    );
}
