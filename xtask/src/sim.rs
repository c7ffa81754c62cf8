//! The simulation of the commit log, as an optimised program of its own.
//!
//! It is not linked into xtask: it compiles the log with its planted bugs, and nothing else here should.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::repo;

/// Arguments of `cargo xtask sim`; all go to the program (`--seeds 1000`, `--seed N`, `--help`).
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// What the simulation is told.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--release", "--package", "sim", "--"])
        .args(&args.arguments)
        .current_dir(repo::root())
        .status()
        .context("cargo run --package sim")?;
    ensure!(status.success(), "the simulation found something");
    Ok(())
}
