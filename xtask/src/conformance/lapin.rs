//! lapin's own tests, each file of them a program.
//!
//! They come inside the crate, which cargo downloads for the client program in `conformance/lapin`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{Options, amqp_spec, finish, folder, report};
use crate::results::{Outcome, Test};
use crate::server::Server;
use crate::{command, repo};

/// One file; the slowest retry connections for some seconds.
const LIMIT: Duration = Duration::from_secs(90);

pub(super) fn run(options: &Options) -> Result<()> {
    let version = options.server.prepare()?;
    let (source, lapin) = source()?;
    let programs = build(&source)?;
    let spec = amqp_spec(options.server, "lapin-suite", None)?;
    let mut server = Server::start(&spec)?;
    let mut tests = Vec::new();
    for (file, program) in programs.iter().filter(|(file, _)| options.chooses(file)) {
        let ran = run_file(file, program, &source, &spec.amqp_url()?)?;
        ran.iter().for_each(report);
        tests.extend(ran);
        server.ensure_alive()?;
    }
    let versions = vec![
        (options.server.word().into(), version),
        ("lapin".into(), lapin),
    ];
    finish("lapin", options, versions, tests)
}

/// Runs the tests of one file, one after the other: they share the names of their queues.
fn run_file(file: &str, program: &Path, source: &Path, url: &str) -> Result<Vec<Test>> {
    let logs = folder().join("logs");
    fs::create_dir_all(&logs)?;
    let listed = command::run_quietly(Command::new(program).args(["--list", "--format=terse"]))?;
    let mut tests = Vec::new();
    for name in listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
    {
        let mut command = Command::new(program);
        command.args(["--exact", name, "--nocapture"]);
        command.current_dir(source).env("AMQP_ADDR", url);
        let log = logs.join(format!("lapin-{file}-{name}.log"));
        let ended = command::run_limited(&mut command, LIMIT, &log)?;
        let outcome = match ended.code {
            Some(0) => Outcome::Passed,
            _ if ended.timed_out => Outcome::TimedOut,
            _ => Outcome::Failed,
        };
        let said = ended.output.lines().find(|line| line.contains("rror"));
        tests.push(Test {
            subject: None,
            name: format!("{file}::{name}"),
            outcome,
            seconds: (ended.took.as_secs_f64() * 10.0).round() / 10.0,
            detail: match outcome {
                Outcome::Passed => None,
                _ => said.map(str::to_owned),
            },
        });
    }
    Ok(tests)
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    manifest_path: PathBuf,
}

/// A copy of the crate that may be built in, and its version.
fn source() -> Result<(PathBuf, String)> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version=1", "--locked"]);
    cargo
        .arg("--manifest-path")
        .arg(repo::root().join("conformance/lapin/Cargo.toml"));
    let metadata: Metadata = serde_json::from_str(&command::run_quietly(&mut cargo)?)?;
    let package = metadata
        .packages
        .into_iter()
        .find(|package| package.name == "lapin")
        .context("conformance/lapin does not depend on lapin")?;
    let copy = folder().join(format!("lapin-{}", package.version));
    if !copy.exists() {
        fs::create_dir_all(folder())?;
        let original = package
            .manifest_path
            .parent()
            .context("a manifest has a folder")?;
        command::run(Command::new("cp").arg("-r").arg(original).arg(&copy))?;
        // Below another workspace's folder, a crate has to say that it is its own.
        let manifest = copy.join("Cargo.toml");
        let text = fs::read_to_string(&manifest)?;
        if !text.contains("[workspace]") {
            fs::write(&manifest, text + "\n[workspace]\n")?;
        }
    }
    Ok((copy, package.version))
}

/// A line of `cargo test --no-run --message-format=json`, as far as it is used.
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Builds the test programs; returns them by the name of their file.
fn build(source: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--no-run", "--locked", "--message-format=json"]);
    // The crate's own unit tests say nothing about a server.
    cargo.args(["--test", "*", "--features", "smol"]);
    cargo
        .arg("--target-dir")
        .arg(folder().join("lapin-target"))
        .current_dir(source);
    let mut programs = Vec::new();
    for line in command::run_quietly(&mut cargo)?.lines() {
        let Ok(message) = serde_json::from_str::<Message>(line) else {
            continue;
        };
        if let (Some(target), Some(executable)) = (message.target, message.executable)
            && target.kind.iter().any(|kind| kind == "test")
        {
            programs.push((target.name, executable));
        }
    }
    if programs.is_empty() {
        bail!("lapin has no test programs");
    }
    programs.sort();
    Ok(programs)
}
