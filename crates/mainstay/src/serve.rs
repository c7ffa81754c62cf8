//! `mainstay serve`: the balancer and the brokers, from start to end, and the signals in between.

mod announce;
mod brokers;
mod journal;
mod pid_file;
mod server;
mod signals;

use crate::config::{self, Override, Source};
use crate::failure::Failure;
use anyhow::Context as _;
use journal::Journal;
use nginx_conf::Finding;
use proxy::Severity;
use server::Server;
use signals::Signals;
use std::io;

/// Serves until a signal ends it.
///
/// # Errors
/// A configuration that is refused, an address or data that cannot be had, an end that was not clean.
pub fn serve(source: &Source, overrides: &[Override]) -> Result<(), Failure> {
    let outcome = config::load(source, overrides);
    let Some(plan) = outcome.plan else {
        return Err(Failure::Configuration(outcome.findings));
    };
    let journal = Journal::start(plan.settings.log);
    journal.open(&plan.error_log)?;
    let runtime = runtime().context("the runtime does not start")?;
    let outcome = runtime.block_on(async {
        // Before anything is begun, so that no signal ends it half-way.
        let signals = Signals::new()?;
        Server::new(source, overrides, plan, journal.clone())
            .run(signals)
            .await
    });
    // What is left are reads of clients that are gone.
    runtime.shutdown_background();
    if let Err(failure) = &outcome {
        for line in failure.lines() {
            journal.say(Severity::Emerg, &line);
        }
    }
    outcome
}

/// Up to this many cores one event loop serves all brokers, beside the threads for blocking calls
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

/// Tells in the log why a new configuration is refused.
fn refuse(journal: &Journal, findings: &[Finding]) {
    for finding in findings.iter().filter(|f| f.verdict.refuses()) {
        complain(journal, &finding.to_string());
    }
}

/// A fault of the configuration: `[emerg]` in nginx's form, an error in our own.
fn complain(journal: &Journal, text: &str) {
    if journal.is_empty() {
        tracing::error!("{text}");
    } else {
        journal.say(Severity::Emerg, text);
    }
}
