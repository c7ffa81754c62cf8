//! `mainstay serve`: runs a node until it is told to stop.

use crate::failure::Failure;
use anyhow::{Context as _, anyhow};
use node::settings::{LogFormat, Settings};
use node::{Ended, Node, Summary};
use std::io::{self, IsTerminal, Write};
use std::pin::pin;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// How long to wait before data whose WAL has failed is opened again: long enough not to spin on a
/// broken disk, short beside a client's retries.
const REOPEN_DELAY: Duration = Duration::from_secs(1);

/// How often that is tried before the process gives up and leaves it to whoever supervises it.
const REOPEN_TRIES: u32 = 30;

/// Serves until SIGTERM or SIGINT.
pub fn serve(settings: &Settings) -> Result<(), Failure> {
    start_log(settings.log);
    let runtime = runtime().context("the runtime does not start")?;
    let outcome = runtime.block_on(run(settings));
    // What is left are reads of clients that are gone.
    runtime.shutdown_background();
    outcome
}

/// Up to this many cores one event loop serves everything, beside the threads for blocking calls
/// (decision 0008).
const ONE_LOOP_CORES_MAX: usize = 4;

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut builder = if cores <= ONE_LOOP_CORES_MAX {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    builder.enable_all().build()
}

async fn run(settings: &Settings) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut stopped = pin!(async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: nothing new is taken, what was begun is finished");
    });
    // A first start that fails is for the operator; after a failure of the WAL the disk gets a few chances.
    let mut tries = 1;
    loop {
        let started = tokio::select! {
            started = Node::start(settings) => started,
            () = &mut stopped => return Ok(()),
        };
        tries -= 1;
        let ended = match started {
            Ok(node) => {
                announce(settings.log, node.summary())?;
                node.run_until(&mut stopped).await
            }
            Err(error) if tries == 0 => return Err(anyhow!("{error}").into()),
            Err(error) => {
                tracing::error!(%error, tries, "the data could not be opened again; it is tried again");
                tokio::time::sleep(REOPEN_DELAY).await;
                continue;
            }
        };
        match ended {
            Ended::Stopped => {
                tracing::info!("stopped");
                return Ok(());
            }
            Ended::Cut => {
                return Err(anyhow!(
                    "some clients or writes did not end in time; what was acknowledged is stored"
                )
                .into());
            }
            // Nobody knows what the last write left, so everything is read back from the disk.
            Ended::Failed(error) => {
                tracing::error!(%error, "the data is opened again from what is stored");
                tries = REOPEN_TRIES;
                tokio::time::sleep(REOPEN_DELAY).await;
            }
        }
    }
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    // A subscriber that is set already, by a test say, stays.
    let _ = match format {
        LogFormat::Text => subscriber
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            .try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
}

/// Says where to connect and what was found: to people on standard output, to machines in the log.
fn announce(format: LogFormat, summary: &Summary) -> io::Result<()> {
    let report = &summary.recovery.report;
    let took_ms = u64::try_from(summary.recovery.took.as_millis()).unwrap_or(u64::MAX);
    let [kafka, amqp, console] =
        [&summary.kafka, &summary.amqp, &summary.console].map(|addresses| listed(addresses));
    if format == LogFormat::Json {
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            kafka,
            amqp,
            console,
            data = %summary.data.display(),
            epoch = summary.recovery.epoch.0,
            streams = report.streams,
            files = report.files,
            bytes_replayed = report.bytes_scanned,
            torn_bytes = report.torn_bytes,
            damaged_places = report.damaged.len(),
            recovery_ms = took_ms,
            "serving"
        );
        return Ok(());
    }
    let mut out = io::stdout().lock();
    writeln!(out, "Mainstay {}", env!("CARGO_PKG_VERSION"))?;
    if !kafka.is_empty() {
        writeln!(out, "  kafka    {kafka}")?;
    }
    if !amqp.is_empty() {
        writeln!(out, "  amqp     {amqp}")?;
    }
    if !console.is_empty() {
        writeln!(out, "  console  http://{console}/metrics")?;
    }
    writeln!(
        out,
        "  data     {} (start {})",
        summary.data.display(),
        summary.recovery.epoch.0 + 1
    )?;
    let (megabytes, torn) = (report.bytes_scanned.div_ceil(1 << 20), report.torn_bytes);
    writeln!(
        out,
        "  recovery {} streams in {} files; {megabytes} MiB replayed in {took_ms} ms",
        report.streams, report.files
    )?;
    if torn > 0 {
        writeln!(
            out,
            "           {torn} bytes of a torn, never acknowledged write were cut off"
        )?;
    }
    for (file, place) in &report.damaged {
        writeln!(
            out,
            "           DAMAGED: WAL file {file}, bytes {}..{}; what was there is not served",
            place.start, place.end
        )?;
    }
    writeln!(out, "Serving.")?;
    out.flush()
}

fn listed(addresses: &[std::net::SocketAddr]) -> String {
    let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
