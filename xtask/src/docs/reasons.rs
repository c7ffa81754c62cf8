//! Why tests fail: `conformance/reasons.json`, by suite and test.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};

use super::suites::SECTIONS;
use crate::repo;
use crate::results::{self, Outcome, Suite, Test};

/// Reason by test, by suite.
pub(super) type Reasons = BTreeMap<String, BTreeMap<String, String>>;

pub(super) fn read() -> Result<Reasons> {
    let text = fs::read_to_string(repo::root().join("conformance/reasons.json"))
        .context("conformance/reasons.json")?;
    serde_json::from_str(&text).context("conformance/reasons.json")
}

/// The name under which a test's reason stands.
pub(super) fn key(test: &Test) -> String {
    match &test.subject {
        Some(subject) => format!("{subject}: {}", test.name),
        None => test.name.clone(),
    }
}

pub(super) fn findings() -> Result<Vec<String>> {
    let reasons = read()?;
    let mut findings = Vec::new();
    for suite in SECTIONS.iter().map(|section| section.suite) {
        let Some(results) = results::read::<Suite>(&format!("conformance-{suite}"))? else {
            continue;
        };
        findings.extend(suite_findings(
            &results,
            reasons.get(suite).unwrap_or(&BTreeMap::new()),
        ));
    }
    Ok(findings)
}

fn suite_findings(suite: &Suite, reasons: &BTreeMap<String, String>) -> Vec<String> {
    let mut findings = Vec::new();
    for test in &suite.tests {
        let failed = matches!(test.outcome, Outcome::Failed | Outcome::TimedOut);
        if failed && !reasons.contains_key(&key(test)) {
            findings.push(format!(
                "{}: {} fails without a reason in conformance/reasons.json",
                suite.suite,
                key(test)
            ));
        }
    }
    for name in reasons.keys() {
        let passed = |test: &Test| key(test) == *name && test.outcome == Outcome::Passed;
        let known = suite.tests.iter().any(|test| key(test) == *name);
        if !known || suite.tests.iter().any(passed) {
            findings.push(format!(
                "{}: {name} has a reason in conformance/reasons.json and does not fail",
                suite.suite
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Machine, Provenance};

    fn check(outcome: Outcome, reasons: &[&str], expected: usize) {
        let machine = Machine {
            processor: String::new(),
            cores: 1,
            memory_gib: 1,
            kernel: String::new(),
        };
        let provenance = Provenance {
            command: String::new(),
            commit: String::new(),
            date: String::new(),
            machine,
            versions: Vec::new(),
        };
        let test = Test {
            subject: None,
            name: "a".into(),
            outcome,
            seconds: 0.0,
            detail: None,
        };
        let suite = Suite {
            suite: "s".into(),
            server: "x".into(),
            provenance,
            tests: vec![test],
        };
        let reasons = reasons
            .iter()
            .map(|name| ((*name).to_owned(), "because".to_owned()))
            .collect();
        assert_eq!(
            suite_findings(&suite, &reasons).len(),
            expected,
            "{outcome:?} {reasons:?}"
        );
    }

    #[test]
    fn failures_have_reasons_and_passes_have_none() {
        check(Outcome::Passed, &[], 0);
        check(Outcome::Failed, &["a"], 0);
        check(Outcome::Skipped, &["a"], 0);
        check(Outcome::Failed, &[], 1);
        check(Outcome::TimedOut, &[], 1);
        check(Outcome::Passed, &["a"], 1);
        check(Outcome::Failed, &["a", "no such test"], 1);
    }
}
