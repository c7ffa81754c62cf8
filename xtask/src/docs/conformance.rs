//! `docs/conformance.md`: which client works, which test passes, and why the others do not.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;

use super::reasons::{self, key};
use super::{cell, source};
use crate::results::{self, Outcome, Suite, Test};

const HEAD: &str = "\
# Conformance

Stock clients and their own test suites against this server, and the same tests against Apache Kafka. A test that
skips itself is not counted as passed. Written by `cargo xtask docs` from `bench/results/conformance-*.json` and
`conformance/reasons.json`; do not edit.
";

/// Suite, heading, what it is.
const SECTIONS: &[(&str, &str, &str)] = &[
    (
        "textbook",
        "A textbook's first program",
        "[`examples/textbook/kafka.py`](../examples/textbook/kafka.py) with kafka-python 1.4.7, which speaks the protocol of 2013, run twice.",
    ),
    (
        "clients",
        "Stock clients",
        "Each client sends messages in every codec and reads them back; shares a topic in a group of two; loses a \
         member to `kill -9` and takes over; commits; and, after a `kill -9` of the server, a new member goes on \
         exactly where the commit was. [`conformance/clients/scenario.py`](../conformance/clients/scenario.py) says what a client does, the harness judges.",
    ),
    (
        "kafka-python",
        "kafka-python's own integration tests",
        "`test/integration` without SASL and TLS.",
    ),
    (
        "librdkafka",
        "librdkafka's own tests",
        "Every test that uses a broker, one at a time, in the quick mode.",
    ),
];

pub(super) fn page() -> Result<String> {
    let reasons = reasons::read()?;
    let mut page = HEAD.to_owned();
    for (suite, heading, what) in SECTIONS {
        let ours = results::read::<Suite>(&format!("conformance-{suite}"))?;
        let theirs = results::read::<Suite>(&format!("conformance-{suite}-apache-kafka"))?;
        write!(page, "\n## {heading}\n\n{what}\n\n")?;
        for results in [&ours, &theirs].into_iter().flatten() {
            writeln!(
                page,
                "- {}: {}",
                server_name(results),
                totals(&results.tests)
            )?;
        }
        if ours.is_none() {
            writeln!(page, "- Mainstay: not run yet")?;
        }
        page.push('\n');
        let no_reasons = BTreeMap::new();
        let reasons = reasons.get(*suite).unwrap_or(&no_reasons);
        page += &match *suite {
            "clients" => matrix(ours.as_ref().or(theirs.as_ref())),
            _ => list(ours.as_ref(), theirs.as_ref(), reasons),
        };
        if *suite == "clients" {
            page += &failures(ours.as_ref(), reasons);
        }
        for results in [&ours, &theirs].into_iter().flatten() {
            page.push('\n');
            page += &source(&results.provenance);
        }
    }
    Ok(page)
}

fn server_name(suite: &Suite) -> &'static str {
    if suite.server == "mainstay" {
        "Mainstay"
    } else {
        "Apache Kafka"
    }
}

fn totals(tests: &[Test]) -> String {
    let count = |outcome| tests.iter().filter(|test| test.outcome == outcome).count();
    let mut totals = format!("{} of {} passed", count(Outcome::Passed), tests.len());
    for (outcome, word) in [
        (Outcome::Failed, "failed"),
        (Outcome::TimedOut, "timed out"),
        (Outcome::Skipped, "skipped by themselves"),
    ] {
        if count(outcome) > 0 {
            totals += &format!(", {} {word}", count(outcome));
        }
    }
    totals
}

fn word(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Passed) => "passed",
        Some(Outcome::Failed) => "**failed**",
        Some(Outcome::TimedOut) => "**timed out**",
        Some(Outcome::Skipped) => "skipped itself",
        None => "",
    }
}

/// A row for each client, a column for each step.
fn matrix(suite: Option<&Suite>) -> String {
    let Some(suite) = suite else {
        return String::new();
    };
    let mut subjects: Vec<&str> = Vec::new();
    let mut steps: Vec<&str> = Vec::new();
    for test in &suite.tests {
        let subject = test.subject.as_deref().unwrap_or_default();
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
        if !steps.contains(&test.name.as_str()) {
            steps.push(&test.name);
        }
    }
    let mut table = format!(
        "Against {}:\n\n| client | {} |\n",
        server_name(suite),
        steps.join(" | ")
    );
    table += &format!("| --- |{}\n", " --- |".repeat(steps.len()));
    for subject in subjects {
        let outcome = |step: &&str| {
            let test = suite
                .tests
                .iter()
                .find(|test| test.subject.as_deref() == Some(subject) && test.name == **step);
            match test.map(|test| test.outcome) {
                Some(Outcome::Skipped) => "–",
                outcome => word(outcome),
            }
        };
        let cells: Vec<&str> = steps.iter().map(outcome).collect();
        table += &format!("| {subject} | {} |\n", cells.join(" | "));
    }
    table
}

/// What failed in a matrix, and why.
fn failures(suite: Option<&Suite>, reasons: &BTreeMap<String, String>) -> String {
    let failed = suite
        .into_iter()
        .flat_map(|suite| &suite.tests)
        .filter(|test| test.outcome != Outcome::Passed);
    let mut list = String::new();
    for test in failed {
        let said = test.detail.as_deref().unwrap_or_default();
        let reason = reasons.get(&key(test)).map_or(said, String::as_str);
        list += &format!("- {}: {reason}\n", key(test));
    }
    if list.is_empty() {
        list
    } else {
        format!("\n{list}")
    }
}

/// A row for each test, with both servers beside each other.
fn list(
    ours: Option<&Suite>,
    theirs: Option<&Suite>,
    reasons: &BTreeMap<String, String>,
) -> String {
    let outcome = |suite: Option<&Suite>, name: &str| {
        suite
            .and_then(|suite| suite.tests.iter().find(|test| test.name == name))
            .map(|test| test.outcome)
    };
    let mut table =
        "| test | Mainstay | Apache Kafka | why |\n| --- | --- | --- | --- |\n".to_owned();
    let Some(listed) = ours.or(theirs) else {
        return String::new();
    };
    for test in &listed.tests {
        let (one, two) = (outcome(ours, &test.name), outcome(theirs, &test.name));
        let said = if test.outcome == Outcome::Passed {
            None
        } else {
            test.detail.as_deref()
        };
        let reason = reasons
            .get(&test.name)
            .map(String::as_str)
            .or(said)
            .unwrap_or_default();
        table += &format!(
            "| {} | {} | {} | {} |\n",
            cell(&test.name),
            word(one),
            word(two),
            cell(reason)
        );
    }
    table
}
