//! librdkafka's own tests, those that need a broker, one at a time.
//!
//! They come inside the crate `rdkafka-sys`, which cargo downloads for the client program in
//! `conformance/rdkafka`. A test that skips itself is counted as skipped, never as passed.

mod runner;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Options, finish, folder, report, suite_spec};
use crate::results::{Outcome, Test};
use crate::server::Server;
use crate::{command, repo};
use runner::Runner;
use table::Entry;

/// Time for one test. Several tests share a number and run together; each adds to the limit of the number.
const TEST_LIMIT: Duration = Duration::from_secs(120);

pub(super) fn run(options: &Options) -> Result<()> {
    let version = options.server.prepare()?;
    let (source, library) = source()?;
    let tests = source.join("tests");
    build(&source)?;
    let listed = table::broker_tests(&fs::read_to_string(tests.join("test.c"))?);
    println!(
        "{} tests of librdkafka {library} use a broker",
        listed.len()
    );
    let mut results: Vec<Test> = Vec::new();
    for scenario in [table::DEFAULT, "noautocreate"] {
        let chosen = listed
            .iter()
            .filter(|entry| entry.scenario == scenario && options.chooses(&entry.name));
        let chosen: Vec<Entry> = chosen.cloned().collect();
        if !chosen.is_empty() {
            results.extend(run_scenario(options, scenario, &chosen, &tests)?);
        }
    }
    results.sort_by(|one, other| one.name.cmp(&other.name));
    let versions = vec![
        (options.server.word().into(), version),
        ("librdkafka".into(), library),
    ];
    finish("librdkafka", options, versions, results)
}

/// Runs the chosen tests, number after number, on one server.
fn run_scenario(
    options: &Options,
    scenario: &str,
    chosen: &[Entry],
    tests: &Path,
) -> Result<Vec<Test>> {
    let mut spec = suite_spec(options.server, &format!("librdkafka-{scenario}"))?;
    if scenario != table::DEFAULT {
        spec = spec.set("auto.create.topics.enable", "false");
    }
    let mut server = Server::start(&spec)?;
    let runner = Runner::new(tests.to_owned(), &spec.address(), scenario)?;
    let mut results = Vec::new();
    for chunk in chosen.chunk_by(|one, other| one.number() == other.number()) {
        let limit = TEST_LIMIT * u32::try_from(chunk.len())?;
        let mut ran = runner.run(chunk, limit)?;
        if let Err(died) = server.ensure_alive() {
            for test in ran
                .iter_mut()
                .filter(|test| test.outcome != Outcome::Passed)
            {
                test.detail = Some(format!("{died:#}"));
            }
            server = Server::start(&spec)?;
        }
        ran.iter().for_each(report);
        results.append(&mut ran);
    }
    Ok(results)
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

/// A copy of the library's source that may be written to, and the library's version.
fn source() -> Result<(PathBuf, String)> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "metadata",
        "--format-version=1",
        "--locked",
        "--manifest-path",
    ]);
    let answer =
        command::run_quietly(cargo.arg(repo::root().join("conformance/rdkafka/Cargo.toml")))?;
    let metadata: Metadata = serde_json::from_str(&answer)?;
    let package = metadata
        .packages
        .into_iter()
        .find(|package| package.name == "rdkafka-sys");
    let package = package.context("conformance/rdkafka does not depend on rdkafka-sys")?;
    // The crate's version reads 4.10.0+2.12.1: its own, then the library's.
    let library = package
        .version
        .rsplit('+')
        .next()
        .unwrap_or_default()
        .to_owned();
    let copy = folder().join(format!("librdkafka-{library}"));
    if !copy.exists() {
        fs::create_dir_all(folder())?;
        let original = package
            .manifest_path
            .parent()
            .context("a manifest has a folder")?
            .join("librdkafka");
        command::run(Command::new("cp").arg("-r").arg(original).arg(&copy))?;
    }
    Ok((copy, library))
}

fn build(source: &Path) -> Result<()> {
    if source.join("tests/test-runner").exists() {
        return Ok(());
    }
    // One test reads the library's statistics with it and is skipped where it cannot be installed.
    if !Path::new("/usr/include/rapidjson/schema.h").exists() {
        let install = command::run_quietly(Command::new("apt-get").args([
            "install",
            "--yes",
            "rapidjson-dev",
        ]));
        if let Err(error) = install {
            println!("without rapidjson-dev: {error:#}");
        }
    }
    let jobs = format!("-j{}", std::thread::available_parallelism()?);
    command::run(Command::new("./configure").current_dir(source))?;
    command::run(
        Command::new("make")
            .args(["--silent", &jobs, "libs"])
            .current_dir(source),
    )?;
    command::run(
        Command::new("make")
            .args(["--silent", &jobs, "-C", "tests", "build"])
            .current_dir(source),
    )
}
