//! What was measured or tested, and on what: the JSON files under `bench/results/`.
//!
//! Every file says by which command, on which commit, machine and versions it came about, so that a figure in
//! the documentation can be traced and taken again.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::{command, repo};

/// Where a result comes from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Provenance {
    /// The command that wrote the file.
    pub(crate) command: String,
    /// The commit that was checked out; `+` at its end says that files differed from it.
    pub(crate) commit: String,
    /// Day of the run, UTC.
    pub(crate) date: String,
    pub(crate) machine: Machine,
    /// Everything that took part: name and version.
    pub(crate) versions: Vec<(String, String)>,
}

/// The machine that ran it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
}

/// How one test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Passed,
    Failed,
    /// The test decided by itself not to run; that is no pass.
    Skipped,
    TimedOut,
}

/// One test of a suite.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Test {
    /// What was under test with the server, where a suite has several: a client and its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
    pub(crate) seconds: f64,
    /// What the test said about itself: the error, or why it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}

/// One run of one suite against one server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Suite {
    pub(crate) suite: String,
    pub(crate) server: String,
    pub(crate) provenance: Provenance,
    pub(crate) tests: Vec<Test>,
}

impl Provenance {
    pub(crate) fn now(command: &str, versions: Vec<(String, String)>) -> Result<Provenance> {
        let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
        let dirty = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
        Ok(Provenance {
            command: format!("cargo xtask {command}"),
            commit: commit + if dirty { "+" } else { "" },
            date: command::run_quietly(Command::new("date").args(["-u", "+%F"]))?
                .trim()
                .to_owned(),
            machine: Machine::this()?,
            versions,
        })
    }
}

impl Machine {
    fn this() -> Result<Machine> {
        let keyed = |file: &str, key: &str| -> Result<String> {
            let text = fs::read_to_string(file).with_context(|| file.to_owned())?;
            let line = text
                .lines()
                .find(|line| line.starts_with(key))
                .unwrap_or_default();
            Ok(line
                .split_once(':')
                .map_or("unknown", |(_, value)| value.trim())
                .to_owned())
        };
        let memory_kib: u64 = keyed("/proc/meminfo", "MemTotal")?
            .split(' ')
            .next()
            .unwrap_or("0")
            .parse()?;
        Ok(Machine {
            processor: keyed("/proc/cpuinfo", "model name")?,
            cores: std::thread::available_parallelism()?.get(),
            memory_gib: memory_kib.div_ceil(1024 * 1024),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?
                .trim()
                .to_owned(),
        })
    }
}

fn git(arguments: &[&str]) -> Result<String> {
    let output = command::run_quietly(
        Command::new("git")
            .args(arguments)
            .current_dir(repo::root()),
    )?;
    Ok(output.trim().to_owned())
}

/// Path of a result file, from the repository's root: `bench/results/NAME.json`.
pub(crate) fn path(name: &str) -> PathBuf {
    repo::root()
        .join("bench/results")
        .join(name)
        .with_extension("json")
}

pub(crate) fn write(name: &str, value: &impl Serialize) -> Result<()> {
    let path = path(name);
    fs::create_dir_all(path.parent().context("a result file has a folder")?)?;
    fs::write(&path, serde_json::to_string_pretty(value)? + "\n")
        .with_context(|| path.display().to_string())?;
    println!("wrote {}", path.strip_prefix(repo::root())?.display());
    Ok(())
}

/// Reads a result file; none if it has not been measured yet.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(name: &str) -> Result<Option<T>> {
    let path = path(name);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(
            serde_json::from_str(&text).with_context(|| path.display().to_string())?,
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}
