//! The clients under test and how each one is installed and called.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::scenario::{self, CODECS};
use super::{Options, finish, folder, python, report};
use crate::results::{Outcome, Test};
use crate::{command, repo};

/// How a client's program is started; arguments follow.
pub(super) struct Program {
    pub(super) command: Vec<PathBuf>,
    pub(super) version: String,
}

enum Source {
    /// A program in `conformance/clients/`, the package that it tests with its version, and what else it needs.
    Python {
        file: &'static str,
        package: &'static str,
        version: &'static str,
        more: &'static [&'static str],
    },
    /// `conformance/clients/kcat.py` around the Debian package.
    Kcat,
    /// The cargo project `conformance/rdkafka/`.
    Rdkafka,
}

struct Client {
    name: &'static str,
    source: Source,
    codecs: &'static [&'static str],
}

const PYTHON_CODECS: &[&str] = &["python-snappy", "lz4", "zstandard"];

const CLIENTS: &[Client] = &[
    Client {
        name: "kafka-python",
        source: Source::Python {
            file: "kafka_python.py",
            package: "kafka-python",
            version: "3.0.12",
            more: PYTHON_CODECS,
        },
        codecs: CODECS,
    },
    Client {
        name: "kafka-python-1",
        source: Source::Python {
            file: "kafka_python.py",
            package: "kafka-python",
            version: "1.4.7",
            more: &["python-snappy", "lz4"],
        },
        // This release is older than Kafka's zstd.
        codecs: &["none", "gzip", "snappy", "lz4"],
    },
    Client {
        name: "confluent-kafka",
        source: Source::Python {
            file: "confluent.py",
            package: "confluent-kafka",
            version: "2.16.1",
            more: &[],
        },
        codecs: CODECS,
    },
    Client {
        name: "aiokafka",
        source: Source::Python {
            file: "aio.py",
            package: "aiokafka",
            version: "0.14.0",
            more: &["cramjam"],
        },
        codecs: CODECS,
    },
    Client {
        name: "kcat",
        source: Source::Kcat,
        codecs: CODECS,
    },
    Client {
        name: "rdkafka",
        source: Source::Rdkafka,
        codecs: CODECS,
    },
];

pub(super) fn run(options: &Options) -> Result<()> {
    let mut versions = vec![(options.server.word().to_owned(), options.server.prepare()?)];
    let mut tests = Vec::new();
    for client in CLIENTS.iter().filter(|client| options.chooses(client.name)) {
        let ran = match client.source.install(client.name) {
            Ok(program) => {
                let subject = format!("{} {}", client.name.trim_end_matches("-1"), program.version);
                versions.push((client.name.to_owned(), program.version.clone()));
                println!("{subject} against {}", options.server.word());
                scenario::run(
                    options.server,
                    client.name,
                    &subject,
                    &program,
                    client.codecs,
                )?
            }
            Err(error) => vec![Test {
                subject: Some(client.name.to_owned()),
                name: "install".into(),
                outcome: Outcome::Skipped,
                seconds: 0.0,
                detail: Some(format!("{error:#}")),
            }],
        };
        ran.iter().for_each(report);
        tests.extend(ran);
    }
    finish("clients", options, versions, tests)
}

impl Source {
    fn install(&self, name: &str) -> Result<Program> {
        let programs = repo::root().join("conformance/clients");
        match self {
            Source::Python {
                file,
                package,
                version,
                more,
            } => {
                let pinned = format!("{package}=={version}");
                let packages: Vec<&str> = std::iter::once(pinned.as_str())
                    .chain(more.iter().copied())
                    .collect();
                let python = python::environment(name, &packages)?;
                Ok(Program {
                    command: vec![python, programs.join(file)],
                    version: (*version).to_owned(),
                })
            }
            Source::Kcat => {
                let version = kcat()?;
                Ok(Program {
                    command: vec!["python3".into(), programs.join("kcat.py")],
                    version,
                })
            }
            Source::Rdkafka => {
                let target = folder().join("rdkafka");
                let manifest = repo::root().join("conformance/rdkafka/Cargo.toml");
                let mut build = Command::new(env!("CARGO"));
                build
                    .args(["build", "--quiet", "--locked", "--manifest-path"])
                    .arg(&manifest);
                command::run(build.arg("--target-dir").arg(&target))?;
                let mut tree = Command::new(env!("CARGO"));
                tree.args([
                    "tree",
                    "--depth=0",
                    "--prefix=none",
                    "--package=rdkafka",
                    "--manifest-path",
                ]);
                let tree = command::run_quietly(tree.arg(&manifest))?;
                let version = tree
                    .split_whitespace()
                    .nth(1)
                    .unwrap_or("unknown")
                    .trim_start_matches('v')
                    .to_owned();
                Ok(Program {
                    command: vec![target.join("debug/rdkafka-client")],
                    version,
                })
            }
        }
    }
}

/// Installs Debian's kcat where this may be done; returns its version.
fn kcat() -> Result<String> {
    let ask = || command::run_quietly(Command::new("kcat").arg("-V"));
    let said = ask().or_else(|_| {
        command::run_quietly(Command::new("apt-get").args(["install", "--yes", "kcat"]))?;
        ask()
    })?;
    let version = said
        .split_once("Version ")
        .map_or("unknown", |(_, rest)| rest);
    Ok(version
        .split_whitespace()
        .next()
        .unwrap_or("unknown")
        .to_owned())
}
