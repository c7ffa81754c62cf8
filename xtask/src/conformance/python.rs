//! Virtual environments with pinned packages from PyPI.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::folder;
use crate::command;

/// Makes the environment unless it is there with exactly these packages; returns its Python.
pub(super) fn environment(name: &str, packages: &[&str]) -> Result<PathBuf> {
    let environment = folder().join("python").join(name);
    let python = environment.join("bin/python");
    let installed = environment.join("installed");
    let wanted = packages.join("\n");
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(python);
    }
    if environment.exists() {
        fs::remove_dir_all(&environment)?;
    }
    fs::create_dir_all(&environment)?;
    command::run(
        Command::new("python3")
            .args(["-m", "venv"])
            .arg(&environment),
    )
    .context("Python 3 with venv, from Debian's package `python3-venv`")?;
    let mut pip = Command::new(&python);
    pip.args([
        "-m",
        "pip",
        "--quiet",
        "--disable-pip-version-check",
        "install",
    ])
    .args(packages);
    command::run(&mut pip)?;
    fs::write(&installed, wanted)?;
    Ok(python)
}
