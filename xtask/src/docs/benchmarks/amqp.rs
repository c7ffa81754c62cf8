//! The queues' part of `docs/benchmarks.md`.

use std::fmt::Write as _;

use anyhow::Result;

use super::{names, source, spread};
use crate::bench::{AmqpBacklog, AmqpIdle, AmqpRun, AmqpThroughput};
use crate::results::{self, Provenance};

/// What follows the names of result files: nothing for Debian's RabbitMQ, and the major release of a newer one.
const RELEASES: &[&str] = &["", "-rabbitmq-4"];

pub(super) fn sections() -> Result<String> {
    let mut sections = String::new();
    for release in RELEASES {
        let throughput = results::read::<AmqpThroughput>(&format!("amqp{release}"))?;
        if let Some(throughput) = throughput {
            sections += &throughput_section(&throughput)?;
        }
        let backlog = results::read::<AmqpBacklog>(&format!("amqp-backlog{release}"))?;
        if let Some(backlog) = backlog {
            sections += &backlog_section(&backlog)?;
        }
        if let Some(idle) = results::read::<AmqpIdle>(&format!("amqp-idle{release}"))? {
            sections += &idle_section(&idle)?;
        }
    }
    if sections.is_empty() {
        return Ok(
            "\n## Queues\n\nQueues have not been measured yet: `cargo xtask bench amqp`.\n"
                .to_owned(),
        );
    }
    Ok(sections)
}

/// RabbitMQ and its release, as in a heading.
fn rabbitmq(provenance: &Provenance) -> String {
    let versions = provenance.versions.iter();
    let version = versions
        .filter(|(name, _)| name == "rabbitmq")
        .map(|(_, version)| version.as_str())
        .next();
    format!("RabbitMQ {}", version.unwrap_or_default())
}

fn throughput_section(throughput: &AmqpThroughput) -> Result<String> {
    let mut section = format!("\n## Queues, beside {}\n", rabbitmq(&throughput.provenance));
    write!(
        section,
        "\nDurable queues, persistent messages, one publisher with confirms (the window is how many may be unconfirmed), one consumer \
         for each queue with prefetch 1000 and one acknowledgement for each message, all at the same time; {} s measured after {} s of the \
         same load. Processor time is of the server and all processes that it started; a message that goes to ten queues is one message.\n",
        throughput.seconds, throughput.warmup_seconds
    )?;
    for workload in names(throughput.runs.iter().map(|run| run.workload.as_str())) {
        let runs: Vec<&AmqpRun> = throughput
            .runs
            .iter()
            .filter(|run| run.workload == workload)
            .collect();
        write!(section, "\n### {workload}\n\n")?;
        section += "| server | messages/s | confirm p50, ms | confirm p99, ms | server CPU, us per message | client CPU, us per message | written, bytes per message | peak memory, MiB |\n";
        section += "| --- | --- | --- | --- | --- | --- | --- | --- |\n";
        for contender in names(runs.iter().map(|run| run.contender.as_str())) {
            let own = runs.iter().filter(|run| run.contender == contender);
            section += &row(contender, &own.copied().collect::<Vec<_>>());
        }
    }
    section.push('\n');
    for run in &throughput.syncs {
        writeln!(
            section,
            "- {}: {} messages, each confirmed before the next was sent, and {} calls of fsync and fdatasync meanwhile{}",
            run.contender,
            run.confirmed,
            run.syncs,
            if run.syncs < run.confirmed {
                ": **it confirms before it syncs, so its figures are shown and not compared**."
            } else {
                "."
            }
        )?;
    }
    section.push('\n');
    Ok(section + &source(&throughput.provenance))
}

fn row(contender: &str, runs: &[&AmqpRun]) -> String {
    let column = |digits: usize, value: fn(&AmqpRun) -> f64| {
        spread(
            &runs.iter().map(|run| value(run)).collect::<Vec<_>>(),
            digits,
        )
    };
    let columns = [
        column(0, |run| run.messages_per_second),
        column(2, |run| run.confirm_p50_ms),
        column(2, |run| run.confirm_p99_ms),
        column(2, |run| run.server_cpu_us_per_message),
        column(2, |run| run.client_cpu_us_per_message),
        column(0, |run| run.written_bytes_per_message),
        column(0, |run| run.peak_mib),
    ];
    format!("| {contender} | {} |\n", columns.join(" | "))
}

fn backlog_section(backlog: &AmqpBacklog) -> Result<String> {
    let mut section = format!(
        "\n## A long queue of {} B messages, beside {}\n\nFilled by one publisher with confirms; killed with kill -9 and started again; \
         consumed to its end by one consumer with prefetch 1000 and one acknowledgement for each message, every message there, once.\n\n",
        backlog.body_bytes,
        rabbitmq(&backlog.provenance)
    );
    section += "| server | messages | filled, messages/s | resident then, MiB | kill -9 to a message again, ms | resident then, MiB | consumed, messages/s | server CPU, us per message | peak memory, MiB |\n";
    section += "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
    for run in &backlog.runs {
        writeln!(
            section,
            "| {} | {} | {:.0} | {:.0} | {} | {:.0} | {:.0} | {:.2} | {:.0} |",
            run.contender,
            run.messages,
            run.fill_per_second,
            run.filled_resident_mib,
            spread(&run.restart_ms, 0),
            run.restarted_resident_mib,
            run.drain_per_second,
            run.drain_cpu_us_per_message,
            run.filled_peak_mib.max(run.drained_peak_mib)
        )?;
    }
    section.push('\n');
    Ok(section + &source(&backlog.provenance))
}

fn idle_section(idle: &AmqpIdle) -> Result<String> {
    let mut section = format!(
        "\n## Idle connections, beside {}\n\nEach with a channel and a consumer, on {} queues.\n\n",
        rabbitmq(&idle.provenance),
        idle.queues
    );
    section += "| server | without a client, MiB | connections | with them, MiB |\n";
    section += "| --- | --- | --- | --- |\n";
    for run in &idle.runs {
        writeln!(
            section,
            "| {} | {:.1} | {} | {:.1} |",
            run.contender, run.before_mib, run.connections, run.after_mib
        )?;
    }
    section.push('\n');
    Ok(section + &source(&idle.provenance))
}
