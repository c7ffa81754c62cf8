//! `mainstay user …`: users of a running server.

use std::io::Write;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::cli::console::{UserArgs, UserCommand};
use crate::console::{Console, elements, new_password, text};
use crate::failure::Failure;
use crate::outcome::{done, each};
use crate::table::Table;

/// Runs the command and prints its outcome.
///
/// # Errors
/// Where the server cannot be reached or refuses, or the outcome cannot be printed.
pub fn run(args: &UserArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let console = Console::open(&args.console)?;
    let json = args.console.json;
    match &args.command {
        UserCommand::List => list(&console, json, out)?,
        UserCommand::Add {
            name,
            password,
            tags,
        } => {
            let known = console.find(&named(name), &["users", name])?;
            if known.is_some() {
                let line =
                    format!("user {name} exists (mainstay user passwd changes its password)");
                return Err(Failure::Refused(vec![line]));
            }
            let password = new_password(password.password.as_deref())?;
            let body = json!({ "password": password, "tags": tags });
            console.put(&named(name), &["users", name], &body)?;
            done(out, json, "added", std::slice::from_ref(name))?;
        }
        UserCommand::Passwd { name, password } => {
            let user = console.get(&named(name), &["users", name])?;
            let password = new_password(password.password.as_deref())?;
            let body = json!({ "password": password, "tags": user["tags"] });
            console.put(&named(name), &["users", name], &body)?;
            done(out, json, "changed", std::slice::from_ref(name))?;
        }
        UserCommand::Tags { name, tags } => {
            retag(&console, name, tags)?;
            done(out, json, "changed", std::slice::from_ref(name))?;
        }
        UserCommand::Delete { names } => {
            return each(out, json, "deleted", names, |name| {
                console.delete(&named(name), &["users", name], "")
            });
        }
    }
    Ok(())
}

fn named(name: &str) -> String {
    format!("user {name}")
}

/// The API replaces users whole, so the password's hash goes back with the tags.
fn retag(console: &Console, name: &str, tags: &[String]) -> Result<()> {
    let user = console.get(&named(name), &["users", name])?;
    ensure!(
        user["password_hash"].is_string(),
        "the server does not show the password hash of user {name}; its tags cannot be changed without a new password"
    );
    let body = json!({
        "password_hash": user["password_hash"],
        "hashing_algorithm": user["hashing_algorithm"],
        "tags": tags,
    });
    console.put(&named(name), &["users", name], &body).map(drop)
}

fn list(console: &Console, json: bool, out: &mut dyn Write) -> Result<()> {
    let users = console.get("the list of users", &["users"])?;
    let users = elements(&users)?;
    if json {
        // Hashes are nobody's business here; definitions have them.
        let shown = |user: &Value| json!({ "name": user["name"], "tags": user["tags"] });
        let shown: Value = users.iter().map(shown).collect();
        writeln!(out, "{shown}")?;
        return Ok(());
    }
    let mut table = Table::new(&["user", "tags"]);
    for user in users {
        table.row(vec![text(user, "name"), text(user, "tags")]);
    }
    Ok(table.write(out)?)
}
