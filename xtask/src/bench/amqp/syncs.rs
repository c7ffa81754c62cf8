//! Whether a confirm means a sync: counts a server's syncs while one message after the other is confirmed.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use super::Contender;
use super::workload::ONE_BY_ONE;
use crate::bench::amqp_records::SyncRun;
use crate::bench::fresh_data;
use crate::server::Server;

/// Attaching takes some milliseconds for each thread of the server.
const ATTACH: Duration = Duration::from_secs(2);

const TIME: Duration = Duration::from_secs(5);

/// None where there is no `strace`.
pub(super) fn count(contender: &Contender, server: &Server) -> Result<Option<SyncRun>> {
    let mut load = ONE_BY_ONE.load(server, contender.queue)?;
    load.drive(Duration::from_secs(1))?;
    let summary = fresh_data("syncs")?.join("summary");
    let tracer = Command::new("strace")
        .args(["-f", "-c", "-U", "calls,name", "-e"])
        .args(["trace=fsync,fdatasync,sync_file_range,syncfs,msync", "-o"])
        .arg(&summary)
        .args(["-p", &server.pid().to_string()])
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut tracer) = tracer else {
        println!("no strace: whether confirms wait for a sync is not checked");
        return Ok(None);
    };
    std::thread::sleep(ATTACH);
    let before = load.published();
    load.drive(TIME)?;
    let confirmed = load.published() - before - u64::try_from(load.unconfirmed())?;
    kill_process(Pid::from_child(&tracer), Signal::INT).context("SIGINT to strace")?;
    tracer.wait()?;
    let text = std::fs::read_to_string(&summary).context("strace's summary")?;
    Ok(Some(SyncRun {
        contender: contender.name.to_owned(),
        confirmed,
        syncs: calls(&text),
    }))
}

/// Adds the calls of a summary up: lines of a count and a name.
fn calls(summary: &str) -> u64 {
    summary
        .lines()
        .filter_map(|line| line.split_once(' ').map(|_| line))
        .filter(|line| line.contains("sync"))
        .filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_added_up() {
        let summary = "    calls syscall\n--------- ----------------\n       12 fdatasync\n        3 fsync\n--------- ----------------\n       15 total\n";
        assert_eq!(calls(summary), 15);
        assert_eq!(calls(""), 0);
    }
}
