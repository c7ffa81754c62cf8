//! How a command says that something was done.

use std::io::Write;

use anyhow::Result;

use crate::failure::Failure;

/// `created NAME`, or `{"created":["NAME"]}`.
///
/// # Errors
/// Where the output is gone.
pub(crate) fn done(out: &mut dyn Write, json: bool, what: &str, names: &[String]) -> Result<()> {
    if json {
        writeln!(out, "{}", serde_json::json!({ what: names }))?;
    } else {
        for name in names {
            writeln!(out, "{what} {name}")?;
        }
    }
    Ok(())
}

/// Does the same to each of several; those that can be done are done.
///
/// # Errors
/// [`Failure::Refused`] with a line for each that could not be done.
pub(crate) fn each(
    out: &mut dyn Write,
    json: bool,
    what: &str,
    names: &[String],
    mut act: impl FnMut(&str) -> Result<()>,
) -> Result<(), Failure> {
    let (mut finished, mut refused) = (Vec::new(), Vec::new());
    for name in names {
        match act(name) {
            Ok(()) => finished.push(name.clone()),
            Err(error) => refused.push(format!("{error:#}")),
        }
    }
    done(out, json, what, &finished)?;
    if refused.is_empty() {
        Ok(())
    } else {
        Err(Failure::Refused(refused))
    }
}
