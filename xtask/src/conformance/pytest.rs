//! A run of pytest over a peer's own tests, its result test by test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{folder, report};
use crate::results::Test;
use crate::{command, repo};

/// What to run and how long it may take.
pub(super) struct Pytest {
    /// Name of the suite, for the files that the run leaves.
    pub(super) suite: &'static str,
    pub(super) python: PathBuf,
    /// The folder in which it runs.
    pub(super) folder: PathBuf,
    /// A file or folder with tests, in that folder.
    pub(super) tests: &'static str,
    /// An expression as pytest's `-k` takes it.
    pub(super) chosen: Option<String>,
    /// Further arguments.
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(&'static str, String)>,
    pub(super) test_limit: Duration,
    pub(super) limit: Duration,
}

impl Pytest {
    /// Runs the tests; every one of them is in the answer.
    pub(super) fn run(&self) -> Result<Vec<Test>> {
        let logs = folder().join("logs");
        fs::create_dir_all(&logs)?;
        let results = folder().join(format!("{}-results.json", self.suite));
        if results.exists() {
            fs::remove_file(&results)?;
        }
        let mut pytest = Command::new(&self.python);
        // The plugin `report` stands in conformance/pytest.
        pytest.args(["-m", "pytest", "-p", "report", "--rootdir=."]);
        pytest.arg(self.tests).args(&self.arguments);
        if let Some(chosen) = &self.chosen {
            pytest.args(["-k", chosen]);
        }
        pytest
            .arg(format!("--timeout={}", self.test_limit.as_secs()))
            .arg("--timeout-method=signal")
            .current_dir(&self.folder)
            .env("PYTHONPATH", repo::root().join("conformance/pytest"))
            .env("REPORT", &results)
            .envs(self.environment.iter().cloned());
        let log = logs.join(self.suite).with_extension("log");
        println!("the output of {} goes to {}", self.suite, log.display());
        let ended = command::run_limited(&mut pytest, self.limit, &log)?;
        ensure!(
            !ended.timed_out,
            "the suite did not end within {:?}",
            self.limit
        );
        let text = fs::read_to_string(&results)
            .with_context(|| format!("no test ran; see {}", log.display()))?;
        let mut tests: Vec<Test> = serde_json::from_str(&text)?;
        for test in &mut tests {
            // Another run takes another fraction of a second.
            test.seconds = (test.seconds * 10.0).round() / 10.0;
        }
        Ok(tests)
    }
}

/// Shortens the names of tests by what they have in common, and prints each.
pub(super) fn report_all(tests: &mut [Test], prefix: &str) {
    for test in tests {
        test.name = test.name.trim_start_matches(prefix).to_owned();
        report(test);
    }
}

/// The source distribution of a package on PyPI, unpacked below `target/conformance/`.
pub(super) fn source_distribution(
    python: &Path,
    suite: &str,
    package: &str,
    version: &str,
) -> Result<PathBuf> {
    let archives = folder().join(suite);
    let name = format!("{}-{version}", package.replace('-', "_"));
    let source = archives.join(&name);
    if !source.exists() {
        fs::create_dir_all(&archives)?;
        let mut pip = Command::new(python);
        pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]);
        pip.args(["download", "--no-deps", "--no-binary=:all:", "--dest"]);
        command::run(pip.arg(&archives).arg(format!("{package}=={version}")))?;
        let archive = archives.join(format!("{name}.tar.gz"));
        let mut unpack = Command::new("tar");
        command::run(unpack.arg("-xzf").arg(archive).arg("-C").arg(&archives))?;
    }
    Ok(source)
}
