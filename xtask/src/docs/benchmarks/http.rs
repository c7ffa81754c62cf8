//! The balancer's part of `docs/benchmarks.md`.

use std::fmt::Write as _;

use anyhow::Result;

use super::{names, source, spread};
use crate::bench::{HttpIdle, HttpIdleRun, HttpRun, HttpThroughput};
use crate::results;

pub(super) fn sections() -> Result<String> {
    let mut sections = String::new();
    match results::read::<HttpThroughput>("http")? {
        None => {
            sections += "\n## The balancer\n\nThe balancer has not been measured yet: `cargo xtask bench http`.\n";
        }
        Some(throughput) => sections += &throughput_section(&throughput)?,
    }
    if let Some(idle) = results::read::<HttpIdle>("http-idle")? {
        sections += &idle_section(&idle)?;
    }
    Ok(sections)
}

fn throughput_section(throughput: &HttpThroughput) -> Result<String> {
    let mut section = format!(
        "\n## The balancer, beside nginx and HAProxy\n\nwrk with one thread through the balancer to one server that answers from memory, its connections \
         kept open by all; one worker and no access log unless it is said; {} s measured after {} s of the same load, on a fresh process each \
         time. Processor time is of all processes of the balancer. wrk, the balancer and the server share the cores, so requests/s is \
         what the three of them reach together.\n",
        throughput.seconds, throughput.warmup_seconds
    );
    for workload in names(throughput.runs.iter().map(|run| run.workload.as_str())) {
        let runs: Vec<&HttpRun> = throughput
            .runs
            .iter()
            .filter(|run| run.workload == workload)
            .collect();
        write!(section, "\n### {workload}\n\n")?;
        section += "| balancer | requests/s | CPU, us per request | p50, ms | p99, ms | p99.9, ms | resident, MiB | proportional, MiB | errors |\n";
        section += "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
        for contender in names(runs.iter().map(|run| run.contender.as_str())) {
            let own = runs.iter().filter(|run| run.contender == contender);
            section += &row(contender, &own.copied().collect::<Vec<_>>());
        }
    }
    section.push('\n');
    Ok(section + &source(&throughput.provenance))
}

fn row(contender: &str, runs: &[&HttpRun]) -> String {
    let column = |digits: usize, value: fn(&HttpRun) -> f64| {
        let values: Vec<f64> = runs.iter().map(|run| value(run)).collect();
        spread(&values, digits)
    };
    let columns = [
        column(0, |run| run.requests_per_second),
        column(2, |run| run.cpu_us_per_request),
        column(2, |run| run.p50_ms),
        column(2, |run| run.p99_ms),
        column(2, |run| run.p999_ms),
        column(1, |run| run.resident_mib),
        column(1, |run| run.proportional_mib),
        runs.iter().map(|run| run.errors).sum::<u64>().to_string(),
    ];
    format!("| {contender} | {} |\n", columns.join(" | "))
}

fn idle_section(idle: &HttpIdle) -> Result<String> {
    let mut section = format!(
        "\n## Idle connections of HTTP clients\n\nKept alive, each after one request of 1 KiB, {} s without a byte; one worker.\n\n",
        idle.rest_seconds
    );
    section += "| balancer | resident without a client, MiB | connections | resident with them, MiB | proportional, MiB |\n";
    section += "| --- | --- | --- | --- | --- |\n";
    for run in &idle.runs {
        let HttpIdleRun {
            contender,
            connections,
            before_mib,
            after_mib,
            after_proportional_mib,
        } = run;
        writeln!(
            section,
            "| {contender} | {before_mib:.1} | {connections} | {after_mib:.1} | {after_proportional_mib:.1} |"
        )?;
    }
    section.push('\n');
    Ok(section + &source(&idle.provenance))
}
