//! The libraries under test and how each one is installed.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::dialogue::Program;
use crate::conformance::{folder, python};
use crate::{command, repo};

pub(super) struct Client {
    pub(super) name: &'static str,
    source: Source,
}

enum Source {
    /// A program in `conformance/amqp/`, and the packages that it needs, its subject first.
    Python(&'static str, &'static [&'static str]),
    Node,
    Go,
    Java,
    Rust,
}

pub(super) const CLIENTS: &[Client] = &[
    Client {
        name: "pika",
        source: Source::Python("with_pika.py", &["pika==1.4.4"]),
    },
    Client {
        name: "aio-pika",
        source: Source::Python("with_aio_pika.py", &["aio-pika==10.2.1"]),
    },
    Client {
        name: "py-amqp",
        source: Source::Python("with_py_amqp.py", &["amqp==5.4.2"]),
    },
    Client {
        name: "kombu",
        source: Source::Python("with_kombu.py", &["kombu==5.7.0"]),
    },
    Client {
        name: "amqplib",
        source: Source::Node,
    },
    Client {
        name: "amqp091-go",
        source: Source::Go,
    },
    Client {
        name: "amqp-client (Java)",
        source: Source::Java,
    },
    Client {
        name: "lapin",
        source: Source::Rust,
    },
];

impl Client {
    /// Installs and builds what is not there yet; returns the program and the library's version.
    pub(super) fn install(&self) -> Result<(Program, String)> {
        match self.source {
            Source::Python(file, packages) => {
                let python = python::environment(&format!("amqp-{}", self.name), packages)?;
                let version = packages[0].split("==").nth(1).unwrap_or("unknown");
                let command = vec![python, programs().join(file)];
                Ok((program(command), version.to_owned()))
            }
            Source::Node => node(),
            Source::Go => go(),
            Source::Java => java(),
            Source::Rust => rust(),
        }
    }
}

fn programs() -> PathBuf {
    repo::root().join("conformance/amqp")
}

fn program(command: Vec<PathBuf>) -> Program {
    Program {
        command,
        environment: Vec::new(),
    }
}

/// The text between two others in a file of `conformance/`.
fn between(file: &str, before: &str, after: &str) -> Result<String> {
    let path = repo::root().join("conformance").join(file);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let found = text
        .split_once(before)
        .and_then(|(_, rest)| rest.split_once(after));
    Ok(found
        .with_context(|| format!("{file} names no version"))?
        .0
        .to_owned())
}

fn node() -> Result<(Program, String)> {
    let version = between("amqp/package.json", "\"amqplib\": \"", "\"")?;
    let place = folder().join(format!("amqplib-{version}"));
    let modules = place.join("node_modules");
    if !modules.join("amqplib/package.json").exists() {
        std::fs::create_dir_all(&place)?;
        std::fs::copy(programs().join("package.json"), place.join("package.json"))?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund"]);
        command::run(npm.current_dir(&place)).context("Node with npm")?;
    }
    let command = vec!["node".into(), programs().join("with_amqplib.js")];
    let mut program = program(command);
    program.environment.push(("NODE_PATH", modules));
    Ok((program, version))
}

fn go() -> Result<(Program, String)> {
    let version = between("amqp/go/go.mod", "amqp091-go v", "\n")?;
    let binary = folder().join("amqp091-go-client");
    let mut build = Command::new("go");
    build.args(["build", "-o"]).arg(&binary).arg(".");
    command::run(build.current_dir(programs().join("go"))).context("Go")?;
    Ok((program(vec![binary]), version))
}

fn java() -> Result<(Program, String)> {
    let version = between("amqp/java/pom.xml", "<client.version>", "<")?;
    let place = folder().join(format!("amqp-client-java-{version}"));
    let jars = place.join("jars");
    let classes = place.join("classes");
    let source = programs().join("java");
    if !jars.join(format!("amqp-client-{version}.jar")).exists() {
        let mut maven = Command::new("mvn");
        maven.args(["--quiet", "--batch-mode", "dependency:copy-dependencies"]);
        maven.arg(format!("-DoutputDirectory={}", jars.display()));
        command::run(maven.arg("--file").arg(source.join("pom.xml")))
            .context("Maven, from Debian's package `maven`")?;
    }
    let path = format!("{}/*:{}", jars.display(), classes.display());
    let mut javac = Command::new("javac");
    javac.arg("-d").arg(&classes).args(["-cp", &path]);
    command::run(javac.arg(source.join("WithAmqpClient.java"))).context("a JDK of 17 or later")?;
    let command = ["java", "-cp", &path, "WithAmqpClient"].map(PathBuf::from);
    Ok((program(command.to_vec()), version))
}

fn rust() -> Result<(Program, String)> {
    let target = folder().join("lapin-client");
    let mut build = Command::new(env!("CARGO"));
    build
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(repo::root().join("conformance/lapin/Cargo.toml"));
    command::run(build.arg("--target-dir").arg(&target))?;
    let version = between("lapin/Cargo.lock", "name = \"lapin\"\nversion = \"", "\"")?;
    Ok((program(vec![target.join("debug/lapin-client")]), version))
}
