//! `docs/benchmarks.md`: medians of the measured rounds.

mod amqp;
mod http;

use std::fmt::Write as _;

use anyhow::Result;

use super::source;
use crate::bench::{Run, StartRun, Throughput};
use crate::results::{self, Provenance};

const HEAD: &str = "\
# Benchmarks

Written by `cargo xtask docs` from `bench/results/*.json`; do not edit. Each figure is the median of the rounds, its
spread in brackets. The servers take turns on the same machine; the load generator is the same for all, one thread on
that machine too. An acknowledgement means the same on both sides only where Apache Kafka runs with an fsync before
it; its default, which leaves the bytes to the operating system, is shown and not compared. Whether RabbitMQ syncs
before it confirms a persistent message depends on its release and on the type of queue; it is counted and not assumed.
";

pub(super) fn page() -> Result<String> {
    let mut page = HEAD.to_owned();
    match results::read::<Throughput>("kafka")? {
        None => page += "\nThroughput has not been measured yet: `cargo xtask bench kafka`.\n",
        Some(throughput) => page += &throughput_section(&throughput)?,
    }
    match results::read::<(Provenance, Vec<StartRun>)>("start")? {
        None => {
            page += "\nStart and recovery have not been measured yet: `cargo xtask bench start`.\n"
        }
        Some((provenance, runs)) => page += &start_section(&provenance, &runs)?,
    }
    Ok(page + &amqp::sections()? + &http::sections()?)
}

/// Each name once, in the order of its first appearance.
fn names<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names = Vec::new();
    for name in all {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn throughput_section(throughput: &Throughput) -> Result<String> {
    let mut section = format!(
        "\n## Throughput\n\nRecords of 1 KiB without keys, acks=all, no compression, 16 partitions; {} s measured after {} s of the same load.\n",
        throughput.seconds, throughput.warmup_seconds
    );
    for workload in names(throughput.runs.iter().map(|run| run.workload.as_str())) {
        let runs: Vec<&Run> = throughput
            .runs
            .iter()
            .filter(|run| run.workload == workload)
            .collect();
        write!(section, "\n### {workload}\n\n")?;
        section += "| server | records/s | ack p50, ms | ack p99, ms | server CPU, us per record | client CPU, us per record | written, bytes per record | peak memory, MiB |\n";
        section += "| --- | --- | --- | --- | --- | --- | --- | --- |\n";
        for contender in names(runs.iter().map(|run| run.contender.as_str())) {
            let own: Vec<&Run> = runs
                .iter()
                .copied()
                .filter(|run| run.contender == contender)
                .collect();
            section += &row(contender, &own);
        }
    }
    let floor = &throughput.floor;
    write!(
        section,
        "\nThe disk alone, one thread that appends {} KiB and calls fdatasync, without a network: {:.0} records/s, \
         {:.2} us CPU per record; one append and sync takes {:.2} ms at p50 and {:.2} ms at p99.\n\n",
        floor.group_bytes / 1024,
        floor.records_per_second,
        floor.cpu_us_per_record,
        floor.sync_p50_ms,
        floor.sync_p99_ms
    )?;
    Ok(section + &source(&throughput.provenance))
}

fn row(contender: &str, runs: &[&Run]) -> String {
    let column = |digits: usize, value: fn(&Run) -> Option<f64>| {
        spread(
            &runs.iter().filter_map(|run| value(run)).collect::<Vec<_>>(),
            digits,
        )
    };
    let columns = [
        column(0, |run| Some(run.records_per_second)),
        column(2, |run| run.ack_p50_ms),
        column(2, |run| run.ack_p99_ms),
        column(2, |run| Some(run.server_cpu_us_per_record)),
        column(2, |run| Some(run.client_cpu_us_per_record)),
        column(0, |run| Some(run.written_bytes_per_record)),
        column(0, |run| Some(run.peak_mib)),
    ];
    format!("| {contender} | {} |\n", columns.join(" | "))
}

fn start_section(provenance: &Provenance, runs: &[StartRun]) -> Result<String> {
    let mut section = "\n## Start, recovery, idling\n\n".to_owned();
    section += "| server | start on an empty directory, ms | idle, MiB | idle connections: MiB more | after a kill -9 under load: serving again, ms |\n";
    section += "| --- | --- | --- | --- | --- |\n";
    for run in runs {
        writeln!(
            section,
            "| {} | {} | {:.1} | {}: {:.1} | {} ({:.1} GB, {} partitions) |",
            run.server,
            spread(&run.start_ms, 0),
            run.idle_mib,
            run.idle_connections,
            run.idle_connections_mib,
            spread(&run.recovery_ms, 0),
            gigabytes(run.recovered_bytes),
            run.recovered_partitions
        )?;
    }
    section.push('\n');
    Ok(section + &source(provenance))
}

fn gigabytes(bytes: u64) -> f64 {
    #[allow(
        clippy::cast_precision_loss,
        reason = "shown with one digit after the point"
    )]
    let bytes = bytes as f64;
    bytes / 1e9
}

/// The median, with the lowest and the highest in brackets.
fn spread(values: &[f64], digits: usize) -> String {
    let mut ascending = values.to_vec();
    ascending.sort_by(f64::total_cmp);
    let (Some(low), Some(high)) = (ascending.first(), ascending.last()) else {
        return "–".to_owned();
    };
    let middle = ascending.len() / 2;
    let median = if ascending.len().is_multiple_of(2) {
        f64::midpoint(ascending[middle - 1], ascending[middle])
    } else {
        ascending[middle]
    };
    format!("{median:.digits$} ({low:.digits$}–{high:.digits$})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads() {
        assert_eq!(spread(&[3.0, 1.0, 2.0], 0), "2 (1–3)");
        assert_eq!(spread(&[1.0, 2.0], 1), "1.5 (1.0–2.0)");
        assert_eq!(spread(&[], 0), "–");
    }
}
