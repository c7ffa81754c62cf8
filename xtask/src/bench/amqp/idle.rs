//! Connections that do nothing, each with a channel and a consumer: the memory that they take.

use std::time::Duration;

use anyhow::{Context, Result};

use super::workload::PREFETCH;
use super::{Contender, MEBIBYTE, Options, file, finish, float, start};
use crate::amqp_client::Connection;
use crate::bench::amqp_records::{AmqpIdle, IdleRun};
use crate::results::{self, Provenance};

/// Queues that the consumers are spread over, as workers of as many kinds of task would be.
const QUEUES: u32 = 50;

const REST: Duration = Duration::from_secs(5);

pub(super) fn run(
    options: &Options,
    contenders: &[&Contender],
    versions: &[(String, String)],
) -> Result<()> {
    let mut runs = Vec::new();
    // An idle connection does not know the type of a queue: each server once.
    for contender in contenders.iter().filter(|one| one.queue.is_empty()) {
        let run = measure(contender, options.connections).with_context(|| contender.name)?;
        println!(
            "{}: {:.1} MiB without a client, {:.1} MiB with {} connections",
            run.contender, run.before_mib, run.after_mib, run.connections
        );
        runs.push(run);
    }
    if options.is_partial() {
        return Ok(());
    }
    results::write(
        &file("amqp-idle", versions),
        &AmqpIdle {
            provenance: Provenance::now("bench amqp --part idle", versions.to_vec())?,
            queues: QUEUES,
            runs,
        },
    )
}

fn measure(contender: &Contender, connections: u32) -> Result<IdleRun> {
    let server = start(contender, "amqp-idle")?;
    let address = server.spec.amqp_address()?;
    let queues: Vec<String> = (0..QUEUES).map(|number| format!("idle-{number}")).collect();
    let mut setup = Connection::open(&address)?;
    for queue in &queues {
        setup.declare_queue(queue, contender.queue)?;
    }
    drop(setup);
    std::thread::sleep(REST);
    let before = server.usage()?.resident_bytes;
    let mut open = Vec::new();
    for (_, queue) in (0..connections).zip(queues.iter().cycle()) {
        let mut connection = Connection::open(&address)
            .context("open an idle connection (does `ulimit -n` allow so many?)")?;
        connection.consume(queue, PREFETCH)?;
        open.push(connection);
    }
    std::thread::sleep(REST);
    let after = server.usage()?.resident_bytes;
    drop(open);
    finish(server)?;
    Ok(IdleRun {
        contender: contender.name.to_owned(),
        connections,
        before_mib: float(before) / MEBIBYTE,
        after_mib: float(after) / MEBIBYTE,
    })
}
