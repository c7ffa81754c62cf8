//! Text files hold nothing that only their author's machine or editor knows.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Finding;
use crate::repo;

/// Extensions of the files that people write; data and generated locks are left out.
const WRITTEN: &[&str] = &[
    "rs", "toml", "md", "py", "sh", "xml", "html", "css", "js", "conf",
];

/// What no file may say, with the reason; written in halves so that this file passes its own check.
const BANNED: &[(&str, &str)] = &[
    (concat!("../", "shared"), "the product stands alone"),
    (concat!("/work", "/"), "a path of somebody's machine"),
    (concat!("/root", "/"), "a path of somebody's machine"),
    (concat!("/ho", "me/"), "a path of somebody's machine"),
    (concat!("/Us", "ers/"), "a path of somebody's machine"),
    (
        concat!("this se", "ssion"),
        "say what is so, not when it was written",
    ),
    (concat!("sub-", "agent"), "say what is so, not who wrote it"),
    (concat!("Clau", "de"), "say what is so, not who wrote it"),
    (concat!("Anthro", "pic"), "say what is so, not who wrote it"),
    (
        concat!("language ", "model"),
        "say what is so, not who wrote it",
    ),
];

/// RabbitMQ's management API calls a resource so, which is nobody's home.
const RESOURCE: &str = concat!("/api/us", "ers/");

pub(super) fn check() -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in repo::files()? {
        let extension = file
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or_default();
        let script = file.starts_with(".ci");
        if !WRITTEN.contains(&extension) && !script {
            continue;
        }
        let text = fs::read_to_string(repo::root().join(&file))
            .with_context(|| file.display().to_string())?;
        findings.extend(text_findings(&file, &text));
    }
    Ok(findings)
}

fn text_findings(file: &Path, text: &str) -> Vec<Finding> {
    let name = file.display();
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(text.split_terminator('\n')) {
        if line.contains('\t') {
            findings.push(format!("{name}:{number}: a tab; indent with spaces"));
        }
        if line.ends_with([' ', '\r']) {
            findings.push(format!("{name}:{number}: trailing blank"));
        }
        let spoken = line.to_lowercase().replace(RESOURCE, "");
        for (banned, reason) in BANNED {
            if spoken.contains(&banned.to_lowercase()) {
                findings.push(format!("{name}:{number}: {banned:?}: {reason}"));
            }
        }
    }
    if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
        findings.push(format!("{name}: end the file with exactly one newline"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: usize) {
        assert_eq!(
            text_findings(Path::new("a.md"), text).len(),
            expected,
            "{text:?}"
        );
    }

    #[test]
    fn a_resource_is_no_home() {
        check(concat!("PUT /api/us", "ers/kim\n"), 0);
        check(concat!("/Us", "ers/kim\n"), 1);
    }

    #[test]
    fn clean_text_passes() {
        check("", 0);
        check("One session of one client.\n", 0);
    }

    #[test]
    fn stains_are_found() {
        check("a\tb\n", 1);
        check("a \n", 1);
        check("a\r\n", 1);
        check("no newline", 1);
        check("blank line at the end\n\n", 1);
        check(concat!("see ../", "shared/x\n"), 1);
        check(concat!("/ROOT", "/x\n"), 1);
    }
}
