//! Rust files open with their purpose, and every lint that is lifted says why; files that users look for exist.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Finding;
use crate::repo;

/// What a newcomer opens first.
const EXPECTED: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE",
    "deny.toml",
    ".ci/run",
];

pub(super) fn check() -> Result<Vec<Finding>> {
    let files = repo::files()?;
    let mut findings = Vec::new();
    for expected in EXPECTED {
        if !files.iter().any(|file| file == Path::new(expected)) {
            findings.push(format!("{expected}: missing"));
        }
    }
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
    {
        let text = fs::read_to_string(repo::root().join(file))
            .with_context(|| file.display().to_string())?;
        findings.extend(source_findings(file, &text));
    }
    Ok(findings)
}

fn source_findings(file: &Path, text: &str) -> Vec<Finding> {
    let name = file.display();
    let mut findings = Vec::new();
    // Tests stand beside what they test, and a fuzz target is one line that calls it.
    let explained =
        file.file_name().is_some_and(|name| name == "tests.rs") || file.starts_with("fuzz");
    if !explained && !text.starts_with("//!") {
        findings.push(format!(
            "{name}: open with a module doc (`//!`): purpose, promises, what it does not do"
        ));
    }
    for (start, opening) in [("#[allow(", 2), ("#![allow(", 3)]
        .iter()
        .flat_map(|(pattern, at)| {
            text.match_indices(pattern)
                .map(move |(start, _)| (start, *at))
        })
    {
        let attribute = &text[start + opening..];
        let end = attribute.find(")]").unwrap_or(attribute.len());
        let in_comment = text[..start]
            .rsplit('\n')
            .next()
            .is_some_and(|line| line.contains("//") || line.contains('"'));
        if !in_comment && !attribute[..end].contains("reason") {
            let number = text[..start].lines().count().max(1);
            findings.push(format!("{name}:{number}: give the allow a reason"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, text: &str, expected: usize) {
        assert_eq!(
            source_findings(Path::new(file), text).len(),
            expected,
            "{text:?}"
        );
    }

    #[test]
    fn module_docs() {
        check("crates/a/src/b.rs", "//! Purpose.\n", 0);
        check("crates/a/src/b.rs", "fn main() {}\n", 1);
        check("crates/a/src/b/tests.rs", "use super::*;\n", 0);
    }

    #[test]
    fn allows() {
        check("a.rs", "//! A.\n#[allow(dead_code, reason = \"x\")]\n", 0);
        check(
            "a.rs",
            "//! A.\n#![allow(\n  dead_code,\n  reason = \"x\"\n)]\n",
            0,
        );
        check("a.rs", "//! A.\n#[allow(dead_code)]\nfn a() {}\n", 1);
    }
}
