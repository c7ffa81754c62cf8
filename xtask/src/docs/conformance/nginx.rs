//! The part of `docs/conformance.md` about nginx's own suite: a row for each file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;

use super::{cell, server_name, source};
use crate::conformance::{NginxFile, NginxSuite};
use crate::results::{self, Outcome};

const HEAD: &str = "
## nginx's own test suite

The files of nginx's Perl suite that concern proxying, balancing and streams, with this binary in nginx's place. A file is
passed when nothing in it failed, declared missing when it skipped itself because `mainstay -V` says that a module is not
there, and failed when it was cut after 60 seconds. What was not reached counts as failed.

";

pub(super) fn section(reasons: &BTreeMap<String, String>) -> Result<String> {
    let ours = results::read::<NginxSuite>("conformance-nginx")?;
    let theirs = results::read::<NginxSuite>("conformance-nginx-nginx")?;
    let mut section = HEAD.to_owned();
    for suite in [&ours, &theirs].into_iter().flatten() {
        let name = server_name(&suite.server);
        writeln!(section, "- {name}: {}", NginxFile::totals(&suite.files))?;
    }
    if ours.is_none() {
        section += "- Mainstay: not run yet\n";
    }
    if let Some(shown) = ours.as_ref().or(theirs.as_ref()) {
        section += "\n| file | assertions | Mainstay | passed | failed | skipped | nginx | why |\n";
        section += "| --- | --- | --- | --- | --- | --- | --- | --- |\n";
        for file in &shown.files {
            section += &row(
                &file.name,
                find(ours.as_ref(), &file.name),
                find(theirs.as_ref(), &file.name),
                reasons.get(&file.name),
            );
        }
    }
    for suite in [&ours, &theirs].into_iter().flatten() {
        section.push('\n');
        section += &source(&suite.provenance);
    }
    Ok(section)
}

fn find<'a>(suite: Option<&'a NginxSuite>, name: &str) -> Option<&'a NginxFile> {
    suite?.files.iter().find(|file| file.name == name)
}

fn row(
    name: &str,
    ours: Option<&NginxFile>,
    theirs: Option<&NginxFile>,
    reason: Option<&String>,
) -> String {
    let count =
        |of: fn(&NginxFile) -> u32| ours.map_or_else(String::new, |file| of(file).to_string());
    let nginx = match theirs {
        Some(file) if file.outcome == Outcome::Passed => format!("passed {}", file.passed),
        Some(file) if file.outcome == Outcome::Skipped => "skipped itself".to_owned(),
        Some(file) => format!("passed {}, failed {}", file.passed, file.failed),
        None => String::new(),
    };
    let why = match reason {
        Some(reason) => reason.clone(),
        None => said(ours).or_else(|| said(theirs)).unwrap_or_default(),
    };
    let assertions = ours.or(theirs).map_or(0, |file| file.assertions);
    format!(
        "| {name} | {assertions} | {} | {} | {} | {} | {nginx} | {} |\n",
        word(ours),
        count(|file| file.passed),
        count(|file| file.failed),
        count(|file| file.skipped),
        cell(&why)
    )
}

fn word(file: Option<&NginxFile>) -> &'static str {
    match file {
        None => "",
        Some(file) if file.is_declared_missing() => "declared missing",
        Some(file) => super::word(Some(file.outcome)),
    }
}

/// What a file that did not pass said about itself.
fn said(file: Option<&NginxFile>) -> Option<String> {
    file?.detail.clone()
}
