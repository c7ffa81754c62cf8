//! `mainstay check`: everything that there is to say about a configuration.

use std::io::{self, Write};

use nginx_conf::Verdict;

use crate::config::{self, Override, Source};

/// Prints every finding, then the verdict on the whole. Tells whether the configuration would be accepted.
///
/// # Errors
/// Where nothing can be printed.
pub fn check(source: &Source, overrides: &[Override], out: &mut dyn Write) -> io::Result<bool> {
    let outcome = config::load(source, overrides);
    for finding in &outcome.findings {
        writeln!(out, "{finding}")?;
    }
    let count = |verdict| {
        let found = outcome.findings.iter().filter(|f| f.verdict == verdict);
        found.count()
    };
    let ignored = count(Verdict::Ignored);
    if outcome.plan.is_some() {
        match ignored {
            0 => writeln!(out, "configuration is ok")?,
            n => writeln!(out, "configuration is ok ({n} ignored safely)")?,
        }
        return Ok(true);
    }
    writeln!(
        out,
        "configuration is refused: {} wrong, {} unknown, {} not supported yet ({ignored} ignored safely)",
        count(Verdict::Wrong),
        count(Verdict::Unknown),
        count(Verdict::NotSupportedYet),
    )?;
    Ok(false)
}
