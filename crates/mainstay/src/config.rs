//! The configuration: files and command line in, one immutable value or a list of findings out.
//!
//! Read (`nginx-conf`), overridden by the command line, checked against our tables, then resolved to a
//! [`Plan`]. Everything that is wrong is found in one pass. Nothing here opens a socket or touches
//! the storage.

mod directives;
mod docs;
mod fragment;
mod nginx;
mod overrides;
mod reader;
mod resolve;
mod source;
mod tables;

use std::path::PathBuf;

use nginx_conf::{Finding, Tree};
use node::settings::Settings;

pub use docs::{directive_help, directive_names, directives_markdown};
pub use overrides::Override;
pub use source::Source;
pub use tables::tables;

/// What holds where no file is given, in the file's own words.
pub const BUILT_IN: &str = "\
storage file:./mainstay-data;
kafka   { listen 127.0.0.1:9092; }
amqp    { listen 127.0.0.1:5672; }
console { listen 127.0.0.1:15672; }
";

/// What the process is to be.
#[derive(Debug)]
pub struct Plan {
    /// The log and the faces that serve it; there may be none.
    pub settings: Settings,
    /// The balancer, which may have nothing to serve; `None` once it was taken out.
    pub balancer: Option<proxy::Config>,
    /// Where the process's own messages go, in nginx's form; where it is empty, to standard error in Mainstay's own.
    pub error_log: Vec<proxy::ErrorLog>,
    /// The file with the process id.
    pub pid: Option<Pid>,
    /// How long a graceful stop may take; `None` for as long as connections last.
    pub shutdown_timeout: Option<std::time::Duration>,
}

/// The file with the process id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pid {
    /// Its path.
    pub path: PathBuf,
    /// Whether a directive names it; otherwise it is nginx's default, which is written only where its directory is there.
    pub named: bool,
}

/// The outcome of reading a configuration.
#[derive(Debug)]
pub struct Outcome {
    /// What to be; `None` where a finding refuses it.
    pub plan: Option<Plan>,
    /// Everything there is to say, in the order of the text. Some findings may only inform.
    pub findings: Vec<Finding>,
    /// The files that were read, each once, in the order in which they were first read.
    pub files: Vec<(PathBuf, Vec<u8>)>,
}

/// Reads what `source` names, or [`BUILT_IN`] where that is nothing, with what the command line changes in it.
#[must_use]
pub fn load(source: &Source, overrides: &[Override]) -> Outcome {
    let mut disk = reader::Disk::default();
    let tree = match source.main_file() {
        Some(path) => nginx_conf::load(&path, &mut disk),
        None => {
            let parsed = nginx_conf::parse(BUILT_IN.as_bytes(), "built-in configuration");
            Tree {
                directives: parsed.directives,
                findings: parsed.findings,
            }
        }
    };
    let mut findings = tree.findings;
    // As in nginx these stand before the file.
    let (mut directives, globals) = source.globals();
    directives.extend(tree.directives);
    findings.extend(globals);
    directives.extend(source.error_log(&directives));
    for change in overrides {
        findings.extend(change.apply(&mut directives));
    }
    let tables = tables();
    fragment::complete(&tables, &mut directives);
    findings.extend(nginx_conf::check(&tables, &directives));
    let plan = resolve::plan(&tables, &directives, source, &mut findings);
    Finding::sort(&mut findings);
    let refused = findings.iter().any(|finding| finding.verdict.refuses());
    Outcome {
        plan: (!refused).then_some(plan),
        findings,
        files: disk.into_files(),
    }
}

#[cfg(test)]
mod tests;
