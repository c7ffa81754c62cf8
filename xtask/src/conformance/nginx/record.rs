//! What a run of nginx's suite leaves in `bench/results/`, and the table reads.

use serde::{Deserialize, Serialize};

use crate::results::{Outcome, Provenance};

/// `bench/results/conformance-nginx.json`, and `conformance-nginx-nginx.json` for nginx itself.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct NginxSuite {
    pub(crate) server: String,
    pub(crate) provenance: Provenance,
    pub(crate) files: Vec<NginxFile>,
}

/// One file of the suite.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NginxFile {
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
    /// As many as the file has; the next four come to it.
    pub(crate) assertions: u32,
    pub(crate) passed: u32,
    /// Those that were never reached, for the file was cut or ended early, are failed.
    pub(crate) failed: u32,
    /// What the file, or the binary under test, says it does not have.
    pub(crate) skipped: u32,
    /// What the suite marks as failing with nginx too.
    pub(crate) expected_failures: u32,
    pub(crate) seconds: f64,
    /// Why it was skipped, or the first thing that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}

impl NginxFile {
    /// Whether the file skipped itself because `-V` says that something is not there.
    pub(crate) fn is_declared_missing(&self) -> bool {
        let detail = self.detail.as_deref().unwrap_or_default();
        self.outcome == Outcome::Skipped
            && detail.starts_with("no ")
            && detail.ends_with(" available")
    }

    pub(crate) fn word(&self) -> &'static str {
        match self.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "FAILED",
            Outcome::TimedOut => "CUT",
            Outcome::Skipped if self.is_declared_missing() => "missing",
            Outcome::Skipped => "skipped",
        }
    }

    /// How many files and assertions ended in which way, in one line.
    pub(crate) fn totals(files: &[NginxFile]) -> String {
        let ended =
            |wanted: fn(&NginxFile) -> bool| files.iter().filter(|file| wanted(file)).count();
        let sum = |of: fn(&NginxFile) -> u32| files.iter().map(of).sum::<u32>();
        format!(
            "{} of {} files passed, {} failed, {} declared missing, {} skipped for other reasons; \
             {} of {} assertions passed, {} failed, {} skipped, {} fail with nginx too",
            ended(|file| file.outcome == Outcome::Passed),
            files.len(),
            ended(|file| matches!(file.outcome, Outcome::Failed | Outcome::TimedOut)),
            ended(NginxFile::is_declared_missing),
            ended(|file| file.outcome == Outcome::Skipped && !file.is_declared_missing()),
            sum(|file| file.passed),
            sum(|file| file.assertions),
            sum(|file| file.failed),
            sum(|file| file.skipped),
            sum(|file| file.expected_failures),
        )
    }
}
