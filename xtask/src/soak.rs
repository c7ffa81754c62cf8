//! A balancer under load and trouble for long: servers die and return, it is reloaded, clients and servers are slow.
//!
//! No idempotent request may fail, every byte is checked, and neither memory nor open files may grow. An answer that had
//! begun when its server was killed is counted and no failure.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::balancer::{Ask, Balancer, Program, Setup, Style, Upstream};
use crate::repo;
use crate::results::{self, Provenance};

/// The time between two reloads, and between two readings of what the balancer holds.
const PERIOD: Duration = Duration::from_secs(10);

/// How long a killed server is away.
const AWAY: Duration = Duration::from_secs(4);

/// Memory may differ by this much between two times of the same load.
const MEMORY_SLACK: f64 = 8.0;

/// Open files may: connections come and go, and the workers of an older configuration keep theirs for a while.
const FILES_SLACK: f64 = 60.0;

/// And both by a tenth.
const GROWTH_MAX: f64 = 1.1;

/// Fewer readings do not tell growth.
const READINGS_MIN: usize = 6;

/// Arguments of `cargo xtask soak`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    face: Face,
}

#[derive(clap::Subcommand)]
enum Face {
    /// The HTTP balancer.
    Http(Options),
}

#[derive(clap::Args)]
struct Options {
    #[arg(long, default_value_t = 20)]
    minutes: u32,
    /// The balancer under test, an nginx for example; by default this repository's release build.
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// What the balancer held at one time.
#[derive(Clone, Copy, Debug, Serialize)]
struct Reading {
    seconds: f64,
    resident_mib: f64,
    open_files: u64,
}

#[derive(Debug, Serialize)]
struct Report {
    server: String,
    provenance: Provenance,
    minutes: u32,
    requests: u64,
    failures: u64,
    /// Connections that were closed as a request came, and replaced by the client.
    replaced: u64,
    kills: usize,
    reloads: usize,
    /// Answers that had begun when their server was killed.
    cut_by_a_kill: usize,
    readings: Vec<Reading>,
}

const STYLES: &[Style] = &[
    Style::KeepAlive,
    Style::KeepAlive,
    Style::KeepAlive,
    Style::KeepAlive,
    Style::OneEach,
    Style::OneEach,
    Style::SlowClient,
    Style::SlowClient,
    Style::SlowClient,
    Style::SlowClient,
    Style::SlowUpstream,
    Style::SlowUpstream,
    Style::SlowUpstream,
    Style::SlowUpstream,
    Style::Upload,
    Style::Upload,
];

pub(crate) fn run(args: &Args) -> Result<()> {
    let Face::Http(options) = &args.face;
    let program = match &options.binary {
        Some(binary) => Program::of(&binary.canonicalize()?)?,
        None => Program::mainstay()?,
    };
    let mut upstreams = [Upstream::start()?, Upstream::start()?, Upstream::start()?];
    let addresses = upstreams.iter().map(|one| one.address.clone()).collect();
    let mut setup = Setup::new(2, addresses);
    setup.access_log = true;
    setup.server_parameters = "max_fails=1 fail_timeout=2s".to_owned();
    setup.location =
        "proxy_connect_timeout 1s;\nproxy_buffers 8 32k;\nproxy_busy_buffers_size 64k;".to_owned();
    let mut balancer = Balancer::start(&program, &setup, &repo::target().join("soak/run"))?;
    let time = Duration::from_secs(60) * options.minutes;
    let address = balancer.address.clone();
    let (trouble, mut totals) = Ask::during(&address, STYLES, |ask| {
        make_trouble(ask, &mut balancer, &mut upstreams, time)
    })?;
    totals.fail_unexcused(&trouble.kills);
    balancer.ensure_alive()?;
    balancer.stop()?;
    let file = match program {
        Program::Mainstay(_) => "soak-http".to_owned(),
        _ => format!("soak-http-{}", program.word()),
    };
    let versions = vec![(program.word().to_owned(), program.version()?)];
    let command = format!("soak http --minutes {}", options.minutes);
    results::write(
        &file,
        &Report {
            server: program.name()?,
            provenance: Provenance::now(&command, versions)?,
            minutes: options.minutes,
            requests: totals.requests,
            failures: totals.failures,
            replaced: totals.replaced,
            kills: trouble.kills.len(),
            reloads: trouble.reloads,
            cut_by_a_kill: totals.cut.len(),
            readings: trouble.readings.clone(),
        },
    )?;
    for (at, what) in &totals.words {
        println!("after {at:.1?}: {what}");
    }
    ensure!(
        totals.failures == 0,
        "{} of {} requests failed",
        totals.failures,
        totals.requests
    );
    ensure_no_growth(&trouble.readings)
}

#[derive(Default)]
struct Trouble {
    kills: Vec<(Duration, String)>,
    reloads: usize,
    readings: Vec<Reading>,
}

/// Each period: a server dies and returns, memory and files are read, the configuration is reloaded.
fn make_trouble(
    ask: &Ask,
    balancer: &mut Balancer,
    upstreams: &mut [Upstream],
    time: Duration,
) -> Result<Trouble> {
    let mut trouble = Trouble::default();
    let mut turn = 0;
    while ask.elapsed() < time {
        let begun = ask.elapsed();
        let count = upstreams.len();
        let upstream = &mut upstreams[turn % count];
        trouble.kills.push((ask.elapsed(), upstream.name()));
        upstream.kill()?;
        std::thread::sleep(AWAY);
        upstream.revive()?;
        std::thread::sleep(PERIOD.saturating_sub(ask.elapsed() - begun));
        balancer.ensure_alive()?;
        let usage = balancer.usage()?;
        let reading = Reading {
            seconds: ask.elapsed().as_secs_f64(),
            resident_mib: mebibytes(usage.resident_bytes),
            open_files: balancer.open_files()?,
        };
        trouble.readings.push(reading);
        balancer.reload()?;
        trouble.reloads += 1;
        turn += 1;
        let seen = ask.so_far();
        println!(
            "{:>5.0} s: {} requests, {} failed, {} connections replaced, {} answers cut | {:.1} MiB, {} open files",
            reading.seconds,
            seen.requests,
            seen.failures,
            seen.replaced,
            seen.cut.len(),
            reading.resident_mib,
            reading.open_files
        );
    }
    Ok(trouble)
}

/// Compares the second quarter of the time, when everything has been used, with the last.
fn ensure_no_growth(readings: &[Reading]) -> Result<()> {
    if readings.len() < READINGS_MIN {
        println!("too short to tell growth");
        return Ok(());
    }
    let quarter = readings.len() / 4;
    let median = |readings: &[Reading], of: fn(&Reading) -> f64| -> Result<f64> {
        let mut values: Vec<f64> = readings.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.get(values.len() / 2).copied();
        middle.context("no readings")
    };
    let early = &readings[quarter..quarter * 2];
    let late = &readings[readings.len() - quarter..];
    let memory = |reading: &Reading| reading.resident_mib;
    let (before, after) = (median(early, memory)?, median(late, memory)?);
    println!("memory: {before:.1} MiB, and {after:.1} MiB at the end");
    ensure!(
        after <= before * GROWTH_MAX + MEMORY_SLACK,
        "memory has grown from {before:.1} to {after:.1} MiB"
    );
    let files =
        |reading: &Reading| f64::from(u32::try_from(reading.open_files).unwrap_or(u32::MAX));
    let (before, after) = (median(early, files)?, median(late, files)?);
    println!("open files: {before}, and {after} at the end");
    ensure!(
        after <= before * GROWTH_MAX + FILES_SLACK,
        "open files have grown from {before} to {after}"
    );
    Ok(())
}

fn mebibytes(bytes: u64) -> f64 {
    #[allow(
        clippy::cast_precision_loss,
        reason = "the memory of a process is far below 2^53 bytes"
    )]
    let bytes = bytes as f64;
    bytes / (1024.0 * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(memory: [f64; 8], files: [u64; 8], holds: bool) {
        let readings: Vec<Reading> = memory
            .into_iter()
            .zip(files)
            .map(|(resident_mib, open_files)| Reading {
                seconds: 0.0,
                resident_mib,
                open_files,
            })
            .collect();
        assert_eq!(ensure_no_growth(&readings).is_ok(), holds, "{readings:?}");
    }

    #[test]
    fn growth_is_seen() {
        let level = [20.0, 30.0, 30.0, 31.0, 30.0, 32.0, 31.0, 30.0];
        let same = [50, 90, 80, 85, 90, 80, 90, 85];
        check(level, same, true);
        check(
            [20.0, 30.0, 30.0, 31.0, 38.0, 45.0, 50.0, 55.0],
            same,
            false,
        );
        check(level, [50, 90, 80, 85, 120, 150, 190, 220], false);
    }
}
