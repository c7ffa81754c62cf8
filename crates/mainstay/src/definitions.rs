//! `mainstay definitions …`: what RabbitMQ clients are served with, in RabbitMQ's JSON.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cli::console::{DefinitionsArgs, DefinitionsCommand};
use crate::console::Console;
use crate::failure::Failure;
use crate::outcome::done;

/// Longest file in bytes that the console takes.
const FILE_LEN_MAX: u64 = 20 << 20;

/// Runs the command and prints its outcome.
///
/// # Errors
/// Where a file cannot be used, the server cannot be reached or refuses, or the outcome cannot be printed.
pub fn run(args: &DefinitionsArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let console = Console::open(&args.console)?;
    let json = args.console.json;
    match &args.command {
        DefinitionsCommand::Export { file, vhost } => {
            let (what, path) = place(vhost.as_deref());
            let definitions = console.get(&what, &path)?;
            let text = serde_json::to_string_pretty(&definitions).map_err(anyhow::Error::from)?;
            match file {
                Some(file) => {
                    save(file, &text)?;
                    done(out, json, "exported", &[file.display().to_string()])?;
                }
                None => writeln!(out, "{text}")?,
            }
        }
        DefinitionsCommand::Import {
            file,
            vhost,
            leave_out_unsupported,
        } => {
            let text = load(file)?;
            let (what, path) = place(vhost.as_deref());
            let query = if *leave_out_unsupported {
                "unsupported=leave-out"
            } else {
                ""
            };
            let answer = console.post(&what, &path, query, text).map_err(hint)?;
            let left_out: Vec<String> = answer.body["left_out"]
                .as_array()
                .map(|all| {
                    all.iter()
                        .filter_map(Value::as_str)
                        .map(str::to_owned)
                        .collect()
                })
                .unwrap_or_default();
            if json {
                let file = file.display().to_string();
                let outcome = serde_json::json!({ "imported": [file], "left_out": left_out });
                writeln!(out, "{outcome}")?;
            } else {
                done(out, json, "imported", &[file.display().to_string()])?;
                done(out, json, "left out", &left_out)?;
            }
        }
    }
    Ok(())
}

fn place(vhost: Option<&str>) -> (String, Vec<&str>) {
    let what = vhost.map_or("definitions".to_owned(), |vhost| format!("vhost {vhost}"));
    (what, std::iter::once("definitions").chain(vhost).collect())
}

/// The server names its query parameter, users of the command want its flag.
fn hint(error: anyhow::Error) -> anyhow::Error {
    let text = error.to_string();
    let query = "with ?unsupported=leave-out the rest would be";
    match text.contains(query) {
        true => anyhow::anyhow!(text.replace(query, "--leave-out-unsupported imports the rest")),
        false => error,
    }
}

/// Password hashes are in it, so that only its owner may read a new file.
fn save(file: &Path, text: &str) -> Result<()> {
    const OWNER_ONLY: u32 = 0o600;
    let name = file.display();
    let opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(OWNER_ONLY)
        .open(file);
    let mut opened = opened.with_context(|| format!("{name}"))?;
    writeln!(opened, "{text}").with_context(|| format!("{name}"))
}

fn load(file: &Path) -> Result<String> {
    let name = file.display();
    let mut text = String::new();
    let read = if file == Path::new("-") {
        io::stdin().take(FILE_LEN_MAX + 1).read_to_string(&mut text)
    } else {
        let opened = std::fs::File::open(file).with_context(|| format!("{name}"))?;
        opened.take(FILE_LEN_MAX + 1).read_to_string(&mut text)
    };
    read.with_context(|| format!("{name}"))?;
    ensure!(
        text.len() as u64 <= FILE_LEN_MAX,
        "{name} is longer than {FILE_LEN_MAX} bytes"
    );
    Ok(text)
}
