//! Stock clients and peers' own test suites against a running server.
//!
//! Each suite installs what it needs below `target/conformance/` from the package registries, starts the server
//! under test itself, prints a table and writes `bench/results/conformance-*.json`. The same suites run against
//! Apache Kafka: what fails there too says something about the test and not about the server.

mod clients;
mod kafka_python;
mod librdkafka;
mod member;
mod python;
mod scenario;
mod textbook;

use std::path::PathBuf;

use anyhow::Result;

use crate::repo;
use crate::results::{self, Outcome, Provenance, Suite, Test};
use crate::server::{Kind, Spec};

/// Arguments of `cargo xtask conformance`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    suite: Which,
}

#[derive(clap::Subcommand)]
enum Which {
    /// The textbook's first program, on kafka-python 1.4.7 (the server listens on port 9092).
    Textbook(Options),
    /// Today's clients: produce, group, takeover, commit, resume after a kill -9 of the server.
    Clients(Options),
    /// kafka-python's own integration tests (KAFKA_PYTHON_SRC names a checkout to use in place of PyPI's).
    KafkaPython(Options),
    /// librdkafka's own tests, as they come inside the crate rdkafka-sys.
    Librdkafka(Options),
}

#[derive(clap::Args)]
struct Options {
    /// The server under test.
    #[arg(long, value_enum, default_value = "mainstay")]
    server: Kind,
    /// Only tests or clients whose name contains this; the results are printed and not written.
    #[arg(long)]
    only: Option<String>,
}

impl Options {
    fn chooses(&self, name: &str) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| name.contains(only.as_str()))
    }

    /// Name of the suite's result file for this server.
    fn file(&self, suite: &str) -> String {
        match self.server {
            Kind::Mainstay => format!("conformance-{suite}"),
            other => format!("conformance-{suite}-{}", other.word()),
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.suite {
        Which::Textbook(options) => textbook::run(options),
        Which::Clients(options) => clients::run(options),
        Which::KafkaPython(options) => kafka_python::run(options),
        Which::Librdkafka(options) => librdkafka::run(options),
    }
}

/// Everything that suites install, build or write goes below this folder.
fn folder() -> PathBuf {
    repo::target().join("conformance")
}

/// How a client's own test suite expects a server to be set up.
fn suite_spec(kind: Kind, name: &str) -> Result<Spec> {
    let spec = Spec::new(kind, fresh_data(&format!("{name}-{}", kind.word()))?)?
        .set("group.min.session.timeout.ms", "1000");
    Ok(match kind {
        Kind::Mainstay | Kind::Rabbitmq => spec,
        Kind::ApacheKafka => spec
            .set(
                "authorizer.class.name",
                "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            )
            .set("allow.everyone.if.no.acl.found", "true"),
    })
}

/// An empty folder for a server's data.
fn fresh_data(name: &str) -> Result<PathBuf> {
    let data = folder().join("data").join(name);
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    std::fs::create_dir_all(&data)?;
    Ok(data)
}

/// Prints the totals and, unless only a part was run, writes the result file.
fn finish(
    suite: &str,
    options: &Options,
    versions: Vec<(String, String)>,
    mut tests: Vec<Test>,
) -> Result<()> {
    // What a test says may name files; where this checkout stands is nobody's business.
    let root = repo::root().display().to_string() + "/";
    for detail in tests.iter_mut().filter_map(|test| test.detail.as_mut()) {
        *detail = detail.replace(&root, "");
    }
    let count = |outcome: Outcome| tests.iter().filter(|test| test.outcome == outcome).count();
    println!(
        "{suite} against {}: {} passed, {} failed, {} timed out, {} skipped by themselves",
        options.server.word(),
        count(Outcome::Passed),
        count(Outcome::Failed),
        count(Outcome::TimedOut),
        count(Outcome::Skipped),
    );
    if options.only.is_some() {
        return Ok(());
    }
    let command = match options.server {
        Kind::Mainstay => format!("conformance {suite}"),
        other => format!("conformance {suite} --server {}", other.word()),
    };
    let provenance = Provenance::now(&command, versions)?;
    let server = options.server.word().to_owned();
    results::write(
        &options.file(suite),
        &Suite {
            suite: suite.to_owned(),
            server,
            provenance,
            tests,
        },
    )
}

/// Prints one test as it ends.
fn report(test: &Test) {
    let subject = test.subject.as_deref().unwrap_or_default();
    let outcome = match test.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "FAILED",
        Outcome::Skipped => "skipped",
        Outcome::TimedOut => "TIMED OUT",
    };
    println!(
        "{subject:<24} {:<40} {outcome:<10} {:>7.1} s  {}",
        test.name,
        test.seconds,
        test.detail
            .as_deref()
            .unwrap_or_default()
            .lines()
            .next()
            .unwrap_or_default()
    );
}
