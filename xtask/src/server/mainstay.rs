//! This repository's binary as a server under test.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Spec, free_port, grouped};
use crate::{command, repo};

/// Says to a build with planted bugs which of them are on.
pub(super) const FAILPOINTS: &str = "FAILPOINTS";

/// The binary under test: what `MAINSTAY_BINARY` names, or the release build.
pub(super) fn binary() -> PathBuf {
    std::env::var_os("MAINSTAY_BINARY")
        .map_or_else(|| repo::target().join("release/mainstay"), PathBuf::from)
}

/// A folder of its own for the build with planted bugs, so that nobody takes it for another.
fn planted_target() -> PathBuf {
    repo::target().join("planted")
}

/// Builds the binary with the planted bugs of all crates in it, without optimisation: nothing is measured on it.
pub(super) fn prepare_planted() -> Result<()> {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--package", "mainstay", "--features", "failpoints"]);
    command::run(build.arg("--target-dir").arg(planted_target()))
}

pub(super) fn prepare() -> Result<String> {
    if std::env::var_os("MAINSTAY_BINARY").is_none() {
        command::run(Command::new(env!("CARGO")).args([
            "build",
            "--release",
            "--package",
            "mainstay",
        ]))?;
    }
    let output = Command::new(binary())
        .arg("--version")
        .output()
        .context("mainstay --version")?;
    ensure!(output.status.success(), "mainstay --version failed");
    let version = String::from_utf8_lossy(&output.stdout);
    Ok(version.trim().trim_start_matches("mainstay ").to_owned())
}

/// Settings that mean something only between Kafka's own internal topics and replicas.
fn is_internal(name: &str) -> bool {
    name.starts_with("offsets.topic.") || name.starts_with("transaction.state.log.")
}

pub(super) fn command(spec: &Spec) -> Result<Command> {
    let is_planted = spec.environment.iter().any(|(name, _)| name == FAILPOINTS);
    let mut command = grouped(if is_planted {
        planted_target().join("debug/mainstay")
    } else {
        binary()
    });
    command.arg("serve").arg("--data").arg(&spec.data);
    command.arg("--kafka").arg(spec.address());
    let amqp_port = spec.amqp_port.map_or_else(free_port, Ok)?;
    command.arg("--amqp").arg(format!("127.0.0.1:{amqp_port}"));
    command
        .arg("--console")
        .arg(format!("127.0.0.1:{}", free_port()?));
    for (name, value) in spec.settings.iter().filter(|(name, _)| !is_internal(name)) {
        command.arg("--set").arg(format!("kafka.{name}={value}"));
    }
    Ok(command)
}
