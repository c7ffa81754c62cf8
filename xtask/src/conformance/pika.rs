//! pika's own acceptance tests.
//!
//! They are not in the package on PyPI and use parts of pika that no release has yet, so `PIKA_SRC` names a
//! checkout, whose own pika is tested. They connect to port 5672, whatever they are told.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::pytest::{self, Pytest};
use super::{Options, amqp_spec, finish, python};
use crate::command;
use crate::server::Server;

/// The port that is written into the tests.
const PORT: u16 = 5672;

/// One test; each has a limit of its own of some 16 s.
const TEST_LIMIT: Duration = Duration::from_secs(60);

/// All of them; some minutes are usual.
const LIMIT: Duration = Duration::from_secs(30 * 60);

pub(super) fn run(options: &Options) -> Result<()> {
    let source = std::env::var_os("PIKA_SRC")
        .map(PathBuf::from)
        .context("PIKA_SRC names a checkout of pika: its tests are in no package")?;
    let version = options.server.prepare()?;
    let packages = [
        "pytest==8.4.2",
        "pytest-timeout",
        "twisted==26.10.0",
        "tornado==6.6.1",
        "gevent==26.9.0",
    ];
    let python = python::environment("pika-suite", &packages)?;
    let mut server = Server::start(&amqp_spec(options.server, "pika-suite", Some(PORT))?)?;
    let pika = described(&source)?;
    let run = Pytest {
        suite: "pika",
        python,
        folder: source,
        tests: "tests/acceptance",
        chosen: options.only.clone(),
        arguments: Vec::new(),
        environment: Vec::new(),
        test_limit: TEST_LIMIT,
        limit: LIMIT,
    };
    let mut tests = run.run()?;
    server.ensure_alive()?;
    pytest::report_all(&mut tests, "tests/acceptance/");
    let versions = vec![
        (options.server.word().into(), version),
        ("pika".into(), pika),
    ];
    finish("pika", options, versions, tests)
}

/// The checkout as git describes it.
fn described(source: &Path) -> Result<String> {
    let mut git = Command::new("git");
    git.args(["describe", "--tags", "--always"]);
    Ok(command::run_quietly(git.current_dir(source))?
        .trim()
        .to_owned())
}
