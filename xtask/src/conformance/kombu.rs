//! kombu's own integration tests over py-amqp.
//!
//! They come with the source distribution on PyPI; `KOMBU_SRC` names a checkout to use in its place.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use super::pytest::{self, Pytest};
use super::{Options, amqp_spec, finish, folder, python};
use crate::server::Server;

const VERSION: &str = "5.7.0";

/// One test; those of TTLs wait some seconds.
const TEST_LIMIT: Duration = Duration::from_secs(60);

/// All of them; less than a minute is usual.
const LIMIT: Duration = Duration::from_secs(15 * 60);

pub(super) fn run(options: &Options) -> Result<()> {
    let version = options.server.prepare()?;
    let pinned = format!("kombu=={VERSION}");
    let packages = [
        pinned.as_str(),
        "pytest==8.4.2",
        "pytest-timeout",
        "hypothesis<7",
        "Pyro4==4.82",
    ];
    let python = python::environment("kombu-suite", &packages)?;
    let source = match std::env::var_os("KOMBU_SRC") {
        Some(checkout) => PathBuf::from(checkout),
        None => pytest::source_distribution(&python, "kombu-suite", "kombu", VERSION)?,
    };
    // The tests alone: beside the package they would test the one in the folder.
    let tests = folder().join("kombu-suite/run");
    if tests.exists() {
        fs::remove_dir_all(&tests)?;
    }
    copy(&source.join("t"), &tests.join("t"))?;
    let spec = amqp_spec(options.server, "kombu-suite", None)?;
    let port = spec.amqp_port.context("an AMQP server has a port")?;
    let mut server = Server::start(&spec)?;
    let run = Pytest {
        suite: "kombu",
        python,
        folder: tests,
        tests: "t/integration/test_py_amqp.py",
        chosen: options.only.clone(),
        arguments: [
            // As in kombu's setup.cfg.
            "-o",
            "python_classes=test_*",
            // Its mark `flaky` means nothing here: a test that has to be tried again has failed.
            "-W",
            "ignore::pytest.PytestUnknownMarkWarning",
        ]
        .map(Into::into)
        .to_vec(),
        environment: vec![
            ("RABBITMQ_HOST", "127.0.0.1".to_owned()),
            ("RABBITMQ_5672_TCP", port.to_string()),
        ],
        test_limit: TEST_LIMIT,
        limit: LIMIT,
    };
    let mut results = run.run()?;
    server.ensure_alive()?;
    pytest::report_all(&mut results, "t/integration/test_py_amqp.py::");
    let versions = vec![
        (options.server.word().into(), version),
        ("kombu".into(), VERSION.into()),
    ];
    finish("kombu", options, versions, results)
}

fn copy(from: &std::path::Path, to: &std::path::Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
