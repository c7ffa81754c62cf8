//! The commands that ask a running server's console.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// The running server that a command asks, as whom, and how it tells the answer.
#[derive(Debug, Args)]
pub struct ConsoleArgs {
    /// The server's console: HOST:PORT, or a port on this machine
    #[arg(
        long,
        global = true,
        value_name = "ADDR",
        env = "MAINSTAY_CONSOLE",
        default_value = "127.0.0.1:15672"
    )]
    pub server: String,
    /// As whom to ask
    #[arg(
        long,
        short = 'u',
        global = true,
        value_name = "USER",
        env = "MAINSTAY_USERNAME",
        default_value = "guest"
    )]
    pub username: String,
    /// File with that user's password; without it the environment's MAINSTAY_PASSWORD, or guest for guest
    #[arg(long, global = true, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Print one JSON value instead of text
    #[arg(long, global = true)]
    pub json: bool,
}

/// The vhost that a command is about.
#[derive(Debug, Args)]
pub struct InVhost {
    /// The vhost
    #[arg(long, value_name = "VHOST", default_value = "/")]
    pub vhost: String,
}

/// A new password.
#[derive(Debug, Args)]
pub struct NewPassword {
    /// The user's password; without it one line is read from standard input, since other users of this machine can
    /// see command lines
    #[arg(long, value_name = "PASSWORD")]
    pub password: Option<String>,
}

/// `mainstay user …`
#[derive(Debug, Args)]
pub struct UserArgs {
    /// Whom to ask.
    #[command(flatten)]
    pub console: ConsoleArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: UserCommand,
}

/// What to do with users.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// List all users
    List,
    /// Add a user; it may do nothing until it has a permission
    Add {
        /// The user
        #[arg(value_name = "USER")]
        name: String,
        /// Its password.
        #[command(flatten)]
        password: NewPassword,
        /// What it is to the console: administrator, monitoring, policymaker, management
        #[arg(long, value_name = "TAG", value_delimiter = ',')]
        tags: Vec<String>,
    },
    /// Change a user's password
    Passwd {
        /// The user
        #[arg(value_name = "USER")]
        name: String,
        /// Its new password.
        #[command(flatten)]
        password: NewPassword,
    },
    /// Replace a user's tags; without any it has none
    Tags {
        /// The user
        #[arg(value_name = "USER")]
        name: String,
        /// The tags
        #[arg(value_name = "TAG")]
        tags: Vec<String>,
    },
    /// Delete users and their permissions
    Delete {
        /// The users
        #[arg(required = true, value_name = "USER")]
        names: Vec<String>,
    },
}

/// `mainstay vhost …`
#[derive(Debug, Args)]
pub struct VhostArgs {
    /// Whom to ask.
    #[command(flatten)]
    pub console: ConsoleArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: VhostCommand,
}

/// What to do with vhosts.
#[derive(Debug, Subcommand)]
pub enum VhostCommand {
    /// List all vhosts
    List,
    /// Add vhosts
    Add {
        /// The vhosts
        #[arg(required = true, value_name = "VHOST")]
        names: Vec<String>,
    },
    /// Delete vhosts with everything in them
    Delete {
        /// The vhosts
        #[arg(required = true, value_name = "VHOST")]
        names: Vec<String>,
    },
}

/// `mainstay permission …`
#[derive(Debug, Args)]
pub struct PermissionArgs {
    /// Whom to ask.
    #[command(flatten)]
    pub console: ConsoleArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: PermissionCommand,
}

/// What to do with permissions.
#[derive(Debug, Subcommand)]
pub enum PermissionCommand {
    /// List the permissions of all users in all vhosts
    List,
    /// Set what a user may do; each pattern is a regular expression for names of exchanges and queues
    Set {
        /// The user
        #[arg(value_name = "USER")]
        user: String,
        /// Names that it may declare and delete, as in ".*"
        configure: String,
        /// Names that it may publish and bind to
        write: String,
        /// Names that it may consume and bind from
        read: String,
        /// Where.
        #[command(flatten)]
        vhost: InVhost,
    },
    /// Let users do nothing in a vhost any more
    Clear {
        /// The users
        #[arg(required = true, value_name = "USER")]
        users: Vec<String>,
        /// Where.
        #[command(flatten)]
        vhost: InVhost,
    },
}

/// `mainstay queue …`
#[derive(Debug, Args)]
pub struct QueueArgs {
    /// Whom to ask.
    #[command(flatten)]
    pub console: ConsoleArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: QueueCommand,
}

/// What to do with queues.
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// List queues
    List {
        /// Only those of this vhost; without it all that the user may see
        #[arg(long, value_name = "VHOST")]
        vhost: Option<String>,
    },
    /// Show settings, messages and bindings of queues
    Describe {
        /// The queues
        #[arg(required = true, value_name = "QUEUE")]
        names: Vec<String>,
        /// Where.
        #[command(flatten)]
        vhost: InVhost,
    },
    /// Declare a queue; it is durable where nothing else is said
    Declare {
        /// The queue
        #[arg(value_name = "QUEUE")]
        name: String,
        /// Where.
        #[command(flatten)]
        vhost: InVhost,
        /// Its type; without it the server's default
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<QueueType>,
        /// Gone after a restart
        #[arg(long)]
        transient: bool,
        /// Gone with its last consumer
        #[arg(long)]
        auto_delete: bool,
        /// An argument, as in x-max-length=1000; what is no JSON is taken as text; may be repeated
        #[arg(long = "argument", value_name = "NAME=VALUE")]
        arguments: Vec<String>,
    },
    /// Delete queues with everything in them
    Delete {
        /// The queues
        #[arg(required = true, value_name = "QUEUE")]
        names: Vec<String>,
        /// Where.
        #[command(flatten)]
        vhost: InVhost,
        /// Only where nobody consumes from it
        #[arg(long)]
        if_unused: bool,
        /// Only where nothing is in it
        #[arg(long)]
        if_empty: bool,
    },
    /// Remove the messages that wait in queues
    Purge {
        /// The queues
        #[arg(required = true, value_name = "QUEUE")]
        names: Vec<String>,
        /// Where.
        #[command(flatten)]
        vhost: InVhost,
    },
}

/// `x-queue-type`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QueueType {
    /// The usual one
    Classic,
    /// With a delivery limit and delivery counts
    Quorum,
    /// A Kafka topic
    Stream,
}

/// `mainstay definitions …`
#[derive(Debug, Args)]
pub struct DefinitionsArgs {
    /// Whom to ask.
    #[command(flatten)]
    pub console: ConsoleArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: DefinitionsCommand,
}

/// What to do with definitions.
#[derive(Debug, Subcommand)]
pub enum DefinitionsCommand {
    /// Write users, vhosts, permissions, exchanges, queues and bindings to a file; password hashes are among them
    Export {
        /// The file; without it standard output
        file: Option<PathBuf>,
        /// Only exchanges, queues and bindings of this vhost
        #[arg(long, value_name = "VHOST")]
        vhost: Option<String>,
    },
    /// Make everything that a file of RabbitMQ or Mainstay defines; what is there already stays
    Import {
        /// The file; - is standard input
        file: PathBuf,
        /// Exchanges, queues and bindings of one vhost, into this one
        #[arg(long, value_name = "VHOST")]
        vhost: Option<String>,
        /// Leave out what Mainstay does not have (policies, parameters, …) and say so, instead of importing nothing
        #[arg(long)]
        leave_out_unsupported: bool,
    },
}
