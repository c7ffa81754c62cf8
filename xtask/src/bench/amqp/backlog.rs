//! A long queue: the memory that it takes, how soon it serves again after a kill -9, how fast it is consumed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::consumer::Consumer;
use super::load::Load;
use super::publisher::Publisher;
use super::workload::PREFETCH;
use super::{Contender, MEBIBYTE, Options, file, finish, float, start};
use crate::amqp_client::{Connection, Template};
use crate::bench::amqp_records::{AmqpBacklog, BacklogRun};
use crate::results::{self, Provenance};
use crate::server::{Kind, Server, Usage};

const QUEUE: &str = "backlog";

const BODY_BYTES: usize = 100;

/// Filling is not what is measured, so it may take larger steps.
const WINDOW: usize = 5000;

/// After this long without work a server has put away what it wants to put away.
const REST: Duration = Duration::from_secs(10);

const RESTARTS: usize = 3;

pub(super) fn run(
    options: &Options,
    contenders: &[&Contender],
    versions: &[(String, String)],
) -> Result<()> {
    let mut runs = Vec::new();
    for contender in contenders {
        let messages = match contender.kind {
            Kind::Rabbitmq => options.backlog_rabbitmq,
            _ => options.backlog,
        };
        let run = measure(contender, messages).with_context(|| contender.name)?;
        print(&run);
        runs.push(run);
    }
    if options.is_partial() {
        return Ok(());
    }
    let command = format!(
        "bench amqp --part backlog --backlog {} --backlog-rabbitmq {}",
        options.backlog, options.backlog_rabbitmq
    );
    results::write(
        &file("amqp-backlog", versions),
        &AmqpBacklog {
            provenance: Provenance::now(&command, versions.to_vec())?,
            body_bytes: BODY_BYTES,
            runs,
        },
    )
}

fn measure(contender: &Contender, messages: u64) -> Result<BacklogRun> {
    let mut server = start(contender, "amqp-backlog")?;
    let address = server.spec.amqp_address()?;
    Connection::open(&address)?.declare_queue(QUEUE, contender.queue)?;
    let fill = fill(&server, messages).context("fill")?;
    std::thread::sleep(REST);
    let filled = server.usage()?;
    let mut restart_ms = Vec::new();
    for _ in 0..RESTARTS {
        let spec = server.spec.clone();
        server.kill()?;
        let killed = Instant::now();
        server = Server::start(&spec)?;
        let found = Connection::open(&address)?.get(QUEUE)?;
        ensure!(found.is_some(), "the queue is empty after a restart");
        restart_ms.push(killed.elapsed().as_secs_f64() * 1000.0);
    }
    std::thread::sleep(REST);
    let restarted = server.usage()?;
    let drain = drain(&server, messages).context("drain")?;
    let mib = |bytes| float(bytes) / MEBIBYTE;
    let run = BacklogRun {
        contender: contender.name.to_owned(),
        messages,
        fill_per_second: fill.per_second,
        fill_cpu_us_per_message: fill.cpu_us,
        filled_resident_mib: mib(filled.resident_bytes),
        filled_peak_mib: mib(filled.peak_bytes),
        restart_ms,
        restarted_resident_mib: mib(restarted.resident_bytes),
        drain_per_second: drain.per_second,
        drain_cpu_us_per_message: drain.cpu_us,
        drained_peak_mib: mib(server.usage()?.peak_bytes),
    };
    finish(server)?;
    Ok(run)
}

/// How a number of messages went.
struct Pace {
    per_second: f64,
    cpu_us: f64,
}

impl Pace {
    fn since(server: &Server, started: Instant, before: Usage, messages: u64) -> Result<Pace> {
        let cpu = server.usage()? - before;
        Ok(Pace {
            per_second: float(messages) / started.elapsed().as_secs_f64(),
            cpu_us: cpu.as_secs_f64() * 1e6 / float(messages),
        })
    }
}

fn fill(server: &Server, messages: u64) -> Result<Pace> {
    let template = Template::new("", QUEUE, &[b'x'; BODY_BYTES]);
    let publisher = Publisher::open(&server.spec.amqp_address()?, template, WINDOW)?;
    let mut load = Load::new(vec![publisher], Vec::new())?;
    load.publish_at_most(messages);
    let (started, before) = (Instant::now(), server.usage()?);
    load.drive_while(
        |load| load.published() < messages || load.unconfirmed() > 0,
        &mut |_| Ok(()),
    )?;
    Pace::since(server, started, before, messages)
}

/// Consumes the queue to its end; every message must come once, and nothing else. In order, but for those that
/// `basic.get` took before each restart: a quorum queue of RabbitMQ delivers such a message later.
fn drain(server: &Server, messages: u64) -> Result<Pace> {
    let consumer = Consumer::open(&server.spec.amqp_address()?, QUEUE, PREFETCH, BODY_BYTES)?;
    let mut load = Load::new(Vec::new(), vec![consumer])?;
    let (started, before) = (Instant::now(), server.usage()?);
    let mut seen = vec![false; usize::try_from(messages)?];
    load.drive_while(|load| load.delivered() < messages, &mut |number| {
        let place = seen.get_mut(usize::try_from(number)?);
        let place = place.with_context(|| format!("message {number} was never published"))?;
        ensure!(
            !std::mem::replace(place, true),
            "message {number} came twice"
        );
        Ok(())
    })?;
    Pace::since(server, started, before, messages)
}

fn print(run: &BacklogRun) {
    println!(
        "{}: {} messages | filled at {:.0}/s, {:.2} us | resident {:.0} MiB, peak {:.0} MiB | restart {:.0?} ms, \
         resident then {:.0} MiB | drained at {:.0}/s, {:.2} us, peak {:.0} MiB",
        run.contender,
        run.messages,
        run.fill_per_second,
        run.fill_cpu_us_per_message,
        run.filled_resident_mib,
        run.filled_peak_mib,
        run.restart_ms,
        run.restarted_resident_mib,
        run.drain_per_second,
        run.drain_cpu_us_per_message,
        run.drained_peak_mib
    );
}
