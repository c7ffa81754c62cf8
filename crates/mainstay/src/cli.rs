//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::Override;
use crate::failure::Failure;

/// An event log that Kafka clients use unmodified, in one binary.
#[derive(Debug, Parser)]
#[command(name = "mainstay", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// Flags of `serve`, which is what happens where no command is given.
    #[command(flatten)]
    pub serve: ConfigArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until told to stop (the default command)
    Serve(ConfigArgs),
    /// List everything wrong, unknown, unsupported or ignored in a configuration
    Check(ConfigArgs),
    /// Show what a directive of the configuration does
    Directives {
        /// The directive; without it all names are listed
        name: Option<String>,
    },
}

/// Where the configuration comes from.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgs {
    /// Configuration file in nginx's language; without it Kafka is served on 127.0.0.1:9092 from ./mainstay-data
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Directory of the log (overrides `storage`)
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
    /// Where Kafka clients connect: PORT or ADDRESS:PORT (overrides `listen` in `kafka`)
    #[arg(long, value_name = "ADDR")]
    pub kafka: Option<String>,
    /// Where RabbitMQ clients connect (overrides `listen` in `amqp`)
    #[arg(long, value_name = "ADDR")]
    pub amqp: Option<String>,
    /// Where health and metrics are served (overrides `listen` in `console`)
    #[arg(long, value_name = "ADDR")]
    pub console: Option<String>,
    /// How messages are written to standard error: text or json (overrides `log`)
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// Override any directive, as in kafka.num.partitions=4 or kafka.insecure; may be repeated
    #[arg(long = "set", value_name = "BLOCK.DIRECTIVE=VALUE")]
    pub set: Vec<String>,
}

impl ConfigArgs {
    /// What these flags change in a configuration. `--set` comes last, so that it has the last word.
    #[must_use]
    pub fn overrides(&self) -> Vec<Override> {
        let mut overrides = Vec::new();
        if let Some(dir) = &self.data {
            let location = format!("file:{dir}");
            overrides.push(Override::flag("--data", dir, None, "storage", location));
        }
        let listeners = [
            ("kafka", &self.kafka),
            ("amqp", &self.amqp),
            ("console", &self.console),
        ];
        for (block, address) in listeners {
            if let Some(address) = address {
                let flag = format!("--{block}");
                let listen = Override::flag(&flag, address, Some(block), "listen", address.clone());
                overrides.push(listen);
            }
        }
        if let Some(format) = &self.log_format {
            let log = Override::flag("--log-format", format, None, "log", format.clone());
            overrides.push(log);
        }
        overrides.extend(self.set.iter().map(|text| Override::set(text)));
        overrides
    }
}

/// What parsing the command line leads to.
#[derive(Debug)]
pub enum Parsed {
    /// A command to run.
    Run(Box<Cli>),
    /// Text that was asked for (`--help`, `--version`).
    Print(String),
}

/// Parses the process's arguments, the program's name first.
///
/// # Errors
/// [`Failure::Usage`] with one line that says what is wrong.
pub fn parse(args: impl Iterator<Item = std::ffi::OsString>) -> Result<Parsed, Failure> {
    match Cli::try_parse_from(args) {
        Ok(cli) => Ok(Parsed::Run(Box::new(cli))),
        Err(error) if error.use_stderr() => Err(Failure::Usage(one_line(&error.to_string()))),
        Err(error) => Ok(Parsed::Print(error.to_string())),
    }
}

/// clap's message without its usage lines: `error: …` and its tips, in one line.
fn one_line(message: &str) -> String {
    let lines = message.lines().map(str::trim);
    let before_usage = lines.take_while(|line| !line.starts_with("Usage:"));
    let words: Vec<&str> = before_usage
        .map(|line| line.strip_prefix("error: ").unwrap_or(line))
        .filter(|line| !line.is_empty() && !line.starts_with("For more information"))
        .collect();
    format!("{} (see --help)", words.join("; "))
}
