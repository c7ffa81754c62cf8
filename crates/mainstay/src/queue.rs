//! `mainstay queue …`: queues of a running server.

use std::io::Write;

use anyhow::Result;
use clap::ValueEnum;
use serde_json::{Map, Value, json};

use crate::cli::console::{QueueArgs, QueueCommand, QueueType};
use crate::console::{Console, elements, text};
use crate::failure::Failure;
use crate::outcome::{done, each};
use crate::table::Table;

/// Heading and field of each column that tells how much there is in a queue.
const COUNTS: [(&str, &str); 4] = [
    ("messages", "messages"),
    ("ready", "messages_ready"),
    ("unacked", "messages_unacknowledged"),
    ("consumers", "consumers"),
];

/// Runs the command and prints its outcome.
///
/// # Errors
/// Where the server cannot be reached or refuses, or the outcome cannot be printed. Of several queues those
/// that could be changed are changed.
pub fn run(args: &QueueArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let console = Console::open(&args.console)?;
    let json = args.console.json;
    match &args.command {
        QueueCommand::List { vhost } => list(&console, vhost.as_deref(), json, out)?,
        QueueCommand::Describe { names, vhost } => {
            describe(&console, names, &vhost.vhost, json, out)?;
        }
        QueueCommand::Declare {
            name,
            vhost,
            kind,
            transient,
            auto_delete,
            arguments,
        } => {
            let arguments = table(*kind, arguments)?;
            let body = json!({
                "durable": !transient,
                "auto_delete": auto_delete,
                "arguments": arguments,
            });
            let vhost = &vhost.vhost;
            let answer = console.put(&named(name, vhost), &["queues", vhost, name], &body)?;
            let what = if answer.created { "declared" } else { "exists" };
            done(out, json, what, std::slice::from_ref(name))?;
        }
        QueueCommand::Delete {
            names,
            vhost,
            if_unused,
            if_empty,
        } => {
            let vhost = &vhost.vhost;
            let query = format!("if-unused={if_unused}&if-empty={if_empty}");
            return each(out, json, "deleted", names, |name| {
                console.delete(&named(name, vhost), &["queues", vhost, name], &query)
            });
        }
        QueueCommand::Purge { names, vhost } => {
            let vhost = &vhost.vhost;
            return each(out, json, "purged", names, |name| {
                console.delete(
                    &named(name, vhost),
                    &["queues", vhost, name, "contents"],
                    "",
                )
            });
        }
    }
    Ok(())
}

fn named(name: &str, vhost: &str) -> String {
    format!("queue {name} in vhost {vhost}")
}

/// The arguments of a declaration.
fn table(kind: Option<QueueType>, given: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut arguments = Map::new();
    for argument in given {
        let Some((name, value)) = argument.split_once('=') else {
            let text = format!("--argument {argument}: expected NAME=VALUE");
            return Err(Failure::Usage(text));
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
        arguments.insert(name.to_owned(), value);
    }
    if let Some(kind) = kind.and_then(|kind| kind.to_possible_value()) {
        arguments.insert("x-queue-type".to_owned(), json!(kind.get_name()));
    }
    Ok(arguments)
}

fn list(console: &Console, vhost: Option<&str>, json: bool, out: &mut dyn Write) -> Result<()> {
    let path: Vec<_> = std::iter::once("queues").chain(vhost).collect();
    let what = vhost.map_or("the list of queues".to_owned(), |vhost| {
        format!("vhost {vhost}")
    });
    let queues = console.get(&what, &path)?;
    if json {
        writeln!(out, "{queues}")?;
        return Ok(());
    }
    let columns = [
        ("vhost", "vhost"),
        ("queue", "name"),
        ("type", "type"),
        ("durable", "durable"),
    ];
    let columns: Vec<_> = columns.into_iter().chain(COUNTS).collect();
    let headings: Vec<_> = columns.iter().map(|(heading, _)| *heading).collect();
    let mut table = Table::new(&headings);
    for queue in elements(&queues)? {
        table.row(
            columns
                .iter()
                .map(|(_, field)| text(queue, field))
                .collect(),
        );
    }
    Ok(table.write(out)?)
}

fn describe(
    console: &Console,
    names: &[String],
    vhost: &str,
    json: bool,
    out: &mut dyn Write,
) -> Result<()> {
    let mut described = Vec::new();
    for name in names {
        let mut queue = console.get(&named(name, vhost), &["queues", vhost, name])?;
        let path = ["queues", vhost, name, "bindings"];
        queue["bindings"] = console.get(&named(name, vhost), &path)?;
        described.push(queue);
    }
    if json {
        writeln!(out, "{}", Value::Array(described))?;
        return Ok(());
    }
    for queue in &described {
        show(queue, out)?;
    }
    Ok(())
}

fn show(queue: &Value, out: &mut dyn Write) -> Result<()> {
    let fields = ["vhost", "type", "durable", "auto_delete", "exclusive"];
    let fields = fields.map(|field| format!("{field} {}", text(queue, field)));
    writeln!(out, "queue {}  {}", text(queue, "name"), fields.join("  "))?;
    let mut counts = Table::new(&COUNTS.map(|(heading, _)| heading));
    counts.row(COUNTS.map(|(_, field)| text(queue, field)).to_vec());
    counts.write(out)?;
    if let Some(arguments) = queue["arguments"].as_object().filter(|all| !all.is_empty()) {
        let mut table = Table::new(&["argument", "value"]);
        for name in arguments.keys() {
            table.row(vec![name.clone(), text(&queue["arguments"], name)]);
        }
        table.write(out)?;
    }
    // Every queue is bound to the default exchange by its name.
    let bindings = elements(&queue["bindings"])?.iter();
    let bindings: Vec<_> = bindings.filter(|binding| binding["source"] != "").collect();
    if !bindings.is_empty() {
        let mut table = Table::new(&["exchange", "routing key", "arguments"]);
        for binding in bindings {
            let arguments = &binding["arguments"];
            let arguments = match arguments.as_object() {
                Some(all) if !all.is_empty() => arguments.to_string(),
                _ => String::new(),
            };
            table.row(vec![
                text(binding, "source"),
                text(binding, "routing_key"),
                arguments,
            ]);
        }
        table.write(out)?;
    }
    Ok(())
}
