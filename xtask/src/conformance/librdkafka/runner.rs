//! Runs librdkafka's test program for one number and reads its summary.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::super::folder;
use super::table::Entry;
use crate::command::{self, Ended};
use crate::results::{Outcome, Test};
use crate::server::kafka_distribution;

/// What the tests take the server to be: it chooses the requests that they try.
const KAFKA_VERSION: &str = "4.2.0";

pub(super) struct Runner {
    tests: PathBuf,
    logs: PathBuf,
    bootstrap: String,
    scenario: String,
    /// Where the tests find `bin/kafka-topics.sh` and `bin/kafka-acls.sh`.
    distribution: Option<PathBuf>,
}

impl Runner {
    /// Points the test program at a server.
    pub(super) fn new(tests: PathBuf, bootstrap: &str, scenario: &str) -> Result<Runner> {
        fs::write(
            tests.join("test.conf"),
            format!("bootstrap.servers={bootstrap}\n"),
        )?;
        let logs = folder().join("logs/librdkafka");
        fs::create_dir_all(&logs)?;
        let distribution = kafka_distribution()
            .inspect_err(|error| println!("tests that call Kafka's scripts will fail: {error:#}"))
            .ok();
        Ok(Runner {
            tests,
            logs,
            bootstrap: bootstrap.to_owned(),
            scenario: scenario.to_owned(),
            distribution,
        })
    }

    /// Runs the tests, which share a number, in the quick mode.
    pub(super) fn run(&self, entries: &[Entry], limit: Duration) -> Result<Vec<Test>> {
        let number = entries.first().map_or("", Entry::number);
        // The program loses what it has buffered when a failing test aborts it.
        let mut program = Command::new("stdbuf");
        program
            .args([
                "-oL",
                "./test-runner",
                "-p1",
                "-Q",
                "-L",
                "-s",
                &self.scenario,
            ])
            .current_dir(&self.tests);
        program
            .env("LD_LIBRARY_PATH", "../src:../src-cpp")
            .env("TEST_MODE", "bare");
        program
            .env("TESTS", number)
            .env("TEST_KAFKA_VERSION", KAFKA_VERSION);
        program
            .env("BROKERS", &self.bootstrap)
            .envs(self.distribution.iter().map(|path| ("KAFKA_PATH", path)));
        let log = self.logs.join(format!("{number}-{}.log", self.scenario));
        let ended = command::run_limited(&mut program, limit, &log)?;
        Ok(entries
            .iter()
            .map(|entry| test(&entry.name, &ended))
            .collect())
    }
}

fn test(name: &str, ended: &Ended) -> Test {
    let row = row(name, &ended.output);
    let took = ended.took.as_secs_f64();
    let (outcome, seconds, detail) = match row {
        Some(row) if row.state == "PASSED" => (Outcome::Passed, row.seconds, None),
        Some(row) if row.state == "SKIPPED" => (Outcome::Skipped, row.seconds, Some(row.said)),
        // The summary has no word for a test that ran into its own time limit.
        Some(row) if row.said.is_empty() => (
            Outcome::Failed,
            row.seconds,
            Some(last_words(name, &ended.output)),
        ),
        Some(row) => (Outcome::Failed, row.seconds, Some(row.said)),
        // A test that fails hard takes the program down before it prints its summary.
        None if passed_line(name, &ended.output) => (Outcome::Passed, took, None),
        None if ended.timed_out => (
            Outcome::TimedOut,
            took,
            Some(last_words(name, &ended.output)),
        ),
        None => (Outcome::Failed, took, Some(last_words(name, &ended.output))),
    };
    let detail = detail
        .map(|text| shortened(&text))
        .filter(|text| !text.is_empty());
    Test {
        subject: None,
        name: name.to_owned(),
        outcome,
        seconds: (seconds * 10.0).round() / 10.0,
        detail,
    }
}

/// One line of the summary: `| NAME | STATE | 1.234s | what it said`.
struct Row {
    state: String,
    seconds: f64,
    said: String,
}

fn row(name: &str, output: &str) -> Option<Row> {
    output.lines().map(without_colours).find_map(|line| {
        let mut cells = line.strip_prefix('|')?.splitn(4, '|').map(str::trim);
        if cells.next()? != name {
            return None;
        }
        let state = cells.next()?.to_owned();
        let seconds = cells.next()?.trim_end_matches('s').trim().parse().ok()?;
        Some(Row {
            state,
            seconds,
            said: cells.next().unwrap_or_default().to_owned(),
        })
    })
}

fn passed_line(name: &str, output: &str) -> bool {
    output
        .lines()
        .any(|line| line.contains(&format!("Test {name} PASSED")))
}

/// What the test said when it failed, or else the program's last line.
fn last_words(name: &str, output: &str) -> String {
    let lines: Vec<String> = output
        .lines()
        .map(without_colours)
        .filter(|line| !line.trim().is_empty())
        .collect();
    let failure = lines
        .iter()
        .position(|line| line.starts_with(&format!("### Test \"{name}")));
    let said = failure.and_then(|at| lines.get(at + 1)).or(lines.last());
    said.cloned().unwrap_or_default()
}

fn without_colours(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, escape)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = escape.split_once('m').map_or("", |(_, after)| after);
    }
    plain + rest
}

/// Results are read in a table: one line, and not what differs from run to run.
fn shortened(text: &str) -> String {
    const CHARACTERS_MAX: usize = 400;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = line.chars().take(CHARACTERS_MAX).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(output: &str, timed_out: bool, outcome: Outcome, detail: Option<&str>) {
        let ended = Ended {
            code: Some(0),
            timed_out,
            took: Duration::from_secs(7),
            output: output.to_owned(),
        };
        let test = test("0012_produce_consume", &ended);
        assert_eq!(
            (test.outcome, test.detail.as_deref()),
            (outcome, detail),
            "{output}"
        );
    }

    #[test]
    fn summaries_are_read() {
        let row = |state: &str, said: &str| {
            format!(
                "|\u{1b}[31m 0012_produce_consume      | {state:>10} |   1.234s \u{1b}[0m|\u{1b}[31m {said}\u{1b}[0m\n"
            )
        };
        check(&row("PASSED", ""), false, Outcome::Passed, None);
        check(
            &row("FAILED", "f():12: broken | pipe"),
            false,
            Outcome::Failed,
            Some("f():12: broken | pipe"),
        );
        check(
            &row("SKIPPED", "no zstd"),
            false,
            Outcome::Skipped,
            Some("no zstd"),
        );
        check(
            "### Test 0012_produce_consume PASSED\n",
            true,
            Outcome::Passed,
            None,
        );
        check(
            "### Test \"0012_produce_consume (x)\" failed at y\nf():1: bad\nbye\n",
            false,
            Outcome::Failed,
            Some("f():1: bad"),
        );
        check("waiting\n", true, Outcome::TimedOut, Some("waiting"));
    }
}
