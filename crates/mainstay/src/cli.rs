//! The command line.

pub mod console;
mod nginx;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{Override, Source};
use crate::failure::Failure;

pub use nginx::{NginxArgs, Order};

/// An event log that Kafka clients use unmodified, queues for RabbitMQ clients, and a load balancer for nginx configurations, in one binary.
#[derive(Debug, Parser)]
#[command(
    name = "mainstay",
    version,
    disable_version_flag = true,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    /// Print Mainstay's own version
    #[arg(long, action = clap::ArgAction::Version)]
    version: Option<bool>,
    /// What nginx's command line can ask for instead of serving.
    #[command(flatten)]
    pub nginx: NginxArgs,
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
    /// Run the textbooks' programs against a server of its own, kill parts of it, and tell what survived
    Demo(DemoArgs),
    /// A worker of the demonstration's task queue
    #[command(hide = true)]
    DemoWorker {
        /// Where AMQP is served.
        amqp: String,
        /// Whether it waits to be killed in the middle of its first task.
        #[arg(long)]
        dies: bool,
    },
    /// List everything wrong, unknown, unsupported or ignored in a configuration
    Check(ConfigArgs),
    /// Topics of a running server
    Topic(TopicArgs),
    /// Consumer groups of a running server
    Group(GroupArgs),
    /// Queues of a running server
    Queue(console::QueueArgs),
    /// Users of a running server, as RabbitMQ clients log in
    User(console::UserArgs),
    /// Vhosts of a running server
    Vhost(console::VhostArgs),
    /// What users may do in vhosts of a running server
    Permission(console::PermissionArgs),
    /// Everything that RabbitMQ clients are served with, as RabbitMQ's JSON
    Definitions(console::DefinitionsArgs),
    /// Show what a directive of the configuration does
    Directives {
        /// The directive; without it all names are listed
        name: Option<String>,
    },
}

/// How the demonstration runs.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Leave data, configurations and logs in their temporary directory
    #[arg(long)]
    pub keep: bool,
}

/// The running server that a command asks, and how it tells the answer.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// The server's Kafka address: HOST:PORT, or a port on this machine
    #[arg(
        long,
        global = true,
        value_name = "ADDR",
        default_value = "127.0.0.1:9092"
    )]
    pub server: String,
    /// Print one JSON value instead of text
    #[arg(long, global = true)]
    pub json: bool,
}

/// `mainstay topic …`
#[derive(Debug, Args)]
pub struct TopicArgs {
    /// Whom to ask.
    #[command(flatten)]
    pub server: ServerArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: TopicCommand,
}

/// What to do with topics.
#[derive(Debug, Subcommand)]
pub enum TopicCommand {
    /// List all topics
    List,
    /// Show partitions, offsets and settings of topics
    Describe {
        /// The topics
        #[arg(required = true, value_name = "TOPIC")]
        names: Vec<String>,
    },
    /// Create a topic
    Create {
        /// The topic
        #[arg(value_name = "TOPIC")]
        name: String,
        /// How many partitions; without it the server's `num.partitions`
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
        partitions: Option<i32>,
        /// How many replicas; without it the server's `default.replication.factor`
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i16).range(1..))]
        replication_factor: Option<i16>,
        /// A setting of the topic, as in retention.ms=60000; may be repeated
        #[arg(long = "config", value_name = "NAME=VALUE")]
        configs: Vec<String>,
    },
    /// Delete topics with everything in them
    Delete {
        /// The topics
        #[arg(required = true, value_name = "TOPIC")]
        names: Vec<String>,
    },
    /// Give a topic more partitions
    AddPartitions {
        /// The topic
        #[arg(value_name = "TOPIC")]
        name: String,
        /// How many partitions it shall have in all
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
        total: i32,
    },
}

/// `mainstay group …`
#[derive(Debug, Args)]
pub struct GroupArgs {
    /// Whom to ask.
    #[command(flatten)]
    pub server: ServerArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: GroupCommand,
}

/// What to do with consumer groups.
#[derive(Debug, Subcommand)]
pub enum GroupCommand {
    /// List all groups
    List,
    /// Show members, committed offsets and lag of groups
    Describe {
        /// The groups
        #[arg(required = true, value_name = "GROUP")]
        names: Vec<String>,
    },
}

/// Where the configuration comes from.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgs {
    /// Configuration file in nginx's language, relative to PREFIX; without it Kafka is served on 127.0.0.1:9092 from ./mainstay-data
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Where relative names start from, and, without -c, conf/nginx.conf; without it the working directory
    #[arg(short = 'p', long, value_name = "PREFIX")]
    pub prefix: Option<PathBuf>,
    /// Where messages go if the configuration has no error_log: a file, or stderr
    #[arg(short = 'e', long, value_name = "FILE")]
    pub error_log: Option<String>,
    /// Directives that stand before those of the configuration file
    #[arg(short = 'g', long, value_name = "DIRECTIVES")]
    pub globals: Option<String>,
    /// Directory of the log (overrides `storage`)
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
    /// Where Kafka clients connect: PORT or ADDRESS:PORT (overrides `listen` in `kafka`)
    #[arg(long, value_name = "ADDR")]
    pub kafka: Option<String>,
    /// Where RabbitMQ clients connect (overrides `listen` in `amqp`)
    #[arg(long, value_name = "ADDR")]
    pub amqp: Option<String>,
    /// Where health, metrics and the management API are served (overrides `listen` in `console`)
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
    /// Where the configuration is read from.
    #[must_use]
    pub fn source(&self) -> Source {
        Source {
            file: self.file.clone(),
            prefix: self.prefix.clone(),
            error_log: self.error_log.clone(),
            globals: self.globals.clone(),
        }
    }

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
    // A list follows its heading without more ado.
    format!("{} (see --help)", words.join("; ").replace(":; ", ": "))
}
