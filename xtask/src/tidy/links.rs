//! Links between the repository's Markdown files lead somewhere.
//!
//! Only relative links are followed, to the file and not to the heading; the web is never asked.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Finding;
use crate::repo;

pub(super) fn check() -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in repo::files()? {
        if file.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = fs::read_to_string(repo::root().join(&file))
            .with_context(|| file.display().to_string())?;
        let folder = repo::root().join(file.parent().unwrap_or(Path::new("")));
        for (number, target) in targets(&text) {
            if !folder.join(target).exists() {
                findings.push(format!(
                    "{}:{number}: the link to {target} leads nowhere",
                    file.display()
                ));
            }
        }
    }
    Ok(findings)
}

/// Line number and path of every relative link outside code fences.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut targets = Vec::new();
    let mut in_fence = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        }
        if in_fence {
            continue;
        }
        for (start, _) in line.match_indices("](") {
            let rest = &line[start + 2..];
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !target.contains(':') {
                targets.push((number, path));
            }
        }
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_links_only() {
        let text = "[a](b.md#c) and [d](https://e)\n```\n[f](g)\n```\n[h](#i) [j](k/l \"m\")\n";
        assert_eq!(targets(text), [(1, "b.md"), (5, "k/l")]);
    }
}
