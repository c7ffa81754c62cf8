//! `docs/conformance.md`: which client works, which test passes, and why the others do not.

mod nginx;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;

use super::reasons::{self, key};
use super::suites::{Form, SECTIONS, Section};
use super::{cell, source};
use crate::results::{self, Outcome, Suite, Test};

const HEAD: &str = "\
# Conformance

Stock clients and their own test suites against this server, and the same tests against Apache Kafka or RabbitMQ. A test
that skips itself is not counted as passed. Written by `cargo xtask docs` from `bench/results/conformance-*.json` and
`conformance/reasons.json`; do not edit.
";

pub(super) fn page() -> Result<String> {
    let reasons = reasons::read()?;
    let mut page = HEAD.to_owned();
    for section in SECTIONS {
        let Section {
            suite,
            heading,
            what,
            peer,
            form,
        } = section;
        let ours = results::read::<Suite>(&format!("conformance-{suite}"))?;
        let theirs = results::read::<Suite>(&format!("conformance-{suite}-{}", peer))?;
        write!(page, "\n## {heading}\n\n{what}\n\n")?;
        for results in [&ours, &theirs].into_iter().flatten() {
            writeln!(
                page,
                "- {}: {}",
                server_name(&results.server),
                totals(&results.tests)
            )?;
        }
        if ours.is_none() {
            writeln!(page, "- Mainstay: not run yet")?;
        }
        let Some(shown) = ours.as_ref().or(theirs.as_ref()) else {
            continue;
        };
        page.push('\n');
        let no_reasons = BTreeMap::new();
        let reasons = reasons.get(*suite).unwrap_or(&no_reasons);
        page += &match form {
            Form::Clients => matrix(shown) + &failures(ours.as_ref(), reasons),
            Form::Steps => {
                steps(shown) + &failures(ours.as_ref(), reasons) + &peer_failures(theirs.as_ref())
            }
            Form::List | Form::Exceptions => {
                list(section, shown, [ours.as_ref(), theirs.as_ref()], reasons)
            }
        };
        for results in [&ours, &theirs].into_iter().flatten() {
            page.push('\n');
            page += &source(&results.provenance);
        }
    }
    let none = BTreeMap::new();
    Ok(page + &nginx::section(reasons.get("nginx").unwrap_or(&none))?)
}

fn server_name(word: &str) -> &str {
    match word {
        "mainstay" => "Mainstay",
        "apache-kafka" => "Apache Kafka",
        "rabbitmq" => "RabbitMQ",
        other => other,
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

/// Clients and steps of a suite, each in the order of its first test.
fn axes(suite: &Suite) -> (Vec<&str>, Vec<&str>) {
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
    (subjects, steps)
}

/// How one step of one client ended.
fn step_outcome(suite: &Suite, subject: &str, step: &str) -> &'static str {
    let test = suite
        .tests
        .iter()
        .find(|test| test.subject.as_deref() == Some(subject) && test.name == step);
    match test.map(|test| test.outcome) {
        Some(Outcome::Skipped) => "–",
        outcome => word(outcome),
    }
}

/// A row for each client, a column for each step.
fn matrix(suite: &Suite) -> String {
    let (subjects, steps) = axes(suite);
    table(suite, "client", &steps, &subjects, |subject, step| {
        step_outcome(suite, subject, step)
    })
}

/// A row for each step, a column for each client.
fn steps(suite: &Suite) -> String {
    let (subjects, steps) = axes(suite);
    table(suite, "scenario", &subjects, &steps, |step, subject| {
        step_outcome(suite, subject, step)
    })
}

fn table(
    suite: &Suite,
    corner: &str,
    columns: &[&str],
    rows: &[&str],
    outcome: impl Fn(&str, &str) -> &'static str,
) -> String {
    let server = server_name(&suite.server);
    let mut table = format!(
        "Against {server}:\n\n| {corner} | {} |\n",
        columns.join(" | ")
    );
    table += &format!("| --- |{}\n", " --- |".repeat(columns.len()));
    for row in rows {
        let cells: Vec<&str> = columns.iter().map(|column| outcome(row, column)).collect();
        table += &format!("| {row} | {} |\n", cells.join(" | "));
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

/// What failed in the peer's own run, in the words of the test.
fn peer_failures(suite: Option<&Suite>) -> String {
    let Some(suite) = suite else {
        return String::new();
    };
    let mut list = String::new();
    for test in &suite.tests {
        if matches!(test.outcome, Outcome::Failed | Outcome::TimedOut) {
            let said = test.detail.as_deref().unwrap_or_default();
            let server = server_name(&suite.server);
            list += &format!("- Against {server}, {}: {said}\n", key(test));
        }
    }
    if list.is_empty() {
        list
    } else {
        format!("\n{list}")
    }
}

/// A row for each test, with both servers beside each other.
fn list(
    section: &Section,
    listed: &Suite,
    [ours, theirs]: [Option<&Suite>; 2],
    reasons: &BTreeMap<String, String>,
) -> String {
    let find = |suite: Option<&Suite>, name: &str| {
        suite.and_then(|suite| suite.tests.iter().find(|test| test.name == name).cloned())
    };
    let peer = server_name(section.peer);
    let mut rows = String::new();
    for test in &listed.tests {
        let (one, two) = (find(ours, &test.name), find(theirs, &test.name));
        let [one_ended, two_ended] =
            [&one, &two].map(|test| test.as_ref().map(|test| test.outcome));
        if section.form == Form::Exceptions && is_as_it_should_be(one_ended, two_ended) {
            continue;
        }
        let reason = reasons
            .get(&test.name)
            .cloned()
            .or_else(|| said(one.as_ref()))
            .or_else(|| said(two.as_ref()).map(|said| format!("{peer}: {said}")))
            .unwrap_or_default();
        rows += &format!(
            "| {} | {} | {} | {} |\n",
            cell(&test.name),
            word(one_ended),
            word(two_ended),
            cell(&reason)
        );
    }
    if rows.is_empty() {
        return rows;
    }
    format!("| test | Mainstay | {peer} | why |\n| --- | --- | --- | --- |\n{rows}")
}

/// What a test that did not pass said about itself.
fn said(test: Option<&Test>) -> Option<String> {
    let test = test.filter(|test| test.outcome != Outcome::Passed)?;
    test.detail.clone()
}

/// Whether a test passed, or skipped itself, wherever it ran, so that there is nothing to say about it.
fn is_as_it_should_be(one: Option<Outcome>, two: Option<Outcome>) -> bool {
    let fine = |wanted: Outcome| {
        [one, two]
            .iter()
            .flatten()
            .all(|outcome| *outcome == wanted)
    };
    fine(Outcome::Passed) || fine(Outcome::Skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions() {
        use Outcome::{Failed, Passed, Skipped};
        for (one, two, expected) in [
            (Some(Passed), Some(Passed), true),
            (None, Some(Passed), true),
            (Some(Skipped), Some(Skipped), true),
            (Some(Skipped), Some(Passed), false),
            (Some(Failed), Some(Passed), false),
            (Some(Passed), Some(Failed), false),
            (Some(Failed), None, false),
        ] {
            assert_eq!(is_as_it_should_be(one, two), expected, "{one:?} {two:?}");
        }
    }
}
