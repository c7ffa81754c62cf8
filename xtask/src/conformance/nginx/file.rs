//! One file of nginx's suite: run in a process group and a folder of its own, read, and cleaned up after.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, geteuid, kill_process};

use super::super::folder;
use super::record::NginxFile;
use super::tap::Tap;
use crate::command;
use crate::results::Outcome;

/// A file that takes longer is cut: the longest takes half of it with nginx.
const LIMIT: Duration = Duration::from_secs(60);

/// How one run of the suite is set up.
pub(super) struct Runner {
    suite: PathBuf,
    binary: PathBuf,
    /// Where the files of the suite put theirs. It has a short name, for there are Unix sockets among them.
    scratch: PathBuf,
    logs: PathBuf,
}

impl Runner {
    pub(super) fn new(suite: PathBuf, binary: PathBuf) -> Result<Runner> {
        let scratch = std::env::temp_dir().join(format!("suite-{}", std::process::id()));
        let logs = folder().join("logs/nginx");
        fs::create_dir_all(&scratch)?;
        fs::create_dir_all(&logs)?;
        println!("the output of each file goes to {}", logs.display());
        Ok(Runner {
            suite,
            binary,
            scratch,
            logs,
        })
    }

    pub(super) fn run(&self, index: usize, name: &str, assertions: u32) -> Result<NginxFile> {
        let scratch = self.scratch.join(index.to_string());
        fs::create_dir_all(&scratch)?;
        let [output, errors] =
            ["tap", "err"].map(|extension| self.logs.join(name).with_extension(extension));
        let mut perl = Command::new("perl");
        perl.arg(name).current_dir(&self.suite);
        perl.env("TEST_NGINX_BINARY", &self.binary);
        perl.env("TMPDIR", &scratch);
        if let Some(globals) = self.globals(name)? {
            perl.env("TEST_NGINX_GLOBALS", globals);
        }
        perl.stdout(File::create(&output)?);
        perl.stderr(File::create(&errors)?);
        let ended = command::wait_limited(&mut perl, LIMIT)?;
        end_daemons(&scratch);
        fs::remove_dir_all(&scratch).with_context(|| scratch.display().to_string())?;
        let text = |path: &Path| -> Result<String> {
            Ok(String::from_utf8_lossy(&fs::read(path)?).into_owned())
        };
        let tap = Tap::parse(&text(&output)?);
        let said = text(&errors)?;
        let mut file = judge(name, assertions, &tap, ended.timed_out, ended.code, &said);
        file.seconds = (ended.took.as_secs_f64() * 10.0).round() / 10.0;
        // Where the suite stands, and what its folders are called, differs from run to run.
        let root = format!("{}/", self.suite.display());
        file.detail = file.detail.map(|detail| {
            let detail = detail.replace(&root, "");
            without_scratch(&detail, &self.scratch)
        });
        Ok(file)
    }

    /// Started by root, the workers would be nobody, who may not enter the file's folder.
    fn globals(&self, name: &str) -> Result<Option<String>> {
        let path = self.suite.join(name);
        let text = fs::read(&path).with_context(|| path.display().to_string())?;
        let text = String::from_utf8_lossy(&text);
        let has_user = text
            .lines()
            .any(|line| line.trim_start().starts_with("user "));
        if !geteuid().is_root() || has_user {
            return Ok(None);
        }
        let given = std::env::var("TEST_NGINX_GLOBALS").unwrap_or_default();
        // The suite counts on nginx's default, where Mainstay has one for each processor.
        let workers = if text.contains("worker_processes") {
            ""
        } else {
            "worker_processes 1; "
        };
        Ok(Some(format!("user root; {workers}{given}")))
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // What is left there is nobody's.
        drop(fs::remove_dir_all(&self.scratch));
    }
}

fn judge(
    name: &str,
    assertions: u32,
    tap: &Tap,
    timed_out: bool,
    code: Option<i32>,
    errors: &str,
) -> NginxFile {
    let mut file = NginxFile {
        name: name.to_owned(),
        outcome: Outcome::Passed,
        assertions: tap.plan.filter(|plan| *plan > 0).unwrap_or(assertions),
        passed: tap.passed,
        failed: tap.failed,
        skipped: tap.skipped,
        expected_failures: tap.expected_failures,
        seconds: 0.0,
        detail: None,
    };
    if let (Some(reason), false) = (&tap.skip_all, timed_out) {
        file.outcome = Outcome::Skipped;
        file.skipped = assertions;
        file.detail = Some(reason.clone());
        return file;
    }
    // What was not reached has not passed.
    let missed = file.assertions.saturating_sub(tap.seen());
    file.failed += missed;
    if timed_out {
        file.outcome = Outcome::TimedOut;
    } else if file.failed > 0 || code != Some(0) {
        file.outcome = Outcome::Failed;
    }
    if file.outcome != Outcome::Passed {
        file.detail = reason(tap, errors, missed, timed_out);
    }
    file
}

/// The first thing that went wrong: what kept the server from starting says more than what followed from it.
fn reason(tap: &Tap, errors: &str, missed: u32, timed_out: bool) -> Option<String> {
    let start = errors
        .lines()
        .find(|line| line.contains("[emerg]") || line.starts_with("mainstay:"));
    if let (Some(line), 0) = (start, tap.seen()) {
        return Some(line.to_owned());
    }
    let died = || {
        let said = |line: &&str| !line.starts_with('#') && !line.trim().is_empty();
        errors.lines().rfind(said).map(str::to_owned)
    };
    let cut = timed_out.then(|| format!("cut after {} s, {missed} not reached", LIMIT.as_secs()));
    let first = tap.first_failure.clone().or_else(died);
    match (cut, first) {
        (Some(cut), Some(first)) => Some(format!("{cut}; {first}")),
        (cut, first) => cut.or(first),
    }
}

/// A server that went into the background is in no process group of ours; its file of the process id tells it.
fn end_daemons(scratch: &Path) {
    for entry in fs::read_dir(scratch).into_iter().flatten().flatten() {
        let Ok(text) = fs::read_to_string(entry.path().join("nginx.pid")) else {
            continue;
        };
        // A server that has ended leaves nothing to end.
        if let Some(pid) = text.trim().parse().ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

fn without_scratch(detail: &str, scratch: &Path) -> String {
    let scratch = scratch.display().to_string();
    detail
        .split(' ')
        .map(|word| match word.strip_prefix(&scratch) {
            Some(rest) => rest.rsplit('/').next().unwrap_or(rest),
            None => word,
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        tap: &str,
        cut: bool,
        code: i32,
        errors: &str,
        outcome: Outcome,
        detail: Option<&str>,
    ) {
        let file = judge("a.t", 5, &Tap::parse(tap), cut, Some(code), errors);
        assert_eq!(file.outcome, outcome, "{tap}");
        assert_eq!(file.detail.as_deref(), detail, "{tap}");
        let sum = file.passed + file.failed + file.skipped + file.expected_failures;
        assert_eq!(sum, file.assertions, "{tap}");
    }

    #[test]
    fn judgements() {
        use Outcome::{Failed, Passed, Skipped, TimedOut};
        check("1..2\nok 1\nok 2\n", false, 0, "", Passed, None);
        check(
            "1..2\nok 1\nok 2\n",
            false,
            2,
            "died\n",
            Failed,
            Some("died"),
        );
        check(
            "1..2\nok 1\nnot ok 2 - b\n",
            false,
            1,
            "# b\n",
            Failed,
            Some("b"),
        );
        check(
            "1..3\nok 1\n",
            true,
            9,
            "",
            TimedOut,
            Some("cut after 60 s, 2 not reached"),
        );
        check(
            "1..0 # SKIP no x available\n",
            false,
            0,
            "",
            Skipped,
            Some("no x available"),
        );
        let refused = "nginx: [emerg] unknown directive \"x\"\nCan't start nginx\n";
        let first = "nginx: [emerg] unknown directive \"x\"";
        check("", false, 2, refused, Failed, Some(first));
        check("1..5\n", false, 2, refused, Failed, Some(first));
    }

    #[test]
    fn folders_are_left_out() {
        let detail = without_scratch("no x in /tmp/s-1/2/n-3/nginx.conf:7", Path::new("/tmp/s-1"));
        assert_eq!(detail, "no x in nginx.conf:7");
    }
}
