//! The configuration: file and command line in, one immutable value or a list of findings out.
//!
//! Read (`nginx-conf`), overridden by the command line, checked against our tables, then resolved to
//! [`Settings`]. Everything that is wrong is found in one pass. Nothing here opens a socket or touches
//! the storage.

mod directives;
mod docs;
mod nginx;
mod overrides;
mod reader;
mod resolve;

use std::path::Path;

use nginx_conf::{Finding, Spec, Tables, Tree};
use node::settings::Settings;

pub use docs::{directive_help, directive_names, directives_markdown};
pub use overrides::Override;

/// What holds where no file is given, in the file's own words.
pub const BUILT_IN: &str = "\
storage file:./mainstay-data;
kafka   { listen 127.0.0.1:9092; }
amqp    { listen 127.0.0.1:5672; }
console { listen 127.0.0.1:15672; }
";

/// The outcome of reading a configuration.
#[derive(Debug)]
pub struct Outcome {
    /// The settings; `None` where a finding refuses them.
    pub settings: Option<Settings>,
    /// Everything there is to say, in the order of the text. Some findings may only inform.
    pub findings: Vec<Finding>,
}

/// Every directive that is known.
#[must_use]
pub fn tables() -> Tables {
    let ours: [&'static [Spec]; 4] = [
        directives::BLOCKS,
        directives::BROKER,
        directives::BROKER_OTHERS,
        nginx::NGINX,
    ];
    Tables::new(&ours)
}

/// Reads the file, or [`BUILT_IN`] where there is none, with what the command line changes in it.
#[must_use]
pub fn load(file: Option<&Path>, overrides: &[Override]) -> Outcome {
    let tree = match file {
        Some(path) => nginx_conf::load(path, &mut reader::Disk),
        None => {
            let parsed = nginx_conf::parse(BUILT_IN.as_bytes(), "built-in configuration");
            Tree {
                directives: parsed.directives,
                findings: parsed.findings,
            }
        }
    };
    let Tree {
        mut directives,
        mut findings,
    } = tree;
    for change in overrides {
        findings.extend(change.apply(&mut directives));
    }
    let tables = tables();
    findings.extend(nginx_conf::check(&tables, &directives));
    let settings = resolve::resolve(&tables, &directives, &mut findings);
    Finding::sort(&mut findings);
    let refused = findings.iter().any(|finding| finding.verdict.refuses());
    Outcome {
        settings: (!refused).then_some(settings),
        findings,
    }
}

#[cfg(test)]
mod tests;
