//! kafka-python's own integration tests.
//!
//! They come with the source distribution on PyPI; `KAFKA_PYTHON_SRC` names a checkout to use in its place.
//! Tests of SASL and TLS are left out, as they start servers of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Options, finish, folder, python, report, suite_spec};
use crate::command;
use crate::repo;
use crate::results::Test;
use crate::server::Server;

const VERSION: &str = "3.0.12";

/// What the tests take the server to be: it chooses the requests that they use.
const KAFKA_VERSION: &str = "4.2.0";

/// One test; the slowest wait for several rebalances.
const TEST_LIMIT_SECONDS: u32 = 120;

/// All of them; some minutes are usual.
const LIMIT: Duration = Duration::from_secs(45 * 60);

pub(super) fn run(options: &Options) -> Result<()> {
    let version = options.server.prepare()?;
    let pinned = format!("kafka-python=={VERSION}");
    let packages = [
        pinned.as_str(),
        "pytest==8.4.2",
        "pytest-mock",
        "pytest-timeout",
        "python-snappy",
        "lz4",
        "zstandard",
    ];
    let python = python::environment("kafka-python-suite", &packages)?;
    let source = source(&python)?;
    let mut server = Server::start(&suite_spec(options.server, "kafka-python-suite")?)?;
    let results = folder().join("kafka-python-results.json");
    if results.exists() {
        fs::remove_file(&results)?;
    }
    let chosen = match &options.only {
        Some(only) => format!("not sasl and not ssl and ({only})"),
        None => "not sasl and not ssl".to_owned(),
    };
    let mut pytest = Command::new(&python);
    pytest.args([
        "-m",
        "pytest",
        "-p",
        "report",
        "--rootdir=.",
        "test/integration",
        "-k",
        &chosen,
    ]);
    pytest
        .arg(format!("--timeout={TEST_LIMIT_SECONDS}"))
        .arg("--timeout-method=signal");
    pytest
        .current_dir(&source)
        .env("PYTHONPATH", repo::root().join("conformance/kafka-python"));
    pytest.env("KAFKA_URI", format!("kafka://{}", server.address()));
    pytest
        .env("KAFKA_VERSION", KAFKA_VERSION)
        .env("REPORT", &results);
    let log = folder().join("logs/kafka-python-suite.log");
    fs::create_dir_all(folder().join("logs"))?;
    println!(
        "kafka-python's tests against {}; their output goes to {}",
        server.address(),
        log.display()
    );
    let ended = command::run_limited(&mut pytest, LIMIT, &log)?;
    server.ensure_alive()?;
    ensure!(!ended.timed_out, "the suite did not end within {LIMIT:?}");
    let text = fs::read_to_string(&results)
        .with_context(|| format!("no test ran; see {}", log.display()))?;
    let mut tests: Vec<Test> = serde_json::from_str(&text)?;
    for test in &mut tests {
        test.name = test.name.trim_start_matches("test/integration/").to_owned();
        // Random topic names and addresses would make two runs differ.
        test.seconds = (test.seconds * 10.0).round() / 10.0;
        report(test);
    }
    let versions = vec![
        (options.server.word().into(), version),
        ("kafka-python".into(), VERSION.into()),
    ];
    finish("kafka-python", options, versions, tests)
}

/// The folder with the tests, with what a run against a server that is already there needs besides.
fn source(python: &Path) -> Result<PathBuf> {
    let source = match std::env::var_os("KAFKA_PYTHON_SRC") {
        Some(checkout) => PathBuf::from(checkout),
        None => downloaded(python)?,
    };
    // The suite looks for a server's scripts before it looks at KAFKA_URI; it does not use them.
    fs::create_dir_all(source.join("servers").join(KAFKA_VERSION).join("kafka-bin"))?;
    // Without it, Python's own package `test` is found.
    let package = source.join("test/__init__.py");
    if !package.exists() {
        fs::write(package, "")?;
    }
    Ok(source)
}

fn downloaded(python: &Path) -> Result<PathBuf> {
    let archives = folder().join("kafka-python-suite");
    let source = archives.join(format!("kafka_python-{VERSION}"));
    if !source.exists() {
        fs::create_dir_all(&archives)?;
        let mut pip = Command::new(python);
        pip.args([
            "-m",
            "pip",
            "--quiet",
            "--disable-pip-version-check",
            "download",
            "--no-deps",
            "--no-binary=:all:",
        ]);
        command::run(
            pip.arg("--dest")
                .arg(&archives)
                .arg(format!("kafka-python=={VERSION}")),
        )?;
        let archive = archives.join(format!("kafka_python-{VERSION}.tar.gz"));
        command::run(
            Command::new("tar")
                .arg("-xzf")
                .arg(archive)
                .arg("-C")
                .arg(&archives),
        )?;
    }
    Ok(source)
}
