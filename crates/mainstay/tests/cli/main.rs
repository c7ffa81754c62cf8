//! The binary as its users meet it: arguments in; messages, output and exit codes out.

#![allow(
    clippy::unwrap_used,
    reason = "the whole file is a test, its helpers too"
)]

mod balancer;
mod broker;
mod clients;
mod configuration;
mod console;
mod demo;
mod nginx;

use std::process::Command;

/// What a run of the binary left behind.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs the binary to its end.
fn mainstay(args: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_mainstay"))
        .args(args)
        .output()
        .unwrap();
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
