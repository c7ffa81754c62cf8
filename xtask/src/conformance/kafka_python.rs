//! kafka-python's own integration tests.
//!
//! They come with the source distribution on PyPI; `KAFKA_PYTHON_SRC` names a checkout to use in its place.
//! Tests of SASL and TLS are left out, as they start servers of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use super::pytest::{self, Pytest};
use super::{Options, finish, python, suite_spec};
use crate::server::Server;

const VERSION: &str = "3.0.12";

/// What the tests take the server to be: it chooses the requests that they use.
const KAFKA_VERSION: &str = "4.2.0";

/// One test; the slowest wait for several rebalances.
const TEST_LIMIT: Duration = Duration::from_secs(120);

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
    let chosen = match &options.only {
        Some(only) => format!("not sasl and not ssl and ({only})"),
        None => "not sasl and not ssl".to_owned(),
    };
    let run = Pytest {
        suite: "kafka-python",
        python,
        folder: source,
        tests: "test/integration",
        chosen: Some(chosen),
        arguments: ["-p", "kafka_service"].map(Into::into).to_vec(),
        environment: vec![
            ("KAFKA_URI", format!("kafka://{}", server.address())),
            ("KAFKA_VERSION", KAFKA_VERSION.to_owned()),
        ],
        test_limit: TEST_LIMIT,
        limit: LIMIT,
    };
    let mut tests = run.run()?;
    server.ensure_alive()?;
    pytest::report_all(&mut tests, "test/integration/");
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
        None => pytest::source_distribution(python, "kafka-python-suite", "kafka-python", VERSION)?,
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
