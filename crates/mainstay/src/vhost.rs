//! `mainstay vhost …`: vhosts of a running server.

use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};

use crate::cli::console::{VhostArgs, VhostCommand};
use crate::console::{Console, elements, text};
use crate::failure::Failure;
use crate::outcome::each;
use crate::table::Table;

/// Runs the command and prints its outcome.
///
/// # Errors
/// Where the server cannot be reached or refuses, or the outcome cannot be printed. Of several vhosts those
/// that could be changed are changed.
pub fn run(args: &VhostArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let console = Console::open(&args.console)?;
    let json = args.console.json;
    let named = |name: &str| format!("vhost {name}");
    match &args.command {
        VhostCommand::List => Ok(list(&console, json, out)?),
        VhostCommand::Add { names } => each(out, json, "added", names, |name| {
            console
                .put(&named(name), &["vhosts", name], &json!({}))
                .map(drop)
        }),
        VhostCommand::Delete { names } => each(out, json, "deleted", names, |name| {
            console.delete(&named(name), &["vhosts", name], "")
        }),
    }
}

fn list(console: &Console, json: bool, out: &mut dyn Write) -> Result<()> {
    let vhosts = console.get("the list of vhosts", &["vhosts"])?;
    let vhosts = elements(&vhosts)?;
    if json {
        let shown: Value = vhosts
            .iter()
            .map(|vhost| json!({ "name": vhost["name"] }))
            .collect();
        writeln!(out, "{shown}")?;
        return Ok(());
    }
    let mut table = Table::new(&["vhost"]);
    for vhost in vhosts {
        table.row(vec![text(vhost, "name")]);
    }
    Ok(table.write(out)?)
}
