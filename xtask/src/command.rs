//! Other programs: shown, run, and given a time limit.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process_group};

/// Shows a command, runs it with the caller's terminal, and fails if it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", shown(command));
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", shown(command)))?;
    ensure!(status.success(), "{} failed: {status}", shown(command));
    Ok(())
}

/// Runs a command silently; its output appears only in the error when it fails.
pub(crate) fn run_quietly(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", shown(command)))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{} failed: {}\n{text}{errors}",
        shown(command),
        output.status
    );
    Ok(text)
}

/// How a command with a time limit ended.
pub(crate) struct Ended {
    /// The exit code; none if a signal ended it, the harness's own at the time limit included.
    pub(crate) code: Option<i32>,
    pub(crate) timed_out: bool,
    pub(crate) took: Duration,
    /// Standard output and standard error, interleaved; empty where the caller has sent them elsewhere.
    pub(crate) output: String,
}

/// Runs a command with all its output in `log`; at the time limit its whole process group is killed.
pub(crate) fn run_limited(command: &mut Command, limit: Duration, log: &Path) -> Result<Ended> {
    let file = File::create(log).with_context(|| log.display().to_string())?;
    command.stdout(file.try_clone()?).stderr(file);
    let mut ended = wait_limited(command, limit)?;
    ended.output = String::from_utf8_lossy(&fs::read(log)?).into_owned();
    Ok(ended)
}

/// Runs a command whose output the caller has sent somewhere; at the time limit its whole process group is killed.
pub(crate) fn wait_limited(command: &mut Command, limit: Duration) -> Result<Ended> {
    command.stdin(Stdio::null()).process_group(0);
    let started = Instant::now();
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run {}", shown(command)))?;
    let mut timed_out = false;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > limit {
            timed_out = true;
            // The group may have ended in this moment; the wait below settles it either way.
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            break child.wait()?;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    Ok(Ended {
        code: status.code(),
        timed_out,
        took: started.elapsed(),
        output: String::new(),
    })
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
