//! Mainstay as a balancer beside nginx and HAProxy: the contenders take turns, round after round.
//!
//! wrk is the load, with one thread; behind the contenders stands one small server of this program's own, so that it costs
//! the same whoever stands before it. All keep their connections to it open. Mainstay and nginx run the very same
//! `nginx.conf`; HAProxy is told the same in its own words, and writes its access log to a file as they do.

mod idle;
mod workload;
mod wrk;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::fresh_data;
use super::http_records::{HttpRun, HttpThroughput};
use crate::balancer::{self, Balancer, Program, Setup, Upstream};
use crate::results::{self, Provenance};
use crate::server::Usage;
use workload::{WORKLOADS, Workload};
use wrk::Wrk;

/// Names a further nginx to measure beside Debian's.
const NGINX_BINARY: &str = "NGINX_BINARY";

/// Files that a balancer may have open under load: two for each of the connections, and some.
const FILES: u64 = 8192;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to measure; may be given several times.
    #[arg(long, value_enum, default_values = ["throughput", "idle"])]
    part: Vec<Part>,
    /// Seconds to measure each workload.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Seconds of the same load before.
    #[arg(long, default_value_t = 2)]
    warmup: u64,
    /// How often each contender has its turn.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Connections that do nothing; fewer where the machine lets no process open so many files.
    #[arg(long, default_value_t = 20_000)]
    connections: u32,
    /// Only contenders whose name contains one of these (Mainstay, nginx, HAProxy); the results are printed and not
    /// written.
    #[arg(long)]
    only: Vec<String>,
    /// Only workloads whose name contains one of these; the results are printed and not written.
    #[arg(long)]
    workload: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Requests per second, processor time and latency under load.
    Throughput,
    /// Connections that do nothing: memory.
    Idle,
}

struct Contender {
    name: String,
    program: Program,
}

pub(super) fn run(options: &Options) -> Result<()> {
    balancer::allow_files(FILES)?;
    let contenders = contenders(options)?;
    ensure!(!contenders.is_empty(), "no contender is called so");
    let mut versions = Vec::new();
    for contender in &contenders {
        let word = contender.program.word().to_owned();
        versions.push((word, contender.program.version()?));
    }
    for part in &options.part {
        match part {
            Part::Throughput => throughput(options, &contenders, versions.clone())?,
            Part::Idle => idle::run(options, &contenders, versions.clone())?,
        }
    }
    Ok(())
}

impl Options {
    fn is_partial(&self) -> bool {
        !self.only.is_empty() || !self.workload.is_empty()
    }

    fn workloads(&self) -> Vec<&'static Workload> {
        let chosen = |workload: &&Workload| chooses(&self.workload, workload.name);
        WORKLOADS.iter().filter(chosen).collect()
    }
}

fn chooses(only: &[String], name: &str) -> bool {
    only.is_empty() || only.iter().any(|part| name.contains(part.as_str()))
}

/// Everybody who is there and was not left out. Mainstay is built only where it takes part.
fn contenders(options: &Options) -> Result<Vec<Contender>> {
    let mut programs = Vec::new();
    if chooses(&options.only, "Mainstay") {
        programs.push(Program::mainstay()?);
    }
    for (package, binary) in [
        ("nginx", "/usr/sbin/nginx"),
        ("haproxy", "/usr/sbin/haproxy"),
    ] {
        balancer::ensure_installed(binary, "-v").with_context(|| format!("package {package}"))?;
    }
    programs.push(Program::Nginx(PathBuf::from("/usr/sbin/nginx")));
    if let Some(binary) = std::env::var_os(NGINX_BINARY) {
        programs.push(Program::Nginx(PathBuf::from(binary).canonicalize()?));
    }
    programs.push(Program::Haproxy(PathBuf::from("/usr/sbin/haproxy")));
    let mut contenders = Vec::new();
    for program in programs {
        let name = program.name()?;
        if chooses(&options.only, &name) {
            contenders.push(Contender { name, program });
        }
    }
    Ok(contenders)
}

fn throughput(
    options: &Options,
    contenders: &[Contender],
    mut versions: Vec<(String, String)>,
) -> Result<()> {
    let wrk = Wrk::find()?;
    let folder = fresh_data("http")?;
    let certificate = balancer::certificate(&folder.join("certificate"))?;
    let upstream = Upstream::start()?;
    let mut runs = Vec::new();
    for round in 1..=options.rounds {
        for workload in options.workloads() {
            for contender in contenders {
                let mut setup = Setup::new(workload.workers, vec![upstream.address.clone()]);
                setup.access_log = workload.access_log;
                setup.certificate = Some(certificate.clone());
                balancer::settle()?;
                let running = Balancer::start(&contender.program, &setup, &folder.join("run"))
                    .with_context(|| contender.name.clone())?;
                let run = measure(&running, workload, &wrk, options)
                    .with_context(|| format!("{}: {}", contender.name, workload.name))?;
                let run = HttpRun {
                    round,
                    contender: contender.name.clone(),
                    ..run
                };
                print(&run);
                runs.push(run);
                running.stop().with_context(|| contender.name.clone())?;
            }
        }
    }
    if options.is_partial() {
        return Ok(());
    }
    versions.push(("wrk".to_owned(), wrk.version));
    results::write(
        "http",
        &HttpThroughput {
            provenance: Provenance::now("bench http --part throughput", versions)?,
            seconds: options.seconds,
            warmup_seconds: options.warmup,
            runs,
        },
    )
}

/// The balancer was started for this workload alone, so what it holds at the end comes from it.
fn measure(
    balancer: &Balancer,
    workload: &Workload,
    wrk: &Wrk,
    options: &Options,
) -> Result<HttpRun> {
    wrk.run(balancer, workload, Duration::from_secs(options.warmup))?;
    let before = balancer.usage()?;
    let load = wrk.run(balancer, workload, Duration::from_secs(options.seconds))?;
    let after = balancer.usage()?;
    ensure!(load.requests > 0, "no request was answered");
    let requests = float(load.requests);
    Ok(HttpRun {
        round: 0,
        contender: String::new(),
        workload: workload.name.to_owned(),
        requests_per_second: requests * 1e6 / float(load.microseconds),
        cpu_us_per_request: (after - before).as_secs_f64() * 1e6 / requests,
        p50_ms: float(load.p50_us) / 1000.0,
        p99_ms: float(load.p99_us) / 1000.0,
        p999_ms: float(load.p999_us) / 1000.0,
        resident_mib: float(after.resident_bytes) / MEBIBYTE,
        proportional_mib: float(Usage::proportional_bytes(balancer.pid())?) / MEBIBYTE,
        errors: load.errors(),
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

fn print(run: &HttpRun) {
    println!(
        "{} | {:<14} | {:<44} | {:>6.0} requests/s | {:>6.2} us CPU | p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms | \
         resident {:.1} MiB, proportional {:.1} MiB{}",
        run.round,
        run.contender,
        run.workload,
        run.requests_per_second,
        run.cpu_us_per_request,
        run.p50_ms,
        run.p99_ms,
        run.p999_ms,
        run.resident_mib,
        run.proportional_mib,
        if run.errors > 0 {
            format!(" | {} ERRORS", run.errors)
        } else {
            String::new()
        }
    );
}
