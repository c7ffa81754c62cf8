//! `mainstay permission …`: what users may do in vhosts of a running server.

use std::io::Write;

use anyhow::Result;
use serde_json::json;

use crate::cli::console::{PermissionArgs, PermissionCommand};
use crate::console::{Console, elements, text};
use crate::failure::Failure;
use crate::outcome::{done, each};
use crate::table::Table;

/// Runs the command and prints its outcome.
///
/// # Errors
/// Where the server cannot be reached or refuses, or the outcome cannot be printed.
pub fn run(args: &PermissionArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let console = Console::open(&args.console)?;
    let json = args.console.json;
    let named = |user: &str, vhost: &str| format!("a permission of user {user} in vhost {vhost}");
    match &args.command {
        PermissionCommand::List => list(&console, json, out)?,
        PermissionCommand::Set {
            user,
            configure,
            write,
            read,
            vhost,
        } => {
            let vhost = &vhost.vhost;
            let body = json!({ "configure": configure, "write": write, "read": read });
            console.put(&named(user, vhost), &["permissions", vhost, user], &body)?;
            done(out, json, "set", std::slice::from_ref(user))?;
        }
        PermissionCommand::Clear { users, vhost } => {
            let vhost = &vhost.vhost;
            return each(out, json, "cleared", users, |user| {
                console.delete(&named(user, vhost), &["permissions", vhost, user], "")
            });
        }
    }
    Ok(())
}

fn list(console: &Console, json: bool, out: &mut dyn Write) -> Result<()> {
    let permissions = console.get("the list of permissions", &["permissions"])?;
    if json {
        writeln!(out, "{permissions}")?;
        return Ok(());
    }
    let columns = ["user", "vhost", "configure", "write", "read"];
    let mut table = Table::new(&columns);
    for permission in elements(&permissions)? {
        table.row(
            columns
                .iter()
                .map(|column| text(permission, column))
                .collect(),
        );
    }
    Ok(table.write(out)?)
}
