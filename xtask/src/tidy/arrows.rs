//! Crate dependencies point strictly downward.
//!
//! The table below is the architecture; a crate that it does not name is a finding, so that every new crate
//! says where it belongs. `sim` and `xtask` stand outside: they may see anything, nothing may see them (a
//! crate's tests may use `sim`).

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::Finding;
use crate::repo;

/// Each crate and the workspace crates that it may depend on.
const MAY_SEE: &[(&str, &[&str])] = &[
    ("kafka-wire", &[]),
    ("amqp-wire", &[]),
    ("nginx-conf", &[]),
    ("http-wire", &[]),
    ("base", &[]),
    ("store", &["base"]),
    // The stored form of a message is the Kafka record batch, so everything that stores may read one.
    ("commitlog", &["base", "store", "kafka-wire"]),
    ("cluster", &["base", "store", "commitlog", "kafka-wire"]),
    (
        "kafka",
        &["base", "store", "commitlog", "cluster", "kafka-wire"],
    ),
    (
        "amqp",
        &[
            "base",
            "store",
            "commitlog",
            "cluster",
            "kafka-wire",
            "amqp-wire",
        ],
    ),
    // The balancer never sees the log.
    ("balancer", &["base"]),
    ("proxy", &["base", "balancer", "http-wire", "nginx-conf"]),
    // Of a protocol it knows the form of field tables only, which it shows as JSON.
    (
        "console",
        &["base", "store", "commitlog", "cluster", "amqp-wire"],
    ),
    (
        "node",
        &[
            "base",
            "store",
            "commitlog",
            "cluster",
            "kafka",
            "amqp",
            "balancer",
            "console",
            "proxy",
            "kafka-wire",
            "amqp-wire",
            "nginx-conf",
        ],
    ),
    // Its own commands (`mainstay topic …`, `mainstay demo`) are clients of the protocols.
    (
        "mainstay",
        &[
            "base",
            "node",
            "proxy",
            "nginx-conf",
            "kafka",
            "kafka-wire",
            "amqp-wire",
        ],
    ),
];

const OUTSIDE: &[&str] = &["sim", "xtask"];

/// Crates that read clocks, draw randomness, start tasks or open sockets, and so carry a `clippy.toml` of
/// their own that lifts the ban of the root's.
const DRIVERS: &[&str] = &["node", "proxy", "mainstay"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

pub(super) fn check() -> Result<Vec<Finding>> {
    let mut findings = arrow_findings(&metadata()?.packages);
    for file in repo::files()? {
        let Ok(inner) = file.strip_prefix("crates") else {
            continue;
        };
        let driver = inner
            .iter()
            .next()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if inner.file_name().is_some_and(|name| name == "clippy.toml") && !DRIVERS.contains(&driver)
        {
            findings.push(format!(
                "{}: only the drivers {DRIVERS:?} may lift the ban on clocks and tasks",
                file.display()
            ));
        }
    }
    Ok(findings)
}

fn metadata() -> Result<Metadata> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(repo::root())
        .output()
        .context("cargo metadata")?;
    ensure!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).context("cargo metadata's answer")
}

fn arrow_findings(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let name = package.name.as_str();
        if OUTSIDE.contains(&name) {
            continue;
        }
        let Some((_, may_see)) = MAY_SEE.iter().find(|(listed, _)| *listed == name) else {
            findings.push(format!(
                "{name}: give the crate its place in xtask/src/tidy/arrows.rs"
            ));
            continue;
        };
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| dependency.path.is_some())
        {
            let seen = dependency.name.as_str();
            let test_only =
                dependency.kind.as_deref() == Some("dev") && (seen == "sim" || seen == name);
            if !may_see.contains(&seen) && !test_only {
                findings.push(format!(
                    "{name} -> {seen}: an arrow may only go to {may_see:?}"
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(name: &str, dependency: &str, kind: Option<&str>) -> usize {
        let dependency = Dependency {
            name: dependency.into(),
            kind: kind.map(Into::into),
            path: Some("crates/x".into()),
        };
        arrow_findings(&[Package {
            name: name.into(),
            dependencies: vec![dependency],
        }])
        .len()
    }

    #[test]
    fn downward_arrows_pass() {
        assert_eq!(findings("node", "kafka", None), 0);
        assert_eq!(findings("commitlog", "kafka-wire", None), 0);
        assert_eq!(findings("commitlog", "sim", Some("dev")), 0);
        assert_eq!(findings("xtask", "mainstay", None), 0);
    }

    #[test]
    fn other_arrows_are_found() {
        assert_eq!(findings("base", "store", None), 1);
        assert_eq!(findings("kafka", "amqp", None), 1);
        assert_eq!(findings("balancer", "commitlog", None), 1);
        assert_eq!(findings("kafka-wire", "base", None), 1);
        assert_eq!(findings("commitlog", "sim", None), 1);
        assert_eq!(findings("no-such-crate", "base", None), 1);
    }
}
