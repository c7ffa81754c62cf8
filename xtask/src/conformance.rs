//! Stock clients and peers' own test suites against a running server.
//!
//! Each suite installs what it needs below `target/conformance/` from the package registries, starts the server
//! under test itself, prints a table and writes `bench/results/conformance-*.json`. The same suites run against
//! Apache Kafka and RabbitMQ: what fails there too says something about the test and not about the server.

mod amqp_clients;
mod celery;
mod clients;
mod kafka_python;
mod kombu;
mod lapin;
mod librdkafka;
mod member;
mod nginx;
mod one_log;
mod pika;
mod pytest;
mod python;
mod scenario;
mod smuggling;
mod textbook;
mod textbook_nginx;
mod textbook_rabbitmq;

pub(crate) use nginx::{NginxFile, NginxSuite};

use std::path::PathBuf;

use anyhow::{Result, ensure};

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
    /// The textbook's RabbitMQ program, completed: a queue of tasks, routing by topic, publish and subscribe.
    TextbookRabbitmq(Options),
    /// Celery: three workers, one of them killed, an ETA task and a long one among the tasks.
    Celery(Options),
    /// Today's RabbitMQ clients through the scenarios of conformance/amqp.
    AmqpClients(Options),
    /// pika's own acceptance tests (PIKA_SRC names a checkout, which only has them; the port is 5672).
    Pika(Options),
    /// kombu's own integration tests of py-amqp (KOMBU_SRC names a checkout to use in place of PyPI's).
    Kombu(Options),
    /// lapin's own tests, as they come inside the crate.
    Lapin(Options),
    /// The textbook's load balancer and its variants (the ports are 8000 to 8003).
    TextbookNginx(textbook_nginx::Options),
    /// Ambiguous requests, raw through the balancer to a real nginx and a Node server.
    Smuggling(smuggling::Options),
    /// nginx's own test suite, the files about proxying and balancing, from a copy that NGINX_TESTS names.
    Nginx(nginx::Options),
    /// A stream queue that is a topic: written by pika and read by kafka-python, and the other way round.
    OneLog(Options),
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
        Which::Textbook(options) => textbook::run(on_kafka(options)?),
        Which::Clients(options) => clients::run(on_kafka(options)?),
        Which::KafkaPython(options) => kafka_python::run(on_kafka(options)?),
        Which::Librdkafka(options) => librdkafka::run(on_kafka(options)?),
        Which::TextbookRabbitmq(options) => textbook_rabbitmq::run(on_amqp(options)?),
        Which::Celery(options) => celery::run(on_amqp(options)?),
        Which::AmqpClients(options) => amqp_clients::run(on_amqp(options)?),
        Which::Pika(options) => pika::run(on_amqp(options)?),
        Which::Kombu(options) => kombu::run(on_amqp(options)?),
        Which::Lapin(options) => lapin::run(on_amqp(options)?),
        Which::TextbookNginx(options) => textbook_nginx::run(options),
        Which::Smuggling(options) => smuggling::run(options),
        Which::Nginx(options) => nginx::run(options),
        Which::OneLog(options) => one_log::run(on_kafka(on_amqp(options)?)?),
    }
}

fn on_kafka(options: &Options) -> Result<&Options> {
    let server = options.server;
    ensure!(server.speaks_kafka(), "{} has no topics", server.word());
    Ok(options)
}

fn on_amqp(options: &Options) -> Result<&Options> {
    let server = options.server;
    ensure!(server.speaks_amqp(), "{} has no queues", server.word());
    Ok(options)
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

/// A fresh server with an AMQP listener on this port, or on a free one.
fn amqp_spec(kind: Kind, name: &str, port: Option<u16>) -> Result<Spec> {
    let data = fresh_data(&format!("{name}-{}", kind.word()))?;
    Spec::new(kind, data)?.with_amqp(port)
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
