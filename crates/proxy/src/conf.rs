//! From a tree of directives to what the data path runs on.
//!
//! Each nginx module of ours has one file with a table of [`Row`]s: what a directive looks like ([`nginx_conf::Spec`])
//! and the function that takes it in. [`resolve`] walks the blocks, hands each directive to its row, and gives out one
//! immutable value. A child block starts as a copy of its parent *after* all of the parent's plain directives, which is
//! nginx's inheritance; lists are replaced by the first directive at their own level ([`List`]).
//!
//! Nothing is opened, bound or looked up here, but files that belong to the configuration (certificates, passwords).

mod cx;
pub(crate) mod error_log;
mod known;
mod list;
mod main;
mod row;
mod value;

pub(crate) use cx::Cx;
pub(crate) use list::{Level, List};
pub(crate) use row::{Apply, Done, Row, contexts};
pub(crate) use value::{flag, number, size, time, word};

use std::sync::Arc;

use nginx_conf::{Directive, Finding, Spec};

use crate::log::{Errors, Logs};
use crate::net::Endpoint;
use crate::{http, stream};

pub use error_log::{ErrorLog, LogTarget, Severity};
pub use main::Main;

/// What the whole proxy runs on.
#[derive(Debug)]
pub struct Config {
    /// What stands outside of the blocks.
    pub main: Main,
    /// The HTTP face; `None` where there is no `http` block.
    pub(crate) http: Option<Arc<http::Config>>,
    /// The files of all logs.
    pub(crate) logs: Logs,
    /// Where errors outside of the faces go.
    pub(crate) errors: Errors,
    /// The TCP face; `None` where there is no `stream` block.
    pub(crate) stream: Option<Arc<stream::Config>>,
}

impl Config {
    /// Whether there is anything to serve.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.http.is_none() && self.stream.is_none()
    }
}

/// Where relative names in a configuration start from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// `-p`: logs, roots and most other files.
    pub prefix: std::path::PathBuf,
    /// The directory of the configuration file: certificates, keys, password files.
    pub conf_dir: std::path::PathBuf,
    /// Whether nginx's default access log, `logs/access.log`, holds: where the prefix is nginx's own, given by `-p`.
    pub logs: bool,
    /// How the name of a topic is judged; `None` where there is no log whose topics access logs could go to.
    pub topics: Option<JudgeTopic>,
}

/// Says what is wrong with the name of a topic.
pub type JudgeTopic = fn(&str) -> Result<(), &'static str>;

/// Every directive of the balancer, for checks and documentation.
pub fn specs() -> impl Iterator<Item = &'static Spec> {
    rows().map(|row| &row.spec)
}

fn rows() -> impl Iterator<Item = &'static Row> {
    let tables = [main::ROWS]
        .into_iter()
        .chain(http::tables())
        .chain(stream::tables())
        .chain(known::TABLES);
    tables.flatten()
}

/// Resolves a tree that was checked against [`specs`]. What is wrong is added to `findings`; the value is to be used only
/// where none of them refuses.
#[must_use]
pub fn resolve(directives: &[Directive], origin: &Origin, findings: &mut Vec<Finding>) -> Config {
    let mut cx = Cx::new(rows(), origin, findings);
    let mut main = Main::default();
    for directive in directives {
        if let Some((row, Apply::Main(apply))) = cx.row(directive, nginx_conf::MAIN) {
            let done = apply(&mut main, directive, &mut cx);
            cx.settle(row, directive, done);
        }
    }
    cx.errors = errors(&main, &mut cx);
    let block = |name: &str| {
        let mut blocks = directives
            .iter()
            .filter(|directive| directive.name.text == name);
        blocks
            .next()
            .and_then(|directive| directive.block.as_deref())
    };
    let http = block("http").map(|inside| Arc::new(http::resolve(inside, &mut cx)));
    let stream = block("stream").map(|inside| Arc::new(stream::resolve(inside, &mut cx)));
    if let (Some(http), Some(stream)) = (&http, &stream) {
        check_addresses(http, stream, &mut cx);
    }
    Config {
        main,
        http,
        stream,
        logs: std::mem::take(&mut cx.logs),
        errors: cx.errors,
    }
}

/// One address cannot be of both faces: the system would give its connections to either.
fn check_addresses(http: &http::Config, stream: &stream::Config, cx: &mut Cx<'_>) {
    let chosen_by_system = |address: &Endpoint| address.ip().is_some_and(|ip| ip.port() == 0);
    for port in stream.ports.iter().filter(|port| !port.spec.udp) {
        let address = &port.spec.address;
        let mut others = http.ports.iter();
        let is_taken = others.any(|other| other.spec.address == *address);
        if let Some(place) = &port.default.place
            && is_taken
            && !chosen_by_system(address)
        {
            cx.wrong_at(place, format!("{address} is listened on by http, too"));
        }
    }
}

fn errors(main: &Main, cx: &mut Cx<'_>) -> Errors {
    let logs = main.error_log.iter();
    Errors::new(
        logs.map(|log| (log.level, cx.logs.file(log.target.clone())))
            .collect(),
    )
}
