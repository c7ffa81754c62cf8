//! Files stay short: production code at 400 lines, with a ratchet for what is longer today; every Rust file
//! at 600.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Finding;
use crate::repo;

/// No Rust file is longer, tests included: beyond it a reader no longer holds the file in mind.
const LINES_MAX: usize = 600;

/// A production file that is longer needs an entry in the ratchet.
const LINES_PRODUCTION: usize = 400;

/// Path to the lines that a file above [`LINES_PRODUCTION`] may have; an entry only ever shrinks.
type Ratchet = BTreeMap<PathBuf, usize>;

fn ratchet_path() -> PathBuf {
    repo::root().join("xtask/ratchet.json")
}

fn ratchet() -> Result<Ratchet> {
    let text = fs::read_to_string(ratchet_path()).context("xtask/ratchet.json")?;
    serde_json::from_str(&text).context("xtask/ratchet.json")
}

pub(super) fn check() -> Result<Vec<Finding>> {
    Ok(findings(&lengths()?, &ratchet()?))
}

/// Lowers every entry to the file's length and drops those that are no longer needed.
pub(super) fn bless() -> Result<()> {
    let mut lowered = Ratchet::new();
    let lengths: BTreeMap<_, _> = lengths()?.into_iter().collect();
    for (file, allowed) in ratchet()? {
        match lengths.get(&file) {
            Some(&lines) if lines > LINES_PRODUCTION => {
                lowered.insert(file, allowed.min(lines));
            }
            _ => println!("ratchet: {} needs no entry any more", file.display()),
        }
    }
    let text = serde_json::to_string_pretty(&lowered)? + "\n";
    fs::write(ratchet_path(), text).context("xtask/ratchet.json")
}

fn lengths() -> Result<Vec<(PathBuf, usize)>> {
    let mut lengths = Vec::new();
    for file in repo::files()? {
        if file.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(repo::root().join(&file))
                .with_context(|| file.display().to_string())?;
            lengths.push((file, text.lines().count()));
        }
    }
    Ok(lengths)
}

fn is_production(file: &Path) -> bool {
    let in_tests = file
        .iter()
        .any(|part| part == "tests" || part == "benches" || part == "fuzz");
    !in_tests && file.file_name().is_some_and(|name| name != "tests.rs")
}

fn findings(lengths: &[(PathBuf, usize)], ratchet: &Ratchet) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, lines) in lengths {
        let (name, lines) = (file.display(), *lines);
        let entry = ratchet.get(file).copied();
        if lines > LINES_MAX {
            findings.push(format!(
                "{name}: {lines} lines, at most {LINES_MAX}: split it by its nouns"
            ));
        } else if is_production(file) && lines > entry.unwrap_or(LINES_PRODUCTION) {
            let limit = entry.unwrap_or(LINES_PRODUCTION);
            findings.push(format!(
                "{name}: {lines} lines, at most {limit} (xtask/ratchet.json): split it by its nouns"
            ));
        }
    }
    for (file, allowed) in ratchet {
        let lines = lengths
            .iter()
            .find(|(listed, _)| listed == file)
            .map_or(0, |(_, lines)| *lines);
        if lines < *allowed || lines <= LINES_PRODUCTION {
            let name = file.display();
            findings.push(format!(
                "{name}: has {lines} lines, the ratchet allows {allowed}: cargo xtask tidy --bless"
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, lines: usize, entry: Option<usize>) -> usize {
        let ratchet = entry
            .map(|allowed| (PathBuf::from(file), allowed))
            .into_iter()
            .collect();
        findings(&[(PathBuf::from(file), lines)], &ratchet).len()
    }

    #[test]
    fn limits() {
        assert_eq!(check("crates/a/src/b.rs", 400, None), 0);
        assert_eq!(check("crates/a/src/b.rs", 401, None), 1);
        assert_eq!(check("crates/a/src/b/tests.rs", 600, None), 0);
        assert_eq!(check("crates/a/src/b/tests.rs", 601, None), 1);
    }

    #[test]
    fn the_ratchet_only_tightens() {
        assert_eq!(check("crates/a/src/b.rs", 450, Some(450)), 0);
        assert_eq!(check("crates/a/src/b.rs", 451, Some(450)), 1);
        assert_eq!(check("crates/a/src/b.rs", 430, Some(450)), 1);
        assert_eq!(check("crates/a/src/b.rs", 601, Some(601)), 1);
    }
}
