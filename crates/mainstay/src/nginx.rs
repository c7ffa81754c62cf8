//! nginx's command line: `-t`, `-T`, `-s`, `-v` and `-V`.
//!
//! What is printed has the form that nginx's users and tools read; the names in it are ours.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, anyhow};
use rustix::process::{Pid, Signal, kill_process};

use crate::cli::Order;
use crate::config::{self, Override, Source};
use crate::failure::Failure;
use crate::modules;

/// The nginx whose configurations and behaviour are the measure.
pub const NGINX_VERSION: &str = "1.31.5";

/// `-v`.
///
/// # Errors
/// Where nothing can be printed.
pub fn version(out: &mut dyn Write) -> io::Result<()> {
    let own = env!("CARGO_PKG_VERSION");
    writeln!(out, "nginx version: nginx/{NGINX_VERSION} (mainstay {own})")
}

/// `-V`: which of nginx's modules are there, in the words of nginx's `configure`.
///
/// # Errors
/// Where nothing can be printed.
pub fn modules(out: &mut dyn Write) -> io::Result<()> {
    version(out)?;
    let tables = config::tables();
    if modules::has(&tables, "http_ssl_module") {
        writeln!(out, "built with rustls\nTLS SNI support enabled")?;
    }
    let arguments = modules::configure_arguments(&tables);
    writeln!(out, "configure arguments: {}", arguments.join(" "))
}

/// `-t` and `-T`: whether the configuration would be accepted, and its files. Findings go to `err`, files to `out`.
///
/// # Errors
/// Where nothing can be printed.
pub fn test(
    source: &Source,
    overrides: &[Override],
    dump: bool,
    quiet: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<bool> {
    let outcome = config::load(source, overrides);
    for finding in outcome.findings.iter().filter(|f| f.verdict.refuses()) {
        writeln!(err, "mainstay: [emerg] {finding}")?;
    }
    let file = source.main_file();
    let name = file.as_deref().unwrap_or(Path::new("built in")).display();
    if outcome.plan.is_none() {
        writeln!(err, "mainstay: configuration file {name} test failed")?;
        return Ok(false);
    }
    if !quiet {
        writeln!(err, "mainstay: the configuration file {name} syntax is ok")?;
        writeln!(
            err,
            "mainstay: configuration file {name} test is successful"
        )?;
    }
    if dump {
        for (path, content) in &outcome.files {
            writeln!(out, "# configuration file {}:", path.display())?;
            out.write_all(content)?;
            writeln!(out)?;
        }
    }
    Ok(true)
}

/// `-s`: sends the signal to the process whose id is in the file that the configuration names.
///
/// # Errors
/// A configuration that is refused or names no file, a file that holds no process id, a process that cannot be told.
pub fn order(source: &Source, overrides: &[Override], order: Order) -> Result<(), Failure> {
    let outcome = config::load(source, overrides);
    let plan = outcome
        .plan
        .ok_or(Failure::Configuration(outcome.findings))?;
    let Some(file) = plan.pid else {
        let text = "the configuration names no file with a process id: expected \"pid FILE;\" in it, or -p PREFIX";
        return Err(Failure::Usage(text.to_owned()));
    };
    let path = file.path.display();
    let text = fs::read_to_string(&file.path).with_context(|| format!("cannot read {path}"))?;
    let pid = text.trim().parse().ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| anyhow!("{path} holds no process id"))?;
    let signal = match order {
        Order::Stop => Signal::TERM,
        Order::Quit => Signal::QUIT,
        Order::Reload => Signal::HUP,
        Order::Reopen => Signal::USR1,
    };
    let told = kill_process(pid, signal);
    told.with_context(|| format!("process {} of {path} cannot be told", text.trim()))?;
    Ok(())
}
