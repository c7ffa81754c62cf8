//! The pages under `docs/` that show results: written from the JSON under `bench/results/`, never typed.
//!
//! `cargo xtask docs` writes them; `tidy` compares, so a result that was taken again and a page that was not is a
//! finding. A test that fails against Mainstay needs a reason in `conformance/reasons.json`.

mod benchmarks;
mod conformance;
mod reasons;
mod suites;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::repo;
use crate::results::Provenance;

type Page = fn() -> Result<String>;

const PAGES: &[(&str, Page)] = &[
    ("docs/conformance.md", conformance::page),
    ("docs/benchmarks.md", benchmarks::page),
];

/// Writes every generated page.
pub(crate) fn write() -> Result<()> {
    for (name, page) in PAGES {
        fs::write(path(name), page()?).with_context(|| (*name).to_owned())?;
        println!("wrote {name}");
    }
    Ok(())
}

/// What is wrong with the pages as they are, one line each.
pub(crate) fn findings() -> Result<Vec<String>> {
    let mut findings = reasons::findings()?;
    for (name, page) in PAGES {
        if fs::read_to_string(path(name)).unwrap_or_default() != page()? {
            findings.push(format!(
                "{name}: differs from the results under bench/results/: cargo xtask docs"
            ));
        }
    }
    Ok(findings)
}

fn path(name: &str) -> PathBuf {
    repo::root().join(name)
}

/// The line under a table that says where its figures come from.
fn source(provenance: &Provenance) -> String {
    let Provenance {
        command,
        commit,
        date,
        machine,
        versions,
    } = provenance;
    let versions: Vec<String> = versions
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    format!(
        "`{command}` on commit {commit}, {date}; {}, {} cores, {} GiB, Linux {}; {}.\n",
        machine.processor,
        machine.cores,
        machine.memory_gib,
        machine.kernel,
        versions.join(", ")
    )
}

/// Text as it may stand in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('\n', " ")
}
