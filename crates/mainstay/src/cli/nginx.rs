//! What nginx's command line can do beside serving; its letters and meanings.

use clap::{Args, ValueEnum};

/// nginx's flags that are questions and orders. At most one of them is acted on.
#[derive(Debug, Clone, Default, Args)]
pub struct NginxArgs {
    /// Test the configuration and exit
    #[arg(short = 't')]
    pub test: bool,
    /// Test the configuration, print all its files and exit
    #[arg(short = 'T')]
    pub dump: bool,
    /// Say nothing but errors while testing the configuration
    #[arg(short = 'q')]
    pub quiet: bool,
    /// Tell the running server whose process id is in the file that the configuration names
    #[arg(short = 's', value_name = "ORDER")]
    pub order: Option<Order>,
    /// Print the version that nginx's tools expect, to standard error
    #[arg(short = 'v')]
    pub short_version: bool,
    /// The same, and which of nginx's modules are there
    #[arg(short = 'V')]
    pub modules: bool,
}

/// What a running server can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// Stop at once (SIGTERM).
    Stop,
    /// Stop when all connections have ended (SIGQUIT).
    Quit,
    /// Take the configuration anew (SIGHUP).
    Reload,
    /// Open log files anew (SIGUSR1).
    Reopen,
}
